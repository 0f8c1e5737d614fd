#include "sim/network.hpp"

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>

namespace settle::sim {
namespace {

Event call_event(EventKind kind, int tx, int branch, Op op, std::uint64_t number) {
  Event event;
  event.kind = kind;
  event.tx = tx;
  event.branch = branch;
  event.op = op;
  event.number = number;
  return event;
}

// How long a message is under way.
std::int64_t delay_ms(Surroundings& around, testing::SeededRandom& random) {
  if (around.draw(random, Fault::slow_network)) return random.between(50, 8'000);
  return random.between(0, 5);
}

Mood mood_of(Surroundings& around, testing::SeededRandom& random, int tx, int branch, Op op) {
  const auto planned = std::find_if(around.plan.transactions.begin(), around.plan.transactions.end(),
                                    [tx](const PlannedTransaction& each) { return each.number == tx; });
  if (planned->stuck_branch == branch && op == Op::action) {
    around.count(Fault::stuck);
    return Mood::fails_before;
  }
  if (around.draw(random, Fault::error_before)) return Mood::fails_before;
  if (around.draw(random, Fault::error_after)) return Mood::fails_after;
  if (around.draw(random, Fault::ongoing)) return Mood::postpones;
  const bool may_refuse = op == Op::action || op == Op::attempt;
  const bool refused = planned->refused_branch == branch && may_refuse && planned->type != TransType::msg;
  if (refused) {
    around.count(Fault::refusal);
    return Mood::refuses;
  }
  // Once in a while any call may be refused: of most that is only another error.
  if (random.below(8) == 0 && around.draw(random, Fault::refusal)) return Mood::refuses;
  return Mood::fine;
}

}  // namespace

struct Network::Delivery {
  int tx = 0;
  int branch = 0;
  Op op = Op::action;
  std::uint64_t number = 0;
  std::uint64_t attempt = 0;
  TransType type = TransType::saga;
  std::uint64_t copy = 0;  // of a call that arrives more than once
  // Null where nobody hears of it.
  std::function<void(BranchReply)> answer;
};

// What a coordinator calls with, of one shard.
class Network::Caller final : public BranchCaller {
 public:
  Caller(Network& network, Executor& shard, testing::SimulatedProcess& process, int server, LeaseLeft lease_left)
      : network_(network),
        shard_(static_cast<testing::SimulatedExecutor&>(shard)),
        process_(process),
        life_(process.lives()),
        server_(server),
        lease_left_(std::move(lease_left)) {}

  ~Caller() override {
    for (const auto& pending : std::exchange(out_, {})) finish(pending, {CallResult::unknown, "the caller has ended"});
  }

  void call(BranchCall call, BranchCompletion completion) override {
    Surroundings& around = network_.around_;
    Delivery delivery;
    delivery.tx = number_of(call.gid);
    delivery.branch = std::stoi(call.branch_id) - 1;
    delivery.op = call.branch_id == "00" ? Op::query : parse_op(call.operation).value_or(Op::query);
    delivery.type = call.trans_type;
    delivery.number = ++network_.calls_;
    delivery.attempt = network_.attempt_of(delivery.tx, delivery.branch, delivery.op);
    Event sent = call_event(EventKind::sent, delivery.tx, delivery.branch, delivery.op, delivery.number);
    sent.server = server_;
    sent.life = life_;
    sent.until_ms = around.world.now_ms() + call.timeout_ms;
    around.note(sent);
    if (const std::int64_t left_ms = lease_left_(delivery.tx); left_ms < call.timeout_ms) {
      sent.kind = EventKind::no_lease;
      sent.text = left_ms < 0 ? "ended " + std::to_string(-left_ms) + " ms ago"
                              : "has " + std::to_string(left_ms) + " ms left of " + std::to_string(call.timeout_ms);
      around.note(sent);
    }
    const auto pending = std::make_shared<Pending>(Pending{*this, delivery, std::move(completion)});
    out_.insert(pending);
    shard_.post_later(call.timeout_ms, [pending, lies = around.plant == WrapperPlant::timeout_is_failure] {
      complete(pending, {lies ? CallResult::failure : CallResult::unknown, "no answer in time"});
    });
    delivery.answer = [pending, life = life_, &process = process_, &shard = shard_](BranchReply reply) {
      if (!process.alive() || process.lives() != life) return;
      shard.post([pending, reply = std::move(reply)] { complete(pending, reply); });
    };
    testing::SeededRandom random = around.random_of(delivery.tx, what_of(delivery), delivery.attempt);
    const bool lost = around.draw(random, Fault::lost_request);
    const std::int64_t first_ms = delay_ms(around, random);
    if (!lost) network_.deliver(delivery, first_ms);
    if (around.draw(random, Fault::duplicate)) {
      delivery.copy = 1;
      if (random.per_mille(700)) delivery.answer = nullptr;
      network_.deliver(delivery, random.per_mille(700) ? random.between(0, 50) : random.between(0, 20'000));
    }
  }

  static std::uint64_t what_of(const Delivery& delivery) {
    return static_cast<std::uint64_t>(delivery.branch + 1) * 16 + static_cast<std::uint64_t>(delivery.op);
  }

 private:
  struct Pending {
    Caller& caller;  // gone when it is done
    Delivery delivery;
    BranchCompletion completion;
    bool done = false;
  };

  // The first answer counts, or the deadline.
  static void complete(const std::shared_ptr<Pending>& pending, BranchReply reply) {
    if (pending->done) return;
    Caller& caller = pending->caller;
    const Delivery& delivery = pending->delivery;
    Event answered = call_event(EventKind::answered, delivery.tx, delivery.branch, delivery.op, delivery.number);
    answered.server = caller.server_;
    answered.life = caller.life_;
    answered.result = reply.result;
    caller.network_.around_.note(answered);
    caller.out_.erase(pending);
    finish(pending, std::move(reply));
  }
  static void finish(const std::shared_ptr<Pending>& pending, BranchReply reply) {
    if (std::exchange(pending->done, true)) return;
    pending->completion(std::move(reply));
  }

  Network& network_;
  testing::SimulatedExecutor& shard_;
  testing::SimulatedProcess& process_;
  const std::uint64_t life_;
  const int server_;
  const LeaseLeft lease_left_;
  std::unordered_set<std::shared_ptr<Pending>> out_;
};

CallerPort Network::port(testing::SimulatedProcess& process, int server, LeaseLeft lease_left) {
  return {{"sim"}, [this, &process, server, lease_left = std::move(lease_left)](Executor& shard) {
            return std::make_unique<Caller>(*this, shard, process, server, lease_left);
          }};
}

void Network::call_from_client(int tx, int branch, Op op, std::function<void(CallResult)> answer) {
  Delivery delivery;
  delivery.tx = tx;
  delivery.branch = branch;
  delivery.op = op;
  delivery.number = ++calls_;
  delivery.attempt = attempt_of(tx, branch, op);
  delivery.answer = [answer = std::move(answer)](const BranchReply& reply) { answer(reply.result); };
  testing::SeededRandom random = around_.random_of(tx, 64 + Caller::what_of(delivery), delivery.attempt);
  const bool lost = around_.draw(random, Fault::lost_request);
  const std::int64_t first_ms = delay_ms(around_, random);
  if (!lost) deliver(delivery, first_ms);
  if (!around_.draw(random, Fault::duplicate)) return;
  delivery.copy = 1;
  delivery.answer = nullptr;
  deliver(delivery, random.between(0, 20'000));
}

void Network::deliver(const Delivery& delivery, std::int64_t after_ms) {
  around_.world.after_ms(after_ms, [this, delivery] {
    const BranchReply reply = reply_of(delivery);
    if (!delivery.answer) return;
    testing::SeededRandom random =
        around_.random_of(delivery.tx, 128 + Caller::what_of(delivery), 2 * delivery.attempt + delivery.copy);
    if (around_.draw(random, Fault::hang) || around_.draw(random, Fault::lost_answer)) return;
    around_.world.after_ms(delay_ms(around_, random), [answer = delivery.answer, reply] { answer(reply); });
  });
}

// What the participant does with a call that has arrived.
BranchReply Network::reply_of(const Delivery& delivery) {
  testing::SeededRandom random =
      around_.random_of(delivery.tx, 192 + Caller::what_of(delivery), 2 * delivery.attempt + delivery.copy);
  Executed executed;
  if (delivery.op != Op::query) {
    const Mood mood = mood_of(around_, random, delivery.tx, delivery.branch, delivery.op);
    executed = around_.participants.execute(delivery.tx, delivery.branch, delivery.op, mood);
  } else if (around_.draw(random, Fault::error_before)) {
    executed = {Effect::failed, CallResult::unknown};
  } else if (around_.draw(random, Fault::ongoing)) {
    executed = {Effect::postponed, CallResult::ongoing};
  } else if (delivery.type == TransType::workflow) {
    if (resume_) resume_(delivery.tx);
  } else if (!around_.participants.query_prepared(delivery.tx)) {
    executed = {Effect::refused, CallResult::failure};
  }
  Event event = call_event(EventKind::executed, delivery.tx, delivery.branch, delivery.op, delivery.number);
  event.effect = executed.effect;
  event.result = executed.result;
  around_.note(event);
  return {executed.result, std::string(to_string(executed.effect))};
}

}  // namespace settle::sim
