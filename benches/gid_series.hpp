// The gids of a bench's transactions: numbered, so that calls and answers can be matched without looking up strings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace settle::bench {

class GidSeries {
 public:
  // Every object makes gids of its own.
  GidSeries();

  // Of a number below kNumbers. All are of the same length.
  std::string gid(std::uint64_t number) const;
  // The number of a gid of this series; nothing of another's.
  std::optional<std::uint64_t> number_of(std::string_view gid) const;

  static constexpr std::size_t kDigits = 9;
  static constexpr std::uint64_t kNumbers = 1'000'000'000;

 private:
  std::string prefix_;  // with the digits behind it none is the beginning of another
};

// A request as bytes, made once; only the number in its gid changes.
class NumberedBytes {
 public:
  // `bytes` must hold the series' gid of number 0.
  NumberedBytes(std::string bytes, const GidSeries& gids);
  // With this number; valid until the next call.
  std::string_view numbered(std::uint64_t number);

 private:
  std::string bytes_;
  std::size_t digits_begin_;
};

}  // namespace settle::bench
