// One connection to a participant: it is made, sends a request, reads the answer, and so on until one side closes it.
//
// A read is always under way, between calls too: an answer costs one read, and a participant that closes a kept
// connection is noticed at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "transports/http/answer_parser.hpp"
#include "transports/http/outbound_call.hpp"

namespace settle::http {

// Threads: only the loop's own. Nothing is reported after close(), and nothing inside connect(), send() and close().
class CallerConnection : public std::enable_shared_from_this<CallerConnection> {
 public:
  // Told what becomes of the call; must outlive the connection or close() it.
  class Listener {
   public:
    virtual ~Listener() = default;
    // reusable: the connection can take another call.
    virtual void answered(const std::shared_ptr<CallerConnection>& connection, std::shared_ptr<OutboundCall> call,
                          Answer answer, bool reusable) = 0;
    // The connection is of no use any more. `call` is null where it had none. may_repeat: the participant closed a kept
    // connection before a byte of the answer came.
    virtual void broken(const std::shared_ptr<CallerConnection>& connection, std::shared_ptr<OutboundCall> call,
                        std::string why, bool may_repeat) = 0;
  };

  // Belongs to its first call from the start. `tls` is null for plain http.
  CallerConnection(boost::asio::io_context& loop, Listener& listener, std::shared_ptr<OutboundCall> call,
                   std::shared_ptr<boost::asio::ssl::context> tls, bool verify_certificates,
                   std::size_t answer_bytes_max);

  // Connects to the first address that takes it, and sends the first call.
  void connect(const std::vector<boost::asio::ip::tcp::endpoint>& addresses);
  // The connection must be reusable and have no call.
  void send(std::shared_ptr<OutboundCall> call);
  void close();

  bool ready() const { return ready_; }
  const std::shared_ptr<OutboundCall>& call() const { return call_; }

 private:
  void shake_hands();
  void on_ready();
  void read();
  void on_read(std::size_t bytes);
  void on_read_failure(const boost::system::error_code& error);
  void make_room();
  void transmit();
  void transmit_plain();
  void deliver(bool ended_by_close);
  void fail(std::string why, bool may_repeat);

  Listener* listener_;  // null: closed
  std::shared_ptr<OutboundCall> call_;
  const std::string peer_;  // as error texts name it
  const std::shared_ptr<boost::asio::ssl::context> tls_context_;
  const bool verify_certificates_;
  const std::size_t answer_bytes_max_;
  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
  AnswerParser parser_;
  std::vector<char> input_;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::array<boost::asio::const_buffer, 2> unsent_;
  bool all_sent_ = false;
  bool ready_ = false;
  bool kept_ = false;  // has answered a call before this one
  bool answer_began_ = false;
};

}  // namespace settle::http
