#include "storage/rocksdb/keys.hpp"

#include <cstddef>

namespace settle {
namespace {

constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kNumberBytes = 4;

std::string key_of(KeyKind kind) { return std::string(1, static_cast<char>(kind)); }

template <class Unsigned>
void append_big_endian(std::string& key, Unsigned value) {
  for (std::size_t shift = sizeof value * 8; shift > 0; shift -= 8) {
    key.push_back(static_cast<char>((value >> (shift - 8)) & 0xFF));
  }
}

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char byte : bytes) value = (value << 8) | static_cast<std::uint8_t>(byte);
  return value;
}

// Flipping the sign bit puts negative numbers before the others in byte order.
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;
std::uint64_t ordered(std::int64_t value) { return static_cast<std::uint64_t>(value) ^ kSignBit; }
std::int64_t from_ordered(std::uint64_t value) { return static_cast<std::int64_t>(value ^ kSignBit); }

bool is_kind(std::string_view key, KeyKind kind) { return !key.empty() && key[0] == static_cast<char>(kind); }

std::string with_id(KeyKind kind, std::int64_t id) {
  std::string key = key_of(kind);
  append_big_endian(key, ordered(id));
  return key;
}

std::string with_number(KeyKind kind, std::int64_t id, std::uint32_t number) {
  std::string key = with_id(kind, id);
  append_big_endian(key, number);
  return key;
}

// Quoted, with what does not print as \xNN.
std::string printable(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string shown = "'";
  for (char character : text) {
    const auto byte = static_cast<std::uint8_t>(character);
    if (byte < 0x20 || byte == 0x7F) {
      shown += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 0xF]};
    } else {
      shown.push_back(character);
    }
  }
  return shown + "'";
}

}  // namespace

std::string gid_key(std::string_view gid) {
  std::string key;
  key.reserve(1 + gid.size());
  key.push_back(static_cast<char>(KeyKind::gid));
  return key.append(gid);
}

std::string unfinished_key(std::int64_t id) { return with_id(KeyKind::unfinished, id); }

std::string finished_key(std::int64_t id) { return with_id(KeyKind::finished, id); }

std::string run_key(std::int64_t id, std::uint32_t first_row) { return with_number(KeyKind::run, id, first_row); }

std::string registration_key(std::int64_t id, std::uint32_t number) {
  return with_number(KeyKind::registration, id, number);
}

std::string key_value_name_key(std::string_view category, std::string_view key) {
  std::string name = key_of(KeyKind::key_value_name);
  append_big_endian(name, static_cast<std::uint32_t>(category.size()));
  return name.append(category).append(key);
}

std::string key_value_key(std::int64_t id) { return with_id(KeyKind::key_value, id); }

std::string purge_time_key(std::int64_t time_ms, std::string_view gid) {
  return with_id(KeyKind::purge_time, time_ms).append(gid);
}

std::string next_id_key() { return key_of(KeyKind::meta) + "next-id"; }

std::string next_key_value_id_key() { return key_of(KeyKind::meta) + "next-key-value-id"; }

std::optional<std::int64_t> id_of(KeyKind kind, std::string_view key) {
  if (!is_kind(key, kind) || key.size() != 1 + kIdBytes) return std::nullopt;
  return from_ordered(read_big_endian(key.substr(1)));
}

std::optional<PartKeyParts> parse_part_key(KeyKind kind, std::string_view key) {
  if (!is_kind(key, kind) || key.size() != 1 + kIdBytes + kNumberBytes) return std::nullopt;
  return PartKeyParts{from_ordered(read_big_endian(key.substr(1, kIdBytes))),
                      static_cast<std::uint32_t>(read_big_endian(key.substr(1 + kIdBytes)))};
}

std::optional<KeyValueNameParts> parse_key_value_name_key(std::string_view key) {
  if (!is_kind(key, KeyKind::key_value_name) || key.size() < 1 + kNumberBytes) return std::nullopt;
  const std::uint64_t length = read_big_endian(key.substr(1, kNumberBytes));
  const std::string_view names = key.substr(1 + kNumberBytes);
  if (length > names.size()) return std::nullopt;
  return KeyValueNameParts{names.substr(0, length), names.substr(length)};
}

std::optional<PurgeTimeKeyParts> parse_purge_time_key(std::string_view key) {
  if (!is_kind(key, KeyKind::purge_time) || key.size() < 1 + kIdBytes) return std::nullopt;
  return PurgeTimeKeyParts{from_ordered(read_big_endian(key.substr(1, kIdBytes))), key.substr(1 + kIdBytes)};
}

std::string describe_key(std::string_view key) {
  if (is_kind(key, KeyKind::gid)) return "definition of transaction " + printable(key.substr(1));
  if (const auto id = id_of(KeyKind::unfinished, key)) return "state of unfinished transaction " + std::to_string(*id);
  if (const auto id = id_of(KeyKind::finished, key)) return "state of finished transaction " + std::to_string(*id);
  if (const auto run = parse_part_key(KeyKind::run, key)) {
    return "branch states from row " + std::to_string(run->number) + " on of transaction " + std::to_string(run->id);
  }
  if (const auto registration = parse_part_key(KeyKind::registration, key)) {
    return "registration " + std::to_string(registration->number) + " of transaction " +
           std::to_string(registration->id);
  }
  if (const auto id = id_of(KeyKind::key_value, key)) return "key-value " + std::to_string(*id);
  if (const auto name = parse_key_value_name_key(key)) {
    return "id of the key-value " + printable(name->key) + " of category " + printable(name->category);
  }
  if (const auto purged = parse_purge_time_key(key)) return "purge time of transaction " + printable(purged->gid);
  return "key " + printable(key);
}

}  // namespace settle
