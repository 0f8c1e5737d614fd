#include "benches/load.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>

using namespace settle;
using namespace settle::bench;

namespace {

constexpr std::size_t kClients = 2;

// An HTTP server that answers every request alike.
class Answering {
 public:
  explicit Answering(const std::string& body)
      : answer_("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body),
        thread_([this] { serve(); }) {}
  ~Answering() {
    const std::uint64_t one = 1;
    CHECK(::write(stop_.descriptor(), &one, sizeof one) == sizeof one);
    thread_.join();
  }
  Address address() const { return {"127.0.0.1", listener_.port}; }

 private:
  void serve() const {
    pollfd waiting[] = {{.fd = stop_.descriptor(), .events = POLLIN, .revents = 0},
                        {.fd = listener_.socket.descriptor(), .events = POLLIN, .revents = 0}};
    while (::poll(waiting, 2, -1) > 0 && waiting[0].revents == 0) {
      const Socket socket = accept_from(listener_.socket, 5'000);
      char request[4096];
      if (socket.open() && ::recv(socket.descriptor(), request, sizeof request, 0) > 0) send_all(socket, answer_);
    }
  }

  const std::string answer_;
  const Listener listener_ = listen_on_loopback().value();
  const Socket stop_{::eventfd(0, EFD_CLOEXEC)};
  std::thread thread_;
};

// Clients whose transactions end at once, with calls and answers as the test wants them.
class InstantLoad final : public Load {
 public:
  struct Behaviour {
    std::string answer;   // empty: a success
    std::string trouble;  // empty: none
  };

  InstantLoad(Behaviour behaviour, const GidSeries& gids, CheckedTransactions& transactions)
      : behaviour_(std::move(behaviour)), gids_(gids), transactions_(transactions) {}

  void run_once(std::int64_t) override {
    busy_ = 0;
    for (std::size_t client = 0; client < kClients; ++client) {
      const std::optional<NextTransaction> next = transactions_.next_transaction(client);
      if (!next) continue;
      ++busy_;
      const std::string gid = gids_.gid(next->number);
      for (const char* branch_id : {"01", "02"}) {
        transactions_.on_call({.gid = gid, .branch_id = branch_id, .operation = "action"});
      }
      transactions_.on_answer(
          {.client = client, .number = next->number, .begin_ns = 0, .end_ns = 1'000'000, .failure = behaviour_.answer});
    }
  }
  void wake() override {}
  std::size_t busy() const override { return busy_; }
  std::string_view trouble() const override { return behaviour_.trouble; }

 private:
  const Behaviour behaviour_;
  const GidSeries& gids_;
  CheckedTransactions& transactions_;
  std::size_t busy_ = kClients;
};

constexpr const char* kSucceeded = R"({"transactions":[{"status":"succeed"}]})";

Result<Measurement> measure(const InstantLoad::Behaviour& behaviour, double seconds = 0.05,
                            const char* shown = kSucceeded) {
  const Answering server(shown);
  const LoadPlan plan{
      .servers = {{.http = server.address()}}, .clients = kClients, .seconds = seconds, .warm_up_seconds = 0};
  return measure_load(plan, [&behaviour](const LoadPlan&, const GidSeries& gids, CheckedTransactions& transactions) {
    return Result<std::unique_ptr<Load>>(std::make_unique<InstantLoad>(behaviour, gids, transactions));
  });
}

std::string error_of(const Result<Measurement>& measured) { return measured ? "none" : measured.error().message; }

}  // namespace

TEST_CASE("bench/load: transactions that succeed -> figures, and the sample's size") {
  const Result<Measurement> measured = measure({});
  REQUIRE(measured);
  const auto figure = [&measured](std::string_view key) {
    return std::find_if(measured.value().begin(), measured.value().end(),
                        [key](const Figure& candidate) { return candidate.key == key; })
        ->value;
  };
  CHECK(std::get<double>(figure("per_second")) > 0);
  CHECK(std::get<double>(figure("p50_ms")) == doctest::Approx(1).epsilon(0.02));
  CHECK(std::get<std::int64_t>(figure("checked")) == 2 * kClients);
  CHECK(std::get<std::int64_t>(figure("repeated_calls")) == 0);
}

TEST_CASE("bench/load: a transaction that is not shown as succeeded afterwards -> no figures") {
  const std::string error = error_of(measure({}, 0.05, R"({"transactions":[{"status":"submitted"}]})"));
  CHECK(error.find("was answered with success, but is not shown as succeeded") != std::string::npos);
}

TEST_CASE("bench/load: a wrong answer, trouble, or nothing within the time -> no figures, and why") {
  CHECK(error_of(measure({.answer = "409 no"})).find("failures, the first: it was answered 409 no") !=
        std::string::npos);
  CHECK(error_of(measure({.trouble = "the server closed a connection"})) == "the server closed a connection");
  CHECK(error_of(measure({}, 0)) == "no transaction ended within the measured time");
}
