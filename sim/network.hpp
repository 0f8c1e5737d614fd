// Calls of branches: they may be lost, late, doubled, answered with errors or not at all, before they reach the
// participants or on the way back.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "settle/branch_caller.hpp"
#include "settle/engine.hpp"
#include "sim/surroundings.hpp"

namespace settle::sim {

// Threads: one. Lifetime: the surroundings outlive it, and it every caller.
class Network {
 public:
  // Told where a workflow's client is called back.
  using Resume = std::function<void(int tx)>;

  explicit Network(Surroundings& around) : around_(around) {}
  void on_resume(Resume resume) { resume_ = std::move(resume); }

  // Of urls `sim://…`, for one life of a coordinator. `lease_left` gives for how long the store lets this coordinator
  // work on a transaction, by its own steady clock; negative: no longer.
  using LeaseLeft = std::function<std::int64_t(int tx)>;
  CallerPort port(testing::SimulatedProcess& process, int server, LeaseLeft lease_left);

  // A call that a client makes itself, of a branch of a tcc, an xa or a workflow: answers once, or never.
  void call_from_client(int tx, int branch, Op op, std::function<void(CallResult)> answer);

 private:
  class Caller;
  struct Delivery;

  void deliver(const Delivery& delivery, std::int64_t delay_ms);
  BranchReply reply_of(const Delivery& delivery);
  std::uint64_t attempt_of(int tx, int branch, Op op) { return ++attempts_[{tx, branch, op}]; }

  Surroundings& around_;
  Resume resume_;
  std::map<std::tuple<int, int, Op>, std::uint64_t> attempts_;
  std::uint64_t calls_ = 0;
};

}  // namespace settle::sim
