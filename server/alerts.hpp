// Alerts on their way to the operator's hook (protocol.md §7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "server/logger.hpp"
#include "settle/asio_executor.hpp"
#include "settle/telemetry.hpp"

namespace settle::server {

// {"gid":…,"status":…,"branch":url,"error":…,"retry_count":n}
std::string alert_json(const Alert& alert);

struct AlertLimits {
  std::size_t waiting_max = 1'000;  // further alerts are dropped
  std::size_t at_once_max = 4;      // posts under way
  std::int64_t timeout_ms = 5'000;  // of one post
};

struct AlertStatistics {
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;   // the hook refused it or did not answer in time; it is not tried again
  std::uint64_t dropped = 0;  // never sent: too many waited, or the server ended
  std::size_t waiting = 0;    // now
};

// POSTs each alert once, in order as far as their number at once allows. A hook that fails or is slow is logged and
// counted, and has no other effect.
// Threads: any; nothing blocks. Lifetime: the executor must run on after the sender is gone, until it is out of work;
// the logger must outlive that.
class AlertSender {
 public:
  AlertSender(AsioExecutor& executor, std::string url, Logger& logger, AlertLimits limits = {});
  // Ends what is under way, and drops what waits.
  ~AlertSender();
  AlertSender(const AlertSender&) = delete;
  AlertSender& operator=(const AlertSender&) = delete;

  void send(Alert alert);
  AlertStatistics statistics() const;

 private:
  class Queue;
  const std::shared_ptr<Queue> queue_;
};

}  // namespace settle::server
