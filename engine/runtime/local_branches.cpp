#include "settle/local_branches.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace settle {
namespace {

// Completes exactly once, whoever is first: the function, the deadline, or the end of the caller.
class PendingCall {
 public:
  explicit PendingCall(BranchCompletion completion) : completion_(std::move(completion)) {}

  bool complete(BranchReply reply) {
    if (completed_.exchange(true)) return false;
    completion_(std::move(reply));
    return true;
  }
  bool completed() const { return completed_; }

 private:
  std::atomic<bool> completed_ = false;
  BranchCompletion completion_;
};

// Threads for functions that block.
class Pool {
 public:
  Pool(std::size_t threads, std::size_t queue_max) : threads_max_(threads), queue_max_(queue_max) {}

  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    ready_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  bool run(Task task) {
    {
      const std::lock_guard lock(mutex_);
      if (queue_.size() >= queue_max_) return false;
      queue_.push_back(std::move(task));
      if (threads_.size() < threads_max_) threads_.emplace_back([this] { work(); });
    }
    ready_.notify_one();
    return true;
  }

 private:
  void work() {
    for (;;) {
      Task task;
      {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (stopping_) return;
        task = std::move(queue_.front());
        queue_.pop_front();
      }
      task();
    }
  }

  const std::size_t threads_max_;
  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Task> queue_;
  std::vector<std::thread> threads_;
  bool stopping_ = false;
};

std::string text_of_current_exception() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

std::string name_of(const std::string& url) {
  constexpr std::string_view kScheme = "local://";
  return url.substr(kScheme.size(), url.find('?') - kScheme.size());
}

}  // namespace

class LocalBranches::Registry {
 public:
  Registry(std::size_t threads, std::size_t queue_max) : pool_(threads, queue_max) {}

  void add(std::string name, Function function) {
    const std::unique_lock lock(mutex_);
    functions_[std::move(name)] = std::make_shared<const Function>(std::move(function));
  }

  std::shared_ptr<const Function> find(const std::string& name) const {
    const std::shared_lock lock(mutex_);
    const auto found = functions_.find(name);
    return found == functions_.end() ? nullptr : found->second;
  }

  Pool& pool() { return pool_; }

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Function>> functions_;
  Pool pool_;
};

namespace {

template <class Registry>
class LocalCaller final : public BranchCaller {
 public:
  LocalCaller(std::shared_ptr<Registry> registry, Executor& executor)
      : registry_(std::move(registry)), executor_(executor) {}

  ~LocalCaller() override {
    for (Deadline& deadline : deadlines_) deadline.call->complete({CallResult::unknown, "the process is stopping"});
  }

  void call(BranchCall call, BranchCompletion completion) override {
    const std::string name = name_of(call.url);
    const auto function = registry_->find(name);
    if (!function) {
      completion({CallResult::unknown, "no branch is registered as " + name});
      return;
    }
    const auto pending = std::make_shared<PendingCall>(std::move(completion));
    const std::int64_t timeout_ms = call.timeout_ms;
    try {
      (*function)(call, [pending](BranchReply reply) { pending->complete(std::move(reply)); });
    } catch (...) {
      pending->complete({CallResult::unknown, text_of_current_exception()});
    }
    if (!pending->completed()) watch_deadline(pending, timeout_ms);
  }

 private:
  struct Deadline {
    std::shared_ptr<PendingCall> call;
    std::unique_ptr<Timer> timer;
  };

  // Most calls complete before they return; only the others cost a timer.
  void watch_deadline(const std::shared_ptr<PendingCall>& pending, std::int64_t timeout_ms) {
    std::erase_if(deadlines_, [](const Deadline& deadline) { return deadline.call->completed(); });
    deadlines_.push_back({pending, executor_.make_timer([pending] {
                            pending->complete({CallResult::unknown, "no answer in time"});
                          })});
    deadlines_.back().timer->arm(timeout_ms);
  }

  const std::shared_ptr<Registry> registry_;
  Executor& executor_;
  std::vector<Deadline> deadlines_;
};

}  // namespace

LocalBranches::LocalBranches(std::size_t blocking_threads, std::size_t queue_max)
    : registry_(std::make_shared<Registry>(blocking_threads, queue_max)) {}

LocalBranches::~LocalBranches() = default;

void LocalBranches::add(std::string name, Function function) { registry_->add(std::move(name), std::move(function)); }

void LocalBranches::add_blocking(std::string name, BlockingFunction function) {
  add(std::move(name),
      [registry = registry_.get(), function = std::make_shared<const BlockingFunction>(std::move(function))](
          const BranchCall& call, BranchCompletion completion) {
        const auto pending = std::make_shared<PendingCall>(std::move(completion));
        const bool queued = registry->pool().run([function, call, pending] {
          try {
            pending->complete((*function)(call));
          } catch (...) {
            pending->complete({CallResult::unknown, text_of_current_exception()});
          }
        });
        if (!queued) pending->complete({CallResult::unknown, "too many blocking branches are waiting"});
      });
}

CallerPort LocalBranches::port() const {
  return {{"local"}, [registry = registry_](Executor& shard) -> std::unique_ptr<BranchCaller> {
            return std::make_unique<LocalCaller<Registry>>(registry, shard);
          }};
}

}  // namespace settle
