// What https needs: certificates to believe, and the checks of the participant's.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "settle/http/branch_caller.hpp"
#include "settle/result.hpp"

namespace settle::http {

// Read at the first https call, for the system's certificates take time and memory that few need.
// Any thread may call.
class TlsSettings {
 public:
  explicit TlsSettings(const CallerOptions& options);
  // The context to make connections with, or why there is none (a ca_file that cannot be read).
  Result<std::shared_ptr<boost::asio::ssl::context>> context();

 private:
  void load();

  const bool verify_certificates_;
  const std::string ca_file_;
  std::once_flag loaded_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  std::string failure_;
};

}  // namespace settle::http
