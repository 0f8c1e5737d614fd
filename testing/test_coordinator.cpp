#include "settle/testing/test_coordinator.hpp"

#include "settle/storage/memory.hpp"
#include "settle/testing/seeded_random.hpp"

namespace settle::testing {
namespace {

// Lets nothing out of a coordinator that has crashed: the task that was running when it did goes on to its end.
class LivingCaller final : public BranchCaller {
 public:
  LivingCaller(std::unique_ptr<BranchCaller> caller, const bool& crashed)
      : caller_(std::move(caller)), crashed_(crashed) {}
  void call(BranchCall call, BranchCompletion completion) override {
    if (!crashed_) caller_->call(std::move(call), std::move(completion));
  }

 private:
  std::unique_ptr<BranchCaller> caller_;
  const bool& crashed_;
};

CallerPort while_alive(CallerPort port, const bool& crashed) {
  return {std::move(port.schemes), [make = std::move(port.make), &crashed](Executor& shard) {
            return std::make_unique<LivingCaller>(make(shard), crashed);
          }};
}

void end_unless(bool holds, const std::string& message) {
  if (holds) return;
  std::fprintf(stderr, "settle::testing::TestCoordinator: %s\n", message.c_str());
  std::abort();
}

}  // namespace

TestCoordinator::TestCoordinator(TestCoordinatorOptions options)
    : options_(std::move(options)),
      memory_(options_.store == nullptr ? make_memory_store() : nullptr),
      stored_(options_.store == nullptr ? *memory_ : *options_.store),
      store_(stored_) {
  const Result<Done> opened = reopen();
  end_unless(static_cast<bool>(opened), opened ? "" : opened.error().message);
}

TestCoordinator::~TestCoordinator() {
  if (!crashed_) stop();
}

Result<Done> TestCoordinator::reopen() {
  if (!crashed_) stop();
  engine_.reset();
  crashed_ = false;
  process_.start();
  Ports ports{.store = store_};
  for (const CallerPort& caller : options_.callers) ports.callers.push_back(while_alive(caller, crashed_));
  ports.callers.push_back(while_alive(participant_.port(options_.participant_schemes), crashed_));
  ports.clock = &process_;
  ports.shards = {&executor_};
  ports.committer = ports.reader = &executor_;
  ports.make_random = [seed = options_.seed + opened_++] { return std::make_unique<SeededRandom>(seed); };
  ports.alert = [this](Alert alert) { alerts_.push_back(std::move(alert)); };
  auto opened = Engine::open(std::move(ports), options_.engine);
  if (!opened) return std::move(opened.error());
  engine_ = std::move(opened).value();
  run();
  return Done{};
}

void TestCoordinator::stop() {
  if (crashed_ || !engine_) return;
  bool stopped = false;
  engine_->stop(0, [&stopped] { stopped = true; });
  run();
  advance_ms(0);
  end_unless(stopped, "the engine did not stop");
  engine_.reset();
}

// The engine may be in the middle of a task, so it goes later.
void TestCoordinator::crash() {
  if (!running()) return;
  process_.kill();
  crashed_ = true;
  participant_.drop_held();
}

Outcome<Done> TestCoordinator::submit(Definition definition) {
  return ask<Done>([&](Engine& engine, auto done) { engine.submit(std::move(definition), std::move(done)); });
}

std::optional<StoredTransaction> TestCoordinator::find(const std::string& gid) {
  if (!running()) {
    auto stored = stored_.load(gid);
    return stored ? std::move(stored).value() : std::nullopt;
  }
  using Found = std::optional<StoredTransaction>;
  const auto found = ask<Found>([&](Engine& engine, auto done) { engine.query(gid, std::move(done)); });
  return found.ok() ? found.result().value() : std::nullopt;
}

std::optional<GlobalStatus> TestCoordinator::status(const std::string& gid) {
  const auto found = find(gid);
  return found ? std::optional(found->state.status) : std::nullopt;
}

bool TestCoordinator::finish(const std::string& gid, std::int64_t within_ms) {
  const std::int64_t end_ms = world_.now_ms() + within_ms;
  while (true) {
    run();
    const auto stored = stored_.load(gid);
    if (stored && stored.value() && is_final(stored.value()->state.status)) return true;
    if (world_.step(end_ms)) continue;
    advance_ms(end_ms - world_.now_ms());
    return false;
  }
}

bool TestCoordinator::run_steps(std::size_t count, std::int64_t within_ms) {
  const std::int64_t end_ms = world_.now_ms() + within_ms;
  for (std::size_t done = 0; done < count; ++done) {
    if (!world_.step(end_ms)) return false;
  }
  return true;
}

}  // namespace settle::testing
