#include "server/registry/etcd_cluster.hpp"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/registry/fake_etcd.hpp"
#include "settle/executor.hpp"

namespace settle::server {
namespace {

using grpc::StatusCode;

TEST_CASE("registry/etcd_cluster: what went wrong -> whose fault it is") {
  for (const StatusCode code : {StatusCode::UNAVAILABLE, StatusCode::DEADLINE_EXCEEDED, StatusCode::INTERNAL,
                                StatusCode::UNKNOWN, StatusCode::CANCELLED, StatusCode::UNIMPLEMENTED}) {
    CHECK(fault_of({code, "x"}) == Fault::host);
  }
  for (const StatusCode code : {StatusCode::PERMISSION_DENIED, StatusCode::INVALID_ARGUMENT, StatusCode::NOT_FOUND,
                                StatusCode::RESOURCE_EXHAUSTED, StatusCode::OUT_OF_RANGE}) {
    CHECK(fault_of({code, "x"}) == Fault::refusal);
  }
  CHECK(fault_of({StatusCode::UNAUTHENTICATED, "x"}) == Fault::token);
  CHECK(fault_of({StatusCode::UNKNOWN, "etcdserver: invalid auth token"}) == Fault::token);
  CHECK(fault_of({StatusCode::INVALID_ARGUMENT, "etcdserver: revision of auth store is old"}) == Fault::token);
}

TEST_CASE("registry/etcd_cluster: a status as text -> one line, shortened") {
  CHECK(describe({StatusCode::UNAVAILABLE, "connection refused"}) == "UNAVAILABLE: connection refused");
  CHECK(describe({StatusCode::UNAUTHENTICATED, "a\nb"}) == "UNAUTHENTICATED: a b");
  CHECK(describe({StatusCode::UNKNOWN, std::string(1'000, 'x')}).size() == 300);
}

// A cluster, on a thread of its own.
class ClusterThread {
 public:
  explicit ClusterThread(EtcdAccess access) {
    run([&] { cluster_ = std::make_unique<EtcdCluster>(std::move(access), calls_, EtcdPatience{}); });
  }
  ~ClusterThread() {
    run([this] {
      connections_.clear();
      cluster_.reset();
    });
    calls_->wait();
  }
  ClusterThread(const ClusterThread&) = delete;
  ClusterThread& operator=(const ClusterThread&) = delete;

  // The host that whoever connects now gets, or the error.
  std::string connect() {
    const auto told = std::make_shared<std::promise<std::string>>();
    run([this, told] {
      cluster_->connect([this, told](const Result<std::shared_ptr<EtcdConnection>>& connection) {
        if (connection) connections_.push_back(connection.value());
        told->set_value(connection ? connection.value()->host() : connection.error().message);
      });
    });
    return told->get_future().get();
  }
  // Of the connection that was handed over as the n-th.
  void fail(std::size_t index, Fault fault) {
    run([&] { cluster_->failed(connections_.at(index), fault); });
  }
  bool same(std::size_t one, std::size_t other) {
    bool is_same = false;
    run([&] { is_same = connections_.at(one) == connections_.at(other); });
    return is_same;
  }

 private:
  template <class F>
  void run(F task) {
    std::promise<void> done;
    executor_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  ThreadExecutor executor_{"cluster"};
  const std::shared_ptr<CallGroup> calls_ = std::make_shared<CallGroup>(executor_);
  std::unique_ptr<EtcdCluster> cluster_;
  std::vector<std::shared_ptr<EtcdConnection>> connections_;
};

TEST_CASE("registry/etcd_cluster: all share a connection; the first who tells of its failure moves everybody on") {
  ClusterThread cluster({{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}, {}});
  CHECK(cluster.connect() == "127.0.0.1:1");
  CHECK(cluster.connect() == "127.0.0.1:1");
  CHECK(cluster.same(0, 1));
  cluster.fail(0, Fault::refusal);
  CHECK(cluster.connect() == "127.0.0.1:1");
  CHECK(cluster.same(0, 2));
  cluster.fail(0, Fault::host);
  cluster.fail(1, Fault::host);
  CHECK(cluster.connect() == "127.0.0.1:2");
  cluster.fail(2, Fault::host);
  CHECK(cluster.connect() == "127.0.0.1:2");
  cluster.fail(4, Fault::host);
  CHECK(cluster.connect() == "127.0.0.1:3");
  cluster.fail(5, Fault::token);
  CHECK(cluster.connect() == "127.0.0.1:3");
  CHECK(!cluster.same(5, 6));
  cluster.fail(6, Fault::host);
  CHECK(cluster.connect() == "127.0.0.1:1");
}

TEST_CASE("registry/etcd_cluster: a user -> one token for all who wait; a host that gives none -> the next") {
  FakeEtcd etcd;
  etcd.require_user("root", "secret");
  EtcdCredentials credentials;
  credentials.user = "root";
  credentials.password = "secret";
  ClusterThread cluster({{"127.0.0.1:1", etcd.host()}, credentials});
  CHECK(cluster.connect().find("UNAVAILABLE: ") == 0);
  CHECK(cluster.connect() == etcd.host());
  CHECK(cluster.connect() == etcd.host());
  CHECK(etcd.count("Authenticate") == 1);
}

}  // namespace
}  // namespace settle::server
