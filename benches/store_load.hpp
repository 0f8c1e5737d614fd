// An adapter alone under load: sagas of two steps, written as a committer writes them.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "benches/opened_store.hpp"
#include "benches/report.hpp"
#include "settle/result.hpp"

namespace settle::bench {

struct StorePlan {
  std::string kind;
  std::size_t group = 64;          // changes that are applied together
  std::size_t payload_bytes = 64;  // of a step
  double seconds = 1;              // so long sagas are accepted; all else is done with those
};

// Told of what is being done, and how much of it, 0 to 1.
using Tell = std::function<void(const std::string& what, double done)>;

// Accepts sagas for the plan's time, writes the progress of all, reads all, finishes every other one, and takes up the
// rest after a restart of the store. An Error where the store did not do what it should.
Result<Measurement> measure_store(const StorePlan& plan, OpenedStore& opened, const Tell& tell);

}  // namespace settle::bench
