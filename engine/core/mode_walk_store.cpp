// The change of one decision, applied to what the store was handed before.
#include <algorithm>
#include <memory>
#include <utility>

#include "engine/core/mode_walk_checks.hpp"
#include "engine/core/mode_walk_rules.hpp"

namespace settle::core::mode_walk {
namespace {

// As a store does it: it knows of the transaction only what the change says.
Snapshot applied(Snapshot snapshot, const Transaction& after, const Decision& decision) {
  if (decision.create || decision.definition_changed) snapshot.definition = after.definition;
  const auto first_new = after.registrations.end() - static_cast<std::ptrdiff_t>(decision.registered);
  snapshot.registrations.insert(snapshot.registrations.end(), first_new, after.registrations.end());
  const Definition& definition = *snapshot.definition;
  snapshot.branches.resize(definition.branches.size() + rows_each(definition.type) * snapshot.registrations.size());
  for (std::uint32_t row : decision.changed) {
    if (row < snapshot.branches.size()) snapshot.branches[row] = after.branches[row];
  }
  snapshot.exists = true;
  snapshot.state = after.state;
  return snapshot;
}

}  // namespace

void write(Findings& findings, Node& node, Sequence written_before, const Decision& decision) {
  const Transaction& after = node.transaction;
  const Snapshot& newest = node.newest();
  findings.expect(decision.write == written_before + 1 && after.written == decision.write,
                  "writes are not counted in order");
  findings.expect(decision.create != newest.exists, "created twice, or changed before it was created");
  findings.expect(decision.create || decision.expected_status == newest.state.status,
                  "the write expects a status that was not written before");
  findings.expect(decision.registered <= after.registrations.size(), "more registrations are written than there are");
  if (!findings.first().empty()) return;
  for (std::uint32_t row : decision.changed) {
    findings.expect(std::count(decision.changed.begin(), decision.changed.end(), row) == 1,
                    "a row is written twice at once");
  }
  Snapshot next = applied(newest, after, decision);
  findings.expect(next.registrations == after.registrations, "a new registration is left out of the write");
  findings.expect(next.branches == after.branches, "a changed row is left out of the write");
  findings.expect(next.definition == after.definition, "a changed definition is left out of the write");
  findings.expect(after.changed.empty() && after.state.parked == !after.in_pass,
                  "what is written does not say what is going on");
  findings.expect(!decision.may_wait || (!decision.create && !decision.definition_changed && decision.registered == 0 &&
                                         newest.state.status == after.state.status && after.in_flight == 1),
                  "a write may wait, though something depends on it, or nothing brings the next");
  node.disk.push_back(std::make_shared<const Snapshot>(std::move(next)));
}

}  // namespace settle::core::mode_walk
