// Bounds the calls that are made to one address at once, so that a service that has just come back is not trampled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "settle/function.hpp"

namespace settle::runtime {

// The part of a url that tells whom it calls: "http://host:port" of "http://host:port/path?query", "host:port" of
// "host:port/shop.Order/Create", "etcd://host:port/order" of "etcd://host:port/order/shop.Order/Create", for there the
// authority names only who knows the addresses.
std::string_view call_target(std::string_view url);

// What stands before `://`; empty where there is no such thing.
std::string_view url_scheme(std::string_view url);

// Whether a url's scheme, in whatever case it is written, is this one, which is in lower case.
bool is_scheme(std::string_view scheme, std::string_view lower_case);

// Threads: the shard's only.
class CallGate {
 private:
  struct Target {
    std::size_t in_flight = 0;
    std::list<Task> waiting;
  };
  using Targets = std::unordered_map<std::string, Target>;

 public:
  // A place among the calls of one target, taken or waited for. Empty after release() or cancel().
  class Place {
   public:
    bool waiting() const { return waiting_; }

   private:
    friend class CallGate;
    Targets::value_type* target_ = nullptr;
    std::list<Task>::iterator task_;
    bool waiting_ = false;
  };

  explicit CallGate(std::size_t limit_per_target) : limit_(limit_per_target) {}

  // Runs `start` now, or when a place is free. `place` must stay where it is until then: it is told that it waits no
  // more.
  void enter(std::string_view url, Place& place, Task start);

  // Takes a waiting one out of the queue, so that its task will not run.
  void cancel(Place& place);

  // Gives a taken place back, which may run the next one's task.
  void release(Place& place);

  std::size_t waiting() const { return waiting_; }

 private:
  void forget_if_unused(Targets::value_type& target);

  const std::size_t limit_;
  Targets targets_;
  std::size_t waiting_ = 0;
};

}  // namespace settle::runtime
