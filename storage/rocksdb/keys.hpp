// The keys of the store. The first byte says what a key is of; a gid is always the whole rest of its key or its last
// part, and numbers have a fixed width, so that no two gids meet, whatever bytes they are made of.
//
//   g gid              the definition, or the note that the transaction was purged
//   u id               an unfinished transaction: its state and the first run of its branch states
//   f id               the same of a finished one
//   r id first-row     a later run of branch states
//   b id number        a branch that was registered, its number counted from 0
//   t time gid         a purged gid, by the time of purging; no value
//   k length category key   the id of a key-value; length: that of the category
//   v id               a key-value; its ids are others than those of transactions
//   m name             of the store as a whole
//
// id, time: 8 bytes, first-row, number, length: 4 bytes, big-endian, so that the order of keys is that of numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace settle {

enum class KeyKind : char {
  registration = 'b',
  finished = 'f',
  gid = 'g',
  key_value_name = 'k',
  meta = 'm',
  run = 'r',
  purge_time = 't',
  unfinished = 'u',
  key_value = 'v'
};

std::string gid_key(std::string_view gid);
std::string unfinished_key(std::int64_t id);
std::string finished_key(std::int64_t id);
std::string run_key(std::int64_t id, std::uint32_t first_row);
std::string registration_key(std::int64_t id, std::uint32_t number);
std::string purge_time_key(std::int64_t time_ms, std::string_view gid);

std::string key_value_name_key(std::string_view category, std::string_view key);
std::string key_value_key(std::int64_t id);

// The lowest id that is given next may be no lower than the one in this value, whatever else is stored.
std::string next_id_key();
// The id that the next key-value gets.
std::string next_key_value_id_key();

// The parts of a key, or nothing where it is not one of that kind.
std::optional<std::int64_t> id_of(KeyKind kind, std::string_view key);  // unfinished, finished, key_value
struct PartKeyParts {
  std::int64_t id = 0;
  std::uint32_t number = 0;  // the first row, or the registration's
};
std::optional<PartKeyParts> parse_part_key(KeyKind kind, std::string_view key);  // run, registration
struct KeyValueNameParts {
  std::string_view category;  // both into the key
  std::string_view key;
};
std::optional<KeyValueNameParts> parse_key_value_name_key(std::string_view key);
struct PurgeTimeKeyParts {
  std::int64_t time_ms = 0;
  std::string_view gid;  // into the key
};
std::optional<PurgeTimeKeyParts> parse_purge_time_key(std::string_view key);

// A key for a person to read, in one line: "state of unfinished transaction 17".
std::string describe_key(std::string_view key);

}  // namespace settle
