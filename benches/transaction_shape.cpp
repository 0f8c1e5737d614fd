#include "benches/transaction_shape.hpp"

namespace settle::bench {

std::string_view to_string(Mode mode) { return mode == Mode::saga ? "saga" : mode == Mode::tcc ? "tcc" : "msg"; }

std::optional<Mode> parse_mode(std::string_view name) {
  for (const Mode mode : {Mode::saga, Mode::tcc, Mode::msg}) {
    if (to_string(mode) == name) return mode;
  }
  return std::nullopt;
}

std::string_view operation_of(Mode mode) { return mode == Mode::tcc ? "confirm" : "action"; }

}  // namespace settle::bench
