#include "server/readings.hpp"

#include <prometheus/metric_family.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <fstream>

namespace settle::server {
namespace {

using prometheus::MetricType;

double resident_bytes(const Readings&) {
  std::ifstream file("/proc/self/statm");
  double program_pages = 0;
  double resident_pages = 0;
  file >> program_pages >> resident_pages;
  return resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double cpu_seconds(const Readings&) {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

template <auto EngineStatistics::*member>
double of_engine(const Readings& readings) {
  return static_cast<double>(readings.engine.*member);
}

template <auto AlertStatistics::*member>
double of_alerts(const Readings& readings) {
  return static_cast<double>(readings.alerts.*member);
}

double connections(const Readings& readings) { return static_cast<double>(readings.http_connections); }
double grpc_requests(const Readings& readings) { return static_cast<double>(readings.grpc_requests); }

template <auto RegistryStatistics::*member>
double of_registry(const Readings& readings) {
  return static_cast<double>(readings.registry.*member);
}

double store_writable(const Readings& readings) { return readings.engine.store_broken ? 0 : 1; }

struct Reading {
  const char* name;
  MetricType type;
  double (*read)(const Readings&);
  const char* help;
};

constexpr std::array kReadings{
    Reading{"settle_transactions_accepted_total", MetricType::Counter, of_engine<&EngineStatistics::accepted>,
            "Transactions created."},
    Reading{"settle_transactions_succeeded_total", MetricType::Counter, of_engine<&EngineStatistics::succeeded>,
            "Transactions that ended as succeed."},
    Reading{"settle_transactions_failed_total", MetricType::Counter, of_engine<&EngineStatistics::failed>,
            "Transactions that ended as failed."},
    Reading{"settle_transactions_active", MetricType::Gauge, of_engine<&EngineStatistics::active>,
            "Transactions being worked on."},
    Reading{"settle_transactions_parked", MetricType::Gauge, of_engine<&EngineStatistics::parked>,
            "Transactions waiting for a time or for their client."},
    Reading{"settle_transactions_due", MetricType::Gauge, of_engine<&EngineStatistics::due>,
            "Parked transactions whose time has come, but that wait for others."},
    Reading{"settle_calls_total", MetricType::Counter, of_engine<&EngineStatistics::calls>,
            "Calls of branches that were started."},
    Reading{"settle_calls_in_flight", MetricType::Gauge, of_engine<&EngineStatistics::calls_in_flight>,
            "Calls of branches that wait for an answer."},
    Reading{"settle_calls_waiting", MetricType::Gauge, of_engine<&EngineStatistics::calls_waiting>,
            "Calls of branches that are held back, for many go to the same address."},
    Reading{"settle_store_groups_total", MetricType::Counter, of_engine<&EngineStatistics::groups>,
            "Groups of changes given to the store."},
    Reading{"settle_store_changes_total", MetricType::Counter, of_engine<&EngineStatistics::changes>,
            "Changes given to the store."},
    Reading{"settle_store_changes_waiting", MetricType::Gauge, of_engine<&EngineStatistics::changes_waiting>,
            "Changes that wait for the store."},
    Reading{"settle_store_writable", MetricType::Gauge, store_writable,
            "Whether changes can be written, as far as is known."},
    Reading{"settle_transactions_claimed_total", MetricType::Counter, of_engine<&EngineStatistics::claimed>,
            "Transactions taken up from a shared store, for they were due."},
    Reading{"settle_leases_lost_total", MetricType::Counter, of_engine<&EngineStatistics::leases_lost>,
            "Transactions of a shared store that another server took over."},
    Reading{"settle_http_connections", MetricType::Gauge, connections, "Open connections to the API."},
    Reading{"settle_grpc_requests", MetricType::Gauge, grpc_requests, "gRPC requests that wait for an answer of ours."},
    Reading{"settle_registry_registers", MetricType::Gauge, of_registry<&RegistryStatistics::registers>,
            "Whether this server is to be registered."},
    Reading{"settle_registry_registered", MetricType::Gauge, of_registry<&RegistryStatistics::registered>,
            "Whether it is, as far as is known."},
    Reading{"settle_registry_watches", MetricType::Gauge, of_registry<&RegistryStatistics::watches>,
            "Targets of branches that are followed in a registry."},
    Reading{"settle_registry_addresses", MetricType::Gauge, of_registry<&RegistryStatistics::addresses>,
            "Addresses known under them."},
    Reading{"settle_alerts_delivered_total", MetricType::Counter, of_alerts<&AlertStatistics::delivered>,
            "Alerts that the hook took."},
    Reading{"settle_alerts_failed_total", MetricType::Counter, of_alerts<&AlertStatistics::failed>,
            "Alerts that the hook did not take."},
    Reading{"settle_alerts_dropped_total", MetricType::Counter, of_alerts<&AlertStatistics::dropped>,
            "Alerts that were never sent, for too many waited."},
    Reading{"settle_alerts_waiting", MetricType::Gauge, of_alerts<&AlertStatistics::waiting>,
            "Alerts that wait for the hook."},
    Reading{"process_resident_memory_bytes", MetricType::Gauge, resident_bytes, "Resident memory."},
    Reading{"process_cpu_seconds_total", MetricType::Counter, cpu_seconds, "Processor time used."},
};

}  // namespace

std::vector<prometheus::MetricFamily> families_of(const Readings& readings) {
  std::vector<prometheus::MetricFamily> families;
  families.reserve(kReadings.size());
  for (const Reading& reading : kReadings) {
    prometheus::ClientMetric metric;
    (reading.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = reading.read(readings);
    families.push_back({reading.name, reading.help, reading.type, {metric}});
  }
  return families;
}

}  // namespace settle::server
