// What clients ask of a shard.
#include <algorithm>
#include <utility>

#include "engine/runtime/refusals.hpp"
#include "engine/runtime/shard.hpp"

namespace settle::runtime {

bool Shard::refuse_if_halting(Completion<Done>& completion) const {
  if (halting_) completion(stopping());
  return halting_;
}

// ---- submit and prepare ---------------------------------------------------------------------------------------------

void Shard::prepare_workflow(Definition definition, Completion<StoredTransaction> completion) {
  const auto shared = std::make_shared<Completion<StoredTransaction>>(std::move(completion));
  auto request = std::make_unique<CreateRequest>();
  request->definition = std::make_shared<Definition>(std::move(definition));
  request->finds = shared;
  request->completion = [shared](Result<Done> refused) { (*shared)(std::move(refused.error())); };
  create_or_update(std::move(request));
}

// Shows the transaction as it is now, when that is durable.
void Shard::give_found(const EntryPtr& entry, std::unique_ptr<CreateRequest> request) {
  entry->answers.push_back({entry->transaction.written, Done{},
                            [shown = snapshot(*entry), found = std::move(request->finds)](Result<Done> ok) mutable {
                              if (ok) {
                                (*found)(std::move(shown));
                              } else {
                                (*found)(std::move(ok.error()));
                              }
                            },
                            nullptr});
}

// On a shared store others may have registered results since it was read here.
void Shard::give_stored(const std::string& gid, std::unique_ptr<CreateRequest> request) {
  around_.reader(gid).post([self = shared_from_this(), gid, request = std::move(request)]() mutable {
    auto stored = self->around_.store.load(gid);
    self->post([gid, request = std::move(request), stored = std::move(stored)]() mutable {
      if (stored && stored.value()) {
        (*request->finds)(std::move(*stored.value()));
      } else {
        request->completion(stored ? unknown_gid(gid) : std::move(stored.error()));
      }
    });
  });
}

void Shard::create_or_update(std::unique_ptr<CreateRequest> request) {
  if (refuse_if_halting(request->completion)) return;
  // Nearly every gid is new, so that is tried first: the store tells where it is not.
  if (const std::string& gid = request->definition->gid; !entries_.contains(gid) && !parked_.contains(gid)) {
    create(std::move(request));
    return;
  }
  const std::string gid = request->definition->gid;
  find(gid, [this, request = std::move(request)](Result<EntryPtr> found) mutable {
    if (!found) {
      request->completion(std::move(found.error()));
    } else if (found.value()) {
      update(found.value(), std::move(request));
    } else {
      create_or_update(std::move(request));
    }
  });
}

void Shard::create(std::unique_ptr<CreateRequest> request) {
  if (store_is_broken()) {
    request->completion(Error{Code::unavailable, "the store cannot be written at the moment, ask again"});
    return;
  }
  if (entries_.size() - warm_.size() >= active_max_) {
    request->completion(Error{Code::overloaded, "too many transactions are being worked on, ask again later"});
    return;
  }
  Result<Done> ok = Done{};
  if (request->definition->type == TransType::msg) {  // nobody else needs the topics, which all shards share
    ok = expand_topics(*request->definition, *around_.topics.topics());
  }
  if (ok) ok = around_.store.check(*request->definition);
  if (!ok) {
    refuse_unless_known(std::move(request), std::move(ok.error()));
    return;
  }
  const EntryPtr entry = add_entry(request->definition->gid, Entry::Mode::creating);
  const Moment now = around_.clock.now();
  request->definition->create_time_ms = now.wall_ms;
  request->protocol_left_out = request->definition->protocol == Protocol::unspecified;
  if (request->protocol_left_out) request->definition->protocol = Protocol::http;
  std::shared_ptr<const Definition> definition = request->definition;
  const GlobalStatus status = request->status;
  entry->request = std::move(request);
  carry_out(entry, core::create_in_place(entry->transaction, std::move(definition), status, now, around_.policy));
}

// It cannot be created as it is; but if the gid is known, it need not be.
void Shard::refuse_unless_known(std::unique_ptr<CreateRequest> request, Error error) {
  const std::string gid = request->definition->gid;
  find(gid, [this, request = std::move(request), error = std::move(error)](Result<EntryPtr> found) mutable {
    if (found && found.value()) {
      update(found.value(), std::move(request));
    } else {
      request->completion(found ? std::move(error) : std::move(found.error()));
    }
  });
}

// The store knows the gid, but cannot show the transaction: it was purged, or could not be read.
void Shard::create_refused(const EntryPtr& entry, const Result<std::optional<StoredTransaction>>& result,
                           std::optional<GlobalStatus> purged) {
  std::unique_ptr<CreateRequest> request = std::move(entry->request);
  missing(entry, result);
  if (!result) {
    request->completion(result.error());
  } else if (purged) {
    const char* const what = request->status == GlobalStatus::submitted ? "sumbmit" : "prepare";
    request->completion(
        Error{Code::failure, "current status '" + std::string(to_string(*purged)) + "', cannot " + what + ". FAILURE"});
  } else if (++request->tries < kCreateTriesMax && !entries_.contains(entry->gid)) {
    create(std::move(request));
  } else {
    request->completion(Error{Code::unavailable, "the transaction appears and disappears, ask again: " + entry->gid});
  }
}

// A submit or prepare of a gid that exists.
void Shard::update(const EntryPtr& entry, std::unique_ptr<CreateRequest> request) {
  const core::Transaction& transaction = entry->transaction;
  const GlobalStatus status = transaction.state.status;
  const bool submits = request->status == GlobalStatus::submitted;
  // What the status does not allow is refused for that, whatever the type.
  const bool is_allowed =
      status == GlobalStatus::prepared || (submits && status == GlobalStatus::submitted) || request->finds;
  if (is_allowed && request->definition->type != transaction.definition->type) {
    request->completion(other_type(request->definition->type, transaction.definition->type));
    return;
  }
  if (request->finds) {
    if (shared()) {
      give_stored(entry->gid, std::move(request));
    } else {
      give_found(entry, std::move(request));
      notify(entry);
    }
    return;
  }
  Ask ask{core::Prepared{}};
  if (submits) {
    core::Submitted submitted{transaction.definition};
    if (status == GlobalStatus::prepared) {
      Result<Definition> merged = merge(*transaction.definition, *request->definition);
      const bool changed = merged && merged.value() != *transaction.definition;
      Result<Done> fits = changed ? around_.store.check(merged.value()) : Result<Done>(Done{});
      if (!merged || !fits) {
        request->completion(std::move(merged ? fits.error() : merged.error()));
        return;
      }
      if (changed) {
        submitted.merged = std::make_shared<const Definition>(std::move(merged).value());
      }
    }
    ask.event = std::move(submitted);
  }
  ask.wait = submits && request->definition->options.wait_result;
  ask.completion = std::move(request->completion);
  ask.tries = request->tries;
  if (shared()) ask.create = std::move(request);
  update_existing(entry, std::move(ask));
}

// ---- requests that are events of the core ---------------------------------------------------------------------------

void Shard::update_existing(const EntryPtr& entry, Ask ask) {
  if (shared() && entry->owner.empty() && needs_hold(entry->transaction, ask.event)) {
    hold_first(entry, std::move(ask));
    return;
  }
  const core::Effects effects =
      core::decide_in_place(entry->transaction, ask.event, around_.clock.now(), around_.policy);
  if (ask.wait && !effects.refused) {
    entry->answers.push_back({kPassEnd, Done{}, std::move(ask.completion), nullptr});
  } else {
    Result<Done> answer = effects.refused ? Result<Done>(*effects.refused) : Result<Done>(Done{});
    PendingAnswer pending{entry->transaction.written, std::move(answer), std::move(ask.completion), nullptr};
    if (shared()) pending.ask = std::make_shared<Ask>(std::move(ask));
    entry->answers.push_back(std::move(pending));
  }
  carry_out(entry, effects);
}

void Shard::request_event(std::string gid, core::Event event, Completion<Done> completion) {
  if (refuse_if_halting(completion)) return;
  find(gid, [this, gid, event = std::move(event), completion = std::move(completion)](Result<EntryPtr> found) mutable {
    if (!found || !found.value()) {
      completion(found ? unknown_gid(gid) : std::move(found.error()));
      return;
    }
    update_existing(found.value(), {std::move(event), false, std::move(completion)});
  });
}

void Shard::register_branch(std::string gid, TransType type, Registration registration, BranchStatus status,
                            Completion<Done> completion) {
  if (refuse_if_halting(completion)) return;
  core::Registered event{std::move(registration), status};
  find(gid,
       [this, gid, type, event = std::move(event), completion = std::move(completion)](Result<EntryPtr> found) mutable {
         if (!found || !found.value()) {
           completion(found ? Error{Code::failure, "no trans with gid: " + gid + " status: prepared found FAILURE"}
                            : std::move(found.error()));
           return;
         }
         const core::Transaction& transaction = found.value()->transaction;
         const TransType stored = transaction.definition->type;
         if (stored != type && transaction.state.status == GlobalStatus::prepared) {
           completion(other_type(type, stored));
         } else {
           update_existing(found.value(), {std::move(event), false, std::move(completion)});
         }
       });
}

void Shard::finish_workflow(std::string gid, core::Finished finished, Completion<Done> completion) {
  if (refuse_if_halting(completion)) return;
  find(gid, [this, gid, finished = std::move(finished),
             completion = std::move(completion)](Result<EntryPtr> found) mutable {
    if (!found || !found.value()) {
      completion(found ? unknown_gid(gid) : std::move(found.error()));
    } else if (const TransType stored = found.value()->transaction.definition->type; stored != TransType::workflow) {
      completion(other_type(TransType::workflow, stored));
    } else {
      update_existing(found.value(), {std::move(finished), false, std::move(completion)});
    }
  });
}

void Shard::abort(std::string gid, std::optional<TransType> type, std::string reason, Completion<Done> completion) {
  if (refuse_if_halting(completion)) return;
  find(gid, [this, gid, type, reason = std::move(reason),
             completion = std::move(completion)](Result<EntryPtr> found) mutable {
    if (!found || !found.value()) {
      completion(found ? unknown_gid(gid) : std::move(found.error()));
      return;
    }
    const Definition& definition = *found.value()->transaction.definition;
    const bool two_phase = definition.type == TransType::tcc || definition.type == TransType::xa;
    if (type ? *type != definition.type : two_phase) {
      completion(type ? other_type(*type, definition.type)
                      : Error{Code::conflict, "trans_type: is missing, this gid is stored as '" +
                                                  std::string(to_string(definition.type)) + "'"});
      return;
    }
    const bool wait = two_phase && definition.options.wait_result;
    update_existing(found.value(), {core::AbortRequested{std::move(reason)}, wait, std::move(completion)});
  });
}

void Shard::force_stop(std::string gid, Completion<Done> completion) {
  request_event(std::move(gid), core::ForceStopped{}, std::move(completion));
}

void Shard::make_due(std::string gid, Completion<Done> completion) {
  request_event(std::move(gid), core::MadeDue{}, std::move(completion));
}

std::size_t Shard::make_all_due(std::int64_t later_than_ms, std::size_t limit) {
  if (halting_) return 0;
  const Moment now = around_.clock.now();
  std::vector<std::string> gids;
  // Whether there is room for it.
  const auto take = [&](const std::string& gid, std::int64_t shown_in_ms) {
    if (shown_in_ms <= later_than_ms) return true;
    if (gids.size() == limit) return false;
    gids.push_back(gid);
    return true;
  };
  for (const auto& [gid, entry] : entries_) {
    const core::Transaction& transaction = entry->transaction;
    const bool waits = entry->mode == Entry::Mode::live && !transaction.in_pass && transaction.settled();
    if (!waits || is_final(transaction.state.status)) continue;
    const std::int64_t shown_ms = shown_retry_time_ms(*transaction.definition, transaction.state);
    if (!take(entry->gid, shown_ms - now.wall_ms)) break;
  }
  for (const auto& [gid, parked] : parked_) {
    if (!entries_.contains(gid) && !take(gid, parked.shown_at_ms - now.steady_ms)) break;
  }
  std::sort(gids.begin(), gids.end());
  for (const std::string& gid : gids) wake(gid, true);
  return gids.size();
}

}  // namespace settle::runtime
