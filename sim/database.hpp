// What the coordinators' stores stand on: the reference stores, with a memory of what a crash leaves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "settle/store.hpp"
#include "sim/surroundings.hpp"

namespace settle::sim {

// One coordinator's alone: what is durable is kept as a journal, and a crash brings the store back to it. Shared: a
// crash of a coordinator takes nothing away, but a write whose outcome is unknown may still take effect later.
// Threads: one.
class Database {
 public:
  explicit Database(Surroundings& around);

  // What reads show.
  Store& view() { return *view_; }

  // Durable when it returns.
  void apply(int server, std::span<const Change> group, std::span<ChangeOutcome> outcomes);
  // It may have taken effect, may do so up to settle(), or never.
  void apply_unknown(int server, const Change& change, testing::SeededRandom& random);
  // What is unknown of this server is decided: it is there, or will never be.
  void settle(int server, testing::SeededRandom& random);
  // The coordinator has died, or the machine that it is on.
  void crash(int server, testing::SeededRandom& random);
  Result<PurgeResult> purge(std::int64_t finished_before_ms, std::int64_t forgotten_before_ms, std::int64_t now_ms,
                            std::size_t limit);

 private:
  struct Purge {
    std::int64_t finished_before_ms = 0;
    std::int64_t forgotten_before_ms = 0;
    std::int64_t now_ms = 0;
    std::size_t limit = 0;
  };
  using Entry = std::variant<Change, Purge>;
  struct Unknown {
    int server = 0;
    Change change;
    bool shown = false;  // reads show it already
  };
  struct Known {  // of one transaction, durably
    std::optional<GlobalStatus> status;
    std::vector<bool> rows;
    std::vector<int> registered;  // branches, in the order of their registrations
  };

  ChangeOutcome apply_one(int server, const Change& change);
  void rebuild();
  void sync();
  void observe(int server, const Change& change);
  void observe_row(int server, const Change& change, Known& known, std::uint32_t row, const BranchState& state);

  Surroundings& around_;
  std::unique_ptr<Store> view_;
  std::vector<Entry> journal_;
  std::vector<Unknown> unknown_;
  std::vector<std::pair<int, Change>> unsynced_;  // by a planted fault
  std::map<int, Known> known_;
};

}  // namespace settle::sim
