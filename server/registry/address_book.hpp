// What is known of the services under one key of etcd. Pure: no IO, no clock, no threads.
//
// etcd numbers its changes: a *revision* is the state after so many of them. As long as etcd keeps its data there is
// one history, and what is gone from it was taken away by somebody. An etcd that lost its data begins another history:
// what is missing there says nothing, for the services have yet to come back. So what another history lacks is retained
// for a while.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace settle::server {

// One registration: a key, and the address that is its value.
struct AddressEntry {
  std::string key;
  std::string address;
  std::int64_t revision = 0;  // at which it was last put
};

// Everything under the key at one revision.
struct AddressSnapshot {
  std::uint64_t cluster_id = 0;
  std::int64_t store_revision = 0;  // etcd's newest, which may be newer than what was asked for
  std::vector<AddressEntry> entries;
};

struct AddressEvent {
  bool deleted = false;
  AddressEntry entry;  // a deleted one has no address
};

// One message of a watch.
struct AddressChanges {
  std::vector<AddressEvent> events;
  std::int64_t store_revision = 0;
  bool is_progress = false;   // no events, and none up to store_revision are to come
  bool more_to_come = false;  // further messages belong to the newest revision of this one
};

class AddressBook {
 public:
  explicit AddressBook(std::int64_t retention_ms) : retention_ms_(retention_ms) {}

  // Whether a snapshot was ever taken over.
  bool has_content() const { return has_content_; }
  // All changes up to here are known.
  std::int64_t revision() const { return revision_; }

  // Whether etcd still has the history that is known, by the header of an answer: the same cluster, and not behind.
  bool may_continue(std::uint64_t cluster_id, std::int64_t store_revision) const;
  // The same, by a snapshot that was taken *at* revision(). Certain: it shows what is known, or else that etcd has lost
  // its data and has come as far again since.
  bool continues(const AddressSnapshot& at_known_revision) const;
  // What comes next is another history, whatever its numbers say.
  void doubt_history() { history_doubted_ = true; }

  // Takes over a snapshot of now. What it lacks is gone; in another history it is retained.
  void replace(const AddressSnapshot& snapshot, std::int64_t now_ms);
  // Takes over changes. Those up to revision() are known already, and passed over.
  void apply(const AddressChanges& changes);

  // What is retained has its whole time again: it is not to run out while etcd cannot be reached.
  void restart_retention(std::int64_t now_ms);
  // Forgets what has been retained for long enough. True where something was.
  bool expire(std::int64_t now_ms);
  // When expire() has something to do.
  std::optional<std::int64_t> next_expiry_ms() const;

  // All values, retained ones included: each once, sorted, as they are.
  std::vector<std::string> addresses() const;

 private:
  void forget_retained(const std::string& address) { retained_until_ms_.erase(address); }

  const std::int64_t retention_ms_;
  bool has_content_ = false;
  bool history_doubted_ = false;
  std::uint64_t cluster_id_ = 0;
  std::int64_t revision_ = 0;
  std::map<std::string, AddressEntry> entries_;            // by key
  std::map<std::string, std::int64_t> retained_until_ms_;  // by address; never one that is registered
};

}  // namespace settle::server
