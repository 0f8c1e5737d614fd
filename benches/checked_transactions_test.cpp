#include "benches/checked_transactions.hpp"

#include <doctest/doctest.h>

#include <string>

#include "benches/machine.hpp"

using namespace settle::bench;

namespace {

// Two clients that run sagas of two steps.
struct Checked {
  GidSeries gids;
  CheckedTransactions transactions{gids, 2, Mode::saga, 2};

  void call(std::uint64_t number, const char* branch_id, const char* operation = "action") {
    const std::string gid = gids.gid(number);
    CHECK(transactions.on_call({.gid = gid, .branch_id = branch_id, .operation = operation}));
  }
  void answer(std::size_t client, std::uint64_t number, const char* failure = "") {
    transactions.on_answer(
        {.client = client, .number = number, .begin_ns = 1'000'000, .end_ns = 3'000'000, .failure = failure});
  }
  // What the first failure says where there is exactly one.
  std::string only_failure() const {
    return transactions.failures() == 1 ? transactions.first_failure() : std::to_string(transactions.failures());
  }
};

}  // namespace

TEST_CASE("bench/checked transactions: all branches called, then a success -> fine, and timed within the window") {
  Checked checked;
  for (int round = 0; round < 2; ++round) {
    const std::uint64_t number = checked.transactions.next_transaction(1).value().number;
    CHECK(number == static_cast<std::uint64_t>(1 + 2 * round));
    if (round == 1) checked.transactions.begin_window();
    checked.call(number, "01");
    checked.call(number, "02");
    checked.answer(1, number);
  }
  CHECK(checked.transactions.failures() == 0);
  CHECK(checked.transactions.repeated_calls() == 0);
  CHECK(checked.transactions.answers() == 2);
  CHECK(checked.transactions.latencies().count() == 1);
  CHECK(checked.transactions.latencies().percentile_ms(0.5) == doctest::Approx(2).epsilon(0.02));
  CHECK(checked.transactions.sample(2) == std::vector<std::uint64_t>{1, 3});
  CHECK(checked.transactions.sample(1).empty());
}

TEST_CASE("bench/checked transactions: a success with a branch missing -> a failure") {
  Checked checked;
  checked.transactions.next_transaction(0);
  checked.call(0, "02");
  checked.answer(0, 0);
  CHECK(checked.only_failure() == "a success was answered before all branches were called");
}

TEST_CASE("bench/checked transactions: anything but a success -> a failure with what was answered") {
  Checked checked;
  checked.transactions.next_transaction(0);
  checked.answer(0, 0, "409 no");
  CHECK(checked.only_failure() == "it was answered 409 no");
}

TEST_CASE("bench/checked transactions: calls that should not be -> failures, repeated ones are counted") {
  Checked undone;
  undone.transactions.next_transaction(0);
  undone.call(0, "01", "compensate");
  CHECK(undone.only_failure() == "a transaction that succeeds was undone");

  Checked beyond;
  beyond.transactions.next_transaction(0);
  beyond.call(0, "65");
  CHECK(beyond.only_failure() == "a branch was called that does not exist: 65");

  Checked repeated;
  repeated.transactions.next_transaction(0);
  repeated.call(0, "01");
  repeated.call(0, "01");
  const GidSeries another;
  CHECK(repeated.transactions.on_call({.gid = another.gid(0), .branch_id = "01", .operation = "cancel"}));
  CHECK(repeated.transactions.failures() == 0);
  CHECK(repeated.transactions.repeated_calls() == 1);
}

TEST_CASE("bench/checked transactions: stopped -> no client starts another one") {
  Checked checked;
  checked.transactions.next_transaction(0);
  checked.transactions.stop();
  CHECK_FALSE(checked.transactions.next_transaction(0));
  CHECK_FALSE(checked.transactions.next_transaction(1));
}

TEST_CASE("bench/checked: an open loop -> transactions begin when they were due, also those that nobody could take") {
  constexpr double kRate = 1'000;  // one a millisecond
  GidSeries gids;
  CheckedTransactions transactions(gids, 2, Mode::saga, 2, kRate);
  const std::int64_t first_ns = transactions.next_due_ns().value();
  while (transactions.waiting(now_ns()) < 3) {
  }
  for (std::uint64_t i = 0; i < 3; ++i) {
    const auto next = transactions.next_transaction(i % 2);
    REQUIRE(next);
    CHECK(next->number == i);
    CHECK(next->begin_ns == first_ns + static_cast<std::int64_t>(i) * 1'000'000);
  }
  CHECK(transactions.next_due_ns() == first_ns + 3'000'000);
  CHECK(transactions.waiting(first_ns + 2'999'999) == 0);
  CHECK(transactions.waiting(first_ns + 3'000'000) == 1);
  CHECK(transactions.waiting(first_ns + 5'500'000) == 3);
  transactions.stop();
  CHECK_FALSE(transactions.next_due_ns());
  CHECK(transactions.waiting(INT64_MAX) == 0);
}

TEST_CASE("bench/checked: an open loop, nothing due yet -> the client stays idle") {
  GidSeries gids;
  CheckedTransactions transactions(gids, 1, Mode::saga, 2, 1e-3);
  CHECK(transactions.next_transaction(0));
  CHECK_FALSE(transactions.next_transaction(0));
}
