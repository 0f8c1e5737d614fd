// One acceptor on the first loop hands each connection to the loop that has the fewest. An acceptor a loop
// (SO_REUSEPORT) would let a second server take the same port unnoticed, and spreads few connections badly.
#include "settle/http/server.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "transports/http/connection.hpp"

namespace settle::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Accepting goes on after this where the process ran out of file descriptors or memory.
constexpr std::chrono::milliseconds kAcceptPause{100};

class HttpServer final : public Server, public std::enable_shared_from_this<HttpServer> {
 public:
  HttpServer(const std::vector<asio::io_context*>& loops, const std::shared_ptr<const ServerConfig>& config)
      : connections_max_(config->options.connections_max),
        home_(*loops.front()),
        acceptor_(home_),
        pause_(home_),
        drain_(home_) {
    for (asio::io_context* const loop : loops) loops_.push_back(std::make_shared<ConnectionLoop>(*loop, config));
  }

  Result<Done> open(const ServerOptions& options) {
    const std::string place = options.address + ":" + std::to_string(options.port);
    error_code error;
    const asio::ip::address address = asio::ip::make_address(options.address, error);
    if (error) return Error{Code::invalid, "cannot listen on " + place + ": not an IP address"};
    const tcp::endpoint endpoint(address, options.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return Error{Code::unavailable, "cannot listen on " + place + ": " + error.message()};
    port_ = acceptor_.local_endpoint(error).port();
    auto begin = [self = shared_from_this()] { self->accept(); };
    asio::post(home_, std::move(begin));
    return Done{};
  }

  std::uint16_t port() const override { return port_; }

  void stop(std::int64_t drain_ms, Task stopped) override {
    auto begin = [self = shared_from_this(), drain_ms, held = std::move(stopped)]() mutable {
      self->begin_stop(drain_ms, std::move(held));
    };
    asio::post(home_, std::move(begin));
  }

  std::size_t connections() const override {
    std::size_t sum = 0;
    for (const auto& loop : loops_) sum += loop->count();
    return sum;
  }

 private:
  void accept() {
    if (stopping_) return;
    const auto loop = *std::min_element(loops_.begin(), loops_.end(), [](const auto& left, const auto& right) {
      return left->count() < right->count();
    });
    acceptor_.async_accept(loop->context(),
                           [self = shared_from_this(), loop](const error_code& error, tcp::socket socket) {
                             if (self->stopping_) return;
                             if (!error) {
                               self->hand_over(loop, std::move(socket));
                               self->accept();
                             } else {
                               self->accept_later();
                             }
                           });
  }

  void hand_over(const std::shared_ptr<ConnectionLoop>& loop, tcp::socket socket) {
    const bool refused = connections() >= connections_max_;
    if (!refused) loop->reserve();
    auto serve = [loop, refused, held = std::move(socket)]() mutable { loop->serve(std::move(held), refused); };
    asio::dispatch(loop->context(), std::move(serve));
  }

  void accept_later() {
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([self = shared_from_this()](const error_code&) { self->accept(); });
  }

  void begin_stop(std::int64_t drain_ms, Task stopped) {
    waiting_.push_back(std::move(stopped));
    if (stopping_) {
      if (loops_left_ == 0) finish_stop();
      return;
    }
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    loops_left_ = loops_.size();
    for (const auto& loop : loops_) {
      auto stop_there = [self = shared_from_this(), loop] { loop->stop([self] { self->loop_drained(); }); };
      // Not at once, even on this loop: behind the connections that were handed over.
      asio::post(loop->context(), std::move(stop_there));
    }
    drain_.expires_after(std::chrono::milliseconds(std::max<std::int64_t>(drain_ms, 0)));
    drain_.async_wait([self = shared_from_this()](const error_code& error) {
      if (error) return;
      for (const auto& loop : self->loops_) asio::post(loop->context(), [loop] { loop->close_all(); });
    });
  }

  void loop_drained() {
    auto count_down = [self = shared_from_this()] {
      if (--self->loops_left_ == 0) self->finish_stop();
    };
    asio::post(home_, std::move(count_down));
  }

  void finish_stop() {
    drain_.cancel();
    auto waiting = std::exchange(waiting_, {});
    for (Task& stopped : waiting) stopped();
  }

  const std::size_t connections_max_;
  asio::io_context& home_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  asio::steady_timer drain_;
  std::vector<std::shared_ptr<ConnectionLoop>> loops_;
  std::uint16_t port_ = 0;

  // Only on the first loop.
  bool stopping_ = false;
  std::size_t loops_left_ = 0;
  std::vector<Task> waiting_;
};

}  // namespace

Result<std::shared_ptr<Server>> Server::listen(const std::vector<asio::io_context*>& loops, ServerOptions options,
                                               Handler handler) {
  if (loops.empty()) return Error{Code::invalid, "a server needs at least one loop"};
  const auto config =
      std::make_shared<const ServerConfig>(ServerConfig{.options = std::move(options), .handler = std::move(handler)});
  const auto server = std::make_shared<HttpServer>(loops, config);
  auto opened = server->open(config->options);
  if (!opened) return opened.error();
  return std::shared_ptr<Server>(server);
}

}  // namespace settle::http
