// The event loops of the server: one thread and one shard each.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "settle/asio_executor.hpp"
#include "settle/executor.hpp"

namespace boost::asio {
class io_context;
}

namespace settle::server {

class EventLoops {
 public:
  // Starts the threads.
  explicit EventLoops(std::size_t count);
  // Lets every loop run out of work, and joins the threads. Whatever uses the loops must have been stopped before.
  ~EventLoops();
  EventLoops(const EventLoops&) = delete;
  EventLoops& operator=(const EventLoops&) = delete;

  std::vector<Executor*> executors() const;
  AsioExecutor& first() const;
  std::vector<boost::asio::io_context*> contexts() const;

 private:
  struct Loop;
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace settle::server
