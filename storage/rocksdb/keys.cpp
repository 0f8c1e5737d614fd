#include "storage/rocksdb/keys.hpp"

#include <cstddef>

namespace settle {
namespace {

constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kRowBytes = 4;

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

std::string run_key(std::int64_t id, std::uint32_t first_row) {
  std::string key = with_id(KeyKind::run, id);
  append_big_endian(key, first_row);
  return key;
}

std::string purge_time_key(std::int64_t time_ms, std::string_view gid) {
  return with_id(KeyKind::purge_time, time_ms).append(gid);
}

std::string next_id_key() { return key_of(KeyKind::meta) + "next-id"; }

std::optional<std::int64_t> id_of(KeyKind kind, std::string_view key) {
  if (!is_kind(key, kind) || key.size() != 1 + kIdBytes) return std::nullopt;
  return from_ordered(read_big_endian(key.substr(1)));
}

std::optional<RunKeyParts> parse_run_key(std::string_view key) {
  if (!is_kind(key, KeyKind::run) || key.size() != 1 + kIdBytes + kRowBytes) return std::nullopt;
  return RunKeyParts{from_ordered(read_big_endian(key.substr(1, kIdBytes))),
                     static_cast<std::uint32_t>(read_big_endian(key.substr(1 + kIdBytes)))};
}

std::optional<PurgeTimeKeyParts> parse_purge_time_key(std::string_view key) {
  if (!is_kind(key, KeyKind::purge_time) || key.size() < 1 + kIdBytes) return std::nullopt;
  return PurgeTimeKeyParts{from_ordered(read_big_endian(key.substr(1, kIdBytes))), key.substr(1 + kIdBytes)};
}

std::string describe_key(std::string_view key) {
  if (is_kind(key, KeyKind::gid)) return "definition of transaction " + printable(key.substr(1));
  if (const auto id = id_of(KeyKind::unfinished, key)) return "state of unfinished transaction " + std::to_string(*id);
  if (const auto id = id_of(KeyKind::finished, key)) return "state of finished transaction " + std::to_string(*id);
  if (const auto run = parse_run_key(key)) {
    return "branch states from row " + std::to_string(run->first_row) + " on of transaction " + std::to_string(run->id);
  }
  if (const auto purged = parse_purge_time_key(key)) return "purge time of transaction " + printable(purged->gid);
  return "key " + printable(key);
}

}  // namespace settle
