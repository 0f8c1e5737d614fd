// What RocksDB gives back: values with a right checksum, keys, and positions in listings. The first byte says what the
// rest is taken for.
#include <string>
#include <utility>
#include <vector>

#include "fuzz/fuzzer.hpp"
#include "storage/common/listing.hpp"
#include "storage/rocksdb/codec.hpp"
#include "storage/rocksdb/keys.hpp"

namespace settle::fuzz {
namespace {

// `decode` and `encode` are those of one kind of value. `content`: all but the checksum.
template <class Decode, class Encode, class Same>
void check_value(const std::string& key, std::string_view content, Decode decode, Encode encode, Same same) {
  const auto read = decode(key, sealed(key, std::string(content)));
  if (!read) {
    check(read.error().code == Code::internal, "a damaged value is nobody's fault but ours");
    check_error_text(read.error().message);
    return;
  }
  const auto again = decode(key, encode(key, read.value()));
  check(static_cast<bool>(again), "a value that is written anew can be read");
  check(same(read.value(), again.value()), "a value that is written anew is the same");
  check(!decode(key, sealed(key, std::string(content) + '\0')), "nothing may follow a value");
  check(!decode(key + "x", sealed(key, std::string(content))), "a value under another key is refused");
}

template <class Decode, class Encode>
void check_value(const std::string& key, std::string_view content, Decode decode, Encode encode) {
  check_value(key, content, decode, encode, [](const auto& one, const auto& other) { return one == other; });
}

void check_gid_record(std::string_view content) {
  check_value(
      gid_key("gid"), content, decode_gid_record,
      [](const std::string& key, const GidRecord& record) {
        if (!record.definition) return encode_purged(key, record.purged_status, record.purged_at_ms);
        return encode_definition(key, record.id, *record.definition);
      },
      [](const GidRecord& one, const GidRecord& other) {
        return one.id == other.id && one.definition == other.definition && one.purged_status == other.purged_status &&
               one.purged_at_ms == other.purged_at_ms;
      });
  const std::string key = gid_key("gid");
  const auto read = decode_gid_record(key, sealed(key, std::string(content)));
  if (!read || !read.value().definition) return;
  const Definition& definition = *read.value().definition;
  for (std::size_t row = 0; row < definition.branches.size(); ++row) branch_at(definition, {}, row);
  if (const auto valid = validate(definition); !valid) check_error_text(valid.error().message);
}

void check_key(std::string_view key) {
  check(!describe_key(key).empty(), "every key can be told");
  for (const KeyKind kind : {KeyKind::unfinished, KeyKind::finished, KeyKind::key_value}) {
    const auto id = id_of(kind, key);
    if (!id) continue;
    const std::string again = kind == KeyKind::unfinished ? unfinished_key(*id)
                              : kind == KeyKind::finished ? finished_key(*id)
                                                          : key_value_key(*id);
    check(again == key, "a key that is written anew is the same");
  }
  if (const auto run = parse_part_key(KeyKind::run, key)) check(run_key(run->id, run->number) == key, "of a run");
  if (const auto part = parse_part_key(KeyKind::registration, key)) {
    check(registration_key(part->id, part->number) == key, "of a registration");
  }
  if (const auto name = parse_key_value_name_key(key)) {
    check(key_value_name_key(name->category, name->key) == key, "of a key-value's name");
  }
  if (const auto purged = parse_purge_time_key(key)) {
    check(purge_time_key(purged->time_ms, purged->gid) == key, "of a purged gid");
  }
}

void check_position(const std::string& text) {
  for (const char letter : {kScanPosition, kKeyValuePosition}) {
    const auto id = parse_position(letter, text);
    if (!id) return check(id.error().code == Code::invalid, "a position is the client's");
    check(text.empty() || position_after(letter, id.value()) == text, "a position that is written anew is the same");
  }
}

}  // namespace

void run(std::string_view bytes) {
  Input input(bytes);
  const std::uint8_t kind = input.byte() % 8;
  const std::string_view content = input.rest();
  switch (kind) {
    case 0:
      return check_gid_record(content);
    case 1:
      return check_value(unfinished_key(7), content, decode_state, encode_state);
    case 2:
      return check_value(run_key(7, 32), content, decode_run, encode_run);
    case 3:
      return check_value(registration_key(7, 3), content, decode_registration, encode_registration);
    case 4:
      return check_value(key_value_key(9), content, decode_key_value, encode_key_value);
    case 5:
      return check_value(next_id_key(), content, decode_number, encode_number);
    case 6:
      return check_key(content);
    default:
      return check_position(std::string(content));
  }
}

}  // namespace settle::fuzz
