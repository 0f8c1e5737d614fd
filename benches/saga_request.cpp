#include "benches/saga_request.hpp"

#include <charconv>
#include <cstdio>
#include <random>

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

SagaRequest::SagaRequest(const SagaShape& shape, std::uint16_t participant_port) : prefix_(fresh_prefix()) {
  std::string steps;
  std::string payloads;
  const std::string participant = "http://127.0.0.1:" + std::to_string(participant_port);
  const std::string urls = R"({"action":")" + participant + R"(/pay","compensate":")" + participant + R"(/refund"})";
  for (unsigned step = 0; step < shape.steps; ++step) {
    if (step > 0) {
      steps += ',';
      payloads += ',';
    }
    steps += urls;
    payloads += R"("{\"account\":\"0123456789\",\"amount\":30}")";
  }
  std::string body = R"({"gid":")" + prefix_;
  const std::size_t digits_in_body = body.size();
  body.append(kDigits, '0');
  body += R"(","trans_type":"saga","steps":[)" + steps + R"(],"payloads":[)" + payloads + "]";
  if (shape.wait_result) body += R"(,"wait_result":true)";
  if (shape.retry_interval_s > 0) body += R"(,"retry_interval":)" + std::to_string(shape.retry_interval_s);
  body += "}";
  request_ =
      "POST /api/dtmsvr/submit HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n";
  digits_begin_ = request_.size() + digits_in_body;
  request_ += body;
}

std::string_view SagaRequest::numbered(std::uint64_t number) {
  write_digits(request_.data() + digits_begin_, number);
  return request_;
}

std::string SagaRequest::gid(std::uint64_t number) const {
  std::string gid = prefix_;
  gid.append(kDigits, '0');
  write_digits(gid.data() + prefix_.size(), number);
  return gid;
}

std::optional<std::uint64_t> SagaRequest::number_of(std::string_view gid) const {
  if (!gid.starts_with(prefix_) || gid.size() != prefix_.size() + kDigits) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = gid.data() + gid.size();
  const auto [parsed_end, failure] = std::from_chars(gid.data() + prefix_.size(), end, number);
  if (failure != std::errc() || parsed_end != end) return std::nullopt;
  return number;
}

}  // namespace settle::bench
