#include "benches/http_request.hpp"

#include <fmt/format.h>

namespace settle::bench {

HttpRequest::HttpRequest(const TransactionShape& shape, const GidSeries& gids, std::uint16_t participant_port) {
  const std::string participant = "http://127.0.0.1:" + std::to_string(participant_port);
  const std::string type = R"("trans_type":")" + std::string(to_string(shape.mode)) + '"';
  const std::string payload = R"("{\"account\":\"0123456789\",\"amount\":30}")";
  std::string options;
  if (shape.wait_result) options += R"(,"wait_result":true)";
  if (shape.retry_interval_s > 0) options += R"(,"retry_interval":)" + std::to_string(shape.retry_interval_s);
  if (shape.mode == Mode::tcc) {
    add_part(gids, "prepare", type);
    for (unsigned step = 1; step <= shape.steps; ++step) {
      add_part(gids, "registerBranch",
               fmt::format(R"({},"branch_id":"{:02}","data":{},"confirm":"{}/confirm","cancel":"{}/cancel")", type,
                           step, payload, participant, participant));
    }
    add_part(gids, "submit", type + options);
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
  add_part(gids, "submit", fmt::format(R"({},"steps":[{}],"payloads":[{}]{})", type, steps, payloads, options));
}

void HttpRequest::add_part(const GidSeries& gids, std::string_view endpoint, std::string_view rest_of_body) {
  const std::string body = fmt::format(R"({{"gid":"{}",{}}})", gids.gid(0), rest_of_body);
  std::string request = fmt::format(
      "POST /api/dtmsvr/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\n\r\n{}",
      endpoint, body.size(), body);
  parts_.emplace_back(std::move(request), gids);
}

}  // namespace settle::bench
