#include "server/registry/address_book.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace settle::server {
namespace {

constexpr std::uint64_t kCluster = 7;
constexpr std::int64_t kRetentionMs = 10'000;

using Addresses = std::vector<std::string>;

AddressSnapshot snapshot(std::int64_t revision, std::vector<AddressEntry> entries, std::uint64_t cluster = kCluster) {
  return {cluster, revision, std::move(entries)};
}
AddressEvent put(const std::string& key, const std::string& address, std::int64_t revision) {
  return {false, {key, address, revision}};
}
AddressEvent deleted(const std::string& key, std::int64_t revision) { return {true, {key, "", revision}}; }
AddressChanges changes(std::vector<AddressEvent> events, bool more_to_come = false) {
  return {std::move(events), 1'000'000, false, more_to_come};
}

// Two services, known at revision 10.
AddressBook book_of_two() {
  AddressBook book(kRetentionMs);
  book.replace(snapshot(10, {{"k/1", "a:1", 4}, {"k/2", "b:1", 9}}), 0);
  return book;
}

TEST_CASE("registry/address_book: a snapshot -> its addresses, each once, sorted; nothing is retained") {
  AddressBook book(kRetentionMs);
  CHECK(!book.has_content());
  CHECK(book.addresses().empty());
  book.replace(snapshot(10, {{"k/1", "b:1", 4}, {"k/2", "a:1", 9}, {"k/3", "b:1", 10}}), 0);
  CHECK(book.has_content());
  CHECK(book.revision() == 10);
  CHECK(book.addresses() == Addresses{"a:1", "b:1"});
  CHECK(!book.next_expiry_ms());
  CHECK(!book.expire(1'000'000));
}

TEST_CASE("registry/address_book: events -> a put adds or changes, a deletion takes away at once") {
  AddressBook book = book_of_two();
  book.apply(changes({put("k/3", "c:1", 11), put("k/1", "d:1", 12)}));
  CHECK(book.addresses() == Addresses{"b:1", "c:1", "d:1"});
  CHECK(book.revision() == 12);
  book.apply(changes({deleted("k/1", 13), deleted("k/9", 13)}));
  CHECK(book.addresses() == Addresses{"b:1", "c:1"});
  CHECK(!book.next_expiry_ms());
}

TEST_CASE("registry/address_book: an address under two leases -> stays until both are gone") {
  AddressBook book = book_of_two();
  book.apply(changes({put("k/3", "a:1", 11)}));
  book.apply(changes({deleted("k/1", 12)}));
  CHECK(book.addresses() == Addresses{"a:1", "b:1"});
  book.apply(changes({deleted("k/3", 13)}));
  CHECK(book.addresses() == Addresses{"b:1"});
}

TEST_CASE("registry/address_book: events that are known already, or come late after a new snapshot -> passed over") {
  AddressBook book = book_of_two();
  book.apply(changes({deleted("k/1", 10), put("k/2", "old:1", 3)}));
  CHECK(book.addresses() == Addresses{"a:1", "b:1"});
  CHECK(book.revision() == 10);
  book.replace(snapshot(20, {{"k/1", "a:1", 15}}), 0);
  book.apply(changes({deleted("k/1", 14), put("k/1", "a:2", 21)}));
  CHECK(book.addresses() == Addresses{"a:2"});
}

TEST_CASE("registry/address_book: one revision in several messages -> all of it counts") {
  AddressBook book = book_of_two();
  book.apply(changes({put("k/3", "c:1", 11)}, true));
  CHECK(book.revision() == 10);
  book.apply(changes({put("k/4", "d:1", 11)}, true));
  book.apply(changes({deleted("k/1", 11)}));
  CHECK(book.revision() == 11);
  CHECK(book.addresses() == Addresses{"b:1", "c:1", "d:1"});
}

TEST_CASE("registry/address_book: the store's revision counts in a message of progress alone") {
  AddressBook book = book_of_two();
  book.apply({{put("k/3", "c:1", 12)}, 50, false, false});
  CHECK(book.revision() == 12);
  book.apply({{}, 60, false, false});
  CHECK(book.revision() == 12);
  book.apply({{}, 70, true, false});
  CHECK(book.revision() == 70);
  book.apply({{}, 60, true, false});
  CHECK(book.revision() == 70);
}

TEST_CASE("registry/address_book: a later snapshot of the same history -> what is missing was taken away, and goes") {
  AddressBook book = book_of_two();
  book.replace(snapshot(30, {{"k/2", "b:1", 9}}), 0);
  CHECK(book.addresses() == Addresses{"b:1"});
  book.replace(snapshot(30, {}), 0);
  CHECK(book.addresses().empty());
  CHECK(!book.next_expiry_ms());
}

TEST_CASE("registry/address_book: another history -> what is missing stays for the retention, then goes") {
  const std::vector<AddressSnapshot> others = {
      snapshot(9, {{"k/5", "b:1", 5}}),      // behind
      snapshot(30, {{"k/5", "b:1", 5}}, 8),  // another cluster
  };
  for (const AddressSnapshot& other : others) {
    AddressBook book = book_of_two();
    book.replace(other, 500);
    CHECK(book.addresses() == Addresses{"a:1", "b:1"});
    CHECK(book.revision() == other.store_revision);
    REQUIRE(book.next_expiry_ms());
    CHECK(*book.next_expiry_ms() == 500 + kRetentionMs);
    CHECK(!book.expire(500 + kRetentionMs - 1));
    CHECK(book.addresses() == Addresses{"a:1", "b:1"});
    CHECK(book.expire(500 + kRetentionMs));
    CHECK(book.addresses() == Addresses{"b:1"});
    CHECK(!book.next_expiry_ms());
  }
}

TEST_CASE("registry/address_book: the same numbers, but the history is doubted -> retained, once") {
  AddressBook book = book_of_two();
  book.doubt_history();
  CHECK(!book.may_continue(kCluster, 10));
  book.replace(snapshot(12, {}), 0);
  CHECK(book.addresses() == Addresses{"a:1", "b:1"});
  CHECK(book.may_continue(kCluster, 12));
  book.replace(snapshot(13, {}), 0);
  CHECK(book.addresses() == Addresses{"a:1", "b:1"});
}

TEST_CASE("registry/address_book: a retained address that comes back -> is an ordinary one again") {
  AddressBook book = book_of_two();
  book.replace(snapshot(1, {}), 0);
  book.apply(changes({put("k/7", "a:1", 2)}));
  CHECK(book.expire(kRetentionMs));
  CHECK(book.addresses() == Addresses{"a:1"});
  book.apply(changes({deleted("k/7", 3)}));
  CHECK(book.addresses().empty());

  AddressBook again = book_of_two();
  again.replace(snapshot(1, {}), 0);
  again.replace(snapshot(2, {{"k/7", "a:1", 2}}), 100);
  CHECK(again.expire(kRetentionMs));
  CHECK(again.addresses() == Addresses{"a:1"});
}

TEST_CASE("registry/address_book: another history that shows a key twice -> the first counts, the rest is retained") {
  AddressBook book = book_of_two();
  book.replace(snapshot(3, {{"k/1", "c:1", 2}, {"k/1", "a:1", 2}}), 0);
  CHECK(book.addresses() == Addresses{"a:1", "b:1", "c:1"});
  CHECK(book.next_expiry_ms() == kRetentionMs);
}

TEST_CASE("registry/address_book: data lost twice -> retained once; the time starts again after an outage") {
  AddressBook book = book_of_two();
  book.replace(snapshot(5, {{"k/3", "c:1", 5}}), 0);
  book.replace(snapshot(1, {}), 4'000);
  CHECK(book.addresses() == Addresses{"a:1", "b:1", "c:1"});
  CHECK(book.expire(kRetentionMs));
  CHECK(book.addresses() == Addresses{"c:1"});
  book.restart_retention(12'000);
  CHECK(!book.expire(4'000 + kRetentionMs));
  CHECK(*book.next_expiry_ms() == 12'000 + kRetentionMs);
  CHECK(book.expire(12'000 + kRetentionMs));
  CHECK(book.addresses().empty());
}

TEST_CASE("registry/address_book: a snapshot at the known revision -> continues only where it shows what is known") {
  const AddressBook book = book_of_two();
  const AddressEntry first{"k/1", "a:1", 4};
  const AddressEntry second{"k/2", "b:1", 9};
  CHECK(book.continues(snapshot(10, {first, second})));
  CHECK(book.continues(snapshot(25, {second, first})));
  CHECK(!book.continues(snapshot(25, {first, second}, 8)));
  CHECK(!book.continues(snapshot(9, {first, second})));
  CHECK(!book.continues(snapshot(25, {first})));
  CHECK(!book.continues(snapshot(25, {first, second, {"k/3", "c:1", 10}})));
  CHECK(!book.continues(snapshot(25, {first, {"k/3", "b:1", 9}})));
  CHECK(!book.continues(snapshot(25, {first, {"k/2", "b:1", 8}})));
  CHECK(!book.continues(snapshot(25, {first, {"k/2", "c:1", 9}})));
}

// etcd as it is: a history of changes, of which a book sees snapshots and messages.
class History {
 public:
  explicit History(std::uint32_t seed) : random_(seed) {}

  void change() {
    ++revision_;
    const std::string key = "k/" + std::to_string(random_() % 6);
    if (random_() % 3 == 0) {
      entries_.erase(key);
      events_.push_back(deleted(key, revision_));
    } else {
      const AddressEntry entry{key, "h:" + std::to_string(1 + random_() % 4), revision_};
      entries_.insert_or_assign(key, entry);
      events_.push_back({false, entry});
    }
  }
  AddressSnapshot now() const {
    AddressSnapshot all{kCluster, revision_, {}};
    for (const auto& [key, entry] : entries_) all.entries.push_back(entry);
    return all;
  }
  // From that revision on, cut into messages wherever it falls; some of what was sent before is sent again.
  std::vector<AddressChanges> since(std::int64_t revision) {
    std::vector<AddressChanges> messages(1);
    const std::int64_t from = revision - static_cast<std::int64_t>(random_() % 3);
    for (const AddressEvent& event : events_) {
      if (event.entry.revision <= from) continue;
      if (random_() % 3 == 0) messages.emplace_back();
      messages.back().events.push_back(event);
      messages.back().store_revision = revision_;
    }
    return messages;
  }
  Addresses addresses() const {
    std::set<std::string> all;
    for (const auto& [key, entry] : entries_) all.insert(entry.address);
    return {all.begin(), all.end()};
  }
  bool chance() { return random_() % 4 == 0; }

 private:
  std::mt19937 random_;
  std::int64_t revision_ = 1;
  std::map<std::string, AddressEntry> entries_;
  std::vector<AddressEvent> events_;
};

TEST_CASE("registry/address_book: any history, in any pieces, with any repetition -> what etcd has") {
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    CAPTURE(seed);
    History history(seed);
    AddressBook book(kRetentionMs);
    book.replace(history.now(), 0);
    for (int round = 0; round < 20; ++round) {
      CHECK(book.continues(history.now()));
      for (int i = 0; i < 5; ++i) history.change();
      if (history.chance()) {
        book.replace(history.now(), 0);
      } else {
        for (const AddressChanges& message : history.since(book.revision())) book.apply(message);
      }
      REQUIRE(book.addresses() == history.addresses());
    }
    CHECK(!book.next_expiry_ms());
  }
}

}  // namespace
}  // namespace settle::server
