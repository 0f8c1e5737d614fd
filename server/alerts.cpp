#include "server/alerts.hpp"

#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/json/json_text.hpp"
#include "settle/http/poster.hpp"

namespace settle::server {

std::string alert_json(const Alert& alert) {
  std::string text;
  dtm::JsonObject object(text);
  object.text("gid", alert.gid);
  object.text("status", to_string(alert.status));
  object.text("branch", alert.url);
  object.text("error", alert.error);
  object.number("retry_count", alert.retry_count);
  object.end();
  return text;
}

// Lives as long as a post of it is under way. Its texts leave the url out, for urls of hooks often hold a secret.
class AlertSender::Queue : public std::enable_shared_from_this<Queue> {
 public:
  Queue(AsioExecutor& executor, std::string url, Logger& logger, AlertLimits limits)
      : url_(std::move(url)), logger_(logger), limits_(limits), poster_(std::in_place, executor) {}

  void add(Alert alert) {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() >= limits_.waiting_max) {
      drop(alert);
    } else {
      waiting_.push_back(std::move(alert));
      post();
    }
  }

  void close() {
    const std::scoped_lock lock(mutex_);
    poster_.reset();
    if (waiting_.empty()) return;
    statistics_.dropped += waiting_.size();
    logger_.write(LogLevel::warn, "", std::to_string(waiting_.size()) + " alerts are dropped: the server ends");
    waiting_.clear();
  }

  AlertStatistics statistics() const {
    const std::scoped_lock lock(mutex_);
    AlertStatistics now = statistics_;
    now.waiting = waiting_.size();
    return now;
  }

 private:
  // The first of a run is logged, and their number when the hook has caught up: a line for each would be as many lines
  // as there are alerts too many.
  void drop(const Alert& alert) {
    ++statistics_.dropped;
    if (dropping_) return;
    dropping_ = true;
    logger_.write(LogLevel::warn, alert.gid,
                  "alerts are dropped from here on: the hook is slow, " + std::to_string(waiting_.size()) + " wait");
  }

  void post() {
    while (poster_ && under_way_ < limits_.at_once_max && !waiting_.empty()) {
      const Alert alert = std::move(waiting_.front());
      waiting_.pop_front();
      ++under_way_;
      poster_->post(
          url_, alert_json(alert), limits_.timeout_ms,
          [self = shared_from_this(), gid = alert.gid](const BranchReply& reply) { self->ended(gid, reply); });
    }
    if (!dropping_ || waiting_.size() > limits_.waiting_max / 2) return;
    dropping_ = false;
    logger_.write(LogLevel::warn, "", "alerts are sent again; dropped so far: " + std::to_string(statistics_.dropped));
  }

  void ended(const std::string& gid, const BranchReply& reply) {
    const std::scoped_lock lock(mutex_);
    --under_way_;
    if (reply.result == CallResult::success) {
      ++statistics_.delivered;
    } else {
      ++statistics_.failed;
      logger_.write(LogLevel::warn, gid, "alert not delivered: " + reply.text.substr(0, kLastErrorBytesMax));
    }
    post();
  }

  const std::string url_;
  Logger& logger_;
  const AlertLimits limits_;
  mutable std::mutex mutex_;
  std::optional<http::Poster> poster_;  // none: closed
  std::deque<Alert> waiting_;
  std::size_t under_way_ = 0;
  bool dropping_ = false;
  AlertStatistics statistics_;
};

AlertSender::AlertSender(AsioExecutor& executor, std::string url, Logger& logger, AlertLimits limits)
    : queue_(std::make_shared<Queue>(executor, std::move(url), logger, limits)) {}

AlertSender::~AlertSender() { queue_->close(); }

void AlertSender::send(Alert alert) { queue_->add(std::move(alert)); }

AlertStatistics AlertSender::statistics() const { return queue_->statistics(); }

}  // namespace settle::server
