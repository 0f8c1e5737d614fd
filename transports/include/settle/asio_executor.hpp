// The engine's Executor on a Boost.Asio event loop.
#pragma once

#include <memory>

#include "settle/executor.hpp"

namespace boost::asio {
class io_context;
}

namespace settle {

// Threads: exactly one thread must run the loop. Posted tasks keep it from running out of work; an armed timer too.
class AsioExecutor final : public Executor {
 public:
  explicit AsioExecutor(boost::asio::io_context& loop) : loop_(loop) {}
  void post(Task task) override;
  std::unique_ptr<Timer> make_timer(Task on_fire) override;
  boost::asio::io_context& loop() { return loop_; }

 private:
  boost::asio::io_context& loop_;
};

}  // namespace settle
