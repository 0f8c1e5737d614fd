#include "benches/transaction_request.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <random>
#include <utility>

namespace settle::bench {
namespace {

constexpr std::size_t kDigits = 9;

void write_digits(char* place, std::uint64_t number) {
  for (std::size_t i = kDigits; i-- > 0; number /= 10) place[i] = static_cast<char>('0' + number % 10);
}

std::string fresh_prefix() {
  std::random_device device;
  char text[32];
  std::snprintf(text, sizeof text, "bench-%08x%08x-", device(), device());
  return text;
}

}  // namespace

std::string_view to_string(Mode mode) { return mode == Mode::saga ? "saga" : mode == Mode::tcc ? "tcc" : "msg"; }

std::optional<Mode> parse_mode(std::string_view name) {
  for (const Mode mode : {Mode::saga, Mode::tcc, Mode::msg}) {
    if (to_string(mode) == name) return mode;
  }
  return std::nullopt;
}

std::string_view operation_of(Mode mode) { return mode == Mode::tcc ? "confirm" : "action"; }

TransactionRequest::TransactionRequest(const TransactionShape& shape, std::uint16_t participant_port)
    : prefix_(fresh_prefix()) {
  const std::string participant = "http://127.0.0.1:" + std::to_string(participant_port);
  const std::string type = R"("trans_type":")" + std::string(to_string(shape.mode)) + '"';
  const std::string payload = R"("{\"account\":\"0123456789\",\"amount\":30}")";
  std::string options;
  if (shape.wait_result) options += R"(,"wait_result":true)";
  if (shape.retry_interval_s > 0) options += R"(,"retry_interval":)" + std::to_string(shape.retry_interval_s);
  if (shape.mode == Mode::tcc) {
    add_part("prepare", type);
    for (unsigned step = 1; step <= shape.steps; ++step) {
      char branch_id[16];
      std::snprintf(branch_id, sizeof branch_id, "%02u", step);
      add_part("registerBranch",
               fmt::format(R"({},"branch_id":"{}","data":{},"confirm":"{}/confirm","cancel":"{}/cancel")", type,
                           branch_id, payload, participant, participant));
    }
    add_part("submit", type + options);
    return;
  }
  std::string steps;
  std::string payloads;
  const std::string undo = shape.mode == Mode::saga ? fmt::format(R"(,"compensate":"{}/refund")", participant) : "";
  for (unsigned step = 0; step < shape.steps; ++step) {
    const char* const separator = step > 0 ? "," : "";
    steps += fmt::format(R"({}{{"action":"{}/pay"{}}})", separator, participant, undo);
    payloads += separator + payload;
  }
  add_part("submit", fmt::format(R"({},"steps":[{}],"payloads":[{}]{})", type, steps, payloads, options));
}

void TransactionRequest::add_part(std::string_view endpoint, std::string_view rest_of_body) {
  std::string body = R"({"gid":")" + prefix_;
  const std::size_t digits_in_body = body.size();
  body.append(kDigits, '0');
  body.append(R"(",)").append(rest_of_body) += '}';
  Part part;
  part.request = "POST /api/dtmsvr/" + std::string(endpoint) +
                 " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " +
                 std::to_string(body.size()) + "\r\n\r\n";
  part.digits_begin = part.request.size() + digits_in_body;
  part.request += body;
  parts_.push_back(std::move(part));
}

std::string_view TransactionRequest::numbered(std::uint64_t number, std::size_t part) {
  Part& chosen = parts_[part];
  write_digits(chosen.request.data() + chosen.digits_begin, number);
  return chosen.request;
}

std::string TransactionRequest::gid(std::uint64_t number) const {
  std::string gid = prefix_;
  gid.append(kDigits, '0');
  write_digits(gid.data() + prefix_.size(), number);
  return gid;
}

std::optional<std::uint64_t> TransactionRequest::number_of(std::string_view gid) const {
  if (!gid.starts_with(prefix_) || gid.size() != prefix_.size() + kDigits) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = gid.data() + gid.size();
  const auto [parsed_end, failure] = std::from_chars(gid.data() + prefix_.size(), end, number);
  if (failure != std::errc() || parsed_end != end) return std::nullopt;
  return number;
}

}  // namespace settle::bench
