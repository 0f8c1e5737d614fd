#include "engine/runtime/claimer.hpp"

#include <algorithm>
#include <utility>

namespace settle::runtime {

Claimer::Claimer(Store& store, Clock& clock, Executor& lane, Owners& owners, const EngineOptions& options,
                 std::unique_ptr<Random> random, Adopt adopt, Log log)
    : store_(store),
      clock_(clock),
      lane_(lane),
      owners_(owners),
      interval_ms_(std::max<std::int64_t>(1, options.claim_interval_ms)),
      lease_ms_(lease_length_ms(options, options.request_timeout_ms)),
      random_(std::move(random)),
      adopt_(std::move(adopt)),
      log_(std::move(log)) {}

void Claimer::start(ProcessPort process) {
  lane_.post([self = shared_from_this(), process = std::move(process)] {
    if (self->stopped_) return;
    if (process.is_gone) self->end_leases_of_gone(process);
    self->timer_ = self->lane_.make_timer([self = self.get()] { self->look(); });
    self->look();
  });
}

void Claimer::end_leases_of_gone(const ProcessPort& process) {
  const auto is_gone = [&process](const std::string& owner) {
    const std::string name = process_of(owner);
    return !name.empty() && name != process.name && process.is_gone(name);
  };
  const Result<std::size_t> ended = store_.end_leases(is_gone, clock_.now().wall_ms);
  if (!ended) {
    log_(LogLevel::warn, "", "what ended processes held waits for their leases: " + ended.error().message);
  } else if (ended.value() > 0) {
    log_(LogLevel::info, "",
         "taking over what ended processes of this machine held: " + std::to_string(ended.value()) + " transactions");
  }
}

void Claimer::expect(std::int64_t at_ms) {
  lane_.post([self = shared_from_this(), at_ms]() mutable {
    // Those that come close together are found by one look.
    at_ms = (at_ms + kExpectedStepMs - 1) / kExpectedStepMs * kExpectedStepMs;
    if (self->stopped_ || self->expected_.size() >= kExpectedMax || !self->expected_.insert(at_ms).second) return;
    if (*self->expected_.begin() == at_ms) self->arm();
  });
}

void Claimer::poke() {
  lane_.post([self = shared_from_this()] { self->look(); });
}

void Claimer::look_until_empty(Task empty) {
  lane_.post([self = shared_from_this(), empty = std::move(empty)]() mutable {
    if (self->stopped_) {
      empty();
      return;
    }
    self->empty_waiters_.push_back(std::move(empty));
    self->look();
  });
}

void Claimer::stop(Task stopped) {
  lane_.post([self = shared_from_this(), stopped = std::move(stopped)]() mutable {
    self->stopped_ = true;
    self->timer_.reset();
    for (Task& waiter : std::exchange(self->empty_waiters_, {})) waiter();
    stopped();
  });
}

void Claimer::done() {
  --active_;
  // Not for each one: a claim is worth while where it may bring many.
  if (active_ <= kActiveMax / 2 && wants_room_.exchange(false)) poke();
}

void Claimer::look() {
  if (stopped_ || !timer_) return;
  const std::int64_t now_ms = clock_.now().steady_ms;
  expected_.erase(expected_.begin(), expected_.upper_bound(now_ms));
  // Spread over the second half of the interval.
  next_look_ms_ = now_ms + interval_ms_ -
                  static_cast<std::int64_t>(random_->next() % static_cast<std::uint64_t>(interval_ms_ / 2 + 1));
  const bool more = claim();
  if (more) {
    poke();  // behind what was posted meanwhile
  } else if (!wants_room_) {
    for (Task& waiter : std::exchange(empty_waiters_, {})) waiter();
  }
  arm();
}

// Whether there is more, and room for it.
bool Claimer::claim() {
  const std::size_t active = active_;
  const std::size_t limit = active >= kActiveMax ? 0 : std::min(kBatchMax, kActiveMax - active);
  if (limit == 0) {
    wants_room_ = true;
    if (active_ <= kActiveMax / 2 && wants_room_.exchange(false)) return true;  // there was some just now
    return false;
  }
  const std::string owner = owners_.next_claim();
  const Moment now = clock_.now();
  const AskedLease lease = ask_lease(now, lease_ms_);
  Result<Claimed> claimed = store_.claim({owner, now.wall_ms, lease.until_wall_ms}, limit,
                                         [this](const Error& damaged) { log_(LogLevel::error, "", damaged.message); });
  if (!claimed) {
    if (!std::exchange(failing_, true)) {
      log_(LogLevel::error, "", "due transactions cannot be claimed, trying again: " + claimed.error().message);
    }
    return false;
  }
  if (std::exchange(failing_, false)) log_(LogLevel::info, "", "due transactions can be claimed again");
  const std::size_t count = claimed.value().transactions.size();
  active_ += count;
  claimed_.fetch_add(count, std::memory_order_relaxed);
  for (StoredTransaction& each : claimed.value().transactions) {
    adopt_(std::move(each), owner, lease);
  }
  return claimed.value().more;
}

void Claimer::arm() {
  const std::int64_t at_ms = expected_.empty() ? next_look_ms_ : std::min(next_look_ms_, *expected_.begin());
  timer_->arm(std::max<std::int64_t>(0, at_ms - clock_.now().steady_ms));
}

}  // namespace settle::runtime
