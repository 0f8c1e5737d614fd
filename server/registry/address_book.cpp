#include "server/registry/address_book.hpp"

#include <algorithm>
#include <set>

namespace settle::server {

bool AddressBook::may_continue(std::uint64_t cluster_id, std::int64_t store_revision) const {
  return !history_doubted_ && cluster_id == cluster_id_ && store_revision >= revision_;
}

bool AddressBook::continues(const AddressSnapshot& at_known_revision) const {
  if (!may_continue(at_known_revision.cluster_id, at_known_revision.store_revision)) return false;
  if (at_known_revision.entries.size() != entries_.size()) return false;
  return std::all_of(at_known_revision.entries.begin(), at_known_revision.entries.end(),
                     [this](const AddressEntry& entry) {
                       const auto known = entries_.find(entry.key);
                       return known != entries_.end() && known->second.revision == entry.revision &&
                              known->second.address == entry.address;
                     });
}

void AddressBook::replace(const AddressSnapshot& snapshot, std::int64_t now_ms) {
  const bool is_other_history = has_content_ && !may_continue(snapshot.cluster_id, snapshot.store_revision);
  if (is_other_history) {
    // What is retained already goes at its own time.
    for (const auto& [key, entry] : entries_) retained_until_ms_.emplace(entry.address, now_ms + retention_ms_);
  }
  entries_.clear();
  for (const AddressEntry& entry : snapshot.entries) {
    // etcd shows each key once; of another one what is passed over must not take a retained address along.
    if (entries_.emplace(entry.key, entry).second) forget_retained(entry.address);
  }
  has_content_ = true;
  history_doubted_ = false;
  cluster_id_ = snapshot.cluster_id;
  revision_ = snapshot.store_revision;
}

void AddressBook::apply(const AddressChanges& changes) {
  std::int64_t newest = revision_;
  for (const AddressEvent& event : changes.events) {
    // Parts of one revision may come in several messages, so revision_ moves only at the end of the last.
    if (event.entry.revision <= revision_) continue;
    newest = std::max(newest, event.entry.revision);
    if (event.deleted) {
      entries_.erase(event.entry.key);
    } else {
      entries_.insert_or_assign(event.entry.key, event.entry);
      forget_retained(event.entry.address);
    }
  }
  if (changes.is_progress) newest = std::max(newest, changes.store_revision);
  if (!changes.more_to_come) revision_ = newest;
}

void AddressBook::restart_retention(std::int64_t now_ms) {
  for (auto& [address, until_ms] : retained_until_ms_) until_ms = now_ms + retention_ms_;
}

bool AddressBook::expire(std::int64_t now_ms) {
  return std::erase_if(retained_until_ms_, [now_ms](const auto& retained) { return retained.second <= now_ms; }) != 0;
}

std::optional<std::int64_t> AddressBook::next_expiry_ms() const {
  std::optional<std::int64_t> next;
  for (const auto& [address, until_ms] : retained_until_ms_) next = std::min(next.value_or(until_ms), until_ms);
  return next;
}

std::vector<std::string> AddressBook::addresses() const {
  std::set<std::string> addresses;
  for (const auto& [key, entry] : entries_) addresses.insert(entry.address);
  for (const auto& [address, until_ms] : retained_until_ms_) addresses.insert(address);
  return {addresses.begin(), addresses.end()};
}

}  // namespace settle::server
