#include "server/registry/address_watch.hpp"

#include <algorithm>
#include <utility>

#include "server/registry/address_list.hpp"
#include "server/registry/etcd_answers.hpp"

namespace settle::server {
namespace {

// Everything that begins with the prefix, in etcd's terms: up to the first key that does not. The prefix ends in '/'.
std::string prefix_end(std::string prefix) {
  ++prefix.back();
  return prefix;
}

bool is_future_revision(const grpc::Status& status) {
  return status.error_message().find("future revision") != std::string::npos;
}

}  // namespace

AddressWatch::AddressWatch(std::shared_ptr<EtcdCluster> cluster, std::string key, Log log,
                           UniqueFunction<void(const AddressList& list)> changed)
    : key_(std::move(key)),
      log_(std::move(log)),
      changed_(std::move(changed)),
      book_(cluster->patience().retention_ms),
      session_(cluster, {[this](const std::shared_ptr<EtcdConnection>& connection) { connected(connection); },
                         [this](const std::string& why, bool every_host) { failed(why, every_host); }}),
      begin_overdue_(
          cluster->executor().make_timer([this] { session_.fail(Fault::host, "a watch was not begun in time"); })),
      retention_end_(cluster->executor().make_timer([this] { expire(); })) {}

void AddressWatch::connected(const std::shared_ptr<EtcdConnection>& connection) {
  connection_ = connection;
  ask(book_.has_content() ? book_.revision() : 0);
}

void AddressWatch::failed(const std::string& why, bool every_host) {
  question_.reset();
  stream_.reset();
  connection_.reset();
  begin_overdue_->disarm();
  retention_end_->disarm();  // what is retained could not come back meanwhile
  if (!every_host) return;
  if (!book_.has_content()) tell({{}, "the services under " + where() + " cannot be looked up: " + why});
  if (std::exchange(outage_logged_, true)) return;
  log_(LogLevel::warn, "",
       "the services under " + where() + " cannot be followed, " + std::to_string(book_.addresses().size()) +
           " addresses stay in use: " + why);
}

// At that revision; 0: now.
void AddressWatch::ask(std::int64_t revision) {
  etcd::RangeRequest request;
  request.set_key(key_ + "/");
  request.set_range_end(prefix_end(key_ + "/"));
  request.set_revision(revision);
  question_ = connection_->range(std::move(request),
                                 [this, revision](const grpc::Status& status, const etcd::RangeResponse& response) {
                                   question_.reset();
                                   if (revision == 0) {
                                     take_all(status, response);
                                   } else {
                                     compare(status, response);
                                   }
                                 });
}

void AddressWatch::take_all(const grpc::Status& status, const etcd::RangeResponse& response) {
  if (!status.ok()) return session_.fail(status);
  book_.replace(snapshot_of(response), clock_.now().steady_ms);
  tell();
  watch();
}

void AddressWatch::compare(const grpc::Status& status, const etcd::RangeResponse& response) {
  if (status.error_code() == grpc::StatusCode::OUT_OF_RANGE) {
    // Compacted away, which happens in every history, or never reached in this one.
    if (is_future_revision(status)) book_.doubt_history();
    ask(0);
  } else if (!status.ok()) {
    session_.fail(status);
  } else if (book_.continues(snapshot_of(response))) {
    watch();
  } else {
    book_.doubt_history();
    ask(0);
  }
}

void AddressWatch::watch() {
  etcd::WatchRequest first;
  etcd::WatchCreateRequest& create = *first.mutable_create_request();
  create.set_key(key_ + "/");
  create.set_range_end(prefix_end(key_ + "/"));
  create.set_start_revision(revision_behind(book_.revision()));
  // Keeps the known revision from falling behind what etcd compacts.
  create.set_progress_notify(true);
  create.set_fragment(true);
  stream_ =
      connection_->watch(std::move(first), {[this](const etcd::WatchResponse& response) { take_changes(response); },
                                            [this](const grpc::Status& status) { session_.fail(status); }});
  begin_overdue_->arm(session_.cluster().patience().call_timeout_ms);
}

void AddressWatch::take_changes(const etcd::WatchResponse& response) {
  if (response.canceled()) return canceled(response);
  if (response.created()) return begun(response);
  book_.apply(changes_of(response));
  arm_expiry();
  tell();
}

void AddressWatch::begun(const etcd::WatchResponse& response) {
  begin_overdue_->disarm();
  // gRPC may have connected anew since the question, and etcd may have lost its data in between.
  if (!book_.may_continue(response.header().cluster_id(), response.header().revision())) {
    book_.doubt_history();
    return session_.fail(Fault::refusal, "etcd has other data than a moment ago");
  }
  session_.succeed();
  book_.restart_retention(clock_.now().steady_ms);
  arm_expiry();
  if (!std::exchange(outage_logged_, false)) return;
  log_(LogLevel::info, "",
       "the services under " + where() + " are followed again: " + std::to_string(book_.addresses().size()) +
           " addresses");
}

void AddressWatch::canceled(const etcd::WatchResponse& response) {
  if (response.compact_revision() != 0) {
    return session_.fail(Fault::refusal, "etcd has compacted what is to be watched");
  }
  // An expired token is told as a permission that is missing; asking again tells which it is.
  session_.fail(Fault::refusal, "etcd ended the watch: " + response.cancel_reason());
}

void AddressWatch::expire() {
  if (book_.expire(clock_.now().steady_ms)) tell();
  arm_expiry();
}

void AddressWatch::arm_expiry() {
  const std::optional<std::int64_t> next_ms = book_.next_expiry_ms();
  if (next_ms) {
    retention_end_->arm(std::max<std::int64_t>(*next_ms - clock_.now().steady_ms, 0));
  } else {
    retention_end_->disarm();
  }
}

void AddressWatch::tell() { tell(make_address_list(book_.addresses(), where())); }

void AddressWatch::tell(AddressList list) {
  if (list_ == list) return;
  list_ = std::move(list);
  changed_(*list_);
}

std::string AddressWatch::where() const { return "'" + key_ + "' in " + describe(session_.cluster().access()); }

}  // namespace settle::server
