#include "sim/participants.hpp"

namespace settle::sim {
namespace {

template <class T>
T& at(std::vector<T>& list, int index) {
  const auto place = static_cast<std::size_t>(index);
  if (place >= list.size()) list.resize(place + 1);
  return list[place];
}

bool is_undo(Op op) { return op == Op::compensate || op == Op::cancel || op == Op::rollback; }
bool is_finish(Op op) { return op == Op::confirm || op == Op::commit; }

}  // namespace

Executed Participants::execute(int tx, int branch, Op op, Mood mood) {
  if (mood == Mood::fails_before) return {Effect::failed, CallResult::unknown};
  Book& kept = book(tx, branch);
  Book next = kept;
  bool& row = is_undo(op) ? next.undo : is_finish(op) ? next.finish : next.first;
  Executed done;
  if (row) {
    done.effect = !is_undo(op) && !is_finish(op) && next.undo ? Effect::ignored : Effect::repeated;
  } else if (mood == Mood::refuses) {
    return {Effect::refused, CallResult::failure};
  } else if (mood == Mood::postpones) {
    return {Effect::postponed, CallResult::ongoing};
  } else if (is_undo(op) && !next.first) {
    next.first = true;
    done.effect = Effect::empty;
  } else {
    next.value = is_undo(op) ? 0 : is_finish(op) ? next.value + 1 : 1;
  }
  row = true;
  kept = next;
  if (mood == Mood::fails_after) done.result = CallResult::unknown;
  return done;
}

int Participants::value(int tx, int branch) const {
  const auto place = static_cast<std::size_t>(tx);
  if (place >= books_.size() || static_cast<std::size_t>(branch) >= books_[place].size()) return 0;
  return books_[place][static_cast<std::size_t>(branch)].value;
}

bool Participants::commit_local(int tx) {
  Local& state = local(tx);
  if (state == Local::open) state = Local::committed;
  return state == Local::committed;
}

bool Participants::query_prepared(int tx) {
  Local& state = local(tx);
  if (state == Local::open) state = Local::rolled_back;
  return state == Local::committed;
}

Participants::Book& Participants::book(int tx, int branch) { return at(at(books_, tx), branch); }
Participants::Local& Participants::local(int tx) { return at(locals_, tx); }

}  // namespace settle::sim
