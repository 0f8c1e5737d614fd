#include "transports/http/request_parser.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>

#include "transports/http/parser_limits.hpp"

namespace settle::http {
namespace {

namespace beast_http = boost::beast::http;
using BeastView = boost::beast::string_view;
using BeastError = boost::beast::error_code;

// A target in the form `http://host/path`, which servers must take, becomes `/path`.
std::string origin_form(BeastView target) {
  constexpr std::string_view kScheme = "http://";
  const std::string_view text(target.data(), target.size());
  if (!text.starts_with(kScheme)) return std::string(text);
  const std::size_t path = text.find_first_of("/?", kScheme.size());
  if (path == std::string_view::npos) return "/";
  return text[path] == '/' ? std::string(text.substr(path)) : "/" + std::string(text.substr(path));
}

struct Limits {
  std::size_t header_bytes_max;
  std::size_t body_bytes_max;
  std::size_t drop_bytes_max;
};

// Keeps only what a request is made of, so that no header costs an allocation.
class BeastParser final : public beast_http::basic_parser<true> {
 public:
  explicit BeastParser(const Limits& limits) : limits_(limits) {
    const auto bounded = std::min<std::size_t>(limits.header_bytes_max, std::numeric_limits<std::uint32_t>::max());
    header_limit(static_cast<std::uint32_t>(bounded));
    body_limit(boost::none);
    eager(true);
  }

  Request request;
  bool has_host = false;
  bool has_other_encoding = false;
  bool expects_continue = false;
  bool body_too_long = false;
  std::uint64_t announced_bytes = 0;  // Content-Length; 0 where there is none
  std::uint64_t body_bytes = 0;
  int version = 11;

 private:
  void on_request_impl(beast_http::verb /*verb*/, BeastView method, BeastView target, int http_version,
                       BeastError& /*error*/) override {
    request.method.assign(method.data(), method.size());
    request.target = origin_form(target);
    version = http_version;
  }

  void on_response_impl(int /*status*/, BeastView /*reason*/, int /*version*/, BeastError& /*error*/) override {}

  void on_field_impl(beast_http::field name, BeastView /*name_text*/, BeastView value, BeastError& /*error*/) override {
    if (name == beast_http::field::host) has_host = true;
    if (name == beast_http::field::transfer_encoding) has_other_encoding = !chunked();
    if (name == beast_http::field::expect) expects_continue = boost::beast::iequals(value, "100-continue");
  }

  void on_header_impl(BeastError& error) override {
    if (has_other_encoding || (version == 11 && !has_host)) error = beast_http::error::bad_field;
    if (const auto length = content_length()) announced_bytes = *length;
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/, BeastError& /*error*/) override {
    if (announced_bytes <= limits_.body_bytes_max) request.body.reserve(std::min(announced_bytes, kBodyBytesReserved));
  }

  std::size_t on_body_impl(BeastView bytes, BeastError& error) override { return take(bytes, error); }

  void on_chunk_header_impl(std::uint64_t /*size*/, BeastView /*extensions*/, BeastError& /*error*/) override {}

  std::size_t on_chunk_body_impl(std::uint64_t /*left*/, BeastView bytes, BeastError& error) override {
    return take(bytes, error);
  }

  void on_finish_impl(BeastError& /*error*/) override {}

  std::size_t take(BeastView bytes, BeastError& error) {
    body_bytes += bytes.size();
    if (body_bytes <= limits_.body_bytes_max) {
      request.body.append(bytes.data(), bytes.size());
      return bytes.size();
    }
    body_too_long = true;
    request.body = std::string();
    if (body_bytes > limits_.drop_bytes_max) error = beast_http::error::body_limit;
    return bytes.size();
  }

  const Limits& limits_;
};

}  // namespace

struct RequestParser::Parser {
  explicit Parser(const Limits& from) : limits(from) {}

  RequestState parse(std::string_view bytes, std::size_t& taken) {
    // A client may end a request with a line break too many; it belongs to none.
    while (!started && taken < bytes.size() && (bytes[taken] == '\r' || bytes[taken] == '\n')) ++taken;
    while (taken < bytes.size()) {
      started = true;
      const std::size_t left = bytes.size() - taken;
      const bool header_done = beast->is_header_done();
      if (header_done && beast->chunked() && left < kChunkedTailBytesMin) return RequestState::more;
      BeastError error;
      const std::size_t used = beast->put(boost::asio::const_buffer(bytes.data() + taken, left), error);
      taken += used;
      if (!header_done) header_bytes += used;
      if (error && error != beast_http::error::need_more) {
        if (error == beast_http::error::header_limit) return RequestState::header_too_long;
        return beast->body_too_long ? RequestState::body_too_long : RequestState::malformed;
      }
      if (beast->is_done()) return beast->body_too_long ? RequestState::body_too_long : RequestState::complete;
      const std::size_t unread = bytes.size() - taken;
      if (!beast->is_header_done() && header_bytes + unread > limits.header_bytes_max) {
        return RequestState::header_too_long;
      }
      // What is left of a body here is a chunk's header, or the fields behind the last chunk.
      if (unread > limits.header_bytes_max) return RequestState::header_too_long;
      if (error || used == 0) return RequestState::more;
    }
    return RequestState::more;
  }

  const Limits limits;
  std::optional<BeastParser> beast;
  RequestState state = RequestState::more;
  bool started = false;
  std::size_t header_bytes = 0;
};

RequestParser::RequestParser(std::size_t header_bytes_max, std::size_t body_bytes_max, std::size_t drop_bytes_max)
    : parser_(std::make_unique<Parser>(Limits{header_bytes_max, body_bytes_max, drop_bytes_max})) {
  start();
}

RequestParser::~RequestParser() = default;

void RequestParser::start() {
  parser_->beast.emplace(parser_->limits);
  parser_->state = RequestState::more;
  parser_->started = false;
  parser_->header_bytes = 0;
}

std::size_t RequestParser::feed(std::string_view bytes) {
  std::size_t taken = 0;
  parser_->state = parser_->parse(bytes, taken);
  return taken;
}

RequestState RequestParser::state() const { return parser_->state; }

bool RequestParser::started() const { return parser_->started; }

bool RequestParser::take_expects_continue() {
  BeastParser& beast = *parser_->beast;
  return beast.is_header_done() && beast.body_bytes == 0 && beast.version == 11 &&
         std::exchange(beast.expects_continue, false);
}

bool RequestParser::announces_too_long_body() const {
  return parser_->beast->announced_bytes > parser_->limits.body_bytes_max;
}

std::uint64_t RequestParser::body_bytes_ahead() const {
  const BeastParser& beast = *parser_->beast;
  return beast.announced_bytes == 0 ? beast.body_bytes : beast.announced_bytes - beast.body_bytes;
}

Request RequestParser::take_request() { return std::move(parser_->beast->request); }
bool RequestParser::keep_alive() const { return parser_->beast->keep_alive(); }
bool RequestParser::http_1_0() const { return parser_->beast->version == 10; }

}  // namespace settle::http
