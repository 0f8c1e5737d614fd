#include "server/label_table.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace settle::server {
namespace {

TEST_CASE("server/label table: labels -> made once, found again, told apart also where they run together") {
  LabelTable<int> table(10);
  int made = 0;
  const auto make = [&made] { return ++made; };
  const int* const first = table.find({"ab", "c"}, make);
  REQUIRE(first != nullptr);
  CHECK(*first == 1);
  CHECK(*table.find({"a", "bc"}, make) == 2);
  CHECK(*table.find({"ab", "c", ""}, make) == 3);
  CHECK(*table.find({}, make) == 4);
  CHECK(table.find({"ab", "c"}, make) == first);
  CHECK(made == 4);
}

TEST_CASE("server/label table: full -> those that are there are found, others are not made") {
  LabelTable<int> table(2);
  const auto make = [] { return 7; };
  CHECK(table.find({"a"}, make) != nullptr);
  const int* const second = table.find({"b"}, make);
  CHECK(table.find({"c"}, make) == nullptr);
  CHECK(table.find({"b"}, make) == second);
}

TEST_CASE("server/label table: many threads at once -> each value is made once, no more than there is room for") {
  constexpr int kThreads = 4;
  constexpr int kLabels = 200;
  LabelTable<int> table(kLabels / 2);
  std::atomic<int> made = 0;
  std::vector<std::set<const int*>> found(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int label = 0; label < kLabels; ++label) {
        const int* const value = table.find({std::to_string(label)}, [&made] { return ++made; });
        if (value != nullptr) found[static_cast<std::size_t>(thread)].insert(value);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(made == kLabels / 2);
  std::set<const int*> all;
  for (const auto& each : found) all.insert(each.begin(), each.end());
  CHECK(all.size() == kLabels / 2);
}

}  // namespace
}  // namespace settle::server
