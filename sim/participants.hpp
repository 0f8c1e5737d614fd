// The services whose branches are called, each with a database and a barrier as DTM's SDKs have it: whatever a call
// does is done whole or not at all.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "settle/branch_caller.hpp"
#include "sim/history.hpp"

namespace settle::sim {

// What a participant does beside what the barrier says.
enum class Mood : std::uint8_t { fine, refuses, postpones, fails_before, fails_after };

struct Executed {
  Effect effect = Effect::ran;
  CallResult result = CallResult::success;
};

// Threads: one. Transactions and branches are numbers.
class Participants {
 public:
  // A call of a branch: any Op but `query`.
  Executed execute(int tx, int branch, Op op, Mood mood);
  // 0: nothing was done, or it was undone; 1: the action or the try was done; 2: it was confirmed or committed, too.
  int value(int tx, int branch) const;

  // The sender of a message: its own local transaction, with the row of the barrier. False where it was decided already
  // that it does not come.
  bool commit_local(int tx);
  // query_prepared: whether the local transaction was committed; if not, it never will be.
  bool query_prepared(int tx);

 private:
  // One row of the barrier each; `first` is that of an action, a try, or of xa's local transaction.
  struct Book {
    bool first = false;
    bool undo = false;
    bool finish = false;
    int value = 0;
  };
  enum class Local : std::uint8_t { open, committed, rolled_back };

  Book& book(int tx, int branch);
  Local& local(int tx);

  std::vector<std::vector<Book>> books_;  // by transaction, then branch
  std::vector<Local> locals_;
};

}  // namespace settle::sim
