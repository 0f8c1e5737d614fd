// What settled tells Prometheus (protocol.md §8): DTM's metrics by DTM's names, so that its dashboards work, and our
// own, which begin with settle_. docs/metrics.md lists them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/readings.hpp"
#include "settle/telemetry.hpp"

namespace settle::server {

// Branch ids and operations are labels, and come from outside. So many combinations with the type of the transaction
// are told apart; of all further ones both count as "other".
inline constexpr std::size_t kBranchLabelsMax = 1'000;
// The same for what is asked for over the API, by transport and name.
inline constexpr std::size_t kApiLabelsMax = 100;

// Threads: any. Each call but text() takes well under a microsecond, and none waits for a scrape.
class Metrics final : public Telemetry {
 public:
  explicit Metrics(const std::string& version);
  ~Metrics() override;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void pass_ended(TransType type, bool ok, std::int64_t age_ms) override;
  void call_ended(TransType type, std::string_view branch_id, std::string_view operation, CallResult result,
                  std::int64_t duration_ms) override;
  void group_applied(std::size_t changes, bool ok, std::int64_t duration_us) override;
  // A request to the API was answered. transport: "http", "grpc".
  void request_ended(std::string_view transport, std::string_view api, bool ok, std::int64_t duration_us);

  // What a scrape gets, in the text format 0.0.4.
  std::string text(const Readings& readings) const;

 private:
  struct Series;
  const std::unique_ptr<Series> series_;
};

}  // namespace settle::server
