// How a shop tests its saga: against a whole coordinator, in milliseconds. The test framework is the shop's choice.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "order_saga.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "settle/testing/test_coordinator.hpp"

namespace {

using settle::BranchCall;
using settle::CallResult;
using settle::GlobalStatus;

// The services do their real work, behind their barriers; what is scripted is what goes wrong.
struct Shop {
  Shop() {
    auto& participant = coordinator.participant();
    participant.does("http://stock/reserve", [this](const BranchCall& call) { return stock.act(call, 1); });
    participant.does("http://stock/release", [this](const BranchCall& call) { return stock.act(call, 1); });
    participant.does("http://bank/pay", [this](const BranchCall& call) { return bank.act(call, 30); });
    participant.does("http://bank/refund", [this](const BranchCall& call) { return bank.act(call, 30); });
  }

  shop::Service stock;  // counts what is reserved
  shop::Service bank;   // and what was paid
  settle::testing::TestCoordinator coordinator;
};

}  // namespace

TEST_CASE("an order that goes well is paid and reserved") {
  Shop shop;
  CHECK(shop.coordinator.submit(shop::order_saga("order-1")).ok());
  CHECK(shop.coordinator.status("order-1") == GlobalStatus::succeed);
  CHECK(shop.stock.value() == 1);
  CHECK(shop.bank.value() == 30);
}

TEST_CASE("an order that the bank refuses is undone, the last step first") {
  Shop shop;
  shop.coordinator.participant().reply("http://bank/pay", {.result = CallResult::failure, .text = "no money"});
  shop.coordinator.submit(shop::order_saga("order-1"));
  CHECK(shop.coordinator.status("order-1") == GlobalStatus::failed);
  CHECK(shop.coordinator.find("order-1")->state.rollback_reason.find("no money") != std::string::npos);
  CHECK(shop.coordinator.participant().take_calls() ==
        std::vector<std::string>{"order-1 01 action", "order-1 02 action", "order-1 02 compensate",
                                 "order-1 01 compensate"});
  CHECK(shop.stock.value() == 0);
  CHECK(shop.bank.value() == 0);
}

TEST_CASE("an order is not given up where a service is broken, slow, or cannot be heard") {
  Shop shop;
  auto& participant = shop.coordinator.participant();
  participant.reply("http://stock/reserve", {.result = CallResult::unknown, .text = "500 Internal Server Error"});
  participant.reply("http://stock/reserve", {.hang = true});
  participant.reply("http://bank/pay", {.lose_answer = true});
  shop.coordinator.submit(shop::order_saga("order-1"));
  CHECK(shop.coordinator.status("order-1") == GlobalStatus::submitted);
  CHECK(shop.coordinator.finish("order-1"));  // the retries come at once: only the clock of the test moves
  CHECK(participant.count("http://stock/reserve") == 3);
  CHECK(participant.count("http://bank/pay") == 2);
  CHECK(shop.bank.value() == 30);  // taken once
}

TEST_CASE("a crash behind any step harms no order: it ends, and nothing is done twice") {
  for (const bool refused : {false, true}) {
    bool at_the_end = false;
    for (std::size_t steps = 0; !at_the_end; ++steps) {
      CAPTURE(refused);
      CAPTURE(steps);
      Shop shop;
      auto& coordinator = shop.coordinator;
      if (refused) coordinator.participant().always("http://bank/pay", {.result = CallResult::failure});
      coordinator.engine().submit(shop::order_saga("order-1"), [](const settle::Result<settle::Done>&) {});
      at_the_end = !coordinator.run_steps(steps);
      coordinator.crash();
      REQUIRE(coordinator.reopen());
      coordinator.submit(shop::order_saga("order-1"));  // the client had no answer, so it sends the order again
      REQUIRE(coordinator.finish("order-1"));
      CHECK(coordinator.status("order-1") == (refused ? GlobalStatus::failed : GlobalStatus::succeed));
      CHECK(shop.stock.value() == (refused ? 0 : 1));
      CHECK(shop.bank.value() == (refused ? 0 : 30));
    }
  }
}
