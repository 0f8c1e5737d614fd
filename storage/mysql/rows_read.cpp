#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/json/custom_data.hpp"
#include "engine/json/options.hpp"
#include "storage/mysql/ext_data.hpp"
#include "storage/mysql/rows.hpp"

namespace settle::mysql {
namespace {

// The cells of one row, taken one after another. Remembers the first that cannot be understood; what is taken after
// that is good for nothing.
class RowReader {
 public:
  RowReader(const WallTime& times, Rows& rows, std::size_t row) : times_(times), rows_(rows), row_(row) {}

  std::string text() {
    Cell& cell = rows_.at(row_, column_++);
    return cell ? std::move(*cell) : std::string();
  }

  std::int64_t number(const char* column) {
    const std::string digits = text();
    if (digits.empty()) return 0;
    std::int64_t number = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stopped, failed] = std::from_chars(digits.data(), end, number);
    if (failed != std::errc() || stopped != end) refuse(column, digits);
    return number;
  }

  std::int64_t time_ms(const char* column) {
    const std::string shown = text();
    // MySQL shows so what was written without a date where that was allowed.
    if (shown.empty() || shown.starts_with("0000-00-00")) return 0;
    const auto wall_ms = times_.parse(shown);
    if (!wall_ms) refuse(column, shown);
    return wall_ms.value_or(0);
  }

  template <class T>
  T word(const char* column, std::optional<T> (*parse)(std::string_view)) {
    const std::string name = text();
    const auto word = parse(name);
    if (!word) refuse(column, name);
    return word.value_or(T{});
  }

  const std::string& refusal() const { return refusal_; }

 private:
  void refuse(const char* column, const std::string& is) {
    if (refusal_.empty()) refusal_ = std::string(column) + " is '" + is + "', which cannot be understood";
  }

  const WallTime& times_;
  Rows& rows_;
  std::size_t row_;
  std::size_t column_ = 0;
  std::string refusal_;
};

Error cannot_read(const std::string& gid, const std::string& what) {
  return {Code::internal, "gid " + gid + ": " + what};
}

// A row of trans_global.
struct Head {
  StoredTransaction transaction;  // without its definition
  std::shared_ptr<Definition> definition = std::make_shared<Definition>();
  std::string owner;
  std::string ext_data;
};

std::optional<Protocol> parse_stored_protocol(std::string_view text) {
  return text.empty() ? Protocol::http : parse_protocol(text);
}

Result<Head> read_head(const WallTime& times, Rows& transactions, std::size_t row) {
  Head head;
  Definition& definition = *head.definition;
  State& state = head.transaction.state;
  RowReader reader(times, transactions, row);
  head.transaction.id = reader.number("id");
  definition.gid = reader.text();
  definition.type = reader.word("trans_type", parse_trans_type);
  state.status = reader.word("status", parse_global_status);
  definition.query_prepared = reader.text();
  definition.protocol = reader.word("protocol", parse_stored_protocol);
  definition.create_time_ms = reader.time_ms("create_time");
  state.update_time_ms = reader.time_ms("update_time");
  state.finish_time_ms = reader.time_ms("finish_time");
  state.rollback_time_ms = reader.time_ms("rollback_time");
  const std::string options = reader.text();
  definition.custom_data = reader.text();
  state.retry_interval_ms = std::clamp<std::int64_t>(reader.number("next_cron_interval"), 0, kSecondsMax) * 1000;
  state.next_retry_time_ms = reader.time_ms("next_cron_time");
  head.owner = reader.text();
  head.ext_data = reader.text();
  state.result = reader.text();
  state.rollback_reason = reader.text();
  state.parked = head.owner.empty();
  if (!reader.refusal().empty()) return cannot_read(definition.gid, reader.refusal());

  auto parsed = dtm::parse_options(options);
  if (!parsed) return cannot_read(definition.gid, parsed.error().message);
  definition.options = std::move(parsed.value());
  if (definition.type == TransType::msg) definition.concurrent = definition.options.concurrent;
  return head;
}

StoredTransaction finished(Head head) {
  head.transaction.definition = std::move(head.definition);
  decode_ext_data(head.ext_data, head.owner, head.transaction);
  head.transaction.owner = std::move(head.owner);
  return std::move(head.transaction);
}

// A row of trans_branch_op.
struct BranchRow {
  std::string branch_id;
  std::string operation;
  std::string url;
  std::string payload;
  BranchState state;
};

Result<std::vector<BranchRow>> read_branch_rows(const WallTime& times, Rows& branches,
                                                std::span<const std::size_t> branch_rows) {
  std::vector<BranchRow> rows;
  rows.reserve(branch_rows.size());
  for (const std::size_t at : branch_rows) {
    RowReader reader(times, branches, at);
    reader.number("id");
    const std::string gid = reader.text();
    BranchRow& row = rows.emplace_back();
    row.branch_id = reader.text();
    row.operation = reader.text();
    row.url = reader.text();
    row.payload = reader.text();
    row.state.status = reader.word("status", parse_branch_status);
    const std::int64_t finish_time_ms = reader.time_ms("finish_time");
    if (row.state.status != BranchStatus::prepared) row.state.finish_time_ms = finish_time_ms;
    if (!reader.refusal().empty()) {
      return cannot_read(gid, "branch " + row.branch_id + " " + row.operation + ": " + reader.refusal());
    }
  }
  return rows;
}

Error unexpected(const std::string& gid, const BranchRow& row, const std::string& why) {
  return cannot_read(gid, "branch " + row.branch_id + " " + row.operation + ": " + why);
}

// Whether two rows come of one step, and so of one payload: "01" and "01", or "01-01" and "01-02", which are what one
// message is to several subscribers.
bool of_one_step(TransType type, const std::string& branch_id, const std::string& other) {
  if (type == TransType::saga) return branch_id == other;
  const std::size_t dash = branch_id.find('-');
  return dash != std::string::npos && branch_id.compare(0, dash + 1, other, 0, dash + 1) == 0;
}

// The rows of a saga or a message, which were all there when it was created.
Result<Done> take_definition_rows(std::vector<BranchRow> rows, Definition& definition,
                                  std::vector<BranchState>& states) {
  definition.branches.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    BranchRow& row = rows[i];
    const bool is_action = definition.type == TransType::msg || i % 2 == 1;
    const Operation operation = is_action ? Operation::action : Operation::compensate;
    if (row.operation != to_string(operation)) {
      return unexpected(definition.gid, row, "stands where `" + std::string(to_string(operation)) + "` should");
    }
    if (definition.type == TransType::saga && is_action && row.branch_id != definition.branches.back().branch_id) {
      return unexpected(definition.gid, row, "has no compensation beside it");
    }
    const bool shared = !definition.branches.empty() && row.payload == definition.payloads.back() &&
                        of_one_step(definition.type, row.branch_id, definition.branches.back().branch_id);
    if (!shared) definition.payloads.push_back(std::move(row.payload));
    const auto payload = static_cast<std::uint32_t>(definition.payloads.size() - 1);
    definition.branches.push_back({std::move(row.branch_id), operation, std::move(row.url), payload});
    states.push_back(row.state);
  }
  return Done{};
}

// The rows of a tcc or an xa: two for each branch, which others' may stand between.
Result<Done> take_pairs(std::vector<BranchRow> rows, const Definition& definition, StoredTransaction& to) {
  const bool is_tcc = definition.type == TransType::tcc;
  const std::string_view first_operation = to_string(is_tcc ? Operation::cancel : Operation::rollback);
  const std::string_view second_operation = to_string(is_tcc ? Operation::confirm : Operation::commit);
  std::unordered_map<std::string, std::size_t> places;
  std::vector<unsigned> seen;  // of each branch, a bit for each of its rows
  for (BranchRow& row : rows) {
    const bool first = row.operation == first_operation;
    if (!first && row.operation != second_operation) {
      return unexpected(definition.gid, row, "is no operation of a " + std::string(to_string(definition.type)));
    }
    const auto [found, is_new] = places.try_emplace(row.branch_id, to.registrations.size());
    const std::size_t place = found->second;
    if (is_new) {
      to.registrations.push_back({row.branch_id, std::move(row.payload), {}, {}, {}});
      to.branches.resize(to.branches.size() + 2);
      seen.push_back(0);
    }
    seen[place] |= first ? 1U : 2U;
    (first && is_tcc ? to.registrations[place].cancel_url : to.registrations[place].url) = std::move(row.url);
    to.branches[2 * place + (first ? 0 : 1)] = row.state;
  }
  for (std::size_t place = 0; place < seen.size(); ++place) {
    if (seen[place] == 3) continue;
    return cannot_read(definition.gid, "branch " + to.registrations[place].branch_id + ": has no row `" +
                                           std::string((seen[place] & 1) != 0 ? second_operation : first_operation) +
                                           "`");
  }
  return Done{};
}

void take_results(std::vector<BranchRow> rows, StoredTransaction& to) {
  for (BranchRow& row : rows) {
    to.registrations.push_back(
        {std::move(row.branch_id), std::move(row.payload), std::move(row.url), {}, std::move(row.operation)});
    to.branches.push_back(row.state);
  }
}

Result<Done> take_rows(std::vector<BranchRow> rows, Definition& definition, StoredTransaction& to) {
  switch (definition.type) {
    case TransType::saga:
    case TransType::msg:
      return take_definition_rows(std::move(rows), definition, to.branches);
    case TransType::tcc:
    case TransType::xa:
      return take_pairs(std::move(rows), definition, to);
    case TransType::workflow:
      break;
  }
  take_results(std::move(rows), to);
  return Done{};
}

// Of a tcc and an xa nobody but their client reads it.
Result<Done> read_custom_data(Definition& definition) {
  if (definition.type == TransType::tcc || definition.type == TransType::xa) return Done{};
  return dtm::parse_custom_data(definition);
}

}  // namespace

std::int64_t number_at(Rows& rows, std::size_t row, std::size_t column) {
  std::int64_t number = 0;
  const Cell& digits = rows.at(row, column);
  if (digits) std::from_chars(digits->data(), digits->data() + digits->size(), number);
  return number;
}

Result<StoredTransaction> read_listed(const WallTime& times, Rows& transactions, std::size_t row) {
  auto head = read_head(times, transactions, row);
  if (!head) return std::move(head.error());
  return finished(std::move(head.value()));
}

Result<StoredTransaction> read_whole(const WallTime& times, Rows& transactions, std::size_t row, Rows& branches,
                                     std::span<const std::size_t> branch_rows) {
  auto head = read_head(times, transactions, row);
  if (!head) return std::move(head.error());
  Definition& definition = *head.value().definition;
  auto rows = read_branch_rows(times, branches, branch_rows);
  if (!rows) return std::move(rows.error());
  if (auto taken = take_rows(std::move(rows.value()), definition, head.value().transaction); !taken) {
    return std::move(taken.error());
  }
  if (auto read = read_custom_data(definition); !read) return cannot_read(definition.gid, read.error().message);
  // Another server may have let pass what would harm us: steps that wait for each other, negative times.
  if (auto valid = validate(definition); !valid) return cannot_read(definition.gid, valid.error().message);
  return finished(std::move(head.value()));
}

}  // namespace settle::mysql
