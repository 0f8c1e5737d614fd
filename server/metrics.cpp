// The library's counters cost 15 to 30 ns and its histograms 30 to 70 ns, from one thread or two; finding one of them
// by its labels costs far more. So each is looked up once, and kept.
#include "server/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>
#include <utility>
#include <vector>

#include "server/label_table.hpp"

namespace settle::server {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;
using prometheus::Labels;

constexpr std::array kTypes{TransType::saga, TransType::tcc, TransType::xa, TransType::msg, TransType::workflow};
constexpr std::array kResults{"success", "failure", "ongoing", "unknown"};  // in the order of CallResult

// Those of Go's client library, which DTM uses, in seconds.
const Histogram::BucketBoundaries kSeconds{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
const Histogram::BucketBoundaries kStoreSeconds{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5};
const Histogram::BucketBoundaries kGroupChanges{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

constexpr std::string_view kOther = "other";

// The enumerations count from 1.
template <class Enumeration>
constexpr std::size_t index_of(Enumeration value) {
  return static_cast<std::size_t>(value) - 1;
}

Family<Counter>& counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Family<Histogram>& histograms(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

// One counter for each value of the label `status`.
struct Outcomes {
  Outcomes() = default;
  Outcomes(Family<Counter>& family, Labels labels) {
    labels["status"] = "ok";
    ok = &family.Add(labels);
    labels["status"] = "fail";
    fail = &family.Add(labels);
  }
  void count(bool went_well) const { (went_well ? ok : fail)->Increment(); }

  Counter* ok = nullptr;
  Counter* fail = nullptr;
};

struct Api {
  Outcomes requests;
  Histogram* seconds = nullptr;
};

// Clocks step; what a histogram sums up must not become less.
double seconds_of_ms(std::int64_t time_ms) { return static_cast<double>(std::max<std::int64_t>(time_ms, 0)) / 1e3; }
double seconds_of_us(std::int64_t time_us) { return static_cast<double>(std::max<std::int64_t>(time_us, 0)) / 1e6; }

}  // namespace

struct Metrics::Series {
  prometheus::Registry registry;

  Family<Counter>& requests = counters(registry, "dtm_server_process_total", "Requests to the API that were answered.");
  Family<Histogram>& request_seconds =
      histograms(registry, "dtm_server_response_duration", "Seconds from a request to its answer.");
  LabelTable<Api> apis{kApiLabelsMax};
  LabelTable<Api> other_apis{1};

  Family<Counter>& passes =
      counters(registry, "dtm_transaction_process_total", "Passes over transactions; ok: with everything done.");
  Family<Histogram>& ages = histograms(registry, "dtm_transaction_handled_duration",
                                       "Seconds from the creation of a transaction to the end of a pass over it.");
  std::array<Outcomes, kTypes.size()> passes_of;
  std::array<Histogram*, kTypes.size()> ages_of{};

  Family<Counter>& calls =
      counters(registry, "dtm_branch_process_total", "Calls of branches that were answered or given up.");
  Family<Histogram>& call_seconds =
      histograms(registry, "settle_branch_call_seconds", "Seconds from a call of a branch to its answer.");
  LabelTable<Outcomes> branches{kBranchLabelsMax};
  LabelTable<Outcomes> other_branches{kTypes.size()};
  std::array<Histogram*, kResults.size()> call_seconds_of{};

  Histogram& group_changes =
      histograms(registry, "settle_store_group_changes", "Changes given to the store together.").Add({}, kGroupChanges);
  Histogram& group_seconds =
      histograms(registry, "settle_store_group_seconds", "Seconds until a group of changes was durable.")
          .Add({}, kStoreSeconds);
  Counter& failed_groups =
      counters(registry, "settle_store_failed_groups_total", "Groups of changes that the store could not write.")
          .Add({});

  Api make_api(std::string_view transport, std::string_view api) const {
    const Labels labels{{"type", std::string(transport)}, {"api", std::string(api)}};
    return {Outcomes(requests, labels), &request_seconds.Add(labels, kSeconds)};
  }

  Outcomes make_branch(std::string_view model, std::string_view branch_id, std::string_view operation) const {
    return {
        calls,
        {{"model", std::string(model)}, {"branchid", std::string(branch_id)}, {"branchtype", std::string(operation)}}};
  }
};

Metrics::Metrics(const std::string& version) : series_(std::make_unique<Series>()) {
  prometheus::BuildGauge()
      .Name("dtm_server_info")
      .Help("The version of this server.")
      .Register(series_->registry)
      .Add({{"version", version}})
      .Set(1);
  prometheus::BuildGauge()
      .Name("process_start_time_seconds")
      .Help("When the server was started, in seconds since 1970.")
      .Register(series_->registry)
      .Add({})
      .Set(static_cast<double>(std::time(nullptr)));
  for (const TransType type : kTypes) {
    const Labels labels{{"model", std::string(to_string(type))}};
    series_->passes_of[index_of(type)] = Outcomes(series_->passes, labels);
    series_->ages_of[index_of(type)] = &series_->ages.Add(labels, kSeconds);
  }
  for (std::size_t result = 0; result < kResults.size(); ++result) {
    series_->call_seconds_of[result] = &series_->call_seconds.Add({{"result", kResults[result]}}, kSeconds);
  }
}

Metrics::~Metrics() = default;

void Metrics::pass_ended(TransType type, bool ok, std::int64_t age_ms) {
  series_->passes_of[index_of(type)].count(ok);
  series_->ages_of[index_of(type)]->Observe(seconds_of_ms(age_ms));
}

void Metrics::call_ended(TransType type, std::string_view branch_id, std::string_view operation, CallResult result,
                         std::int64_t duration_ms) {
  Series& series = *series_;
  const std::string_view model = to_string(type);
  const Outcomes* branch = series.branches.find({model, branch_id, operation},
                                                [&] { return series.make_branch(model, branch_id, operation); });
  if (branch == nullptr) {
    branch = series.other_branches.find({model}, [&] { return series.make_branch(model, kOther, kOther); });
  }
  branch->count(result == CallResult::success);
  series.call_seconds_of[index_of(result)]->Observe(seconds_of_ms(duration_ms));
}

void Metrics::group_applied(std::size_t changes, bool ok, std::int64_t duration_us) {
  series_->group_changes.Observe(static_cast<double>(changes));
  series_->group_seconds.Observe(seconds_of_us(duration_us));
  if (!ok) series_->failed_groups.Increment();
}

void Metrics::request_ended(std::string_view transport, std::string_view api, bool ok, std::int64_t duration_us) {
  Series& series = *series_;
  const Api* asked = series.apis.find({transport, api}, [&] { return series.make_api(transport, api); });
  if (asked == nullptr) {
    asked = series.other_apis.find({}, [&] { return series.make_api(kOther, kOther); });
  }
  asked->requests.count(ok);
  asked->seconds->Observe(seconds_of_us(duration_us));
}

std::string Metrics::text(const Readings& readings) const {
  std::vector<prometheus::MetricFamily> families = series_->registry.Collect();
  std::vector<prometheus::MetricFamily> read = families_of(readings);
  families.insert(families.end(), std::make_move_iterator(read.begin()), std::make_move_iterator(read.end()));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace settle::server
