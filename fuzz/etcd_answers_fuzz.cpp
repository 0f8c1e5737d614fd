// What an etcd answers, up to the addresses that are called. Messages in a row: a byte says which kind, two more (the
// lower first) how long it is, then comes the message as etcd's protobuf has it.
#include <grpcpp/support/status.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "fuzz/fuzzer.hpp"
#include "server/registry/address_book.hpp"
#include "server/registry/address_list.hpp"
#include "server/registry/etcd_answers.hpp"
#include "server/registry/etcd_connection.hpp"
#include "server/registry/host_port.hpp"

namespace settle::fuzz {
namespace {

constexpr std::int64_t kRetentionMs = 10'000;
constexpr std::size_t kStatusBytesMax = 300;
constexpr int kStatusCount = 32;  // gRPC knows 17; its enumeration can hold these

// Goes the ways of AddressWatch.
class Followed {
 public:
  void take_all(const server::AddressSnapshot& snapshot) {
    const bool had_content = book_.has_content();
    const bool is_same_history = book_.may_continue(snapshot.cluster_id, snapshot.store_revision);
    const std::vector<std::string> before = book_.addresses();
    book_.replace(snapshot, now_ms_);
    check(book_.has_content() && book_.revision() == snapshot.store_revision, "a snapshot is known when it was taken");
    check(book_.may_continue(snapshot.cluster_id, snapshot.store_revision), "and its history goes on");
    std::set<std::string> keys;
    for (const server::AddressEntry& entry : snapshot.entries) keys.insert(entry.key);
    if (keys.size() == snapshot.entries.size()) {
      check(book_.continues(snapshot), "what was taken over is what is known");
      for (const server::AddressEntry& entry : snapshot.entries) check(knows(entry.address), "all of it is known");
    }
    if (!had_content || is_same_history) return;
    check(std::all_of(before.begin(), before.end(), [this](const auto& address) { return knows(address); }),
          "what another history lacks is retained");
  }
  void compare(const server::AddressSnapshot& snapshot) {
    if (book_.has_content() && !book_.continues(snapshot)) book_.doubt_history();
  }
  void change(const etcdserverpb::WatchResponse& response) {
    if (response.canceled()) return;
    const auto& header = response.header();
    if (response.created()) {
      if (!book_.may_continue(header.cluster_id(), header.revision())) return book_.doubt_history();
      return book_.restart_retention(now_ms_);
    }
    const server::AddressChanges changes = server::changes_of(response);
    const std::int64_t before = book_.revision();
    book_.apply(changes);
    check(book_.revision() >= before, "what is known is not forgotten");
    if (changes.more_to_come) return;
    const std::int64_t revision = book_.revision();
    const std::vector<std::string> addresses = book_.addresses();
    book_.apply(changes);
    check(book_.revision() == revision && book_.addresses() == addresses, "changes that are known change nothing");
  }
  void pass_ms(std::int64_t by_ms) {
    now_ms_ += by_ms;
    book_.expire(now_ms_);
    check(book_.next_expiry_ms().value_or(now_ms_ + 1) > now_ms_, "what is over is forgotten");
  }
  void look() const {
    const std::vector<std::string> addresses = book_.addresses();
    check(std::is_sorted(addresses.begin(), addresses.end()), "addresses are sorted");
    check(std::adjacent_find(addresses.begin(), addresses.end()) == addresses.end(), "and each is there once");
    const AddressList list = server::make_address_list(addresses, "'orders' in etcd at h1:2379");
    check(list.addresses.empty() != list.problem.empty(), "there are addresses, or it is told why not");
    for (const std::string& each : list.addresses) check(is_host_port(each), "addresses can be called", each);
    check(server::revision_behind(book_.revision()) >= 1, "a watch begins somewhere");
  }

 private:
  bool knows(const std::string& address) const {
    const std::vector<std::string> addresses = book_.addresses();
    return std::binary_search(addresses.begin(), addresses.end(), address);
  }

  server::AddressBook book_{kRetentionMs};
  std::int64_t now_ms_ = 1'000;
};

template <class Message>
Message parse(std::string_view bytes) {
  Message message;
  // What could be read of a broken one is as good as another.
  static_cast<void>(message.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return message;
}

void check_status(std::string_view bytes) {
  Input input(bytes);
  const auto code = static_cast<grpc::StatusCode>(input.byte() % kStatusCount);
  const std::string text = server::describe(grpc::Status(code, std::string(input.rest())));
  check(text.size() <= kStatusBytesMax, "a status is told in a line");
  check(std::all_of(text.begin(), text.end(), [](char each) { return static_cast<unsigned char>(each) >= 0x20; }),
        "a line has no breaks", text);
}

}  // namespace

void run(std::string_view bytes) {
  Followed followed;
  while (bytes.size() >= 3) {
    Input head(bytes.substr(0, 3));
    const int kind = head.byte() % 6;
    const std::size_t low = head.byte();
    const std::size_t length = low + 256 * std::size_t{head.byte()};
    const std::string_view message = bytes.substr(3, length);
    bytes.remove_prefix(3 + message.size());
    switch (kind) {
      case 0:
        followed.take_all(server::snapshot_of(parse<etcdserverpb::RangeResponse>(message)));
        break;
      case 1:
        followed.compare(server::snapshot_of(parse<etcdserverpb::RangeResponse>(message)));
        break;
      case 2:
        followed.change(parse<etcdserverpb::WatchResponse>(message));
        break;
      case 3:
        followed.pass_ms(static_cast<std::int64_t>(100 * length));
        break;
      case 4: {
        const std::int64_t lease_ms = server::lease_ms_of(parse<etcdserverpb::LeaseGrantResponse>(message));
        check(lease_ms >= 1'000 && lease_ms <= 86'400'000, "a lease lasts for some time");
        break;
      }
      default:
        check_status(message);
    }
    followed.look();
  }
}

}  // namespace settle::fuzz
