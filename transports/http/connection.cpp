#include "transports/http/connection.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/status.hpp>

namespace settle::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kInputBytesMin = 4 << 10;
constexpr std::size_t kInputBytesForBodies = 64 << 10;
constexpr std::size_t kDropBytesMax = 64 << 20;
// Bodies up to this are copied behind the head: that is cheaper than sending two pieces.
constexpr std::size_t kBodyBytesCopied = 4 << 10;
// A client that was refused gets this long to read the answer and close, so that what it still sends does not reset the
// connection before the answer arrived.
constexpr std::int64_t kLingerMs = 2'000;
constexpr std::size_t kRefusedMax = 256;
constexpr int kSweepsPerTimeout = 8;
constexpr std::int64_t kSweepIntervalMsMin = 5;
constexpr std::int64_t kSweepIntervalMsMax = 1'000;

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t sweep_interval_ms(const ServerOptions& options) {
  const std::int64_t shortest =
      std::min({options.read_timeout_ms, options.idle_timeout_ms, options.write_timeout_ms, kLingerMs});
  return std::clamp(shortest / kSweepsPerTimeout, kSweepIntervalMsMin, kSweepIntervalMsMax);
}

std::string error_body(std::string_view message) { return R"({"message":")" + std::string(message) + R"("})"; }

bool has_no_body(unsigned status) { return status / 100 == 1 || status == 204 || status == 304; }

// Answers exactly once: with 500 where whoever held it dropped it.
class Answer {
 public:
  explicit Answer(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  Answer(Answer&&) noexcept = default;
  Answer& operator=(Answer&&) = delete;
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    if (connection_) connection_->respond(Response{.status = 500, .body = error_body("the request was dropped")});
  }
  void operator()(Response response) {
    if (const auto connection = std::move(connection_)) connection->respond(std::move(response));
  }

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace

ConnectionLoop::ConnectionLoop(asio::io_context& loop, std::shared_ptr<const ServerConfig> config)
    : loop_(loop), config_(std::move(config)), sweep_interval_ms_(sweep_interval_ms(config_->options)), sweep_(loop) {}

void ConnectionLoop::serve(asio::ip::tcp::socket socket, bool refused) {
  const bool turned_away = stopping_ || (refused && refused_ >= kRefusedMax);
  if (turned_away) {
    if (!refused) --count_;
    return;
  }
  if (refused) ++refused_;
  connections_.push_front(std::make_shared<Connection>(std::move(socket), shared_from_this(), !refused));
  const auto connection = connections_.front();
  if (!sweeping_) watch_deadlines();
  if (refused) {
    connection->refuse(connections_.begin());
  } else {
    connection->start(connections_.begin());
  }
}

void ConnectionLoop::stop(Task drained) {
  stopping_ = true;
  drained_ = std::move(drained);
  const auto connections = connections_;
  for (const auto& connection : connections) connection->stop();
  if (connections_.empty() && drained_) std::exchange(drained_, nullptr)();
}

void ConnectionLoop::close_all() {
  const auto connections = connections_;
  for (const auto& connection : connections) connection->close();
}

void ConnectionLoop::forget(Position position, bool counted) {
  connections_.erase(position);
  if (counted) {
    --count_;
  } else {
    --refused_;
  }
  if (!connections_.empty()) return;
  sweep_.cancel();
  if (drained_) std::exchange(drained_, nullptr)();
}

void ConnectionLoop::watch_deadlines() {
  sweeping_ = true;
  sweep_.expires_after(std::chrono::milliseconds(sweep_interval_ms_));
  sweep_.async_wait([self = shared_from_this()](const error_code&) {
    self->sweeping_ = false;
    const std::int64_t now_ms = steady_ms();
    for (auto next = self->connections_.begin(); next != self->connections_.end();) {
      const auto connection = *next++;
      connection->check_deadline(now_ms);
    }
    if (!self->connections_.empty()) self->watch_deadlines();
  });
}

std::string_view ConnectionLoop::date_field() {
  const std::time_t now = std::time(nullptr);
  if (now != date_second_) {
    date_second_ = now;
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::array<char, 64> text{};
    const std::size_t length = std::strftime(text.data(), text.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    date_field_.assign(text.data(), length);
  }
  return date_field_;
}

Connection::Connection(asio::ip::tcp::socket socket, std::shared_ptr<ConnectionLoop> loop, bool counted)
    : loop_(std::move(loop)),
      socket_(std::move(socket)),
      counted_(counted),
      parser_(loop_->config().options.header_bytes_max, loop_->config().options.body_bytes_max, kDropBytesMax),
      input_(kInputBytesMin) {}

void Connection::start(ConnectionLoop::Position position) {
  position_ = position;
  error_code ignored;
  socket_->set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_->non_blocking(true, ignored);
  enter(Phase::idle, loop_->config().options.idle_timeout_ms);
  read();
}

void Connection::refuse(ConnectionLoop::Position position) {
  position_ = position;
  error_code ignored;
  socket_->non_blocking(true, ignored);
  refuse_request(503, "too many connections");
}

void Connection::stop() {
  if (phase_ == Phase::idle) close();
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  const auto self = shared_from_this();
  phase_ = Phase::closed;
  closed_ = true;
  socket_.reset();
  loop_->forget(position_, counted_);
}

void Connection::check_deadline(std::int64_t now_ms) {
  if (phase_ == Phase::handling || now_ms < deadline_ms_) return;
  if (phase_ == Phase::reading) {
    refuse_request(408, "the request took too long to arrive");
  } else {
    close();
  }
}

void Connection::enter(Phase phase, std::int64_t timeout_ms) {
  phase_ = phase;
  deadline_ms_ = steady_ms() + timeout_ms;
}

void Connection::read() {
  if (read_pending_) return;
  read_pending_ = true;
  socket_->async_read_some(asio::buffer(input_.data() + input_end_, input_.size() - input_end_),
                           [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                             self->read_pending_ = false;
                             if (self->phase_ == Phase::closed) return;
                             if (!error) {
                               self->on_read(bytes);
                             } else if (error == asio::error::eof) {
                               self->on_end_of_input();
                             } else {
                               self->close();
                             }
                           });
}

void Connection::on_read(std::size_t bytes) {
  if (phase_ == Phase::lingering) {
    drop_input(bytes);
  } else if (phase_ == Phase::idle || phase_ == Phase::reading) {
    input_end_ += bytes;
    advance();
  }
  // Otherwise a request that took too long is being refused, and what still comes of it is nothing to us.
}

void Connection::on_end_of_input() {
  if (phase_ == Phase::reading) {
    refuse_request(400, "the request ended too early");
  } else if (phase_ != Phase::writing) {
    close();
  }
}

void Connection::drop_input(std::size_t bytes) {
  dropped_bytes_ += bytes;
  if (dropped_bytes_ > kDropBytesMax) {
    close();
  } else {
    read();
  }
}

void Connection::advance() {
  while (parse()) {
    handle();
    if (!early_answer_) return;
    Response answer = *std::exchange(early_answer_, std::nullopt);
    if (!send_answer(std::move(answer)) || !finish_answer()) return;
  }
}

bool Connection::parse() {
  if (input_begin_ != input_end_) {
    const std::string_view bytes(input_.data() + input_begin_, input_end_ - input_begin_);
    input_begin_ += parser_.feed(bytes);
  }
  switch (parser_.state()) {
    case RequestState::complete:
      return true;
    case RequestState::more:
      read_more();
      break;
    case RequestState::malformed:
      refuse_request(400, "malformed HTTP request");
      break;
    case RequestState::header_too_long:
      refuse_request(431, "the header is too long");
      break;
    case RequestState::body_too_long:
      refuse_request(413, "the body is too long");
      break;
  }
  return false;
}

void Connection::read_more() {
  if (phase_ == Phase::idle && parser_.started()) enter(Phase::reading, loop_->config().options.read_timeout_ms);
  if (parser_.take_expects_continue()) {
    if (parser_.announces_too_long_body()) {
      refuse_request(413, "the body is too long");
      return;
    }
    send_continue();
    if (phase_ == Phase::closed) return;
  }
  make_room();
  read();
}

// Keeps what is unread at the front, and grows the buffer only for those who need it.
void Connection::make_room() {
  const std::size_t unread = input_end_ - input_begin_;
  if (unread != 0 && input_begin_ != 0) std::memmove(input_.data(), input_.data() + input_begin_, unread);
  input_begin_ = 0;
  input_end_ = unread;
  const ServerOptions& options = loop_->config().options;
  const std::size_t size_max = std::max(options.header_bytes_max + 1, kInputBytesForBodies);
  if (parser_.started() && input_.size() < size_max && unread + kInputBytesMin / 2 > input_.size()) {
    input_.resize(std::min(input_.size() * 4, size_max));
  } else if (parser_.body_bytes_ahead() > input_.size() && input_.size() < kInputBytesForBodies) {
    input_.resize(kInputBytesForBodies);
  }
}

void Connection::handle() {
  phase_ = Phase::handling;
  keep_alive_ = parser_.keep_alive();
  http_1_0_ = parser_.http_1_0();
  Request request = parser_.take_request();
  parser_.start();
  if (input_begin_ == input_end_) {
    input_begin_ = input_end_ = 0;
    // Room for one long request is not kept for the next thousand short ones.
    if (input_.size() > kInputBytesMin) input_ = std::vector<char>(kInputBytesMin);
  }
  is_head_ = request.method == "HEAD";
  in_handler_ = true;
  loop_->config().handler(std::move(request), Answer(shared_from_this()));
  in_handler_ = false;
}

void Connection::respond(Response response) {
  if (closed_) return;
  if (!loop_->context().get_executor().running_in_this_thread()) {
    auto respond_there = [self = shared_from_this(), held = std::move(response)]() mutable {
      self->respond(std::move(held));
    };
    asio::post(loop_->context(), std::move(respond_there));
    return;
  }
  if (in_handler_) {
    early_answer_ = std::move(response);
    return;
  }
  if (phase_ != Phase::handling) return;
  if (send_answer(std::move(response)) && finish_answer()) go_on();
}

// Whoever answered is not made to wait for, and must not be entered again by, the next request.
void Connection::go_on() {
  if (input_begin_ == input_end_) {
    read();
    return;
  }
  auto next = [self = shared_from_this()] {
    if (self->phase_ != Phase::closed) self->advance();
  };
  asio::post(loop_->context(), std::move(next));
}

bool Connection::send_answer(Response response) {
  if (loop_->stopping()) keep_alive_ = false;
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
  std::string& head = answer_head_;
  head.clear();
  head += "HTTP/1.1 ";
  head += std::to_string(response.status);
  head += ' ';
  head.append(reason.data(), reason.size());
  head += "\r\n";
  head += loop_->date_field();
  if (!has_no_body(response.status)) {
    head += "Content-Type: ";
    head += response.content_type;
    head += "\r\nContent-Length: ";
    head += std::to_string(response.body.size());
    head += "\r\n";
  }
  if (!keep_alive_) {
    head += "Connection: close\r\n";
  } else if (http_1_0_) {
    head += "Connection: keep-alive\r\n";
  }
  head += "\r\n";
  answer_body_.clear();
  if (!is_head_ && !has_no_body(response.status)) {
    if (response.body.size() <= kBodyBytesCopied) {
      head += response.body;
    } else {
      answer_body_ = std::move(response.body);
    }
  }
  unsent_ = {asio::buffer(std::as_const(head)), asio::buffer(std::as_const(answer_body_))};
  enter(Phase::writing, loop_->config().options.write_timeout_ms);
  return flush();
}

bool Connection::flush() {
  error_code error;
  std::size_t sent = socket_->write_some(unsent_, error);
  if (error && error != asio::error::would_block) {
    close();
    return false;
  }
  for (asio::const_buffer& piece : unsent_) {
    const std::size_t of_piece = std::min(sent, piece.size());
    piece += of_piece;
    sent -= of_piece;
  }
  if (unsent_[0].size() + unsent_[1].size() == 0) return true;
  socket_->async_wait(asio::ip::tcp::socket::wait_write, [self = shared_from_this()](const error_code& failure) {
    if (self->phase_ == Phase::closed) return;
    if (failure) {
      self->close();
    } else if (self->flush() && self->finish_answer()) {
      self->advance();
    }
  });
  return false;
}

bool Connection::finish_answer() {
  if (!keep_alive_) {
    linger();
    return false;
  }
  // stop() came while the answer was on its way: it promised another one.
  if (loop_->stopping()) {
    close();
    return false;
  }
  enter(Phase::idle, loop_->config().options.idle_timeout_ms);
  return true;
}

void Connection::refuse_request(unsigned status, std::string_view message) {
  keep_alive_ = false;
  is_head_ = false;
  if (send_answer(Response{.status = status, .body = error_body(message)})) finish_answer();
}

void Connection::send_continue() {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  error_code error;
  const std::size_t sent = socket_->write_some(asio::buffer(kContinue.data(), kContinue.size()), error);
  // Nothing else is on its way, so a client that cannot take these few bytes takes none.
  if (error || sent != kContinue.size()) close();
}

void Connection::linger() {
  error_code ignored;
  socket_->shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  enter(Phase::lingering, kLingerMs);
  input_begin_ = input_end_ = 0;
  read();
}

}  // namespace settle::http
