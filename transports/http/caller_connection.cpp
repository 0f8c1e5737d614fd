#include "transports/http/caller_connection.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>

namespace settle::http {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kInputBytesMin = 4 << 10;
constexpr std::size_t kInputBytesMax = AnswerParser::kHeadBytesMax + 1;

// The system's texts begin with a capital letter; ours stand behind a colon.
std::string reason(const error_code& error) {
  std::string text = error.message();
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

bool is_closed_by_peer(const error_code& error) {
  return error == asio::error::eof || error == asio::error::connection_reset || error == asio::error::broken_pipe ||
         error == ssl::error::stream_truncated;
}

}  // namespace

CallerConnection::CallerConnection(asio::io_context& loop, Listener& listener, std::shared_ptr<OutboundCall> call,
                                   std::shared_ptr<ssl::context> tls, bool verify_certificates,
                                   std::size_t answer_bytes_max)
    : listener_(&listener),
      call_(std::move(call)),
      peer_(call_->request.url.host.find(':') == std::string::npos
                ? call_->request.url.host + ":" + std::to_string(call_->request.url.port)
                : "[" + call_->request.url.host + "]:" + std::to_string(call_->request.url.port)),
      tls_context_(std::move(tls)),
      verify_certificates_(verify_certificates),
      answer_bytes_max_(answer_bytes_max),
      socket_(loop),
      parser_(answer_bytes_max),
      input_(kInputBytesMin) {}

void CallerConnection::connect(const std::vector<tcp::endpoint>& addresses) {
  asio::async_connect(socket_, addresses, [self = shared_from_this()](const error_code& error, const tcp::endpoint&) {
    if (self->listener_ == nullptr) return;
    if (error) {
      self->fail("connect to " + self->peer_ + ": " + reason(error), false);
      return;
    }
    error_code ignored;
    self->socket_.set_option(tcp::no_delay(true), ignored);
    self->socket_.non_blocking(true, ignored);
    if (self->tls_context_) {
      self->shake_hands();
    } else {
      self->on_ready();
    }
  });
}

void CallerConnection::shake_hands() {
  const std::string& host = call_->request.url.host;
  tls_ = std::make_unique<ssl::stream<tcp::socket&>>(socket_, *tls_context_);
  error_code error;
  asio::ip::make_address(host, error);
  // Server name indication is for names only. (OpenSSL's macro for this holds a cast that our warnings refuse.)
  const bool is_name = error.failed();
  std::string name = host;
  if (is_name &&
      SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) != 1) {
    ERR_clear_error();
    fail("tls with " + peer_ + ": the host name is not fit for it", false);
    return;
  }
  error.clear();
  if (verify_certificates_) tls_->set_verify_callback(ssl::host_name_verification(host), error);
  tls_->async_handshake(ssl::stream_base::client, [self = shared_from_this()](const error_code& failure) {
    if (self->listener_ == nullptr) return;
    if (!failure) {
      self->on_ready();
      return;
    }
    const long verified = SSL_get_verify_result(self->tls_->native_handle());
    const std::string detail =
        verified == X509_V_OK ? "" : std::string(" (") + X509_verify_cert_error_string(verified) + ")";
    self->fail("tls with " + self->peer_ + ": " + reason(failure) + detail, false);
  });
}

void CallerConnection::on_ready() {
  ready_ = true;
  read();
  transmit();
}

void CallerConnection::send(std::shared_ptr<OutboundCall> call) {
  call_ = std::move(call);
  parser_.start();
  answer_began_ = false;
  transmit();
}

void CallerConnection::close() {
  if (listener_ == nullptr) return;
  listener_ = nullptr;
  call_.reset();
  error_code ignored;
  socket_.close(ignored);
}

// A write that fails is not reported: the read that is under way finds the same, or the answer that the participant
// gave before it closed.
void CallerConnection::transmit() {
  all_sent_ = false;
  unsent_ = {asio::buffer(std::as_const(call_->head)), asio::buffer(std::as_const(call_->payload))};
  if (!tls_) {
    transmit_plain();
    return;
  }
  asio::async_write(*tls_, unsent_, [self = shared_from_this(), held = call_](const error_code& error, std::size_t) {
    if (self->call_ == held) self->all_sent_ = !error;
  });
}

void CallerConnection::transmit_plain() {
  error_code error;
  std::size_t sent = socket_.write_some(unsent_, error);
  if (error && error != asio::error::would_block) return;
  for (asio::const_buffer& piece : unsent_) {
    const std::size_t of_piece = std::min(sent, piece.size());
    piece += of_piece;
    sent -= of_piece;
  }
  all_sent_ = unsent_[0].size() + unsent_[1].size() == 0;
  if (all_sent_) return;
  socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this(), held = call_](const error_code& failure) {
    if (!failure && self->listener_ != nullptr && self->call_ == held) self->transmit_plain();
  });
}

void CallerConnection::read() {
  auto on_done = [self = shared_from_this()](const error_code& error, std::size_t bytes) {
    if (self->listener_ == nullptr) return;
    if (error) {
      self->on_read_failure(error);
    } else {
      self->on_read(bytes);
    }
  };
  const auto room = asio::buffer(input_.data() + input_end_, input_.size() - input_end_);
  if (tls_) {
    tls_->async_read_some(room, std::move(on_done));
  } else {
    socket_.async_read_some(room, std::move(on_done));
  }
}

void CallerConnection::on_read(std::size_t bytes) {
  if (!call_) {
    fail(peer_ + ": sent something that nobody asked for", false);
    return;
  }
  answer_began_ = true;
  input_end_ += bytes;
  input_begin_ += parser_.feed({input_.data() + input_begin_, input_end_ - input_begin_});
  switch (parser_.state()) {
    case AnswerState::more:
      make_room();
      read();
      break;
    case AnswerState::complete:
      deliver(false);
      break;
    case AnswerState::malformed:
      fail(peer_ + ": the answer is not HTTP", false);
      break;
    case AnswerState::too_long:
      fail(peer_ + ": the answer is longer than " + std::to_string(answer_bytes_max_) + " bytes", false);
      break;
  }
}

void CallerConnection::on_read_failure(const error_code& error) {
  // A stream of https that was cut off may have lost its end, so only a proper one ends an answer.
  if (error == asio::error::eof && call_) {
    parser_.feed_end();
    if (parser_.state() == AnswerState::complete) {
      deliver(true);
      return;
    }
  }
  const bool closed = is_closed_by_peer(error);
  const bool may_repeat = closed && kept_ && !answer_began_;
  if (closed && error != asio::error::connection_reset) {
    fail(peer_ + ": closed the connection " + (answer_began_ ? "within its answer" : "without an answer"), may_repeat);
  } else {
    fail(peer_ + ": " + reason(error), may_repeat);
  }
}

void CallerConnection::make_room() {
  const std::size_t unread = input_end_ - input_begin_;
  if (unread != 0 && input_begin_ != 0) std::memmove(input_.data(), input_.data() + input_begin_, unread);
  input_begin_ = 0;
  input_end_ = unread;
  // A full buffer means that more is waiting.
  if (unread + kInputBytesMin / 2 > input_.size()) input_.resize(std::min(input_.size() * 4, kInputBytesMax));
}

void CallerConnection::deliver(bool ended_by_close) {
  const bool at_end = input_begin_ == input_end_;
  const bool keeps_alive = parser_.keep_alive();
  Answer answer = parser_.take_answer();
  const bool reusable = !ended_by_close && at_end && all_sent_ && answer.status >= 200 && keeps_alive;
  const auto call = std::exchange(call_, nullptr);
  const auto self = shared_from_this();
  if (reusable) {
    kept_ = true;
    input_begin_ = input_end_ = 0;
    if (input_.size() > kInputBytesMin) input_ = std::vector<char>(kInputBytesMin);
    read();
  }
  listener_->answered(self, call, std::move(answer), reusable);
}

void CallerConnection::fail(std::string why, bool may_repeat) {
  listener_->broken(shared_from_this(), std::exchange(call_, nullptr), std::move(why), may_repeat);
}

}  // namespace settle::http
