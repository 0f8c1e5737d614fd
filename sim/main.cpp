#include <cstdio>
#include <cstdlib>
#include <string>

#include "sim/checks/checks.hpp"
#include "sim/run.hpp"

int main(int argc, char** argv) {
  using namespace settle::sim;
  const std::uint64_t first = std::strtoull(argv[1], nullptr, 10),
                      last = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : first;
  std::uint64_t txs = 0, bad = 0, steps = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const RunPlan plan = plan_of(seed);
    if (first == last) std::fputs(describe(plan).c_str(), stdout);
    const RunResult result = run(plan);
    txs += plan.transactions.size();
    steps += result.steps;
    if (argc > 3)
      for (auto& e : result.history.events()) std::puts(to_line(e).c_str());
    if (result.violations.empty()) continue;
    ++bad;
    if (bad <= 3 || first == last)
      std::printf("seed %lu: %zu violations\n%s", seed, result.violations.size(),
                  report(result.violations.front(), result.history.events()).c_str());
    else
      std::printf("seed %lu: %s t%d %s\n", seed, result.violations.front().rule.c_str(), result.violations.front().tx,
                  result.violations.front().what.c_str());
  }
  std::printf("%lu transactions, %lu steps, %lu bad\n", txs, steps, bad);
}
