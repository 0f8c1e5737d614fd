#include "server/registry/fake_etcd.hpp"

#include <chrono>
#include <utility>

namespace settle::server {
FakeEtcd::FakeEtcd(std::uint16_t port) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(), &port_);
  // As etcd has it: it may be probed often, where a default server takes offence.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.RegisterService(static_cast<etcd::KV::Service*>(this));
  builder.RegisterService(static_cast<etcd::Lease::Service*>(this));
  builder.RegisterService(static_cast<etcd::Watch::Service*>(this));
  builder.RegisterService(static_cast<etcd::Auth::Service*>(this));
  server_ = builder.BuildAndStart();
}

FakeEtcd::~FakeEtcd() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (server_) server_->Shutdown(std::chrono::system_clock::now());
}

void FakeEtcd::put(const std::string& key, const std::string& value) {
  const std::lock_guard lock(mutex_);
  change({0, key, value, false, 0});
}

void FakeEtcd::erase(const std::string& key) {
  const std::lock_guard lock(mutex_);
  change({0, key, "", true, 0});
}

std::map<std::string, std::string> FakeEtcd::content() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> all;
  for (const auto& [key, pair] : content_at(revision_)) all.emplace(key, pair.value());
  return all;
}

std::int64_t FakeEtcd::revision() const {
  const std::lock_guard lock(mutex_);
  return revision_;
}

void FakeEtcd::lose_data() {
  const std::lock_guard lock(mutex_);
  history_.clear();
  leases_.clear();
  revision_ = 1;
  compacted_ = 0;
}

void FakeEtcd::become_other_cluster() {
  const std::lock_guard lock(mutex_);
  ++cluster_id_;
}

void FakeEtcd::forget_leases() {
  const std::lock_guard lock(mutex_);
  leases_.clear();
}

void FakeEtcd::compact() {
  const std::lock_guard lock(mutex_);
  compacted_ = revision_;
}

void FakeEtcd::break_streams() {
  const std::lock_guard lock(mutex_);
  for (const auto& [stream, watcher] : watchers_) watcher.context->TryCancel();
  for (const auto& [stream, context] : keep_alives_) context->TryCancel();
}

void FakeEtcd::cancel_watches(std::int64_t compact_revision, const std::string& reason) {
  etcd::WatchResponse response;
  response.set_canceled(true);
  response.set_compact_revision(compact_revision);
  response.set_cancel_reason(reason);
  send(response);
}

void FakeEtcd::send(const etcd::WatchResponse& response) {
  const std::lock_guard lock(mutex_);
  etcd::WatchResponse sent = response;
  if (!sent.has_header()) fill(sent.mutable_header());
  for (const auto& [stream, watcher] : watchers_) watcher.stream->Write(sent);
}

void FakeEtcd::fail(const std::string& method, grpc::Status status) {
  const std::lock_guard lock(mutex_);
  scripts_[method].push_back(std::move(status));
}

void FakeEtcd::lose_answer(const std::string& method) {
  const std::lock_guard lock(mutex_);
  ++lost_answers_[method];
}

void FakeEtcd::hang(const std::string& method, bool hangs) {
  const std::lock_guard lock(mutex_);
  hanging_[method] = hangs;
  changed_.notify_all();
}

void FakeEtcd::require_user(const std::string& name, const std::string& password) {
  const std::lock_guard lock(mutex_);
  user_ = name;
  password_ = password;
}

void FakeEtcd::expire_tokens() {
  const std::lock_guard lock(mutex_);
  ++token_generation_;
}

void FakeEtcd::drop_authentication() {
  const std::lock_guard lock(mutex_);
  user_.clear();
}

std::size_t FakeEtcd::count(const std::string& method) const {
  const std::lock_guard lock(mutex_);
  const auto at = counts_.find(method);
  return at == counts_.end() ? 0 : at->second;
}

std::size_t FakeEtcd::watches() const {
  const std::lock_guard lock(mutex_);
  return watchers_.size();
}

std::vector<std::int64_t> FakeEtcd::watch_starts() const {
  const std::lock_guard lock(mutex_);
  return watch_starts_;
}

std::vector<std::int64_t> FakeEtcd::leases() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::int64_t> ids;
  for (const auto& [id, ttl] : leases_) ids.push_back(id);
  return ids;
}

}  // namespace settle::server
