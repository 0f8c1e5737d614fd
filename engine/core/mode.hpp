// What is different from mode to mode, behind one interface. The modes have no state: each is one object for all.
#pragma once

#include "engine/core/decide.hpp"

namespace settle::core {

class Decider;

class Mode {
 public:
  Mode() = default;
  virtual ~Mode() = default;
  Mode(const Mode&) = delete;
  Mode& operator=(const Mode&) = delete;

  // Sets the times that are counted from stored ones: timeout_at_ms and not_before_ms, for the status it has. Called
  // when a transaction is created, submitted or read from the store.
  virtual void set_times(Transaction& transaction, Moment now, const Policy& policy) const = 0;
  // Whether something is called while it is prepared (query_prepared).
  virtual bool asks_when_prepared(const Transaction&) const { return false; }

  // timeout_at_ms has come, which set_times() set for the status that it still has.
  virtual void timed_out(Decider& decider) const = 0;
  // Somebody wants it to go on now, though it is prepared.
  virtual void made_due_prepared(Decider&) const {}
  virtual void registered(Decider&) const {}
  // The client asks for a rollback. Whatever is not allowed is refused.
  virtual void abort_requested(Decider& decider, const std::string& reason) const;

  // A call of a row (never of query_prepared), no longer in flight, brought this; the transaction is not final.
  virtual void replied(Decider& decider, const Replied& event) const = 0;
  virtual void query_replied(Decider&, const Replied&) const {}
  // Whether a call of the row that was taken back before it went out may be forgotten altogether.
  virtual bool may_forget(const Transaction&, std::uint32_t) const { return true; }

  // In a pass: starts what may start, ends the transaction where it is done. Whether something that could start waits
  // for a write.
  virtual bool advance(Decider& decider) const = 0;

  // The answer to whoever waits for a pass that has ended, short of success, and was neither halted nor ended by force.
  virtual Result<Done> answer(const Transaction& transaction) const;
};

const Mode& mode_of(TransType type);

const Mode& saga_mode();
const Mode& tcc_mode();
const Mode& xa_mode();
const Mode& msg_mode();
const Mode& workflow_mode();

}  // namespace settle::core
