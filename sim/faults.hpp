// What a run may do to settle. Each seed switches a random part of it on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace settle::sim {

enum class Fault : std::uint8_t {
  lost_request,    // a call or a client's request never arrives
  lost_answer,     // it arrives, but its answer does not
  slow_network,    // either comes late: behind others, or behind its deadline
  duplicate,       // a call arrives twice
  error_before,    // a participant answers with an error and has done nothing
  error_after,     // a participant answers with an error and has done it
  ongoing,         // a participant says that it is not decided yet
  refusal,         // a participant says no to an action
  hang,            // a participant has done it, and never answers
  slow_store,      // a write or a read takes long
  write_fails,     // a write fails and has done nothing
  write_unknown,   // a write fails; it took effect, or does so later, or not at all
  repair_fails,    // the store stays broken for some time
  read_fails,      // a read or a claim fails
  crash,           // a coordinator dies between two steps
  crash_in_write,  // a coordinator dies in a write, which may have taken effect
  restart,         // a coordinator stops gracefully and comes again
  pause,           // a coordinator stands still and wakes up again, perhaps with its leases run out
  stall,           // one thread of a coordinator gets no processor for some time
  client_dies,     // a client leaves in the middle
  impatience,      // a client asks again before it was answered
  rival,           // a second client submits the same gid, takes it back, or has it processed at once
  force_stop,      // an operator ends a transaction by force
  clock_offset,    // wall clocks of coordinators differ, within what leases allow for
  clock_beyond,    // they differ by more
  clock_drift,     // clocks run at different speeds
  clock_step,      // a wall clock is set
  stuck,           // a branch answers with errors for ever, until the time or the retries of its saga are over
};
inline constexpr std::size_t kFaultCount = static_cast<std::size_t>(Fault::stuck) + 1;

std::string_view to_string(Fault fault);
std::optional<Fault> parse_fault(std::string_view text);

constexpr std::size_t index_of(Fault fault) { return static_cast<std::size_t>(fault); }

// How often each was injected.
using FaultCounts = std::array<std::uint64_t, kFaultCount>;

}  // namespace settle::sim
