// What clients ask of a shard.
#include <algorithm>
#include <utility>

#include "engine/runtime/shard.hpp"

namespace settle::runtime {
namespace {

Error stopping() { return {Code::unavailable, "the server is stopping, ask again"}; }

Error unknown_gid(const std::string& gid) { return {Code::not_found, "no TransGlobal with gid: " + gid + " found"}; }

StoredTransaction snapshot(const Entry& entry) {
  return {entry.id, entry.transaction.definition, entry.transaction.state, entry.transaction.branches};
}

}  // namespace

bool Shard::refuse_if_halting(Completion<Done>& completion) const {
  if (halting_) completion(stopping());
  return halting_;
}

// ---- submit and prepare ---------------------------------------------------------------------------------------------

void Shard::submit(Definition definition, Completion<Done> completion) {
  create_or_update(
      {std::make_shared<Definition>(std::move(definition)), GlobalStatus::submitted, std::move(completion)});
}

void Shard::prepare(Definition definition, Completion<Done> completion) {
  create_or_update(
      {std::make_shared<Definition>(std::move(definition)), GlobalStatus::prepared, std::move(completion)});
}

void Shard::create_or_update(CreateRequest request) {
  if (refuse_if_halting(request.completion)) return;
  const std::string gid = request.definition->gid;
  // Nearly every gid is new, so that is tried first: the store tells where it is not.
  if (!entries_.contains(gid) && !parked_.contains(gid)) {
    create(std::move(request));
    return;
  }
  find(gid, [this, request = std::move(request)](Result<EntryPtr> found) mutable {
    if (!found) {
      request.completion(std::move(found.error()));
    } else if (found.value()) {
      update(found.value(), std::move(request));
    } else {
      create_or_update(std::move(request));
    }
  });
}

void Shard::create(CreateRequest request) {
  if (committer_->broken()) {
    request.completion(Error{Code::unavailable, "the store cannot be written at the moment, ask again"});
    return;
  }
  if (entries_.size() >= active_max_) {
    request.completion(Error{Code::overloaded, "too many transactions are being worked on, ask again later"});
    return;
  }
  const EntryPtr entry = add_entry(request.definition->gid, Entry::Mode::creating);
  const Moment now = around_.clock.now();
  request.definition->create_time_ms = now.wall_ms;
  std::shared_ptr<const Definition> definition = request.definition;
  const GlobalStatus status = request.status;
  entry->request = std::move(request);
  carry_out(entry, core::create(std::move(definition), status, now, around_.policy));
}

// The store knows the gid, but cannot show the transaction: it was purged, or could not be read.
void Shard::create_refused(const EntryPtr& entry, const Result<std::optional<StoredTransaction>>& result,
                           std::optional<GlobalStatus> purged) {
  CreateRequest request = std::move(*std::exchange(entry->request, std::nullopt));
  missing(entry, result);
  if (!result) {
    request.completion(result.error());
  } else if (purged) {
    const char* const what = request.status == GlobalStatus::submitted ? "sumbmit" : "prepare";
    request.completion(
        Error{Code::failure, "current status '" + std::string(to_string(*purged)) + "', cannot " + what + ". FAILURE"});
  } else if (++request.tries < kCreateTriesMax && !entries_.contains(entry->gid)) {
    create(std::move(request));
  } else {
    request.completion(Error{Code::unavailable, "the transaction appears and disappears, ask again: " + entry->gid});
  }
}

// A submit or prepare of a gid that exists.
void Shard::update(const EntryPtr& entry, CreateRequest request) {
  const core::Transaction& transaction = entry->transaction;
  if (request.definition->type != transaction.definition->type) {
    request.completion(Error{Code::invalid, "trans_type: is '" + std::string(to_string(request.definition->type)) +
                                                "', but this gid is stored as '" +
                                                std::string(to_string(transaction.definition->type)) + "'"});
    return;
  }
  core::Event event = core::Prepared{};
  if (request.status == GlobalStatus::submitted) {
    core::Submitted submitted{transaction.definition};
    if (transaction.state.status == GlobalStatus::prepared) {
      Result<Definition> merged = merge(*transaction.definition, *request.definition);
      if (!merged) {
        request.completion(std::move(merged.error()));
        return;
      }
      if (merged.value() != *transaction.definition) {
        submitted.merged = std::make_shared<const Definition>(std::move(merged).value());
      }
    }
    event = std::move(submitted);
  }
  core::Decision decision = core::decide(std::move(entry->transaction), event, around_.clock.now(), around_.policy);
  const core::Sequence after = decision.transaction.written;
  if (decision.refused) {
    entry->answers.push_back({after, *decision.refused, std::move(request.completion)});
  } else if (request.status == GlobalStatus::submitted && request.definition->options.wait_result) {
    entry->pass_waiters.push_back(std::move(request.completion));
  } else {
    entry->answers.push_back({after, Done{}, std::move(request.completion)});
  }
  carry_out(entry, std::move(decision));
}

// ---- requests that are events of the core
// -----------------------------------------------------------------------------

void Shard::request_event(std::string gid, core::Event event, Completion<Done> completion) {
  if (refuse_if_halting(completion)) return;
  find(gid, [this, gid, event = std::move(event), completion = std::move(completion)](Result<EntryPtr> found) mutable {
    if (!found || !found.value()) {
      completion(found ? unknown_gid(gid) : std::move(found.error()));
      return;
    }
    const EntryPtr& entry = found.value();
    core::Decision decision = core::decide(std::move(entry->transaction), event, around_.clock.now(), around_.policy);
    Result<Done> answer = decision.refused ? Result<Done>(*decision.refused) : Result<Done>(Done{});
    entry->answers.push_back({decision.transaction.written, std::move(answer), std::move(completion)});
    carry_out(entry, std::move(decision));
  });
}

void Shard::abort(std::string gid, std::optional<TransType> type, std::string, Completion<Done> completion) {
  if (refuse_if_halting(completion)) return;
  find(gid, [this, gid, type, completion = std::move(completion)](Result<EntryPtr> found) mutable {
    if (found && found.value() && type && *type != found.value()->transaction.definition->type) {
      const TransType stored = found.value()->transaction.definition->type;
      completion(Error{Code::invalid, "trans_type: is '" + std::string(to_string(*type)) +
                                          "', but this gid is stored as '" + std::string(to_string(stored)) + "'"});
      return;
    }
    request_event(gid, core::AbortRequested{}, std::move(completion));
  });
}

void Shard::force_stop(std::string gid, Completion<Done> completion) {
  request_event(std::move(gid), core::ForceStopped{}, std::move(completion));
}

void Shard::make_due(std::string gid, Completion<Done> completion) {
  request_event(std::move(gid), core::MadeDue{}, std::move(completion));
}

MadeDue Shard::make_all_due(std::int64_t later_than_ms, std::size_t limit) {
  MadeDue made;
  if (halting_) return made;
  const std::int64_t after_ms = around_.clock.now().steady_ms + later_than_ms;
  std::vector<std::string> gids;
  for (const auto& [gid, parked] : parked_) {
    if (parked.retry_at_ms == core::kNever || parked.retry_at_ms <= after_ms || entries_.contains(gid)) continue;
    if (gids.size() == limit) {
      made.remaining = true;
      break;
    }
    gids.push_back(gid);
  }
  std::sort(gids.begin(), gids.end());
  for (const std::string& gid : gids) wake(gid, true);
  made.count = gids.size();
  return made;
}

// ---- asking
// -----------------------------------------------------------------------------------------------------------

void Shard::query(std::string gid, Completion<std::optional<StoredTransaction>> completion) {
  if (closed_) {
    completion(stopping());
    return;
  }
  if (!entries_.contains(gid)) {
    around_.reader.post(
        [self = shared_from_this(), gid = std::move(gid), completion = std::move(completion)]() mutable {
          auto stored = self->around_.store.load(gid);
          self->post([stored = std::move(stored), completion = std::move(completion)]() mutable {
            completion(std::move(stored));
          });
        });
    return;
  }
  find(gid, [completion = std::move(completion)](Result<EntryPtr> found) mutable {
    if (!found || !found.value()) {
      if (found) {
        completion(std::optional<StoredTransaction>());
      } else {
        completion(std::move(found.error()));
      }
      return;
    }
    const EntryPtr& entry = found.value();
    if (entry->transaction.durable >= entry->transaction.status_written) {
      completion(std::optional<StoredTransaction>(snapshot(*entry)));
      return;
    }
    entry->answers.push_back({entry->transaction.status_written, Done{},
                              [shown = snapshot(*entry), completion = std::move(completion)](Result<Done> ok) mutable {
                                if (ok) {
                                  completion(std::optional<StoredTransaction>(std::move(shown)));
                                } else {
                                  completion(std::move(ok.error()));
                                }
                              }});
  });
}

void Shard::wait(std::string gid, Completion<GlobalStatus> completion) {
  if (closed_) {
    completion(stopping());
    return;
  }
  find(gid, [this, gid, completion = std::move(completion)](Result<EntryPtr> found) mutable {
    if (!found || !found.value()) {
      completion(found ? unknown_gid(gid) : std::move(found.error()));
      return;
    }
    found.value()->final_waiters.push_back(std::move(completion));
    notify(found.value());
  });
}

void Shard::watch(std::string gid, UniqueFunction<void(Result<GlobalStatus>)> observer) {
  if (closed_) {
    observer(stopping());
    return;
  }
  find(gid, [this, gid, observer = std::move(observer)](Result<EntryPtr> found) mutable {
    if (!found || !found.value()) {
      observer(found ? unknown_gid(gid) : std::move(found.error()));
      return;
    }
    const EntryPtr& entry = found.value();
    const core::Transaction& transaction = entry->transaction;
    if (transaction.durable >= transaction.status_written && !entry->observers.empty()) {
      observer(transaction.state.status);  // the others were told already
    } else {
      entry->observed.reset();
    }
    entry->observers.push_back(std::move(observer));
    notify(entry);
  });
}

}  // namespace settle::runtime
