#include "sim/history.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace settle::sim {
namespace {

constexpr std::array<std::string_view, 8> kOps = {"action", "compensate", "try",      "confirm",
                                                  "cancel", "commit",     "rollback", "msg"};
constexpr std::array<std::string_view, 10> kRequests = {"submit",     "prepare",          "register_branch", "abort",
                                                        "force_stop", "prepare_workflow", "finish",          "query",
                                                        "wait",       "make_due"};
constexpr std::array<std::string_view, 7> kEffects = {"ran",     "repeated",  "empty", "ignored",
                                                      "refused", "postponed", "failed"};
constexpr std::array<std::string_view, 16> kKinds = {"asked",         "told",          "sent",          "answered",
                                                     "executed",      "stored_status", "stored_branch", "stored_result",
                                                     "wrote_unknown", "taken_over",    "server",        "no_lease",
                                                     "final_status",  "final_value",   "final_row",     "fault"};
constexpr std::array<std::string_view, 8> kCodes = {"failure",  "ongoing",    "invalid",     "not_found",
                                                    "conflict", "overloaded", "unavailable", "internal"};

std::string place_of(const Event& event) {
  std::string text;
  if (event.server >= 0) text += " s" + std::to_string(event.server) + "." + std::to_string(event.life);
  if (event.tx >= 0) text += " t" + std::to_string(event.tx);
  return text;
}

std::string call_of(const Event& event) {
  char branch[16];
  std::snprintf(branch, sizeof branch, " %02d ", event.branch + 1);
  return branch + std::string(to_string(event.op));
}

}  // namespace

std::string_view to_string(Op op) { return kOps[static_cast<std::size_t>(op)]; }
std::string_view to_string(Request request) { return kRequests[static_cast<std::size_t>(request)]; }
std::string_view to_string(Effect effect) { return kEffects[static_cast<std::size_t>(effect)]; }
std::string_view to_string(EventKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }
std::string_view to_string(Code code) { return kCodes[static_cast<std::size_t>(code)]; }

std::optional<Op> parse_op(std::string_view text) {
  const auto found = std::find(kOps.begin(), kOps.end(), text);
  if (found == kOps.end()) return std::nullopt;
  return static_cast<Op>(found - kOps.begin());
}

std::string to_line(const Event& event) {
  char time[24];
  std::snprintf(time, sizeof time, "%9.3f ", static_cast<double>(event.at_ms) / 1000);
  std::string text = time + std::string(to_string(event.kind)) + place_of(event);
  switch (event.kind) {
    case EventKind::asked:
      text += " " + std::string(to_string(event.request)) + " #" + std::to_string(event.number);
      break;
    case EventKind::told:
      text += " " + std::string(to_string(event.request)) + " #" + std::to_string(event.number) +
              (event.ok ? std::string(" ok") : " " + std::string(to_string(event.code)));
      break;
    case EventKind::sent:
      text += call_of(event) + " #" + std::to_string(event.number);
      if (event.until_ms != INT64_MAX) text += " until " + std::to_string(event.until_ms);
      break;
    case EventKind::answered:
      text += call_of(event) + " #" + std::to_string(event.number) + " " + std::string(settle::to_string(event.result));
      break;
    case EventKind::executed:
      text += call_of(event) + " #" + std::to_string(event.number) + " " + std::string(to_string(event.effect)) +
              ", says " + std::string(settle::to_string(event.result));
      break;
    case EventKind::stored_status:
      text += " " + std::string(settle::to_string(event.status)) + (event.ok ? " (created)" : "");
      break;
    case EventKind::stored_branch:
      text += call_of(event) + (event.ok ? " succeed" : " failed");
      break;
    case EventKind::stored_result:
    case EventKind::no_lease:
    case EventKind::final_row:
      text += call_of(event);
      break;
    case EventKind::final_status:
      if (event.text.empty()) text += " " + std::string(settle::to_string(event.status));
      break;
    case EventKind::final_value:
      text += call_of(event) + " " + std::to_string(event.value);
      break;
    case EventKind::wrote_unknown:
    case EventKind::taken_over:
    case EventKind::server:
    case EventKind::fault:
      break;
  }
  return event.text.empty() ? text : text + " " + event.text;
}

void History::add(Event event) {
  mix(static_cast<std::uint64_t>(event.at_ms));
  mix(static_cast<std::uint64_t>(event.kind) | static_cast<std::uint64_t>(event.op) << 8 |
      static_cast<std::uint64_t>(event.request) << 16 | static_cast<std::uint64_t>(event.effect) << 24 |
      static_cast<std::uint64_t>(event.result) << 32 | static_cast<std::uint64_t>(event.status) << 40 |
      static_cast<std::uint64_t>(event.code) << 48 | static_cast<std::uint64_t>(event.ok) << 56);
  mix(static_cast<std::uint64_t>(event.server + 1) | static_cast<std::uint64_t>(event.tx + 1) << 8 |
      static_cast<std::uint64_t>(event.branch + 1) << 32 | event.life << 48);
  mix(event.number ^ static_cast<std::uint64_t>(event.until_ms) << 20 ^ static_cast<std::uint64_t>(event.value) << 50);
  for (const char c : event.text) mix(static_cast<unsigned char>(c));
  events_.push_back(std::move(event));
}

void History::mix(std::uint64_t value) {
  hash_ = (hash_ ^ value) * 0x100000001B3ull;
  hash_ ^= hash_ >> 29;
}

}  // namespace settle::sim
