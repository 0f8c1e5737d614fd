#include "server/registry/etcd_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "transports/grpc/answer.hpp"

namespace settle::server {
namespace {

constexpr std::size_t kStatusBytesMax = 300;
constexpr std::size_t kPemBytesMax = 1 << 20;  // of a file with certificates
constexpr int kAnswerBytesMax = 32 << 20;      // some 300,000 registrations

Result<std::string> read_file(const std::string& path, std::string_view parameter) {
  if (path.empty()) return std::string();
  const auto refused = [&](const std::string& why) {
    return Error{Code::invalid, std::string(parameter) + " '" + path + "' cannot be read: " + why};
  };
  std::error_code failed;
  const bool is_file = std::filesystem::is_regular_file(path, failed);
  if (failed) return refused(failed.message());
  if (!is_file) return refused("it is not a file");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kPemBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kPemBytesMax) return refused("it has more than " + std::to_string(kPemBytesMax) + " bytes");
  if (text.empty()) return refused(errno != 0 ? std::generic_category().message(errno) : "it is empty");
  return text;
}

Result<std::shared_ptr<grpc::ChannelCredentials>> make_credentials(const EtcdTls& tls) {
  if (!tls.enabled) return grpc::InsecureChannelCredentials();
  auto ca = read_file(tls.ca_file, "ca_file");
  if (!ca) return ca.error();
  auto certificate = read_file(tls.cert_file, "cert_file");
  if (!certificate) return certificate.error();
  auto key = read_file(tls.key_file, "key_file");
  if (!key) return key.error();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = std::move(ca.value());
  options.pem_cert_chain = std::move(certificate.value());
  options.pem_private_key = std::move(key.value());
  return grpc::SslCredentials(options);
}

grpc::ChannelArguments make_arguments(const EtcdPatience& patience) {
  const auto as_int = [](std::int64_t ms) { return static_cast<int>(ms); };
  grpc::ChannelArguments arguments;
  // A connection of its own: the state of another one to the same host, such as how long it waits before it is tried
  // again, must not be this one's.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, as_int(patience.pause_ms_min));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, as_int(patience.pause_ms_max));
  // Despite its name: how long connecting may take. Half of a call's time, so that a second address of the same name
  // has its chance.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, as_int(patience.call_timeout_ms / 2));
  // A host that was stopped keeps its connections open and says nothing; only probing tells.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, as_int(patience.silence_ms));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, as_int(patience.probe_timeout_ms));
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetMaxReceiveMessageSize(kAnswerBytesMax);
  return arguments;
}

}  // namespace

std::string describe(const grpc::Status& status) {
  std::string text = rpc::status_name(status.error_code()) + ": " + status.error_message();
  text.resize(std::min(text.size(), kStatusBytesMax));
  std::replace_if(
      text.begin(), text.end(), [](char character) { return static_cast<unsigned char>(character) < 0x20; }, ' ');
  return text;
}

Result<std::shared_ptr<EtcdConnection>> EtcdConnection::open(std::shared_ptr<CallGroup> group, const std::string& host,
                                                             const EtcdTls& tls, const EtcdPatience& patience) {
  auto credentials = make_credentials(tls);
  if (!credentials) return credentials.error();
  const std::shared_ptr<grpc::Channel> channel =
      grpc::CreateCustomChannel("dns:///" + host, credentials.value(), make_arguments(patience));
  return std::shared_ptr<EtcdConnection>(new EtcdConnection(std::move(group), host, patience, channel));
}

EtcdConnection::EtcdConnection(std::shared_ptr<CallGroup> group, std::string host, const EtcdPatience& patience,
                               const std::shared_ptr<grpc::Channel>& channel)
    : group_(std::move(group)),
      host_(std::move(host)),
      settings_{patience.call_timeout_ms, {}},
      auth_(etcd::Auth::NewStub(channel)),
      key_values_(etcd::KV::NewStub(channel)),
      leases_(etcd::Lease::NewStub(channel)),
      watches_(etcd::Watch::NewStub(channel)) {}

std::unique_ptr<PendingCall> EtcdConnection::authenticate(etcd::AuthenticateRequest request,
                                                          CallCompletion<etcd::AuthenticateResponse> completion) {
  using Call = UnaryCall<etcd::AuthenticateRequest, etcd::AuthenticateResponse>;
  const auto call = std::make_shared<Call>(group_, std::move(request), std::move(completion));
  return call->start(settings_, [this](auto* context, auto* asked, auto* answer, auto done) {
    auth_->async()->Authenticate(context, asked, answer, std::move(done));
  });
}

std::unique_ptr<PendingCall> EtcdConnection::range(etcd::RangeRequest request,
                                                   CallCompletion<etcd::RangeResponse> completion) {
  using Call = UnaryCall<etcd::RangeRequest, etcd::RangeResponse>;
  const auto call = std::make_shared<Call>(group_, std::move(request), std::move(completion));
  return call->start(settings_, [this](auto* context, auto* asked, auto* answer, auto done) {
    key_values_->async()->Range(context, asked, answer, std::move(done));
  });
}

std::unique_ptr<PendingCall> EtcdConnection::put(etcd::PutRequest request,
                                                 CallCompletion<etcd::PutResponse> completion) {
  using Call = UnaryCall<etcd::PutRequest, etcd::PutResponse>;
  const auto call = std::make_shared<Call>(group_, std::move(request), std::move(completion));
  return call->start(settings_, [this](auto* context, auto* asked, auto* answer, auto done) {
    key_values_->async()->Put(context, asked, answer, std::move(done));
  });
}

std::unique_ptr<PendingCall> EtcdConnection::grant(etcd::LeaseGrantRequest request,
                                                   CallCompletion<etcd::LeaseGrantResponse> completion) {
  using Call = UnaryCall<etcd::LeaseGrantRequest, etcd::LeaseGrantResponse>;
  const auto call = std::make_shared<Call>(group_, std::move(request), std::move(completion));
  return call->start(settings_, [this](auto* context, auto* asked, auto* answer, auto done) {
    leases_->async()->LeaseGrant(context, asked, answer, std::move(done));
  });
}

std::unique_ptr<PendingCall> EtcdConnection::revoke(etcd::LeaseRevokeRequest request,
                                                    CallCompletion<etcd::LeaseRevokeResponse> completion) {
  using Call = UnaryCall<etcd::LeaseRevokeRequest, etcd::LeaseRevokeResponse>;
  const auto call = std::make_shared<Call>(group_, std::move(request), std::move(completion));
  return call->start(settings_, [this](auto* context, auto* asked, auto* answer, auto done) {
    leases_->async()->LeaseRevoke(context, asked, answer, std::move(done));
  });
}

std::unique_ptr<OpenStream<etcd::WatchRequest>> EtcdConnection::watch(etcd::WatchRequest first,
                                                                      StreamHandlers<etcd::WatchResponse> handlers) {
  using Stream = EtcdStream<etcd::WatchRequest, etcd::WatchResponse>;
  return Stream::start(group_, settings_, std::move(first), std::move(handlers),
                       [this](auto* context, auto* reactor) { watches_->async()->Watch(context, reactor); });
}

std::unique_ptr<OpenStream<etcd::LeaseKeepAliveRequest>> EtcdConnection::keep_alive(
    etcd::LeaseKeepAliveRequest first, StreamHandlers<etcd::LeaseKeepAliveResponse> handlers) {
  using Stream = EtcdStream<etcd::LeaseKeepAliveRequest, etcd::LeaseKeepAliveResponse>;
  return Stream::start(group_, settings_, std::move(first), std::move(handlers),
                       [this](auto* context, auto* reactor) { leases_->async()->LeaseKeepAlive(context, reactor); });
}

}  // namespace settle::server
