// The transactions that a bench runs: numbered, so that calls and answers can be matched without looking up strings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace settle::bench {

inline constexpr unsigned kStepsMax = 64;

enum class Mode : std::uint8_t { saga, tcc, msg };

std::string_view to_string(Mode mode);
std::optional<Mode> parse_mode(std::string_view name);
// The operation that its branches are called with where nothing fails.
std::string_view operation_of(Mode mode);

struct TransactionShape {
  Mode mode = Mode::saga;
  unsigned steps = 2;                 // 1 to kStepsMax
  bool wait_result = false;           // the last answer comes when the transaction has ended
  std::int64_t retry_interval_s = 0;  // 0: the server's own
};

// The requests of one transaction as bytes, made once; only the number in their gid changes. A saga and a message need
// one, a tcc has a prepare, a registration for each step, and a submit.
class TransactionRequest {
 public:
  // The branches are calls of 127.0.0.1:participant_port. Every object makes gids of its own.
  TransactionRequest(const TransactionShape& shape, std::uint16_t participant_port);

  std::size_t parts() const { return parts_.size(); }
  // That part of the transaction of this number, below kNumbers; valid until the next call.
  std::string_view numbered(std::uint64_t number, std::size_t part);
  std::string gid(std::uint64_t number) const;
  // The number of a gid of ours; nothing of another's.
  std::optional<std::uint64_t> number_of(std::string_view gid) const;

  static constexpr std::uint64_t kNumbers = 1'000'000'000;

 private:
  struct Part {
    std::string request;
    std::size_t digits_begin = 0;
  };

  void add_part(std::string_view endpoint, std::string_view rest_of_body);

  std::string prefix_;  // of all gids; with nine digits behind it none is the beginning of another
  std::vector<Part> parts_;
};

}  // namespace settle::bench
