#include "server/event_loops.hpp"

#include <pthread.h>

#include <string>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "settle/asio_executor.hpp"

namespace settle::server {

struct EventLoops::Loop {
  boost::asio::io_context context{1};
  AsioExecutor executor{context};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread;
};

EventLoops::EventLoops(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    loops_.push_back(std::make_unique<Loop>());
    Loop& loop = *loops_.back();
    loop.thread = std::thread([&loop] { loop.context.run(); });
    pthread_setname_np(loop.thread.native_handle(), ("settled-loop-" + std::to_string(i)).c_str());
  }
}

EventLoops::~EventLoops() {
  for (const auto& loop : loops_) loop->work.reset();
  for (const auto& loop : loops_) loop->thread.join();
}

std::vector<Executor*> EventLoops::executors() const {
  std::vector<Executor*> executors;
  for (const auto& loop : loops_) executors.push_back(&loop->executor);
  return executors;
}

AsioExecutor& EventLoops::first() const { return loops_.front()->executor; }

std::vector<boost::asio::io_context*> EventLoops::contexts() const {
  std::vector<boost::asio::io_context*> contexts;
  for (const auto& loop : loops_) contexts.push_back(&loop->context);
  return contexts;
}

}  // namespace settle::server
