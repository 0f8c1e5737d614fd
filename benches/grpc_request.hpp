// The requests of one transaction over gRPC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "benches/gid_series.hpp"
#include "benches/transaction_shape.hpp"

namespace settle::bench {

// As serialized messages, made once. A saga and a message need one request, a tcc has a prepare, a registration for
// each step, and a submit.
class GrpcRequest {
 public:
  // The branches are calls of 127.0.0.1:participant_port.
  GrpcRequest(const TransactionShape& shape, const GidSeries& gids, std::uint16_t participant_port);

  std::size_t parts() const { return parts_.size(); }
  // What that part calls: "/dtmgimp.Dtm/Submit".
  const std::string& method(std::size_t part) const { return parts_[part].method; }
  // That part of the transaction of this number, below GidSeries::kNumbers; valid until the next call.
  std::string_view numbered(std::uint64_t number, std::size_t part) { return parts_[part].message.numbered(number); }

 private:
  struct Part {
    std::string method;
    NumberedBytes message;
  };

  void add_steps(const TransactionShape& shape, const GidSeries& gids, const std::string& participant);
  void add_tcc(const TransactionShape& shape, const GidSeries& gids, const std::string& participant);

  std::vector<Part> parts_;
};

}  // namespace settle::bench
