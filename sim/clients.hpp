// The clients: one for each transaction, who does what DTM's SDKs do, asks again with the same gid where it was not
// told, and may leave in the middle. What they were told stands in the history.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/coroutine.hpp"
#include "sim/network.hpp"
#include "sim/server.hpp"
#include "sim/surroundings.hpp"
#include "sim/waiting.hpp"

namespace settle::sim {

class Clients {
 public:
  using Servers = std::vector<std::unique_ptr<SimulatedServer>>;

  Clients(Surroundings& around, Network& network, Servers& servers);

  // Each begins at its time.
  void start();
  // None has anything left to do.
  bool done() const;

 private:
  struct Reply {
    bool came = false;
    bool ok = false;
    Code code = Code::unavailable;
    std::string text;
    std::optional<StoredTransaction> stored;
    std::optional<GlobalStatus> status;  // of what was found or waited for
  };
  using Told = std::function<void(Reply)>;
  using Send = std::function<void(Engine&, Told)>;
  using Story = Coroutine<bool>;

  Definition definition_of(const PlannedTransaction& tx) const;

  // -- what a client can do
  Awaited<Reply> ask(const PlannedTransaction& tx, Request request, Send send, std::string what = {});
  void arrive(SimulatedServer& server, const PlannedTransaction& tx, Request request, const std::string& what,
              const Send& send, const Awaited<Reply>& awaited);
  Awaited<CallResult> call(int tx, int branch, Op op);
  Awaited<bool> pause(std::int64_t for_ms);
  // Asks until it is told something that decides.
  Coroutine<Reply> insist(const PlannedTransaction& tx, Request request, Send send, std::string what = {});
  // Calls until the branch has decided, or, for a forward call, patience is at its end (`unknown`).
  Coroutine<CallResult> call_until_decided(const PlannedTransaction& tx, int branch, Op op);
  static Completion<Done> hands_on(Told told);
  static Send submits(Definition definition);
  static Send prepares(Definition definition);
  static Send registers(const PlannedTransaction& tx, Registration registration, BranchStatus status);
  static Send aborts(const PlannedTransaction& tx);
  static Send makes_due(const PlannedTransaction& tx);
  static Send waits(const PlannedTransaction& tx);
  static Send queries(const PlannedTransaction& tx);
  static Send finishes(const PlannedTransaction& tx, GlobalStatus status);

  // -- what they do
  Story saga(const PlannedTransaction& tx);
  Story two_phase(const PlannedTransaction& tx);
  Story message(const PlannedTransaction& tx);
  Story workflow(const PlannedTransaction& tx, bool first);
  Story undo_workflow(const PlannedTransaction& tx, std::vector<bool> undone);
  Story operate(const PlannedTransaction& tx);
  Story rival(const PlannedTransaction& tx);
  Story look(const PlannedTransaction& tx);
  void begin(const PlannedTransaction& tx);
  void resume_workflow(int tx);
  void keep(Story story) { stories_.push_back(std::make_unique<Story>(std::move(story))); }
  bool leaves(const PlannedTransaction& tx, int step);

  Surroundings& around_;
  Network& network_;
  Servers& servers_;
  std::uint64_t requests_ = 0;
  std::size_t begun_ = 0;
  std::vector<std::unique_ptr<Story>> stories_;
  std::vector<Story*> workflows_;  // the newest of each transaction of that type, by its place in the plan
};

}  // namespace settle::sim
