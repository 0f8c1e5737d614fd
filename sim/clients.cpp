#include "sim/clients.hpp"

#include <algorithm>
#include <utility>

namespace settle::sim {
namespace {

constexpr std::int64_t kCallPatienceMs = 3'000;
constexpr int kTriesMax = 4;

}  // namespace

Clients::Clients(Surroundings& around, Network& network, Servers& servers)
    : around_(around), network_(network), servers_(servers), workflows_(around.plan.transactions.size()) {
  network.on_resume([this](int tx) { resume_workflow(tx); });
}

void Clients::start() {
  for (const PlannedTransaction& tx : around_.plan.transactions) {
    around_.world.after_ms(tx.start_ms, [this, &tx] { begin(tx); });
  }
}

void Clients::begin(const PlannedTransaction& tx) {
  ++begun_;
  switch (tx.type) {
    case TransType::saga:
      keep(saga(tx));
      break;
    case TransType::tcc:
    case TransType::xa:
      keep(two_phase(tx));
      break;
    case TransType::msg:
      keep(message(tx));
      break;
    case TransType::workflow:
      keep(workflow(tx, true));
      workflows_[static_cast<std::size_t>(&tx - around_.plan.transactions.data())] = stories_.back().get();
      break;
  }
  if (tx.force_stop_ms > 0) keep(operate(tx));
  if (tx.rival_ms > 0) keep(rival(tx));
  keep(look(tx));
}

bool Clients::done() const {
  return begun_ == around_.plan.transactions.size() &&
         std::all_of(stories_.begin(), stories_.end(), [](const auto& story) { return story->done(); });
}

void Clients::resume_workflow(int tx) {
  for (std::size_t i = 0; i < workflows_.size(); ++i) {
    const PlannedTransaction& planned = around_.plan.transactions[i];
    if (planned.number != tx || workflows_[i] == nullptr || !workflows_[i]->done()) continue;
    keep(workflow(planned, false));
    workflows_[i] = stories_.back().get();
  }
}

Definition Clients::definition_of(const PlannedTransaction& tx) const {
  Definition definition;
  definition.gid = tx.gid();
  definition.type = tx.type;
  definition.options = tx.options;
  definition.concurrent = tx.concurrent;
  definition.orders = tx.orders;
  definition.delay_s = tx.delay_s;
  const auto url = [&tx](int branch) { return "sim://service" + std::to_string((tx.number + branch) % 3) + "/call"; };
  if (tx.type == TransType::saga) {
    std::vector<SagaStep> steps;
    steps.reserve(static_cast<std::size_t>(tx.branches));
    for (int i = 0; i < tx.branches; ++i) steps.push_back({url(i), url(i), "{}"});
    append_saga_steps(definition, std::move(steps));
  } else if (tx.type == TransType::msg) {
    std::vector<MessageAction> actions;
    actions.reserve(static_cast<std::size_t>(tx.branches));
    for (int i = 0; i < tx.branches; ++i) actions.push_back({url(i), "{}"});
    append_message_actions(definition, std::move(actions));
  }
  if (tx.type == TransType::msg || tx.type == TransType::workflow) {
    definition.query_prepared = "sim://client" + std::to_string(tx.number % 3) + "/query";
    definition.callback_name = "workflow";
  }
  return definition;
}

// ---- requests ---------------------------------------------------------------------------------------------------

Awaited<Clients::Reply> Clients::ask(const PlannedTransaction& tx, Request request, Send send, std::string what) {
  Awaited<Reply> awaited;
  testing::SeededRandom random = around_.random_of(tx.number, 256 + static_cast<std::uint64_t>(request), ++requests_);
  std::vector<SimulatedServer*> up;
  for (const auto& server : servers_) {
    if (server->up()) up.push_back(server.get());
  }
  const bool impatient = around_.draw(random, Fault::impatience);
  const std::int64_t patience_ms = impatient ? random.between(1, 2'000) : random.between(20'000, 60'000);
  around_.world.after_ms(up.empty() ? 200 : patience_ms, [awaited] { awaited.give({}); });
  if (up.empty()) return awaited;
  SimulatedServer& server = *up[random.below(up.size())];
  if (around_.draw(random, Fault::lost_request)) return awaited;
  const std::int64_t delay_ms =
      around_.draw(random, Fault::slow_network) ? random.between(50, 8'000) : random.between(0, 5);
  around_.world.after_ms(delay_ms, [this, &server, &tx, request, what = std::move(what), send = std::move(send),
                                    awaited] { arrive(server, tx, request, what, send, awaited); });
  return awaited;
}

void Clients::arrive(SimulatedServer& server, const PlannedTransaction& tx, Request request, const std::string& what,
                     const Send& send, const Awaited<Reply>& awaited) {
  server.api().post([this, &server, &tx, request, what, send, awaited] {
    Engine* const engine = server.engine();
    if (engine == nullptr) return;
    Event asked;
    asked.kind = EventKind::asked;
    asked.server = server.number();
    asked.life = server.process().lives();
    asked.tx = tx.number;
    asked.request = request;
    asked.number = ++requests_;
    asked.text = what;
    around_.note(asked);
    send(*engine, [this, asked, awaited](Reply reply) {
      Event told = asked;
      told.kind = EventKind::told;
      told.ok = reply.ok;
      told.code = reply.code;
      told.text = reply.ok ? asked.text : reply.text;
      if (reply.status) {
        told.status = *reply.status;
        told.text = std::string(settle::to_string(told.status));
      }
      around_.note(told);
      testing::SeededRandom random = around_.random_of(asked.tx, 512, asked.number);
      if (around_.draw(random, Fault::lost_answer)) return;
      const std::int64_t delay_ms =
          around_.draw(random, Fault::slow_network) ? random.between(50, 8'000) : random.between(0, 5);
      reply.came = true;
      around_.world.after_ms(delay_ms, [awaited, reply = std::move(reply)] { awaited.give(reply); });
    });
  });
}

Awaited<CallResult> Clients::call(int tx, int branch, Op op) {
  Awaited<CallResult> awaited;
  around_.world.after_ms(kCallPatienceMs, [awaited] { awaited.give(CallResult::unknown); });
  network_.call_from_client(tx, branch, op, [awaited](CallResult result) { awaited.give(result); });
  return awaited;
}

Awaited<bool> Clients::pause(std::int64_t for_ms) {
  Awaited<bool> awaited;
  around_.world.after_ms(for_ms, [awaited] { awaited.give(true); });
  return awaited;
}

Coroutine<Clients::Reply> Clients::insist(const PlannedTransaction& tx, Request request, Send send, std::string what) {
  for (std::int64_t pause_ms = 100;; pause_ms = std::min<std::int64_t>(2 * pause_ms, 3'000)) {
    const Awaited<Reply> awaited = ask(tx, request, send, what);
    Reply reply = co_await awaited;
    const bool decides = reply.came && (reply.ok || (reply.code != Code::unavailable &&
                                                     reply.code != Code::overloaded && reply.code != Code::internal));
    if (decides) co_return reply;
    const Awaited<bool> paused = pause(pause_ms);
    co_await paused;
  }
}

Coroutine<CallResult> Clients::call_until_decided(const PlannedTransaction& tx, int branch, Op op) {
  const bool forward = op == Op::action || op == Op::attempt;
  for (int tries = 1;; ++tries) {
    const Awaited<CallResult> awaited = call(tx.number, branch, op);
    const CallResult result = co_await awaited;
    if (result == CallResult::success || (forward && result == CallResult::failure)) co_return result;
    if (forward && tries == kTriesMax) co_return CallResult::unknown;
    const Awaited<bool> paused = pause(300);
    co_await paused;
  }
}

Completion<Done> Clients::hands_on(Told told) {
  return [told = std::move(told)](const Result<Done>& done) {
    Reply reply;
    reply.ok = static_cast<bool>(done);
    if (!done) {
      reply.code = done.error().code;
      reply.text = done.error().message;
    }
    told(std::move(reply));
  };
}

Clients::Send Clients::submits(Definition definition) {
  return [definition = std::move(definition)](Engine& engine, Told told) {
    engine.submit(definition, hands_on(std::move(told)));
  };
}

Clients::Send Clients::prepares(Definition definition) {
  return [definition = std::move(definition)](Engine& engine, Told told) {
    engine.prepare(definition, hands_on(std::move(told)));
  };
}

Clients::Send Clients::registers(const PlannedTransaction& tx, Registration registration, BranchStatus status) {
  return [gid = tx.gid(), type = tx.type, registration = std::move(registration), status](Engine& engine, Told told) {
    engine.register_branch(gid, type, registration, status, hands_on(std::move(told)));
  };
}

Clients::Send Clients::aborts(const PlannedTransaction& tx) {
  return [gid = tx.gid(), type = tx.type](Engine& engine, Told told) {
    engine.abort(gid, type, "the client wants it", hands_on(std::move(told)));
  };
}

Clients::Send Clients::finishes(const PlannedTransaction& tx, GlobalStatus status) {
  return [gid = tx.gid(), status](Engine& engine, Told told) {
    engine.finish_workflow(gid, status, "", "", hands_on(std::move(told)));
  };
}

Clients::Send Clients::makes_due(const PlannedTransaction& tx) {
  return [gid = tx.gid()](Engine& engine, Told told) { engine.make_due(gid, hands_on(std::move(told))); };
}

Clients::Send Clients::waits(const PlannedTransaction& tx) {
  return [gid = tx.gid()](Engine& engine, Told told) {
    engine.wait(gid, [told = std::move(told)](const Result<GlobalStatus>& status) {
      Reply reply;
      reply.ok = static_cast<bool>(status);
      if (status) {
        reply.status = status.value();
      } else {
        reply.code = status.error().code;
        reply.text = status.error().message;
      }
      told(std::move(reply));
    });
  };
}

Clients::Send Clients::queries(const PlannedTransaction& tx) {
  return [gid = tx.gid()](Engine& engine, Told told) {
    engine.query(gid, [told = std::move(told)](Result<std::optional<StoredTransaction>> found) {
      Reply reply;
      reply.ok = static_cast<bool>(found);
      if (!found) {
        reply.code = found.error().code;
        reply.text = found.error().message;
      } else if (found.value()) {
        reply.status = found.value()->state.status;
      }
      told(std::move(reply));
    });
  };
}

// Whether the client leaves before this step of its own.
bool Clients::leaves(const PlannedTransaction& tx, int step) {
  if (tx.dies_before != step) return false;
  around_.count(Fault::client_dies);
  return true;
}

}  // namespace settle::sim
