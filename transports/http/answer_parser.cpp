#include "transports/http/answer_parser.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "transports/http/parser_limits.hpp"

namespace settle::http {
namespace {

namespace beast_http = boost::beast::http;
using BeastView = boost::beast::string_view;
using BeastError = boost::beast::error_code;

// Nobody needs more interim answers than this; a participant that sends them for ever is broken.
constexpr int kInterimAnswersMax = 16;

class BeastParser final : public beast_http::basic_parser<false> {
 public:
  explicit BeastParser(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {
    header_limit(AnswerParser::kHeadBytesMax);
    body_limit(boost::none);
    eager(true);
  }

  Answer answer;

 private:
  void on_request_impl(beast_http::verb /*verb*/, BeastView /*method*/, BeastView /*target*/, int /*version*/,
                       BeastError& /*error*/) override {}

  void on_response_impl(int status, BeastView /*reason*/, int /*version*/, BeastError& /*error*/) override {
    answer.status = static_cast<unsigned>(status);
  }

  // Comes for the fields behind a chunked body, too.
  void on_field_impl(beast_http::field name, BeastView /*name_text*/, BeastView value, BeastError& /*error*/) override {
    if (name != beast_http::field::location || is_header_done() || !answer.location.empty()) return;
    answer.location.assign(value.data(), value.size());
  }

  void on_header_impl(BeastError& /*error*/) override {}

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, BeastError& error) override {
    if (!length) return;
    if (*length > body_bytes_max_) {
      error = beast_http::error::body_limit;
    } else {
      answer.body.reserve(std::min(*length, kBodyBytesReserved));
    }
  }

  std::size_t on_body_impl(BeastView bytes, BeastError& error) override { return take(bytes, error); }

  void on_chunk_header_impl(std::uint64_t /*size*/, BeastView /*extensions*/, BeastError& /*error*/) override {}

  std::size_t on_chunk_body_impl(std::uint64_t /*left*/, BeastView bytes, BeastError& error) override {
    return take(bytes, error);
  }

  void on_finish_impl(BeastError& /*error*/) override {}

  std::size_t take(BeastView bytes, BeastError& error) {
    if (bytes.size() > body_bytes_max_ - answer.body.size()) {
      error = beast_http::error::body_limit;
    } else {
      answer.body.append(bytes.data(), bytes.size());
    }
    return bytes.size();
  }

  std::size_t body_bytes_max_;
};

bool is_interim(unsigned status) { return status / 100 == 1 && status != 101; }

}  // namespace

struct AnswerParser::Parser {
  explicit Parser(std::size_t answer_bytes_max) : body_bytes_max(answer_bytes_max) {}

  AnswerState parse(std::string_view bytes, std::size_t& taken) {
    while (taken < bytes.size()) {
      const std::size_t left = bytes.size() - taken;
      const bool head_done = beast->is_header_done();
      if (head_done && beast->chunked() && left < kChunkedTailBytesMin) return AnswerState::more;
      BeastError error;
      const std::size_t used = beast->put(boost::asio::const_buffer(bytes.data() + taken, left), error);
      taken += used;
      if (!head_done) head_bytes += used;
      if (error && error != beast_http::error::need_more) {
        const bool too_long = error == beast_http::error::body_limit || error == beast_http::error::header_limit;
        return too_long ? AnswerState::too_long : AnswerState::malformed;
      }
      if (beast->is_done()) {
        if (!is_interim(beast->answer.status)) return AnswerState::complete;
        if (++interim_answers > kInterimAnswersMax) return AnswerState::malformed;
        beast.emplace(body_bytes_max);
        continue;
      }
      const std::size_t unread = bytes.size() - taken;
      if (!beast->is_header_done() && head_bytes + unread > kHeadBytesMax) return AnswerState::too_long;
      if (unread > kHeadBytesMax) return AnswerState::too_long;
      if (error || used == 0) return AnswerState::more;
    }
    return AnswerState::more;
  }

  const std::size_t body_bytes_max;
  std::optional<BeastParser> beast;
  AnswerState state = AnswerState::more;
  std::size_t head_bytes = 0;
  int interim_answers = 0;
};

AnswerParser::AnswerParser(std::size_t answer_bytes_max) : parser_(std::make_unique<Parser>(answer_bytes_max)) {
  start();
}

AnswerParser::~AnswerParser() = default;

void AnswerParser::start() {
  parser_->beast.emplace(parser_->body_bytes_max);
  parser_->state = AnswerState::more;
  parser_->head_bytes = 0;
  parser_->interim_answers = 0;
}

std::size_t AnswerParser::feed(std::string_view bytes) {
  std::size_t taken = 0;
  parser_->state = parser_->parse(bytes, taken);
  return taken;
}

void AnswerParser::feed_end() {
  BeastParser& beast = *parser_->beast;
  if (parser_->state != AnswerState::more || !beast.is_header_done() || !beast.need_eof()) return;
  BeastError error;
  beast.put_eof(error);
  if (!error && beast.is_done()) parser_->state = AnswerState::complete;
}

AnswerState AnswerParser::state() const { return parser_->state; }
bool AnswerParser::keep_alive() const { return parser_->beast->keep_alive(); }
Answer AnswerParser::take_answer() { return std::move(parser_->beast->answer); }

}  // namespace settle::http
