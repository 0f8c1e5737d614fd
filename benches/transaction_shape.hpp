// What the transactions of a bench are like, whatever they are submitted over.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

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

}  // namespace settle::bench
