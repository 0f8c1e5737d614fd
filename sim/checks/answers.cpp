// What clients were told was true, and stays so.
#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "sim/checks/checks.hpp"

namespace settle::sim {
namespace {

bool creates(Request request) {
  return request == Request::submit || request == Request::prepare || request == Request::prepare_workflow;
}

std::string line_of(const Event& event) { return "told at " + to_line(event); }

// The status that a refusal names between quotes, or behind `status: `.
std::string named_status(const std::string& text) {
  const std::size_t quote = text.find("current status '");
  if (quote != std::string::npos) {
    const std::size_t begin = quote + 16;
    return text.substr(begin, text.find('\'', begin) - begin);
  }
  const std::size_t stop = text.find("force stop error. status: ");
  if (stop == std::string::npos) return {};
  const std::size_t begin = stop + 26;
  return text.substr(begin, text.find('.', begin) - begin);
}

// Whether a transaction that is stored as `later` may have been `status` before. Writes that wait together become one,
// so the store need not have kept it.
bool leads_to(GlobalStatus status, GlobalStatus later) {
  if (status == later || status == GlobalStatus::prepared) return true;
  if (status == GlobalStatus::submitted) return later != GlobalStatus::prepared;
  return status == GlobalStatus::aborting && later == GlobalStatus::failed;
}

// The answer to a submit that was waited for, and says that it did not succeed, or not yet.
bool refuses_result(const Seen& seen, const Event& event) {
  return seen.planned->type == TransType::saga && seen.planned->options.wait_result && event.kind == EventKind::told &&
         event.request == Request::submit && !event.ok && event.code == Code::failure &&
         named_status(event.text).empty();
}

bool refuses_what_is_there(const Seen& seen, const Event& event) {
  const bool refused = event.kind == EventKind::told && !event.ok && event.code == Code::failure;
  return refused && (!named_status(event.text).empty() || refuses_result(seen, event));
}

// Whether it comes to its end: a saga that is only prepared need not.
bool ends(const Seen& seen) {
  return seen.any([](const Event& event) {
    return event.kind == EventKind::final_status && event.text.empty() && is_final(event.status);
  });
}

// What the store has kept so far.
struct Kept {
  std::set<GlobalStatus> statuses;
  std::set<int> branches;  // that were registered
  void on(const Event& event) {
    if (event.kind == EventKind::stored_status) statuses.insert(event.status);
    if (event.kind == EventKind::stored_result) branches.insert(event.branch);
  }
  bool has(GlobalStatus status) const { return statuses.contains(status); }
  bool has_passed(GlobalStatus status) const {
    return std::any_of(statuses.begin(), statuses.end(),
                       [status](GlobalStatus each) { return leads_to(status, each); });
  }
  bool has_left_prepared() const {
    return std::any_of(statuses.begin(), statuses.end(),
                       [](GlobalStatus status) { return status != GlobalStatus::prepared; });
  }
};

}  // namespace

// What was acknowledged is there at the end, and is no longer only prepared once a submit of it was acknowledged. A
// refusal that tells how far it is acknowledges it, too.
void check_acknowledged(const Facts& facts, const Seen& seen, Findings& findings) {
  bool known = false;
  bool submitted = false;
  bool final = false;
  bool refused = false;
  for (const Event* event : seen.events) {
    if (event->kind == EventKind::stored_status) final = is_final(event->status);
    refused = refused || refuses_what_is_there(seen, *event);
    if (event->kind == EventKind::told && event->ok) {
      known = known || creates(event->request);
      submitted = submitted || event->request == Request::submit;
      const bool purged = final && facts.plan.options.finished_expire_ms < 86'400'000;
      if (event->request == Request::query && event->text == "absent" && known && !purged) {
        // Only where it was known when the query was asked.
        const Event* const asked = seen.first(
            [&](const Event& each) { return each.kind == EventKind::asked && each.number == event->number; });
        const Event* const told = seen.first(
            [&](const Event& each) { return each.kind == EventKind::told && each.ok && creates(each.request); });
        if (told < asked) findings.add("acknowledged", seen, "a query does not know it, " + line_of(*event));
      }
    }
    if (event->kind != EventKind::final_status) continue;
    if ((known || refused) && event->text == "absent") {
      findings.add("acknowledged", seen, "is lost, though a client was told " + std::string(known ? "ok" : "of it"));
    }
    if (submitted && event->text.empty() && event->status == GlobalStatus::prepared) {
      findings.add("acknowledged", seen, "is only prepared in the end, though a submit was answered with ok");
    }
  }
}

// An answer is given only when what it says is durable.
void check_answers(const Facts&, const Seen& seen, Findings& findings) {
  Kept kept;
  for (const Event* event : seen.events) {
    kept.on(*event);
    if (event->kind != EventKind::told || !event->ok) continue;
    bool true_now = true;
    switch (event->request) {
      case Request::submit:
        true_now = kept.has_left_prepared();
        break;
      case Request::prepare:
        true_now = !kept.statuses.empty();
        break;
      case Request::prepare_workflow:
        true_now = kept.has_passed(event->status);
        break;
      case Request::register_branch:
        true_now = kept.branches.contains(std::stoi(event->text));
        break;
      case Request::abort:
        true_now = kept.has(GlobalStatus::aborting) || kept.has(GlobalStatus::failed);
        break;
      case Request::force_stop:
        true_now = kept.has(GlobalStatus::failed);
        break;
      case Request::finish:
        true_now = kept.has(parse_global_status(event->text).value_or(GlobalStatus::prepared));
        break;
      case Request::wait:
        true_now = is_final(event->status) && kept.has(event->status);
        break;
      case Request::make_due:
        break;
      case Request::query:
        true_now = event->text == "absent" || kept.has_passed(event->status);
        break;
    }
    if (!true_now) findings.add("answers", seen, "what was answered is not in the store, " + line_of(*event));
  }
}

// A refusal is a decision: it names a state that is durable. What is not known is no refusal.
void check_refusals(const Facts&, const Seen& seen, Findings& findings) {
  Kept kept;
  for (const Event* event : seen.events) {
    kept.on(*event);
    if (event->kind != EventKind::told || event->ok || event->code != Code::failure) continue;
    if (const std::string status = named_status(event->text); !status.empty()) {
      const std::optional<GlobalStatus> named = parse_global_status(status);
      const bool stored = named && kept.has_passed(*named);
      if (!stored) findings.add("refusals", seen, "the status that it names was never stored, " + line_of(*event));
      continue;
    }
    const bool waits =
        seen.planned->options.wait_result && (event->request == Request::submit || event->request == Request::abort);
    if (event->text.starts_with("no trans with gid")) {
      if (!kept.has_left_prepared() && !kept.statuses.empty()) {
        findings.add("refusals", seen, "it is prepared, and nothing else was ever stored, " + line_of(*event));
      }
    } else if (!waits) {
      findings.add("refusals", seen, "it was not waited for a result, " + line_of(*event));
    }
  }
}

// With wait_result, ok means that everything is done, and a refusal that it is not; so it stays.
void check_wait_result(const Facts& facts, const Seen& seen, Findings& findings) {
  if (!seen.planned->options.wait_result) return;
  const bool sees_store = facts.sight == Sight::whole;
  std::optional<GlobalStatus> promised;
  Kept kept;
  for (const Event* event : seen.events) {
    kept.on(*event);
    if (event->kind == EventKind::final_status && event->text.empty() && promised && event->status != *promised) {
      findings.add("wait_result", seen, "ended otherwise than its client was told, " + to_line(*event));
    }
    if (event->kind != EventKind::told || event->request != Request::submit) continue;
    if (event->ok) {
      promised = GlobalStatus::succeed;
      if (sees_store && !kept.has(GlobalStatus::succeed)) {
        findings.add("wait_result", seen, "success was told before it was stored, " + line_of(*event));
      }
    }
    const bool undecided = event->text.starts_with("wait result not return success");
    if (!refuses_result(seen, *event) || undecided) continue;
    promised = GlobalStatus::failed;
    if (sees_store && !kept.has(GlobalStatus::aborting) && !kept.has(GlobalStatus::failed)) {
      findings.add("wait_result", seen, "a rollback was told before it was stored, " + line_of(*event));
    }
  }
}

// Whoever asked a coordinator that lives on is answered.
void check_answered(const Facts& facts, const Seen& seen, Findings& findings) {
  const auto died_after = [&facts](const Event& asked) {
    return std::any_of(facts.events.begin(), facts.events.end(), [&asked](const Event& event) {
      return &event > &asked && event.kind == EventKind::server && event.server == asked.server &&
             (event.text == "is dead" || event.text == "has stopped");
    });
  };
  std::set<std::uint64_t> told;
  for (const Event* event : seen.events) {
    if (event->kind == EventKind::told) told.insert(event->number);
  }
  for (const Event* event : seen.events) {
    if (event->kind == EventKind::asked && event->request == Request::wait && !ends(seen)) continue;
    if (event->kind != EventKind::asked || told.contains(event->number) || died_after(*event)) continue;
    findings.add("answered", seen, "was never answered: " + to_line(*event));
  }
}

}  // namespace settle::sim
