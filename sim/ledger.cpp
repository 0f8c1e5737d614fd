#include "sim/ledger.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "engine/json/json.hpp"
#include "sim/checks/checks.hpp"
#include "sim/options.hpp"

namespace settle::sim {
namespace {

constexpr std::size_t kReportsMax = 20;
constexpr std::int64_t kBranchesMax = 1'000;
constexpr std::string_view kAbsent = "absent";

// The enumerator of this name, of those from `first` to `last`.
template <class T>
std::optional<T> parse_name(std::string_view text, T first, T last) {
  for (int i = static_cast<int>(first); i <= static_cast<int>(last); ++i) {
    if (to_string(static_cast<T>(i)) == text) return static_cast<T>(i);
  }
  return std::nullopt;
}

// The members of one line. Each that is asked for must be given, but for those with a word for it.
class Line {
 public:
  explicit Line(const dtm::json::value& value) : fields_(value, "the line", dtm::Fields::Names::exact) {}

  const std::optional<Error>& error() const { return fields_.error(); }
  void refuse(std::string_view name, std::string what) { fields_.refuse(name, std::move(what)); }

  std::string text(std::string_view name) {
    std::string text;
    if (!fields_.read(name, text)) refuse(name, "is missing");
    return text;
  }
  std::int64_t number(std::string_view name, std::int64_t least = 0) {
    if (fields_.find(name) == nullptr) refuse(name, "is missing");
    std::int64_t number = least;
    fields_.read(name, number);
    if (number < least) refuse(name, "must be " + std::to_string(least) + " or more");
    return number;
  }
  bool truth(std::string_view name) {
    if (fields_.find(name) == nullptr) refuse(name, "is missing");
    bool truth = false;
    fields_.read(name, truth);
    return truth;
  }
  std::int64_t number_where_given(std::string_view name) {
    std::int64_t number = 0;
    fields_.read(name, number);
    return number;
  }
  const dtm::json::object* object_where_given(std::string_view name) { return fields_.read_object(name); }
  // One of an enumeration, by name.
  template <class T>
  T one_of(std::string_view name, T first, T last) {
    const std::string word = text(name);
    const std::optional<T> found = parse_name(word, first, last);
    if (!found) refuse(name, "is unknown: '" + word + "'");
    return found.value_or(first);
  }

 private:
  dtm::Fields fields_;
};

class Reader {
 public:
  std::optional<Error> add(std::string_view text) {
    const dtm::Document document(text, "the line");
    if (document.error()) return document.error();
    Line line(document.value());
    const std::string event = line.text("event");
    if (event == "transaction") {
      add_transaction(line);
    } else {
      add_event(line, event);
    }
    return line.error();
  }

  Result<Ledger> end() {
    for (const PlannedTransaction& tx : ledger_.plan.transactions) {
      const Ending& ending = endings_[static_cast<std::size_t>(tx.number)];
      const bool told = ending.statuses == 1 && ending.values == tx.branches && (ending.absent || ending.rows > 0);
      if (told) continue;
      return Error{Code::invalid, "of " + ledger_.gids[static_cast<std::size_t>(tx.number)] +
                                      " there must be one final_status, a final_value for each branch, and rows " +
                                      "where it is not absent"};
    }
    return std::move(ledger_);
  }

 private:
  // What was told of the end of a transaction.
  struct Ending {
    int statuses = 0;
    int values = 0;
    int rows = 0;
    bool absent = false;
  };

  void add_transaction(Line& line) {
    PlannedTransaction tx;
    tx.number = static_cast<int>(ledger_.gids.size());
    const std::string gid = line.text("gid");
    tx.branches = static_cast<int>(std::min(line.number("branches", 1), kBranchesMax));
    tx.concurrent = line.truth("concurrent");
    tx.options.wait_result = line.truth("wait_result");
    tx.options.timeout_to_fail_s = line.number("timeout_to_fail");
    tx.options.retry_limit = line.number("retry_limit");
    if (const dtm::json::object* const orders = line.object_where_given("orders")) {
      for (const auto& [step, before] : *orders) add_order(line, tx, step, before);
    }
    if (!numbers_.emplace(gid, tx.number).second) line.refuse("gid", "comes twice");
    if (line.error()) return;
    ledger_.gids.push_back(gid);
    ledger_.plan.transactions.push_back(std::move(tx));
    endings_.emplace_back();
  }

  static void add_order(Line& line, PlannedTransaction& tx, dtm::json::string_view step,
                        const dtm::json::value& before) {
    const auto is_branch = [&tx](std::int64_t number) { return number >= 1 && number <= tx.branches; };
    const std::int64_t branch = std::atoll(std::string(step).c_str());
    const dtm::json::array* const list = before.if_array();
    if (!is_branch(branch) || list == nullptr) return line.refuse("orders", "must be branches, and lists of branches");
    for (const dtm::json::value& each : *list) {
      const std::int64_t* const other = each.if_int64();
      if (other == nullptr || !is_branch(*other)) return line.refuse("orders", "must be lists of branches");
      tx.orders[static_cast<std::uint32_t>(branch - 1)].push_back(static_cast<std::uint32_t>(*other - 1));
    }
  }

  void add_event(Line& line, const std::string& name) {
    Event event;
    event.at_ms = line.number_where_given("at_ms");
    event.server = 0;
    const std::optional<EventKind> kind = parse_name(name, EventKind::asked, EventKind::fault);
    event.kind = kind.value_or(EventKind::fault);
    switch (event.kind) {
      case EventKind::server:
        event.life = life_of(line);
        event.text = line.text("what");
        break;
      case EventKind::asked:
        event.life = life_of(line);
        event.tx = tx_of(line);
        event.request = line.one_of("request", Request::submit, Request::make_due);
        remember(line, event, asked_);
        break;
      case EventKind::told:
        recall(line, event, asked_);
        read_answer(line, event);
        break;
      case EventKind::sent:
        event.life = life_of(line);
        event.tx = tx_of(line);
        event.branch = branch_of(line, event.tx);
        event.op = line.one_of("op", Op::action, Op::query);
        event.until_ms = std::numeric_limits<std::int64_t>::max();
        remember(line, event, calls_);
        break;
      case EventKind::executed:
        recall(line, event, calls_);
        event.effect = line.one_of("effect", Effect::ran, Effect::failed);
        event.result = line.one_of("result", CallResult::success, CallResult::unknown);
        break;
      case EventKind::answered:
        recall(line, event, calls_);
        event.result = line.one_of("result", CallResult::success, CallResult::unknown);
        break;
      case EventKind::final_status:
      case EventKind::final_value:
      case EventKind::final_row:
        read_end(line, event);
        break;
      default:
        line.refuse("event", "is unknown: '" + name + "'");
    }
    if (!line.error()) ledger_.history.add(std::move(event));
  }

  static void read_answer(Line& line, Event& event) {
    event.ok = line.truth("ok");
    if (!event.ok) {
      event.code = line.one_of("code", Code::failure, Code::internal);
      event.text = line.text("text");
    } else if (event.request == Request::query) {
      read_status(line, event);
    }
  }

  // Of a query and of the end: `absent` where there is none.
  static void read_status(Line& line, Event& event) {
    const std::string word = line.text("status");
    const std::optional<GlobalStatus> status = parse_global_status(word);
    if (!status && word != kAbsent) line.refuse("status", "is unknown: '" + word + "'");
    event.status = status.value_or(GlobalStatus::prepared);
    if (event.kind == EventKind::told || !status) event.text = word;
  }

  void read_end(Line& line, Event& event) {
    event.tx = tx_of(line);
    if (line.error()) return;
    Ending& ending = endings_[static_cast<std::size_t>(event.tx)];
    if (event.kind == EventKind::final_status) {
      read_status(line, event);
      ending.absent = event.text == kAbsent;
      ++ending.statuses;
      return;
    }
    if (ending.statuses == 0) line.refuse("event", "must come behind the final_status");
    event.branch = branch_of(line, event.tx);
    if (event.kind == EventKind::final_value) {
      event.value = line.number("value") != 0 ? 1 : 0;
      ++ending.values;
      return;
    }
    event.op = line.one_of("op", Op::action, Op::query);
    event.text = line.text("status");
    event.ok = parse_branch_status(event.text) == BranchStatus::succeed;
    ++ending.rows;
  }

  using ByNumber = std::map<std::uint64_t, Event>;

  static void remember(Line& line, Event& event, ByNumber& known) {
    event.number = static_cast<std::uint64_t>(line.number("number"));
    if (line.error()) return;
    if (!known.emplace(event.number, event).second) line.refuse("number", "comes twice");
  }
  // Copies what is known from the event before that it belongs to.
  static void recall(Line& line, Event& event, const ByNumber& known) {
    const auto number = static_cast<std::uint64_t>(line.number("number"));
    const auto found = known.find(number);
    if (found == known.end()) return line.refuse("number", "belongs to nothing that was begun");
    const EventKind kind = event.kind;
    const std::int64_t at_ms = event.at_ms;
    event = found->second;
    event.kind = kind;
    event.at_ms = at_ms;
  }

  static std::uint64_t life_of(Line& line) { return static_cast<std::uint64_t>(line.number("life")); }
  int tx_of(Line& line) const {
    const std::string gid = line.text("gid");
    const auto found = numbers_.find(gid);
    if (found == numbers_.end()) line.refuse("gid", "belongs to no transaction: '" + gid + "'");
    return found == numbers_.end() ? -1 : found->second;
  }
  // From 1 on in the ledger, as in the ids of branches.
  int branch_of(Line& line, int tx) const {
    const std::int64_t branch = line.number("branch", 1);
    if (tx < 0) return 0;
    const int branches = ledger_.plan.transactions[static_cast<std::size_t>(tx)].branches;
    if (branch > branches) line.refuse("branch", "must be one of " + std::to_string(branches));
    return static_cast<int>(std::min<std::int64_t>(branch, branches)) - 1;
  }

  Ledger ledger_;
  std::map<std::string, int> numbers_;  // of transactions, by gid
  std::vector<Ending> endings_;         // by the number of the transaction
  ByNumber asked_;
  ByNumber calls_;
};

void print_rules(FromOutside how, const char* title) {
  std::printf("%s:", title);
  for (const Check& each : all_checks()) {
    if (each.from_outside != how) continue;
    std::printf("\n  %s", std::string(each.rule).c_str());
    if (!each.unseen.empty()) std::printf(": not seen: %s", std::string(each.unseen).c_str());
  }
  std::puts("");
}

}  // namespace

Result<Ledger> read_ledger(std::istream& lines) {
  Reader reader;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (const std::optional<Error> wrong = reader.add(line)) {
      return Error{Code::invalid, "line " + std::to_string(number) + ": " + wrong->message};
    }
  }
  if (number == 0) return Error{Code::invalid, "is empty"};
  return reader.end();
}

int check_ledger(const std::string& path) {
  errno = 0;
  std::ifstream file(path);
  Result<Ledger> read =
      file ? read_ledger(file) : Error{Code::invalid, "cannot be read: " + std::generic_category().message(errno)};
  if (!read) {
    std::fprintf(stderr, "settle-sim: %s: %s\n", path.c_str(), read.error().message.c_str());
    return kExitUsage;
  }
  const Ledger& ledger = read.value();
  const std::vector<Event>& events = ledger.history.events();
  const std::vector<Violation> found = check(ledger.plan, ledger.history, Sight::outside);
  for (std::size_t i = 0; i < std::min(found.size(), kReportsMax); ++i) {
    std::printf("t%d is %s\n", found[i].tx, ledger.gids[static_cast<std::size_t>(found[i].tx)].c_str());
    std::fputs(report(found[i], events).c_str(), stdout);
  }
  print_rules(FromOutside::all, "rules applied");
  print_rules(FromOutside::part, "rules applied in part");
  print_rules(FromOutside::nothing, "rules not applied");
  std::printf("%zu transactions, %zu events, %zu violations\n", ledger.gids.size(), events.size(), found.size());
  return found.empty() ? kExitFine : kExitFound;
}

}  // namespace settle::sim
