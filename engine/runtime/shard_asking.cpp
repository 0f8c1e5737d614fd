// What clients ask a shard about, changing nothing.
#include <utility>

#include "engine/core/plants.hpp"
#include "engine/runtime/refusals.hpp"
#include "engine/runtime/shard.hpp"

namespace settle::runtime {

StoredTransaction Shard::snapshot(const Entry& entry) {
  const core::Transaction& transaction = entry.transaction;
  StoredTransaction shown{entry.id, transaction.definition, transaction.state, transaction.registrations,
                          transaction.branches};
  shown.state.parked = !transaction.in_pass;
  return shown;
}

void Shard::query(std::string gid, Completion<std::optional<StoredTransaction>> completion) {
  if (closed_) {
    completion(stopping());
    return;
  }
  // On a shared store another server may have changed what is in memory here, and what is durable is shown anyway.
  if (shared() || !entries_.contains(gid)) {
    Executor& reader = around_.reader(gid);
    reader.post([self = shared_from_this(), gid = std::move(gid), completion = std::move(completion)]() mutable {
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
    const bool told = planted(Plant::query_before_write);
    if (told || entry->transaction.durable >= entry->transaction.status_written) {
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
                              },
                              nullptr});
  });
}

void Shard::wait(std::string gid, Completion<GlobalStatus> completion) {
  if (closed_) {
    completion(stopping());
    return;
  }
  if (shared()) {
    follow(gid, [gid, completion = std::move(completion)](Result<std::optional<StoredTransaction>> found) mutable {
      if (!found || !found.value()) {
        completion(found ? unknown_gid(gid) : std::move(found.error()));
        return true;
      }
      const GlobalStatus status = found.value()->state.status;
      if (is_final(status)) completion(status);
      return is_final(status);
    });
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
  if (shared()) {
    follow(gid, [gid, told = std::optional<GlobalStatus>(),
                 observer = std::move(observer)](Result<std::optional<StoredTransaction>> found) mutable {
      if (!found || !found.value()) {
        observer(found ? unknown_gid(gid) : std::move(found.error()));
        return true;
      }
      const GlobalStatus status = found.value()->state.status;
      if (told != status) observer(status);
      told = status;
      return is_final(status);
    });
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
