#include "transports/http/caller_pool.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include "settle/result.hpp"
#include "transports/http/branch_request.hpp"
#include "transports/http/json_rpc_branch.hpp"
#include "transports/http/redirect.hpp"
#include "transports/http/url.hpp"
#include "transports/http/white_space.hpp"

namespace settle::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kTimeoutMsMax = std::int64_t{365} * 24 * 3'600 * 1'000;
constexpr int kIdleSweepsPerTimeout = 4;
// Payloads up to this are copied behind the head: that is cheaper than sending two pieces.
constexpr std::size_t kPayloadBytesCopied = 4 << 10;

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

BranchReply unknown(std::string why) { return BranchReply{CallResult::unknown, std::move(why)}; }

BranchReply read_answer(AnswerForm form, Answer answer) {
  const unsigned status = answer.status;
  const std::string_view text = trimmed(answer.body);
  std::string body = text.size() == answer.body.size() ? std::move(answer.body) : std::string(text);
  auto result = CallResult::unknown;
  if (form == AnswerForm::plain) {
    if (status >= 200 && status < 300) result = CallResult::success;
  } else {
    result = classify(status, body);
  }
  if (result == CallResult::success && form == AnswerForm::json_rpc) {
    result = classify_json_rpc(body);
    if (result == CallResult::unknown) body = "not a result of JSON-RPC: " + body;
  } else if (result == CallResult::unknown) {
    body = "status " + std::to_string(status) + ": " + body;
  }
  return BranchReply{result, std::move(body)};
}

void set_message(OutboundCall& call, std::string head, std::string payload) {
  call.head = std::move(head);
  call.head_bytes = call.head.size();
  if (payload.size() <= kPayloadBytesCopied) {
    call.head += payload;
  } else {
    call.payload = std::move(payload);
  }
}

std::string payload_of(const OutboundCall& call) {
  return call.payload.empty() ? call.head.substr(call.head_bytes) : call.payload;
}

std::string timeout_text(const OutboundCall& call) {
  const std::string peer = authority(call.request.url);
  const std::string within = " within " + std::to_string(call.timeout_ms) + " ms";
  if (!call.connection) return peer + ": no free connection" + within;
  return call.connection->ready() ? peer + ": no answer" + within : "connect to " + peer + ": not done" + within;
}

}  // namespace

CallerPool::CallerPool(AsioExecutor& executor, CallerOptions options, std::shared_ptr<TlsSettings> tls)
    : loop_(executor.loop()),
      options_(std::move(options)),
      tls_(std::move(tls)),
      deadline_timer_(executor.make_timer([this] { end_due_calls(); })),
      deadline_timer_ms_(kNever),
      idle_timer_(executor.make_timer([this] { close_old_connections(); })) {}

void CallerPool::call(BranchCall call, BranchCompletion completion) {
  auto form = AnswerForm::branch;
  if (is_json_rpc(call)) {
    form = AnswerForm::json_rpc;
    auto body = json_rpc_body(call);
    if (!body) return completion(unknown(body.error().message));
    call.payload = std::move(body).value();
  } else {
    call.url = branch_target(call);
  }
  send(std::move(call), form, std::move(completion));
}

void CallerPool::post(std::string url, std::string json, std::int64_t timeout_ms, BranchCompletion completion) {
  BranchCall call;
  call.url = std::move(url);
  call.payload = std::move(json);
  call.timeout_ms = timeout_ms;
  send(std::move(call), AnswerForm::plain, std::move(completion));
}

void CallerPool::send(BranchCall call, AnswerForm form, BranchCompletion completion) {
  if (stopped_) return completion(unknown("the caller has been closed"));
  if (call.timeout_ms <= 0) return completion(unknown("no time was left for the call"));
  auto url = parse_url(call.url);
  if (!url) return completion(unknown(url.error().message));
  OutboundRequest request = first_request(call, std::move(url).value());
  auto head = request_head(request, call.payload.size());
  if (!head) return completion(unknown(head.error().message));

  const auto outbound = std::make_shared<OutboundCall>();
  outbound->request = std::move(request);
  outbound->form = form;
  set_message(*outbound, std::move(head).value(), std::move(call.payload));
  outbound->timeout_ms = std::min(call.timeout_ms, kTimeoutMsMax);
  outbound->completion = std::move(completion);
  outbound->deadline = deadlines_.emplace(steady_ms() + outbound->timeout_ms, outbound);
  if (outbound->deadline->first < deadline_timer_ms_) arm_deadline_timer();
  outbound->host = &host_of(outbound->request.url);
  start(*outbound->host, outbound);
}

void CallerPool::follow(const Call& call, const Answer& answer) {
  const std::string peer = authority(call->request.url);
  auto request = redirected(call->request, answer);
  if (!request) return end(call, unknown(peer + ": " + request.error().message));
  std::string payload = request.value().posts ? payload_of(*call) : "";
  auto head = request_head(request.value(), payload.size());
  if (!head) return end(call, unknown(peer + ": " + head.error().message));

  const auto next = std::make_shared<OutboundCall>();
  next->request = std::move(request).value();
  next->form = call->form;
  set_message(*next, std::move(head).value(), std::move(payload));
  next->timeout_ms = call->timeout_ms;
  next->completion = std::exchange(call->completion, nullptr);
  next->deadline = call->deadline;
  next->deadline->second = next;
  next->host = &host_of(next->request.url);
  start(*next->host, next);
}

void CallerPool::shut_down() {
  const auto self = shared_from_this();
  stopped_ = true;
  deadline_timer_.reset();
  idle_timer_.reset();
  for (auto& [name, host] : hosts_) {
    host.resolver.cancel();
    host.resolving.clear();
    for (const IdleConnection& idle : host.idle) idle.connection->close();
    host.idle.clear();
    host.waiting.clear();
  }
  while (!deadlines_.empty()) {
    const Call call = deadlines_.begin()->second;
    if (call->connection) call->connection->close();
    end(call, unknown("the caller has been closed"));
  }
}

Host& CallerPool::host_of(const Url& url) {
  std::string key = (url.tls ? "s" : "p") + url.host + ' ' + std::to_string(url.port);
  if (hosts_.empty()) arm_idle_timer();
  return hosts_.try_emplace(std::move(key), loop_).first->second;
}

void CallerPool::start(Host& host, const Call& call) {
  if (!host.idle.empty()) {
    // The one used last is the least likely to be closed by the other side meanwhile.
    call->connection = std::move(host.idle.back().connection);
    host.idle.pop_back();
    call->connection->send(call);
  } else if (host.connections < options_.connections_per_host_max) {
    open(host, call);
  } else {
    host.waiting.push_back(call);
  }
}

void CallerPool::open(Host& host, const Call& call) {
  std::shared_ptr<asio::ssl::context> context;
  if (call->request.url.tls) {
    auto loaded = tls_->context();
    if (!loaded) return end(call, unknown(loaded.error().message));
    context = loaded.value();
  }
  ++host.connections;
  call->connection = std::make_shared<CallerConnection>(loop_, *this, call, std::move(context),
                                                        options_.verify_certificates, options_.answer_bytes_max);
  connect(host, call->connection, call->request.url);
}

void CallerPool::connect(Host& host, const Connection& connection, const Url& url) {
  error_code error;
  const asio::ip::address address = asio::ip::make_address(url.host, error);
  if (!error) {
    connection->connect({tcp::endpoint(address, url.port)});
    return;
  }
  host.resolving.push_back(connection);
  if (!host.resolve_pending) resolve(host, url);
}

// One look-up at a time for a host serves all connections that are waiting for it.
void CallerPool::resolve(Host& host, const Url& url) {
  host.resolve_pending = true;
  host.resolver.async_resolve(url.host, std::to_string(url.port), tcp::resolver::numeric_service,
                              [self = shared_from_this(), &host, name = url.host](
                                  const error_code& error, const tcp::resolver::results_type& results) {
                                host.resolve_pending = false;
                                std::vector<tcp::endpoint> addresses;
                                for (const auto& entry : results) addresses.push_back(entry.endpoint());
                                for (const Connection& connection : std::exchange(host.resolving, {})) {
                                  const Call call = connection->call();
                                  if (!call) continue;
                                  if (error || addresses.empty()) {
                                    self->broken(connection, call, "resolve " + name + ": " + error.message(), false);
                                  } else {
                                    connection->connect(addresses);
                                  }
                                }
                              });
}

void CallerPool::answered(const Connection& connection, Call call, Answer answer, bool reusable) {
  const auto self = shared_from_this();
  Host& host = *call->host;
  call->connection.reset();
  if (reusable) {
    keep(host, connection);
  } else {
    release(host, connection);
  }
  serve_waiting(host);
  if (!call->completion) return;
  if (is_redirect(answer)) return follow(call, answer);
  end(call, read_answer(call->form, std::move(answer)));
}

void CallerPool::broken(const Connection& connection, Call call, std::string why, bool may_repeat) {
  const auto self = shared_from_this();
  if (!call) {
    for (auto& [name, host] : hosts_) {
      const auto place = std::find_if(host.idle.begin(), host.idle.end(), [&connection](const IdleConnection& one) {
        return one.connection == connection;
      });
      if (place == host.idle.end()) continue;
      host.idle.erase(place);
      release(host, connection);
      return;
    }
    return;
  }
  Host& host = *call->host;
  call->connection.reset();
  release(host, connection);
  if (may_repeat && !call->retried) {
    call->retried = true;
    open(host, call);
  } else {
    serve_waiting(host);
    end(call, unknown(std::move(why)));
  }
}

void CallerPool::release(Host& host, const Connection& connection) {
  connection->close();
  --host.connections;
}

void CallerPool::keep(Host& host, const Connection& connection) {
  host.idle.push_back(IdleConnection{connection, steady_ms()});
}

void CallerPool::arm_idle_timer() { idle_timer_->arm(options_.idle_timeout_ms / kIdleSweepsPerTimeout + 1); }

void CallerPool::serve_waiting(Host& host) {
  while (!host.idle.empty() || host.connections < options_.connections_per_host_max) {
    const Call call = next_waiting(host);
    if (!call) return;
    start(host, call);
  }
}

std::shared_ptr<OutboundCall> CallerPool::next_waiting(Host& host) {
  while (!host.waiting.empty()) {
    Call call = std::move(host.waiting.front());
    host.waiting.pop_front();
    if (call->completion) return call;
  }
  return nullptr;
}

// Comes last wherever it is used, for the completion may make calls or destroy the caller.
void CallerPool::end(const Call& call, BranchReply reply) {
  if (!call->completion) return;
  deadlines_.erase(call->deadline);
  call->connection.reset();
  const auto completion = std::make_unique<BranchCompletion>(std::exchange(call->completion, nullptr));
  (*completion)(std::move(reply));
}

void CallerPool::arm_deadline_timer() {
  if (deadlines_.empty() || stopped_) {
    deadline_timer_ms_ = kNever;
    return;
  }
  deadline_timer_ms_ = deadlines_.begin()->first;
  deadline_timer_->arm(std::max<std::int64_t>(deadline_timer_ms_ - steady_ms(), 0));
}

void CallerPool::end_due_calls() {
  const auto self = shared_from_this();
  const std::int64_t now_ms = steady_ms();
  deadline_timer_ms_ = kNever;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_ms) {
    const Call call = deadlines_.begin()->second;
    std::string why = timeout_text(*call);
    if (const Connection connection = std::exchange(call->connection, nullptr)) {
      Host& host = *call->host;
      std::erase(host.resolving, connection);
      release(host, connection);
      serve_waiting(host);
    }
    end(call, unknown(std::move(why)));
  }
  arm_deadline_timer();
}

void CallerPool::close_old_connections() {
  const std::int64_t idle_since_ms = steady_ms() - options_.idle_timeout_ms;
  for (auto next = hosts_.begin(); next != hosts_.end();) {
    Host& host = next->second;
    while (!host.idle.empty() && host.idle.front().since_ms <= idle_since_ms) {
      const Connection connection = host.idle.front().connection;
      host.idle.erase(host.idle.begin());
      release(host, connection);
    }
    const bool unused = host.connections == 0 && host.waiting.empty() && !host.resolve_pending;
    next = unused ? hosts_.erase(next) : std::next(next);
  }
  if (!hosts_.empty()) arm_idle_timer();
}

}  // namespace settle::http
