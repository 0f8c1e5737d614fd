// Faults planted on purpose, one at a time, to show that the simulator finds such (docs/simulator.md). They exist only
// in the library settle_engine_planted; in every other build planted() is false when it is compiled.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace settle {

enum class Plant : std::uint8_t {
  none,
  action_before_submit,   // an action starts before `submitted` is durable
  answer_before_write,    // an answer does not wait for the write
  compensate_forward,     // compensations go in the order of the actions
  confirm_first_to_last,  // a tcc's branches are called in the order of their registrations
  forget_registrations,   // branches that another server has registered are not read behind the last write
  forget_retry_limit,     // an action is tried again without end
  forget_run_ahead,       // after a crash nothing but what is marked counts as begun
  forget_timeout,         // a saga's time passes unseen
  forget_unanswered,      // a rollback leaves out what has not answered
  late_renewal,           // a call starts whatever is left of the lease
  lost_wakeup,            // what a failed write left unknown is not looked at again
  part_of_merge,          // of changes that were merged only the first is written
  query_before_write,     // a query shows a status that is not durable
  run_ahead_of_two,       // an action starts whatever is durable of those before it
  unknown_is_refusal,     // a write whose outcome is unknown is answered as a refusal
};

inline constexpr std::array<std::string_view, 16> kPlantNames = {"none",
                                                                 "action_before_submit",
                                                                 "answer_before_write",
                                                                 "compensate_forward",
                                                                 "confirm_first_to_last",
                                                                 "forget_registrations",
                                                                 "forget_retry_limit",
                                                                 "forget_run_ahead",
                                                                 "forget_timeout",
                                                                 "forget_unanswered",
                                                                 "late_renewal",
                                                                 "lost_wakeup",
                                                                 "part_of_merge",
                                                                 "query_before_write",
                                                                 "run_ahead_of_two",
                                                                 "unknown_is_refusal"};

#ifdef SETTLE_PLANTS
// Set before an engine is opened.
inline Plant& chosen_plant() {
  static Plant plant = Plant::none;
  return plant;
}
inline bool planted(Plant plant) { return chosen_plant() == plant; }
#else
constexpr bool planted(Plant) { return false; }
#endif

}  // namespace settle
