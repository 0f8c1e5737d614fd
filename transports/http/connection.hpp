// One client of the server, and what the connections of one loop share.
//
// Threads: everything here belongs to the loop's one thread, except what says otherwise.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "settle/http/server.hpp"
#include "transports/http/request_parser.hpp"

namespace settle::http {

// What all connections of a server go by.
struct ServerConfig {
  ServerOptions options;
  Handler handler;
};

class Connection;

// The connections of one loop, and the one timer that looks after all their deadlines: it looks at each of them a few
// times within the shortest timeout, so a deadline costs a request nothing but noting it.
class ConnectionLoop : public std::enable_shared_from_this<ConnectionLoop> {
 public:
  ConnectionLoop(boost::asio::io_context& loop, std::shared_ptr<const ServerConfig> config);

  // `refused`: there are too many; the client is told so.
  void serve(boost::asio::ip::tcp::socket socket, bool refused);
  // Idle connections are closed now, others after their answer. `drained` runs when none is left.
  void stop(Task drained);
  void close_all();

  // Any thread may call these two. What was reserved is given back when the connection ends.
  void reserve() { ++count_; }
  std::size_t count() const { return count_; }

  boost::asio::io_context& context() { return loop_; }
  const ServerConfig& config() const { return *config_; }
  bool stopping() const { return stopping_; }
  // The Date field of an answer given now, with its line break.
  std::string_view date_field();

 private:
  friend class Connection;
  using Position = std::list<std::shared_ptr<Connection>>::iterator;
  void forget(Position position, bool counted);
  void watch_deadlines();

  boost::asio::io_context& loop_;
  const std::shared_ptr<const ServerConfig> config_;
  const std::int64_t sweep_interval_ms_;
  boost::asio::steady_timer sweep_;
  bool sweeping_ = false;
  bool stopping_ = false;
  Task drained_;
  std::list<std::shared_ptr<Connection>> connections_;
  std::atomic<std::size_t> count_ = 0;
  std::size_t refused_ = 0;
  std::time_t date_second_ = 0;
  std::string date_field_;
};

// Lives as long as an operation, or a `respond` that was not invoked, refers to it; the socket is gone as soon as the
// connection is closed.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, std::shared_ptr<ConnectionLoop> loop, bool counted);

  void start(ConnectionLoop::Position position);
  // Answers 503 and closes.
  void refuse(ConnectionLoop::Position position);
  // Closes it now where nobody waits for an answer, else after the answer.
  void stop();
  void close();
  void check_deadline(std::int64_t now_ms);
  // Any thread may call this.
  void respond(Response response);

 private:
  enum class Phase : std::uint8_t { idle, reading, handling, writing, lingering, closed };

  void enter(Phase phase, std::int64_t timeout_ms);
  void read();
  void on_read(std::size_t bytes);
  void on_end_of_input();
  void drop_input(std::size_t bytes);
  // Goes on with what has been read, request by request, until it has to wait for something.
  void advance();
  // True: a request is whole.
  bool parse();
  void read_more();
  void make_room();
  void handle();
  // False: the rest is sent when the client takes it, or the connection is closed.
  bool send_answer(Response response);
  bool flush();
  // False: the connection is closing.
  bool finish_answer();
  void refuse_request(unsigned status, std::string_view message);
  void send_continue();
  void linger();
  void go_on();

  const std::shared_ptr<ConnectionLoop> loop_;
  std::optional<boost::asio::ip::tcp::socket> socket_;
  const bool counted_;
  ConnectionLoop::Position position_;
  Phase phase_ = Phase::idle;
  std::atomic<bool> closed_ = false;  // what respond() may look at from any thread
  std::int64_t deadline_ms_ = 0;

  RequestParser parser_;
  std::vector<char> input_;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::size_t dropped_bytes_ = 0;

  bool read_pending_ = false;
  bool in_handler_ = false;
  std::optional<Response> early_answer_;  // given before the handler returned
  bool keep_alive_ = false;
  bool http_1_0_ = false;
  bool is_head_ = false;
  std::string answer_head_;
  std::string answer_body_;
  std::array<boost::asio::const_buffer, 2> unsent_;
};

}  // namespace settle::http
