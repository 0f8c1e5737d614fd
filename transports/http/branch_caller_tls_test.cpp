#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "settle/http/branch_caller.hpp"
#include "transports/http/test_participant.hpp"
#include "transports/http/test_socket.hpp"

namespace settle::http {
namespace {

template <auto release>
struct Releases {
  template <class T>
  void operator()(T* held) const {
    release(held);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Releases<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Releases<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Releases<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Releases<SSL_free>>;

// Signed by itself, good for an hour, for these names ("DNS:localhost,IP:127.0.0.1").
Certificate make_certificate(EVP_PKEY* key, const std::string& names) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3'600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  const std::string common_name = "settle test";
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  for (const auto& [kind, value] : {std::pair<int, std::string>{NID_subject_alt_name, names},
                                    std::pair<int, std::string>{NID_basic_constraints, "critical,CA:TRUE"}}) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(certificate.get(), key, EVP_sha256());
  return certificate;
}

// A participant's key, its certificate, and the latter as a file.
class Identity {
 public:
  explicit Identity(const std::string& names) : key_(EVP_EC_gen("P-256")) {
    certificate_ = make_certificate(key_.get(), names);
    std::string path = "/tmp/settle-test-XXXXXX";
    const int descriptor = ::mkstemp(path.data());
    REQUIRE(descriptor >= 0);
    std::FILE* const file = ::fdopen(descriptor, "w");
    PEM_write_X509(file, certificate_.get());
    std::fclose(file);
    file_ = path;
    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context_.get(), certificate_.get());
    SSL_CTX_use_PrivateKey(context_.get(), key_.get());
  }
  ~Identity() { std::remove(file_.c_str()); }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  const std::string& file() const { return file_; }

  // Answers every request of a connection, which are small enough to come in one piece, until the caller closes it.
  ScriptedParticipant::Piece serving(std::string* server_name = nullptr) const {
    return [this, server_name](TestSocket& client) {
      const Session session(SSL_new(context_.get()));
      SSL_set_fd(session.get(), client.descriptor());
      if (SSL_accept(session.get()) != 1) return;
      const char* const name = SSL_get_servername(session.get(), TLSEXT_NAMETYPE_host_name);
      if (server_name != nullptr) *server_name = name == nullptr ? "" : name;
      std::array<char, 16 << 10> buffer;
      const std::string reply = answer("200 OK", "secret");
      while (SSL_read(session.get(), buffer.data(), static_cast<int>(buffer.size())) > 0) {
        SSL_write(session.get(), reply.data(), static_cast<int>(reply.size()));
      }
    };
  }

 private:
  Key key_;
  Certificate certificate_;
  Context context_;
  std::string file_;
};

CallerOptions believing(const Identity& identity) {
  CallerOptions options;
  options.ca_file = identity.file();
  return options;
}

std::string https_url(const std::string& host, const ScriptedParticipant& participant) {
  return "https://" + host + ":" + std::to_string(participant.port()) + "/x";
}

TEST_CASE(
    "http/caller tls: a certificate that is believed and fits the name -> success, kept, with its name indicated") {
  const Identity identity("DNS:localhost");
  std::string server_name;
  const ScriptedParticipant participant({identity.serving(&server_name)});
  {
    CallerShard shard(believing(identity));
    for (int index = 0; index < 5; ++index) {
      const BranchReply reply = shard.call(call_of(https_url("localhost", participant)));
      CAPTURE(reply.text);
      CHECK(reply.result == CallResult::success);
      CHECK(reply.text == "secret");
    }
  }
  CHECK(server_name == "localhost");
}

TEST_CASE("http/caller tls: an address -> checked against the certificate's addresses") {
  const Identity identity("IP:127.0.0.1");
  const ScriptedParticipant participant({identity.serving()});
  CallerShard shard(believing(identity));
  CHECK(shard.call(call_of(https_url("127.0.0.1", participant))).result == CallResult::success);
}

TEST_CASE("http/caller tls: redirected from http to https -> its certificate is checked") {
  const Identity identity("DNS:localhost");
  const ScriptedParticipant secure({identity.serving()});
  const ScriptedParticipant misnamed({identity.serving()});
  const auto leading_to = [](const std::string& url) {
    return [url](TestSocket& client) {
      client.receive_message();
      client.send("HTTP/1.1 302 Found\r\nLocation: " + url + "\r\nContent-Length: 0\r\n\r\n");
    };
  };
  const ScriptedParticipant plain(
      {leading_to(https_url("localhost", secure)), leading_to(https_url("127.0.0.1", misnamed))});
  CallerShard shard(believing(identity));
  CHECK(shard.call(call_of(plain.url())).text == "secret");
  CHECK(has(shard.call(call_of(plain.url())).text, "certificate verify failed"));
}

TEST_CASE("http/caller tls: the wrong name, or a certificate that nobody vouches for -> unknown with the reason") {
  const Identity identity("DNS:other.example");
  const Identity stranger("DNS:localhost,IP:127.0.0.1");
  const ScriptedParticipant participant({identity.serving()});
  const ScriptedParticipant strange({stranger.serving()});
  CallerShard shard(believing(identity));
  const BranchReply wrong_name = shard.call(call_of(https_url("localhost", participant)));
  CHECK(wrong_name.result == CallResult::unknown);
  CHECK(has(wrong_name.text, "tls with localhost:"));
  CHECK(has(wrong_name.text, "certificate verify failed"));
  const BranchReply untrusted = shard.call(call_of(https_url("127.0.0.1", strange)));
  CHECK(untrusted.result == CallResult::unknown);
  CHECK(has(untrusted.text, "certificate verify failed"));
  CHECK(has(untrusted.text, "self"));
}

TEST_CASE("http/caller tls: the system's certificates do not vouch for a test's -> unknown; unverified -> success") {
  const Identity identity("DNS:localhost");
  const ScriptedParticipant participant({identity.serving(), identity.serving()});
  CallerShard strict;
  CHECK(strict.call(call_of(https_url("localhost", participant))).result == CallResult::unknown);
  CallerOptions lenient_options;
  lenient_options.verify_certificates = false;
  CallerShard lenient(lenient_options);
  CHECK(lenient.call(call_of(https_url("localhost", participant))).result == CallResult::success);
}

TEST_CASE("http/caller tls: a participant without TLS, a ca_file that is none -> unknown with the reason") {
  const ScriptedParticipant participant({[](TestSocket& client) {
    client.receive();
    client.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  }});
  CallerOptions options;
  options.verify_certificates = false;
  CallerShard shard(options);
  CHECK(has(shard.call(call_of(https_url("localhost", participant))).text, "tls with localhost:"));
  options.verify_certificates = true;
  options.ca_file = "/nonexistent/ca.pem";
  CallerShard without_file(options);
  const BranchReply reply = without_file.call(call_of(https_url("localhost", participant)));
  CHECK(reply.result == CallResult::unknown);
  CHECK(has(reply.text, "/nonexistent/ca.pem"));
}

}  // namespace
}  // namespace settle::http
