// Asking a server what has become of a transaction.
#pragma once

#include <string>

#include "benches/socket.hpp"
#include "settle/result.hpp"

namespace settle::bench {

// Whether the server, at the address of its HTTP API, shows this transaction as succeeded.
Result<bool> has_succeeded(const Address& server, const std::string& gid);

}  // namespace settle::bench
