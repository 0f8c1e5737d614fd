// Reads one HTTP/1.x request after another out of bytes, without a socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "settle/http/server.hpp"

namespace settle::http {

enum class RequestState : std::uint8_t {
  more,             // feed() wants further bytes
  complete,         // request() is whole
  malformed,        // answer 400 and close
  header_too_long,  // answer 431 and close
  body_too_long,    // answer 413 and close; what came of the body was dropped
};

// Threads: one at a time.
class RequestParser {
 public:
  // drop_bytes_max: how much of a body that is too long is read and dropped before that is reported.
  RequestParser(std::size_t header_bytes_max, std::size_t body_bytes_max, std::size_t drop_bytes_max);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Forgets everything, for the next request of the connection.
  void start();

  // Takes from the front of `bytes` and says how much it took; what is left must be at the front of the next feed().
  // Nothing may be fed where state() is not `more`. `bytes` that never end are reported as an error where they pass
  // a limit, so a buffer of header_bytes_max + 1 is always enough.
  std::size_t feed(std::string_view bytes);
  RequestState state() const;

  // Something of a request has come: the connection is not idle.
  bool started() const;
  // The client waits for "100 Continue" before it sends the body. True at most once a request.
  bool take_expects_continue();
  // The body will be too long, and nothing of it needs to be read in order to say so.
  bool announces_too_long_body() const;

  // How much of the body is still to come, or, where its length is not known, has come: what a buffer is sized by.
  std::uint64_t body_bytes_ahead() const;

  // Valid where state() is `complete`.
  Request take_request();
  bool keep_alive() const;
  bool http_1_0() const;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace settle::http
