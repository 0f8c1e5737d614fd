// What a shard answers where it cannot do what it was asked.
#pragma once

#include <string>

#include "settle/result.hpp"
#include "settle/types.hpp"

namespace settle::runtime {

inline Error stopping() { return {Code::unavailable, "the server is stopping, ask again"}; }

inline Error unknown_gid(const std::string& gid) {
  return {Code::not_found, "no TransGlobal with gid: " + gid + " found"};
}

inline Error other_type(TransType asked, TransType stored) {
  return {Code::conflict, "trans_type: is '" + std::string(to_string(asked)) + "', but this gid is stored as '" +
                              std::string(to_string(stored)) + "'"};
}

}  // namespace settle::runtime
