// The calls of the fake etcd.
#include <chrono>
#include <utility>

#include "server/registry/fake_etcd.hpp"

namespace settle::server {
namespace {

const grpc::Status kUnavailable(grpc::StatusCode::UNAVAILABLE, "etcdserver: as the test wants it");

// As etcd has it: no end means this key alone.
bool is_between(const std::string& key, const std::string& from, const std::string& to) {
  return to.empty() ? key == from : key >= from && key < to;
}

}  // namespace

void FakeEtcd::fill(etcd::ResponseHeader* header) const {
  header->set_cluster_id(cluster_id_);
  header->set_revision(revision_);
}

FakeEtcd::Content FakeEtcd::content_at(std::int64_t revision) const {
  Content content;
  for (const Change& change : history_) {
    if (change.revision > revision) break;
    if (change.deleted) {
      content.erase(change.key);
      continue;
    }
    etcd::KeyValue& pair = content[change.key];
    pair.set_key(change.key);
    pair.set_value(change.value);
    pair.set_mod_revision(change.revision);
    pair.set_lease(change.lease);
  }
  return content;
}

void FakeEtcd::change(Change change) {
  change.revision = ++revision_;
  history_.push_back(change);
  etcd::WatchResponse response;
  fill(response.mutable_header());
  etcd::Event& event = *response.add_events();
  event.set_type(change.deleted ? etcd::Event::DELETE : etcd::Event::PUT);
  event.mutable_kv()->set_key(change.key);
  event.mutable_kv()->set_value(change.value);
  event.mutable_kv()->set_mod_revision(change.revision);
  for (const auto& [stream, watcher] : watchers_) {
    if (is_between(change.key, watcher.from, watcher.to)) watcher.stream->Write(response);
  }
}

grpc::Status FakeEtcd::admit(grpc::ServerContext* context, const std::string& method,
                             std::unique_lock<std::mutex>& lock) {
  ++counts_[method];
  while (hanging_[method] && !stopping_ && !context->IsCancelled()) {
    changed_.wait_for(lock, std::chrono::milliseconds(10));
  }
  if (stopping_ || context->IsCancelled()) return kUnavailable;
  std::vector<grpc::Status>& script = scripts_[method];
  if (!script.empty()) {
    grpc::Status status = script.front();
    script.erase(script.begin());
    return status;
  }
  // The real one looks at the tokens of leases only where they hold keys.
  if (user_.empty() || method == "Authenticate" || method.starts_with("Lease")) return grpc::Status::OK;
  const auto token = context->client_metadata().find("token");
  const bool is_valid =
      token != context->client_metadata().end() &&
      std::string(token->second.data(), token->second.size()) == "token-" + std::to_string(token_generation_);
  return is_valid ? grpc::Status::OK
                  : grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "etcdserver: invalid auth token");
}

grpc::Status FakeEtcd::answer(grpc::ServerContext* context, const std::string& method,
                              const std::function<grpc::Status()>& effect) {
  std::unique_lock lock(mutex_);
  grpc::Status status = admit(context, method, lock);
  if (!status.ok()) return status;
  status = effect();
  int& lost = lost_answers_[method];
  if (lost == 0) return status;
  --lost;
  return kUnavailable;
}

grpc::Status FakeEtcd::Range(grpc::ServerContext* context, const etcd::RangeRequest* request,
                             etcd::RangeResponse* response) {
  return answer(context, "Range", [&] {
    using grpc::StatusCode;
    if (request->revision() > revision_) {
      return grpc::Status(StatusCode::OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision");
    }
    if (request->revision() != 0 && request->revision() < compacted_) {
      return grpc::Status(StatusCode::OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted");
    }
    fill(response->mutable_header());
    const Content content = content_at(request->revision() == 0 ? revision_ : request->revision());
    for (const auto& [key, pair] : content) {
      if (is_between(key, request->key(), request->range_end())) *response->add_kvs() = pair;
    }
    return grpc::Status::OK;
  });
}

grpc::Status FakeEtcd::Put(grpc::ServerContext* context, const etcd::PutRequest* request, etcd::PutResponse* response) {
  return answer(context, "Put", [&] {
    if (request->lease() != 0 && !leases_.contains(request->lease())) {
      return grpc::Status(grpc::StatusCode::NOT_FOUND, "etcdserver: requested lease not found");
    }
    change({0, request->key(), request->value(), false, request->lease()});
    fill(response->mutable_header());
    return grpc::Status::OK;
  });
}

grpc::Status FakeEtcd::LeaseGrant(grpc::ServerContext* context, const etcd::LeaseGrantRequest* request,
                                  etcd::LeaseGrantResponse* response) {
  return answer(context, "LeaseGrant", [&] {
    leases_[++last_lease_] = request->ttl();
    fill(response->mutable_header());
    response->set_id(last_lease_);
    response->set_ttl(request->ttl());
    return grpc::Status::OK;
  });
}

grpc::Status FakeEtcd::LeaseRevoke(grpc::ServerContext* context, const etcd::LeaseRevokeRequest* request,
                                   etcd::LeaseRevokeResponse* response) {
  return answer(context, "LeaseRevoke", [&] {
    if (leases_.erase(request->id()) == 0) {
      return grpc::Status(grpc::StatusCode::NOT_FOUND, "etcdserver: requested lease not found");
    }
    for (const auto& [key, pair] : content_at(revision_)) {
      if (pair.lease() == request->id()) change({0, key, "", true, 0});
    }
    fill(response->mutable_header());
    return grpc::Status::OK;
  });
}

grpc::Status FakeEtcd::LeaseKeepAlive(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<etcd::LeaseKeepAliveResponse, etcd::LeaseKeepAliveRequest>* stream) {
  std::unique_lock lock(mutex_);
  keep_alives_[stream] = context;
  grpc::Status status;
  for (etcd::LeaseKeepAliveRequest request; status.ok();) {
    lock.unlock();
    const bool has_one = stream->Read(&request);
    lock.lock();
    if (!has_one) break;
    status = admit(context, "LeaseKeepAlive", lock);
    if (!status.ok()) break;
    etcd::LeaseKeepAliveResponse response;
    fill(response.mutable_header());
    response.set_id(request.id());
    const auto lease = leases_.find(request.id());
    response.set_ttl(lease == leases_.end() ? 0 : lease->second);
    stream->Write(response);
  }
  keep_alives_.erase(stream);
  return status.ok() ? kUnavailable : status;
}

grpc::Status FakeEtcd::Watch(grpc::ServerContext* context,
                             grpc::ServerReaderWriter<etcd::WatchResponse, etcd::WatchRequest>* stream) {
  etcd::WatchRequest request;
  while (stream->Read(&request)) {
    if (!request.has_create_request()) continue;
    std::unique_lock lock(mutex_);
    grpc::Status status = admit(context, "Watch", lock);
    if (!status.ok()) {
      watchers_.erase(stream);
      return status;
    }
    const etcd::WatchCreateRequest& create = request.create_request();
    watch(create, {create.key(), create.range_end(), context, stream});
  }
  const std::lock_guard lock(mutex_);
  watchers_.erase(stream);
  return kUnavailable;
}

void FakeEtcd::watch(const etcd::WatchCreateRequest& create, Watcher watcher) {
  watch_starts_.push_back(create.start_revision());
  etcd::WatchResponse created;
  fill(created.mutable_header());
  created.set_created(true);
  watcher.stream->Write(created);
  if (create.start_revision() != 0 && create.start_revision() < compacted_) {
    etcd::WatchResponse canceled;
    fill(canceled.mutable_header());
    canceled.set_canceled(true);
    canceled.set_compact_revision(compacted_);
    watcher.stream->Write(canceled);
    return;
  }
  etcd::WatchResponse missed;
  fill(missed.mutable_header());
  for (const Change& change : history_) {
    if (change.revision < create.start_revision() || !is_between(change.key, watcher.from, watcher.to)) continue;
    etcd::Event& event = *missed.add_events();
    event.set_type(change.deleted ? etcd::Event::DELETE : etcd::Event::PUT);
    event.mutable_kv()->set_key(change.key);
    event.mutable_kv()->set_value(change.value);
    event.mutable_kv()->set_mod_revision(change.revision);
  }
  if (missed.events_size() != 0) watcher.stream->Write(missed);
  watchers_[watcher.stream] = watcher;
}

grpc::Status FakeEtcd::Authenticate(grpc::ServerContext* context, const etcd::AuthenticateRequest* request,
                                    etcd::AuthenticateResponse* response) {
  return answer(context, "Authenticate", [&] {
    using grpc::StatusCode;
    if (user_.empty()) {
      return grpc::Status(StatusCode::FAILED_PRECONDITION, "etcdserver: authentication is not enabled");
    }
    if (request->name() != user_ || request->password() != password_) {
      return grpc::Status(StatusCode::INVALID_ARGUMENT,
                          "etcdserver: authentication failed, invalid user ID or password");
    }
    response->set_token("token-" + std::to_string(token_generation_));
    return grpc::Status::OK;
  });
}

}  // namespace settle::server
