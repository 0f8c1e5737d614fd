#include "transports/http/tls.hpp"

#include <boost/system/error_code.hpp>

namespace settle::http {

namespace ssl = boost::asio::ssl;

TlsSettings::TlsSettings(const CallerOptions& options)
    : verify_certificates_(options.verify_certificates), ca_file_(options.ca_file) {}

Result<std::shared_ptr<ssl::context>> TlsSettings::context() {
  std::call_once(loaded_, [this] { load(); });
  if (!context_) return Error{Code::internal, failure_};
  return context_;
}

void TlsSettings::load() {
  const auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  boost::system::error_code error;
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                           ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1,
                       error);
  if (!error) {
    context->set_verify_mode(verify_certificates_ ? ssl::verify_peer : ssl::verify_none, error);
  }
  if (!error && verify_certificates_) {
    if (ca_file_.empty()) {
      context->set_default_verify_paths(error);
    } else {
      context->load_verify_file(ca_file_, error);
    }
  }
  if (error) {
    failure_ = "certificates" + (ca_file_.empty() ? std::string() : " of " + ca_file_) + ": " + error.message();
  } else {
    context_ = context;
  }
}

}  // namespace settle::http
