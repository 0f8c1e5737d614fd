#include "storage/mysql/pool.hpp"

#include <algorithm>

namespace settle::mysql {
namespace {

constexpr std::size_t kAbandonedMax = 64;

}  // namespace

void TroubleLog::trouble(const std::string& message) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(in_trouble_, true)) return;
  }
  if (log_) log_(LogLevel::error, "", message);
}

void TroubleLog::fine() {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(in_trouble_, false)) return;
  }
  if (log_) log_(LogLevel::info, "", end_message_);
}

Pool::Lease& Pool::Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  pool_ = other.pool_;
  entry_ = std::move(other.entry_);
  return *this;
}

void Pool::Lease::give_back() {
  if (entry_.connection) pool_->give_back(std::move(entry_));
}

void Pool::Lease::abandon() {
  if (entry_.connection) pool_->abandon(std::move(entry_));
}

Pool::Pool(const MysqlOptions& options, Log log)
    : options_(options), outage_(std::move(log), "the database can be reached again") {}

SqlResult<Pool::Lease> Pool::take(Patience& patience) {
  Lease::Entry taken;
  {
    std::unique_lock lock(mutex_);
    const auto can_go_on = [&] { return !idle_.empty() || open_ < std::max<std::size_t>(1, options_.connections_max); };
    if (!changed_.wait_until(lock, patience.end(), can_go_on)) {
      return SqlError{Fault::refused, 0, "all connections to the database are in use"};
    }
    if (idle_.empty()) {
      ++open_;
    } else {
      taken = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (taken.connection && is_too_old(taken)) taken.connection.reset();
  Lease lease;
  if (taken.connection) {
    lease = Lease(*this, std::move(taken));
  } else {
    auto opened = open(patience);
    if (!opened) {
      const std::lock_guard lock(mutex_);
      --open_;
      changed_.notify_one();
      return opened;
    }
    lease = std::move(opened.value());
  }
  kill_abandoned(lease);
  if (lease) return lease;
  if (!patience.pause()) return SqlError{Fault::lost, 0, "connections to the database break off"};
  return take(patience);
}

SqlResult<Pool::Lease> Pool::open(Patience& patience) {
  while (true) {
    auto opened = Connection::open(options_);
    if (opened) {
      outage_.fine();
      return Lease(*this, {std::move(opened.value()), Patience::Clock::now()});
    }
    outage_.trouble("the database cannot be reached: " + opened.error().message);
    const bool may_pass = opened.error().fault == Fault::lost || opened.error().fault == Fault::refused;
    if (!may_pass || !patience.pause()) return opened.error();
  }
}

// By number and by our end of the connection: a server that was started anew gives the numbers again.
void Pool::kill_abandoned(Lease& lease) {
  std::vector<Abandoned> abandoned;
  {
    const std::lock_guard lock(mutex_);
    abandoned.swap(abandoned_);
  }
  for (const Abandoned& session : abandoned) {
    const std::vector<Parameter> parameters{static_cast<std::int64_t>(session.session_id), session.host};
    auto found = lease->query("SELECT ID FROM information_schema.PROCESSLIST WHERE ID = ? AND HOST = ?", parameters);
    if (found && found.value().count() == 0) continue;
    // That it has ended meanwhile is an error, too, and as good.
    const auto killed = lease->execute("KILL " + std::to_string(session.session_id), {});
    if (killed || killed.error().fault != Fault::lost) continue;
    {
      const std::lock_guard lock(mutex_);
      abandoned_.insert(abandoned_.end(), abandoned.begin() + (&session - abandoned.data()), abandoned.end());
    }
    lease.abandon();
    return;
  }
}

bool Pool::settle_fault(Lease& lease, const SqlError& error, Patience& patience) {
  if (error.fault == Fault::lost) {
    lease.abandon();
    return patience.pause();
  }
  if (const auto rolled_back = lease->rollback(); !rolled_back && rolled_back.error().fault == Fault::lost) {
    lease.abandon();
  }
  if (error.fault != Fault::retry && error.fault != Fault::refused) return false;
  return patience.pause();
}

void Pool::give_back(Lease::Entry entry) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < options_.connections_idle_max && !is_too_old(entry)) {
    idle_.push_back(std::move(entry));
  } else {
    --open_;
  }
  changed_.notify_one();
}

void Pool::abandon(Lease::Entry entry) {
  std::vector<Lease::Entry> suspects;  // closed without the lock
  const std::lock_guard lock(mutex_);
  // What took this one most likely took those that were idle, too.
  suspects.swap(idle_);
  open_ -= 1 + suspects.size();
  if (abandoned_.size() < kAbandonedMax && !entry.connection->session_host().empty()) {
    abandoned_.push_back({entry.connection->session_id(), entry.connection->session_host()});
  }
  suspects.push_back(std::move(entry));
  changed_.notify_all();
}

bool Pool::is_too_old(const Lease::Entry& entry) const {
  return options_.connection_lifetime_ms > 0 &&
         Patience::Clock::now() - entry.opened_at > std::chrono::milliseconds(options_.connection_lifetime_ms);
}

}  // namespace settle::mysql
