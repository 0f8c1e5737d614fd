// What one seed decides before anything runs: options, transactions, faults. Data, so that a run can be made smaller.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "settle/engine.hpp"
#include "settle/testing/simulated_world.hpp"
#include "settle/transaction.hpp"
#include "sim/faults.hpp"

namespace settle::sim {

// One transaction and what its client does with it.
struct PlannedTransaction {
  int number = 0;  // its gid is "t" and this
  TransType type = TransType::saga;
  int branches = 2;
  Options options;
  bool concurrent = false;
  std::map<std::uint32_t, std::vector<std::uint32_t>> orders;  // saga
  std::int64_t delay_s = 0;                                    // msg
  std::int64_t start_ms = 0;
  bool prepares = false;           // saga, msg: prepare comes first
  bool backs_out = false;          // tcc, xa, msg, workflow: the client wants it undone in the end
  int refused_branch = -1;         // its action is refused, always
  int stuck_branch = -1;           // saga: its action fails with an error, always; its time or tries end it
  int dies_before = -1;            // the client leaves before this one of its steps
  std::int64_t rival_ms = 0;       // a second client, so long after its start; 0: none
  std::int64_t force_stop_ms = 0;  // after its start; 0: never
  std::uint64_t seed = 0;

  std::string gid() const { return "t" + std::to_string(number); }
};

enum class IncidentKind : std::uint8_t { crash, restart, pause, stall, outage, clock_step };

// Something that happens to one coordinator.
struct Incident {
  int number = 0;
  IncidentKind kind = IncidentKind::crash;
  std::size_t server = 0;
  std::int64_t at_ms = 0;
  std::int64_t for_ms = 0;  // until it is back; of clock_step: by how much
  int steps = 0;            // so many steps of the world later
};

struct RunPlan {
  std::uint64_t seed = 0;
  std::size_t servers = 1;  // more than one: on a shared store
  bool shared = false;
  std::size_t shards = 1;
  std::size_t lanes = 1;     // so many groups of one coordinator are written side by side: shared stores alone
  bool one_machine = false;  // the coordinators can tell which of them have ended
  EngineOptions options;
  std::array<std::uint32_t, kFaultCount> per_mille{};  // how often, where it has a chance
  std::vector<testing::ClockError> clocks;             // one for each server
  std::vector<PlannedTransaction> transactions;
  std::vector<Incident> incidents;
  std::int64_t faults_end_ms = 0;  // after that nothing is injected any more

  bool on(Fault fault) const { return per_mille[index_of(fault)] > 0; }
  // Clocks may be so wrong that two coordinators hold one transaction at once.
  bool leases_exclude() const { return !shared || (!on(Fault::clock_beyond) && !on(Fault::clock_step)); }
};

RunPlan plan_of(std::uint64_t seed);

// What of a plan is kept, by number; what is not set is kept whole.
struct Selection {
  std::optional<std::vector<Fault>> faults;
  std::optional<std::vector<int>> transactions;
  std::optional<std::vector<int>> incidents;
};
void narrow(RunPlan& plan, const Selection& selection);

// For people: what the seed has decided, one line each.
std::string describe(const RunPlan& plan);

}  // namespace settle::sim
