// An etcd for tests: enough of it to register and to watch, and everything that can go wrong on demand.
#pragma once

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proto/etcd.grpc.pb.h"

namespace settle::server {

namespace etcd = etcdserverpb;

// What calls are named in scripts and counts: "Range", "Put", "LeaseGrant", "LeaseRevoke", "LeaseKeepAlive" (each
// question), "Watch" (each creation), "Authenticate".
// Threads: any.
class FakeEtcd final : private etcd::KV::Service,
                       private etcd::Lease::Service,
                       private etcd::Watch::Service,
                       private etcd::Auth::Service {
 public:
  explicit FakeEtcd(std::uint16_t port = 0);  // 0: any free one
  ~FakeEtcd() override;
  FakeEtcd(const FakeEtcd&) = delete;
  FakeEtcd& operator=(const FakeEtcd&) = delete;

  std::uint16_t port() const { return static_cast<std::uint16_t>(port_); }
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }

  // What others do.
  void put(const std::string& key, const std::string& value);
  void erase(const std::string& key);
  std::map<std::string, std::string> content() const;
  std::int64_t revision() const;

  // Disasters.
  void lose_data();             // everything, and its numbering begins anew; watches go on and say nothing of it
  void become_other_cluster();  // by its id
  void forget_leases();         // their keys stay
  void compact();               // what was before now cannot be asked for
  void break_streams();         // end with UNAVAILABLE
  void cancel_watches(std::int64_t compact_revision, const std::string& reason);
  void send(const etcd::WatchResponse& response);  // to every watch, as it is

  // Scripts. The next calls of that method, as many as there are entries, have no effect and are answered so.
  void fail(const std::string& method, grpc::Status status);
  // The next call has its effect, and is answered UNAVAILABLE.
  void lose_answer(const std::string& method);
  // Calls are not answered until they are cancelled, or until hang(method, false).
  void hang(const std::string& method, bool hangs = true);

  // Authentication. Tokens that were given out are valid until they are expired.
  void require_user(const std::string& name, const std::string& password);
  void expire_tokens();
  void drop_authentication();

  // What was asked.
  std::size_t count(const std::string& method) const;
  std::size_t watches() const;                     // open now
  std::vector<std::int64_t> watch_starts() const;  // start_revision of each creation
  std::vector<std::int64_t> leases() const;

 private:
  struct Change {
    std::int64_t revision = 0;
    std::string key;
    std::string value;
    bool deleted = false;
    std::int64_t lease = 0;
  };
  struct Watcher {
    std::string from;
    std::string to;
    grpc::ServerContext* context = nullptr;
    grpc::ServerReaderWriter<etcd::WatchResponse, etcd::WatchRequest>* stream = nullptr;
  };
  using Content = std::map<std::string, etcd::KeyValue>;

  grpc::Status Range(grpc::ServerContext* context, const etcd::RangeRequest* request,
                     etcd::RangeResponse* response) override;
  grpc::Status Put(grpc::ServerContext* context, const etcd::PutRequest* request, etcd::PutResponse* response) override;
  grpc::Status LeaseGrant(grpc::ServerContext* context, const etcd::LeaseGrantRequest* request,
                          etcd::LeaseGrantResponse* response) override;
  grpc::Status LeaseRevoke(grpc::ServerContext* context, const etcd::LeaseRevokeRequest* request,
                           etcd::LeaseRevokeResponse* response) override;
  grpc::Status LeaseKeepAlive(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<etcd::LeaseKeepAliveResponse, etcd::LeaseKeepAliveRequest>* stream) override;
  grpc::Status Watch(grpc::ServerContext* context,
                     grpc::ServerReaderWriter<etcd::WatchResponse, etcd::WatchRequest>* stream) override;
  grpc::Status Authenticate(grpc::ServerContext* context, const etcd::AuthenticateRequest* request,
                            etcd::AuthenticateResponse* response) override;

  // A unary call: script and token first, then `effect`, whose status is the answer.
  grpc::Status answer(grpc::ServerContext* context, const std::string& method,
                      const std::function<grpc::Status()>& effect);
  // All of these under the lock.
  grpc::Status admit(grpc::ServerContext* context, const std::string& method, std::unique_lock<std::mutex>& lock);
  void change(Change change);
  Content content_at(std::int64_t revision) const;
  void fill(etcd::ResponseHeader* header) const;
  void watch(const etcd::WatchCreateRequest& create, Watcher watcher);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::uint64_t cluster_id_ = 77;
  std::int64_t revision_ = 1;
  std::int64_t compacted_ = 0;
  std::int64_t last_lease_ = 7'000'000'000;
  std::vector<Change> history_;
  std::map<std::int64_t, std::int64_t> leases_;  // id to TTL
  std::map<const void*, Watcher> watchers_;      // by stream
  std::map<const void*, grpc::ServerContext*> keep_alives_;
  std::map<std::string, std::vector<grpc::Status>> scripts_;
  std::map<std::string, int> lost_answers_;
  std::map<std::string, bool> hanging_;
  std::map<std::string, std::size_t> counts_;
  std::vector<std::int64_t> watch_starts_;
  std::string user_;
  std::string password_;
  int token_generation_ = 0;
  int port_ = 0;  // as gRPC wants it
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace settle::server
