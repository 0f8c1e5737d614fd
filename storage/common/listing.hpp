// What every store's listing and purging agree on, whatever they keep their data in.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "settle/result.hpp"
#include "settle/store.hpp"

namespace settle {

// When a finished transaction finished; the time of its last change where neither end was noted.
inline std::int64_t finished_at_ms(const State& state) {
  const std::int64_t noted_ms = state.status == GlobalStatus::succeed ? state.finish_time_ms : state.rollback_time_ms;
  return noted_ms != 0 ? noted_ms : state.update_time_ms;
}

inline bool matches(const ScanFilter& filter, GlobalStatus status, TransType type, std::int64_t create_time_ms) {
  return (!filter.status || *filter.status == status) && (!filter.type || *filter.type == type) &&
         create_time_ms >= filter.create_time_ms_min && create_time_ms <= filter.create_time_ms_max;
}

// The first letter of a position: what is listed, and the version of its form.
inline constexpr char kScanPosition = 'a';
inline constexpr char kKeyValuePosition = 'k';

// The position after the one with this id: a page from there on shows only smaller ids.
inline std::string position_after(char letter, std::int64_t last_id) { return letter + std::to_string(last_id); }

// The id that every id of the page is smaller than. An empty position stands before all of them.
inline Result<std::int64_t> parse_position(char letter, const std::string& position) {
  if (position.empty()) return INT64_MAX;
  std::int64_t id = 0;
  const char* const end = position.data() + position.size();
  const bool ours = position.size() >= 2 && position[0] == letter && position[1] >= '1' && position[1] <= '9';
  if (ours) {
    const auto [stop, error] = std::from_chars(position.data() + 1, end, id);
    if (error == std::errc() && stop == end) return id;
  }
  return Error{Code::invalid, "position: was not given by this store"};
}

}  // namespace settle
