// The sessions of one store, and what to do when one is lost.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "settle/engine.hpp"
#include "storage/mysql/connection.hpp"
#include "storage/mysql/patience.hpp"

namespace settle::mysql {

// Tells of trouble once, and of its end once.
class TroubleLog {
 public:
  TroubleLog(Log log, std::string end_message) : log_(std::move(log)), end_message_(std::move(end_message)) {}
  void trouble(const std::string& message);
  void fine();

 private:
  Log log_;
  std::string end_message_;
  std::mutex mutex_;
  bool in_trouble_ = false;
};

// Threads: any. Must outlive its leases.
class Pool {
 public:
  // A session lent to one thread; goes back with this object.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept : pool_(other.pool_), entry_(std::move(other.entry_)) {}
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { give_back(); }
    explicit operator bool() const { return entry_.connection != nullptr; }
    Connection& operator*() const { return *entry_.connection; }
    Connection* operator->() const { return entry_.connection.get(); }

    // It was lost: it does not go back. Its session may live on in the server and hold locks, so it is killed as soon
    // as there is another one.
    void abandon();

   private:
    friend class Pool;
    struct Entry {
      std::unique_ptr<Connection> connection;
      Patience::Clock::time_point opened_at;
    };
    Lease(Pool& pool, Entry entry) : pool_(&pool), entry_(std::move(entry)) {}
    void give_back();

    Pool* pool_ = nullptr;
    Entry entry_;
  };

  Pool(const MysqlOptions& options, Log log);

  // Waits for a session that is free, and for the server, as long as there is patience. Fault::other at once.
  SqlResult<Lease> take(Patience& patience);

  // Does the work in a session, and does it again where the fault allows that, within the store's patience. A
  // transaction that the work left open is rolled back.
  template <class T, class Work>
  SqlResult<T> run(const Work& work) {
    Patience patience(options_.patience_ms);
    while (true) {
      auto lease = take(patience);
      if (!lease) return lease.error();
      SqlResult<T> result = work(*lease.value());
      if (result) return result;
      if (!settle_fault(lease.value(), result.error(), patience)) return result;
    }
  }

  // What comes before another attempt: rolls back, or abandons a lost session, and pauses. False: no other attempt.
  bool settle_fault(Lease& lease, const SqlError& error, Patience& patience);

 private:
  struct Abandoned {
    std::uint64_t session_id = 0;
    std::string host;
  };

  SqlResult<Lease> open(Patience& patience);
  void kill_abandoned(Lease& lease);
  void give_back(Lease::Entry entry);
  void abandon(Lease::Entry entry);
  bool is_too_old(const Lease::Entry& entry) const;

  const MysqlOptions options_;
  TroubleLog outage_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Lease::Entry> idle_;  // the one used last is last, and is lent first
  std::size_t open_ = 0;            // lent and idle ones, and those being opened
  std::vector<Abandoned> abandoned_;
};

}  // namespace settle::mysql
