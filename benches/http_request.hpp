// The requests of one transaction over HTTP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "benches/gid_series.hpp"
#include "benches/transaction_shape.hpp"

namespace settle::bench {

// As bytes, made once. A saga and a message need one request, a tcc has a prepare, a registration for each step, and a
// submit.
class HttpRequest {
 public:
  // The branches are calls of 127.0.0.1:participant_port.
  HttpRequest(const TransactionShape& shape, const GidSeries& gids, std::uint16_t participant_port);

  std::size_t parts() const { return parts_.size(); }
  // That part of the transaction of this number, below GidSeries::kNumbers; valid until the next call.
  std::string_view numbered(std::uint64_t number, std::size_t part) { return parts_[part].numbered(number); }

 private:
  void add_part(const GidSeries& gids, std::string_view endpoint, std::string_view rest_of_body);

  std::vector<NumberedBytes> parts_;
};

}  // namespace settle::bench
