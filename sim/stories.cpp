// What the clients of each mode do, as a person would tell it.
#include <algorithm>
#include <utility>

#include "sim/clients.hpp"

namespace settle::sim {
namespace {

std::string branch_id(int branch) { return (branch < 9 ? "0" : "") + std::to_string(branch + 1); }

}  // namespace

Clients::Story Clients::saga(const PlannedTransaction& tx) {
  const Definition definition = definition_of(tx);
  if (leaves(tx, 0)) co_return true;
  if (tx.prepares) {
    Coroutine<Reply> prepared = insist(tx, Request::prepare, prepares(definition));
    co_await prepared;
    if (leaves(tx, 1)) co_return true;
  }
  Coroutine<Reply> submitted = insist(tx, Request::submit, submits(definition));
  co_await submitted;
  co_return true;
}

// tcc and xa: registers each branch, then calls it itself.
Clients::Story Clients::two_phase(const PlannedTransaction& tx) {
  const Definition definition = definition_of(tx);
  const Op op = tx.type == TransType::tcc ? Op::attempt : Op::action;
  bool good = !tx.backs_out;
  if (leaves(tx, 0)) co_return true;
  Coroutine<Reply> prepared = insist(tx, Request::prepare, prepares(definition));
  const Reply begun = co_await prepared;
  if (!begun.ok) co_return true;
  for (int branch = 0; branch < tx.branches; ++branch) {
    if (leaves(tx, 1 + 2 * branch)) co_return true;
    Registration registration{branch_id(branch), "{}", "sim://service/finish", "sim://service/undo", ""};
    Coroutine<Reply> registered =
        insist(tx, Request::register_branch, registers(tx, std::move(registration), BranchStatus::prepared),
               std::to_string(branch));
    const Reply reply = co_await registered;
    if (!reply.ok && reply.code != Code::conflict) co_return true;  // it is being rolled back
    if (leaves(tx, 2 + 2 * branch)) co_return true;
    Coroutine<CallResult> called = call_until_decided(tx, branch, op);
    if (co_await called == CallResult::success) continue;
    good = false;
    break;
  }
  if (leaves(tx, 2 * tx.branches + 1)) co_return true;
  Coroutine<Reply> ended =
      good ? insist(tx, Request::submit, submits(definition)) : insist(tx, Request::abort, aborts(tx));
  co_await ended;
  co_return true;
}

Clients::Story Clients::message(const PlannedTransaction& tx) {
  const Definition definition = definition_of(tx);
  if (leaves(tx, 0)) co_return true;
  if (tx.prepares) {
    Coroutine<Reply> prepared = insist(tx, Request::prepare, prepares(definition));
    const Reply reply = co_await prepared;
    if (!reply.ok) co_return true;
    if (leaves(tx, 1)) co_return true;
    const Awaited<bool> worked = pause(static_cast<std::int64_t>(tx.seed % 2'000));
    co_await worked;
    if (tx.backs_out) {
      around_.participants.query_prepared(tx.number);  // rolls it back
      Coroutine<Reply> aborted = insist(tx, Request::abort, aborts(tx));
      co_await aborted;
      co_return true;
    }
  }
  if (!around_.participants.commit_local(tx.number)) co_return true;
  if (leaves(tx, 2)) co_return true;
  Coroutine<Reply> submitted = insist(tx, Request::submit, submits(definition));
  co_await submitted;
  co_return true;
}

// From its beginning, or from what the coordinator kept of it.
Clients::Story Clients::workflow(const PlannedTransaction& tx, bool first) {
  if (first && leaves(tx, 0)) co_return true;
  const Send prepare = [definition = definition_of(tx)](Engine& engine, Told told) {
    engine.prepare_workflow(definition, [told = std::move(told)](Result<StoredTransaction> found) {
      Reply reply;
      reply.ok = static_cast<bool>(found);
      if (found) {
        reply.stored = std::move(found.value());
        reply.status = reply.stored->state.status;
      } else {
        reply.code = found.error().code;
        reply.text = found.error().message;
      }
      told(std::move(reply));
    });
  };
  Coroutine<Reply> prepared = insist(tx, Request::prepare_workflow, prepare);
  const Reply begun = co_await prepared;
  if (!begun.ok || begun.stored->state.status != GlobalStatus::prepared) co_return true;
  std::vector<bool> done(static_cast<std::size_t>(tx.branches));
  std::vector<bool> undone = done;
  bool good = true;
  for (std::size_t i = 0; i < begun.stored->registrations.size(); ++i) {
    const Registration& each = begun.stored->registrations[i];
    const auto branch = static_cast<std::size_t>(std::stoi(each.branch_id) - 1);
    (each.operation == "action" ? done : undone)[branch] = true;
    if (each.operation != "action" || begun.stored->branches[i].status == BranchStatus::failed) good = false;
  }
  for (int branch = 0; good && branch < tx.branches; ++branch) {
    if (done[static_cast<std::size_t>(branch)]) continue;
    if (first && leaves(tx, 1 + 2 * branch)) co_return true;
    Coroutine<CallResult> called = call_until_decided(tx, branch, Op::action);
    const CallResult result = co_await called;
    good = result == CallResult::success;
    if (first && leaves(tx, 2 + 2 * branch)) co_return true;
    Coroutine<Reply> kept = insist(
        tx, Request::register_branch,
        registers(tx, {branch_id(branch), "", "", "", "action"}, good ? BranchStatus::succeed : BranchStatus::failed),
        std::to_string(branch));
    const Reply reply = co_await kept;
    if (!reply.ok && reply.code != Code::conflict) co_return true;
  }
  if (!good || tx.backs_out) {
    Story undoing = undo_workflow(tx, std::move(undone));
    co_return co_await undoing;
  }
  Coroutine<Reply> finished = insist(tx, Request::finish, finishes(tx, GlobalStatus::succeed),
                                     std::string(settle::to_string(GlobalStatus::succeed)));
  co_await finished;
  co_return true;
}

Clients::Story Clients::undo_workflow(const PlannedTransaction& tx, std::vector<bool> undone) {
  for (int branch = tx.branches; branch-- > 0;) {
    if (undone[static_cast<std::size_t>(branch)]) continue;
    Coroutine<CallResult> called = call_until_decided(tx, branch, Op::compensate);
    co_await called;
    Coroutine<Reply> kept = insist(tx, Request::register_branch,
                                   registers(tx, {branch_id(branch), "", "", "", "compensate"}, BranchStatus::succeed),
                                   std::to_string(branch));
    const Reply reply = co_await kept;
    if (!reply.ok && reply.code != Code::conflict) co_return true;
  }
  Coroutine<Reply> finished = insist(tx, Request::finish, finishes(tx, GlobalStatus::failed),
                                     std::string(settle::to_string(GlobalStatus::failed)));
  co_await finished;
  co_return true;
}

// An operator ends it by force, whatever its client does.
Clients::Story Clients::operate(const PlannedTransaction& tx) {
  const Awaited<bool> paused = pause(tx.force_stop_ms);
  co_await paused;
  around_.count(Fault::force_stop);
  const Send stop = [gid = tx.gid()](Engine& engine, Told told) { engine.force_stop(gid, hands_on(std::move(told))); };
  Coroutine<Reply> stopped = insist(tx, Request::force_stop, stop);
  co_await stopped;
  co_return true;
}

// Another process of the same client, or one that was given up too early.
Clients::Story Clients::rival(const PlannedTransaction& tx) {
  const Awaited<bool> paused = pause(tx.rival_ms);
  co_await paused;
  around_.count(Fault::rival);
  const bool two_phase = tx.type == TransType::tcc || tx.type == TransType::xa;
  const bool submits_too = tx.type == TransType::saga;
  const bool hurries = tx.seed % 3 == 0 || (!two_phase && !submits_too);
  Coroutine<Reply> asked = hurries     ? insist(tx, Request::make_due, makes_due(tx))
                           : two_phase ? insist(tx, Request::abort, aborts(tx))
                                       : insist(tx, Request::submit, submits(definition_of(tx)));
  co_await asked;
  co_return true;
}

// Somebody who is curious.
Clients::Story Clients::look(const PlannedTransaction& tx) {
  testing::SeededRandom random(tx.seed);
  const std::int64_t looks = random.between(0, 3);
  for (std::int64_t i = 0; i < looks; ++i) {
    const Awaited<bool> paused = pause(random.per_mille(500) ? random.between(0, 100) : random.between(0, 10'000));
    co_await paused;
    const bool stays = random.per_mille(200);
    const Awaited<Reply> seen =
        stays ? ask(tx, Request::wait, waits(tx)) : ask(tx, Request::query, queries(tx), "absent");
    co_await seen;
  }
  co_return true;
}

}  // namespace settle::sim
