// The connections of one shard to all participants, and the calls that use or wait for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "settle/asio_executor.hpp"
#include "settle/branch_caller.hpp"
#include "settle/http/branch_caller.hpp"
#include "transports/http/caller_connection.hpp"
#include "transports/http/outbound_call.hpp"
#include "transports/http/tls.hpp"

namespace settle::http {

struct IdleConnection {
  std::shared_ptr<CallerConnection> connection;
  std::int64_t since_ms;
};

// One scheme, host and port.
struct Host {
  explicit Host(boost::asio::io_context& loop) : resolver(loop) {}
  std::size_t connections = 0;                               // all of them, those being made too
  std::vector<IdleConnection> idle;                          // the longest idle first
  std::deque<std::shared_ptr<OutboundCall>> waiting;         // for a connection; those that have ended are passed over
  std::vector<std::shared_ptr<CallerConnection>> resolving;  // waiting for the addresses of the host
  bool resolve_pending = false;
  boost::asio::ip::tcp::resolver resolver;
};

// Threads: only the loop's own.
class CallerPool final : public std::enable_shared_from_this<CallerPool>, public CallerConnection::Listener {
 public:
  CallerPool(AsioExecutor& executor, CallerOptions options, std::shared_ptr<TlsSettings> tls);

  // See BranchCaller::call.
  void call(BranchCall call, BranchCompletion completion);
  // See Poster::post.
  void post(std::string url, std::string json, std::int64_t timeout_ms, BranchCompletion completion);
  // Ends every call as unknown and closes every connection. Later calls are unknown at once.
  void shut_down();

 private:
  using Connection = std::shared_ptr<CallerConnection>;
  using Call = std::shared_ptr<OutboundCall>;

  void answered(const Connection& connection, Call call, Answer answer, bool reusable) override;
  void broken(const Connection& connection, Call call, std::string why, bool may_repeat) override;

  // The url and the payload are what is asked for and sent as they are.
  void send(BranchCall call, AnswerForm form, BranchCompletion completion);
  // Makes the request that this answer leads to, in what is left of the call's time.
  void follow(const Call& call, const Answer& answer);
  Host& host_of(const Url& url);
  void start(Host& host, const Call& call);
  void open(Host& host, const Call& call);
  void connect(Host& host, const Connection& connection, const Url& url);
  void resolve(Host& host, const Url& url);
  void release(Host& host, const Connection& connection);
  // Gives a free place to the call that has waited longest.
  void serve_waiting(Host& host);
  Call next_waiting(Host& host);
  void keep(Host& host, const Connection& connection);
  void end(const Call& call, BranchReply reply);
  void end_due_calls();
  void close_old_connections();
  void arm_idle_timer();
  void arm_deadline_timer();

  boost::asio::io_context& loop_;
  const CallerOptions options_;
  const std::shared_ptr<TlsSettings> tls_;
  std::unordered_map<std::string, Host> hosts_;  // the ones that nobody uses are dropped with their idle connections
  Deadlines deadlines_;
  std::unique_ptr<Timer> deadline_timer_;
  std::int64_t deadline_timer_ms_;  // when it fires
  std::unique_ptr<Timer> idle_timer_;
  bool stopped_ = false;
};

}  // namespace settle::http
