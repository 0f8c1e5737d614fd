// What a shop has in production: the saga of an order, and the two services that it calls.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "settle/branch_caller.hpp"
#include "settle/transaction.hpp"

namespace shop {

// First the stock is reserved, then the money is taken. Each can be undone.
inline settle::Definition order_saga(std::string gid) {
  settle::Definition saga;
  saga.gid = std::move(gid);
  settle::append_saga_steps(saga, {{"http://stock/reserve", "http://stock/release", R"({"item":"book"})"},
                                   {"http://bank/pay", "http://bank/refund", R"({"euros":30})"}});
  return saga;
}

// A service with a barrier in front of its work: a call that comes again does nothing again, and an action that comes
// behind its own compensation does nothing either. In production this is a table, in one transaction with the work.
class Service {
 public:
  settle::BranchReply act(const settle::BranchCall& call, int change) {
    const bool compensates = call.operation == "compensate";
    const std::string of_branch = call.gid + " " + call.branch_id;
    if (compensates) {
      const bool acted = !acted_.insert(of_branch).second;  // an action that comes from now on is too late
      const bool undone = !undone_.insert(of_branch).second;
      if (acted && !undone) value_ -= change;
    } else if (acted_.insert(of_branch).second) {
      value_ += change;
    }
    return done();
  }

  int value() const { return value_; }

 private:
  static settle::BranchReply done() { return {settle::CallResult::success, ""}; }

  std::set<std::string> acted_;
  std::set<std::string> undone_;
  int value_ = 0;
};

}  // namespace shop
