#include "sim/server.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace settle::sim {
namespace {

constexpr std::int64_t kReopenMs = 500;

}  // namespace

SimulatedServer::SimulatedServer(Surroundings& around, Network& network, Database& database, std::size_t number)
    : around_(around),
      network_(network),
      database_(database),
      number_(number),
      process_(around.world.add_process(around.plan.clocks[number])),
      committer_(&process_.add_executor()),
      reader_(&process_.add_executor()),
      api_(&process_.add_executor()) {
  for (std::size_t i = 0; i < around.plan.shards; ++i) shards_.push_back(&process_.add_executor());
  around.processes.push_back(&process_);
}

SimulatedServer::~SimulatedServer() {
  process_.kill();
  engine_.reset();
}

void SimulatedServer::open() {
  process_.start();
  stopping_ = stopped_ = false;
  store_ = std::make_unique<ServerStore>(around_, database_, process_, number());
  Ports ports{.store = *store_};
  ports.callers = {
      network_.port(process_, number(), [store = store_.get()](int tx) { return store->lease_left_ms(tx); })};
  ports.clock = &process_;
  ports.shards.assign(shards_.begin(), shards_.end());
  ports.committer = committer_;
  ports.reader = reader_;
  ports.make_random = [this] { return std::make_unique<testing::SeededRandom>(around_.random.next()); };
  if (around_.plan.one_machine) ports.process = process_port();
  note("opens");
  Result<std::unique_ptr<Engine>> opened = Engine::open(std::move(ports), around_.plan.options);
  store_->opened();
  if (opened) {
    engine_ = std::move(opened).value();
  } else {
    around_.world.after_ms(kReopenMs, [this] { open(); });
  }
}

// Each life is a process, called by its coordinator and its number: "1-3".
ProcessPort SimulatedServer::process_port() {
  const auto is_gone = [this](std::string_view name) {
    const std::string text(name);
    const std::size_t place = std::stoul(text);
    return around_.processes[place]->lives() > std::stoull(text.substr(text.find('-') + 1));
  };
  return {std::to_string(number_) + "-" + std::to_string(process_.lives()), is_gone};
}

void SimulatedServer::crash(std::int64_t for_ms) {
  if (!process_.alive() || engine_ == nullptr) return;
  around_.count(Fault::crash);
  process_.kill();
  bury(for_ms);
}

void SimulatedServer::restart(std::int64_t for_ms) {
  if (!up()) return;
  around_.count(Fault::restart);
  note("stops");
  stopping_ = true;
  down_for_ms_ = for_ms;
  engine_->stop(around_.random.between(0, 2'000), [this] { stopped_ = true; });
}

void SimulatedServer::pause(std::int64_t for_ms) {
  if (!process_.alive() || process_.paused()) return;
  around_.count(Fault::pause);
  note("is paused");
  process_.pause();
  around_.world.after_ms(for_ms, [this, life = process_.lives()] {
    if (life != process_.lives()) return;
    note("wakes up");
    process_.resume();
  });
}

void SimulatedServer::stall(std::size_t executor, std::int64_t for_ms) {
  around_.count(Fault::stall);
  testing::SimulatedExecutor* const all[] = {committer_, reader_, shards_[executor % shards_.size()]};
  all[executor % 3]->stall_ms(for_ms);
}

void SimulatedServer::break_store(std::int64_t for_ms) {
  if (!process_.alive() || store_ == nullptr) return;
  around_.count(Fault::repair_fails);
  note("has no store");
  store_->break_for_ms(for_ms);
}

void SimulatedServer::look_after() {
  if (engine_ == nullptr) return;
  if (!process_.alive()) bury(around_.random.between(1, 5'000));
  if (stopped_) {
    process_.kill();
    bury(down_for_ms_);
  }
}

void SimulatedServer::bury(std::int64_t for_ms) {
  note(stopped_ ? "has stopped" : "is dead");
  engine_.reset();
  stopped_ = false;
  database_.crash(number(), around_.random);
  around_.world.after_ms(for_ms, [this] { open(); });
}

void SimulatedServer::note(const char* what) {
  Event event;
  event.kind = EventKind::server;
  event.server = number();
  event.life = process_.lives();
  event.text = what;
  around_.note(event);
}

}  // namespace settle::sim
