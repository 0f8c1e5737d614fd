// For programs that want to wait: turns a call with a completion into one that returns.
#pragma once

#include <future>
#include <utility>

#include "settle/result.hpp"

namespace settle {

// Blocks until the completion was invoked, and returns what it was given. Never call it on an executor of the engine.
//   settle::Result<settle::Done> answer = settle::await<settle::Done>(
//       [&](auto completion) { engine->submit(definition, std::move(completion)); });
template <class T, class Start>
Result<T> await(Start start) {
  std::promise<Result<T>> promise;
  std::future<Result<T>> future = promise.get_future();
  start([&promise](Result<T> result) { promise.set_value(std::move(result)); });
  return future.get();
}

}  // namespace settle
