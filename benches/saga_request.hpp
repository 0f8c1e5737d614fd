// The sagas that a bench submits: numbered, so that calls and answers can be matched without looking up strings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace settle::bench {

inline constexpr unsigned kStepsMax = 64;

struct SagaShape {
  unsigned steps = 2;                 // 1 to kStepsMax
  bool wait_result = false;           // the answer comes when the saga has ended
  std::int64_t retry_interval_s = 0;  // 0: the server's own
};

// One submit request as bytes, made once; only the number in its gid changes.
class SagaRequest {
 public:
  // The branches are calls of 127.0.0.1:participant_port. Every object makes gids of its own.
  SagaRequest(const SagaShape& shape, std::uint16_t participant_port);

  // The request for this number, below kNumbers; valid until the next call.
  std::string_view numbered(std::uint64_t number);
  std::string gid(std::uint64_t number) const;
  // The number of a gid of ours; nothing of another's.
  std::optional<std::uint64_t> number_of(std::string_view gid) const;

  static constexpr std::uint64_t kNumbers = 1'000'000'000;

 private:
  std::string prefix_;  // of all gids; with nine digits behind it none is the beginning of another
  std::string request_;
  std::size_t digits_begin_ = 0;
};

}  // namespace settle::bench
