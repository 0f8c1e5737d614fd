// What all values of this store are made of: a head, fields, a checksum (see codec.hpp). For the codecs alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "settle/result.hpp"
#include "settle/types.hpp"
#include "storage/rocksdb/codec.hpp"

namespace settle {

// Stored on disk: never reuse or renumber one.
enum class ValueKind : std::uint8_t {
  definition = 1,
  purged = 2,
  state = 3,
  run = 4,
  number = 5,
  registration = 6,
  key_value = 7
};

inline constexpr std::size_t kChecksumBytes = 4;

// What the values of one version may hold. A newer version only adds to the one before it, so there is one decoder for
// all; what the version of a value does not know is refused.
struct Format {
  ValueKind last_kind;
  TransType last_type;
  Protocol first_protocol;
  Protocol last_protocol;
  Operation last_operation;
  std::uint64_t definition_flags;
  std::uint64_t state_flags;
};

class Writer {
 public:
  explicit Writer(ValueKind kind) {
    byte(kValueVersion);
    byte(static_cast<std::uint8_t>(kind));
  }

  void byte(std::uint8_t value) { content_.push_back(static_cast<char>(value)); }

  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
    byte(static_cast<std::uint8_t>(value));
  }

  void signed_number(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    number((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
  }

  // As the distance from `base`, which is short where both are times of one transaction.
  void time(std::int64_t value, std::int64_t base) {
    signed_number(static_cast<std::int64_t>(static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(base)));
  }

  void text(std::string_view value) {
    number(value.size());
    content_.append(value);
  }

  void reserve(std::size_t bytes) { content_.reserve(content_.size() + bytes + kChecksumBytes); }
  std::string take() { return std::move(content_); }

 private:
  std::string content_;
};

// Reads what a Writer wrote. What is malformed gives 0 or nothing and makes `ok` false for good, so that callers check
// once, at the end, and before they allocate.
class Reader {
 public:
  explicit Reader(std::string_view content) : rest_(content) {}

  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && rest_.empty(); }
  void refuse() { ok_ = false; }

  std::uint8_t byte() {
    if (rest_.empty()) {
      ok_ = false;
      return 0;
    }
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      const std::uint64_t bits = next & 0x7F;
      if (shift == 63 && bits > 1) break;
      value |= bits << shift;
      if ((next & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }

  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }

  std::int64_t time(std::int64_t base) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(signed_number()) + static_cast<std::uint64_t>(base));
  }

  std::uint32_t small_number() {
    const std::uint64_t value = number();
    if (value > UINT32_MAX) ok_ = false;
    return ok_ ? static_cast<std::uint32_t>(value) : 0;
  }

  // How many elements follow, each of one byte at least: a count that the bytes left cannot hold is refused before
  // anything is allocated for it.
  std::size_t count() {
    const std::uint64_t value = number();
    if (value > rest_.size()) ok_ = false;
    return ok_ ? static_cast<std::size_t>(value) : 0;
  }

  std::string text() {
    const std::size_t length = count();
    std::string value(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return value;
  }

  // A byte that stands for one of the enumerators first … last.
  template <class Enumeration>
  Enumeration enumerator(Enumeration last, Enumeration first = Enumeration{1}) {
    const std::uint8_t value = byte();
    if (value < static_cast<std::uint8_t>(first) || value > static_cast<std::uint8_t>(last)) {
      ok_ = false;
      return last;
    }
    return static_cast<Enumeration>(value);
  }

  // A number of which no bit but the known ones is set.
  std::uint64_t flags(std::uint64_t known) {
    const std::uint64_t value = number();
    if ((value & ~known) != 0) ok_ = false;
    return value;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// A value without its head and its checksum.
struct Content {
  ValueKind kind;
  const Format* format;  // of its version
  std::string_view fields;
};

// Checks the checksum, the version, and that the version has this kind.
Result<Content> unsealed(std::string_view key, std::string_view value);

// The same, and that it is of this kind.
Result<Content> unsealed(std::string_view key, std::string_view value, ValueKind kind);

Error malformed(std::string_view key);

}  // namespace settle
