#include "storage/mysql/ext_data.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "engine/json/json.hpp"
#include "engine/json/json_text.hpp"
#include "storage/mysql/wall_time.hpp"

namespace settle::mysql {
namespace {

using dtm::Document;
using dtm::Fields;
using dtm::JsonObject;

constexpr std::size_t kAttemptsBytesMax = kExtDataBytesMax / 2;

// Whether a state is exact of which nothing is said.
bool exact_by_default(TransType type, GlobalStatus status) {
  return type != TransType::saga || (status != GlobalStatus::submitted && status != GlobalStatus::aborting);
}

// When it was submitted, where nothing is said.
std::int64_t submit_time_ms_by_default(TransType type, GlobalStatus status, std::int64_t create_time_ms) {
  return type == TransType::saga && status != GlobalStatus::prepared ? floor_to_seconds(create_time_ms) : 0;
}

template <class F>
void for_each_open_row(std::span<const BranchRun> runs, F f) {
  for (const BranchRun& run : runs) {
    std::uint32_t row = run.first;
    for (const BranchState& branch : run.branches) {
      if (branch.status == BranchStatus::prepared) f(row, branch);
      ++row;
    }
  }
}

// "1,3-9"
std::string started_text(std::span<const BranchRun> runs) {
  std::vector<std::uint32_t> rows;
  for_each_open_row(runs, [&rows](std::uint32_t row, const BranchState& branch) {
    if (branch.started) rows.push_back(row);
  });
  std::sort(rows.begin(), rows.end());
  std::string text;
  for (std::size_t first = 0; first < rows.size();) {
    std::size_t last = first;
    while (last + 1 < rows.size() && rows[last + 1] == rows[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(rows[first]);
    if (last > first) (text += '-') += std::to_string(rows[last]);
    first = last + 1;
  }
  return text;
}

// {"1":3}
std::string attempts_text(std::span<const BranchRun> runs) {
  std::string text;
  JsonObject object(text);
  for_each_open_row(runs, [&](std::uint32_t row, const BranchState& branch) {
    if (branch.attempts > 0 && text.size() < kAttemptsBytesMax) object.number(std::to_string(row), branch.attempts);
  });
  object.end();
  return text;
}

// What a text may say. Unset members were not said.
struct Extra {
  std::optional<bool> exact;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> started;   // the first and the last row of each range
  std::vector<std::pair<std::uint32_t, std::uint32_t>> attempts;  // by row
  std::int64_t errors = 0;
  std::string last_error;
  std::int64_t last_error_branch = 0;
  std::int64_t query_attempts = 0;
  std::int64_t submit_time_ms = 0;
  std::int64_t next_retry_time_ms = 0;
  std::int64_t retry_interval_ms = 0;
};

std::uint32_t narrow(std::int64_t number) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(number, 0, UINT32_MAX));
}

std::optional<std::uint32_t> parse_row(std::string_view text) {
  std::uint32_t row = 0;
  const auto [stopped, failed] = std::from_chars(text.data(), text.data() + text.size(), row);
  if (failed != std::errc() || stopped != text.data() + text.size()) return std::nullopt;
  return row;
}

// False where the text is something else.
bool parse_started(std::string_view text, Extra& extra) {
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view range = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t dash = range.find('-');
    const auto first = parse_row(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_row(range.substr(dash + 1));
    if (!first || !last || *last < *first) return false;
    extra.started.emplace_back(*first, *last);
  }
  return true;
}

bool parse_attempts(const dtm::json::object& object, Extra& extra) {
  for (const auto& member : object) {
    const auto row = parse_row(dtm::view_of(member.key()));
    const std::int64_t* const number = member.value().if_int64();
    if (!row || number == nullptr) return false;
    extra.attempts.emplace_back(*row, narrow(*number));
  }
  return true;
}

// What is beyond them was not written by anybody, and cannot be rounded.
bool has_plausible_times(const Extra& extra) {
  const auto is_time = [](std::int64_t wall_ms) {
    return wall_ms >= -WallTime::kLastMs && wall_ms <= WallTime::kLastMs;
  };
  return is_time(extra.submit_time_ms) && is_time(extra.next_retry_time_ms) && extra.retry_interval_ms >= 0 &&
         extra.retry_interval_ms <= kSecondsMax * 1000;
}

std::optional<Extra> parse(std::string_view text) {
  const Document document(text, "ext_data");
  if (document.error()) return std::nullopt;
  const Fields whole(document.value(), "ext_data", Fields::Names::exact);
  const dtm::json::value* const ours = whole.find("settle");
  if (ours == nullptr) return std::nullopt;
  Fields fields(*ours, "settle", Fields::Names::exact);
  Extra extra;
  if (fields.find("exact") != nullptr) fields.read("exact", extra.exact.emplace());
  std::string started;
  fields.read("started", started);
  if (!parse_started(started, extra)) return std::nullopt;
  const dtm::json::object* const attempts = fields.read_object("attempts");
  if (attempts != nullptr && !parse_attempts(*attempts, extra)) return std::nullopt;
  fields.read("errors", extra.errors);
  fields.read("last_error", extra.last_error);
  fields.read("last_error_branch", extra.last_error_branch);
  fields.read("query_attempts", extra.query_attempts);
  fields.read("submit_time_ms", extra.submit_time_ms);
  fields.read("next_retry_time_ms", extra.next_retry_time_ms);
  fields.read("retry_interval_ms", extra.retry_interval_ms);
  if (fields.error() || !has_plausible_times(extra)) return std::nullopt;
  return extra;
}

}  // namespace

std::string encode_ext_data(TransType type, std::int64_t create_time_ms, const State& state,
                            std::span<const BranchRun> runs, bool held) {
  const auto write = [&](bool exact, const std::string& started) {
    std::string text = R"({"settle":)";
    const std::size_t begin = text.size();
    JsonObject object(text);
    if (exact != exact_by_default(type, state.status)) object.boolean("exact", exact);
    if (!started.empty()) object.text("started", started);
    if (const std::string attempts = attempts_text(runs); attempts != "{}") object.value("attempts") += attempts;
    object.number_unless_zero("errors", state.errors);
    if (!state.last_error.empty()) object.text("last_error", state.last_error);
    if (state.errors > 0 || !state.last_error.empty())
      object.number_unless_zero("last_error_branch", state.last_error_branch);
    object.number_unless_zero("query_attempts", state.query_attempts);
    const std::int64_t submit_time_ms = submit_time_ms_by_default(type, state.status, create_time_ms);
    // Nothing needs it of other types.
    if (type == TransType::saga && submit_time_ms != floor_to_seconds(state.submit_time_ms)) {
      object.number_unless_zero("submit_time_ms", state.submit_time_ms);
    }
    // What has ended is not tried again. Times that differ by milliseconds would keep those that end together from
    // being one UPDATE.
    if (!held && !is_final(state.status) && state.next_retry_time_ms % 1000 != 0) {
      object.number_unless_zero("next_retry_time_ms", state.next_retry_time_ms);
    }
    if (state.retry_interval_ms % 1000 != 0) object.number_unless_zero("retry_interval_ms", state.retry_interval_ms);
    object.end();
    text += '}';
    return text.size() == begin + 3 ? std::string() : text;
  };
  std::string text = write(state.exact, state.exact ? started_text(runs) : std::string());
  return text.size() <= kExtDataBytesMax ? text : write(false, {});
}

void decode_ext_data(std::string_view text, std::string_view owner, StoredTransaction& transaction) {
  const TransType type = transaction.definition->type;
  const Extra extra = text.empty() ? Extra{} : parse(text).value_or(Extra{});
  State& state = transaction.state;
  const bool worked_on_by_dtm = !owner.empty() && !owner.starts_with(kOwnerPrefix);
  state.exact = !worked_on_by_dtm && extra.exact.value_or(exact_by_default(type, state.status));
  state.errors = narrow(extra.errors);
  state.last_error = extra.last_error;
  state.last_error_branch = narrow(extra.last_error_branch);
  state.query_attempts = narrow(extra.query_attempts);
  state.submit_time_ms = extra.submit_time_ms != 0
                             ? extra.submit_time_ms
                             : submit_time_ms_by_default(type, state.status, transaction.definition->create_time_ms);
  // Whoever has changed such a column since did not change the text.
  if (floor_to_seconds(extra.next_retry_time_ms) == state.next_retry_time_ms && extra.next_retry_time_ms != 0) {
    state.next_retry_time_ms = extra.next_retry_time_ms;
  }
  if (extra.retry_interval_ms > 0 && ceil_to_seconds(extra.retry_interval_ms) == state.retry_interval_ms) {
    state.retry_interval_ms = extra.retry_interval_ms;
  }

  std::vector<BranchState>& branches = transaction.branches;
  for (BranchState& branch : branches) branch.started = branch.status != BranchStatus::prepared;
  for (const auto& [first, last] : extra.started) {
    for (std::size_t row = first; row <= last && row < branches.size(); ++row) branches[row].started = true;
  }
  for (const auto& [row, attempts] : extra.attempts) {
    if (row < branches.size() && branches[row].status == BranchStatus::prepared) branches[row].attempts = attempts;
  }
}

}  // namespace settle::mysql
