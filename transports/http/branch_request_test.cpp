#include "transports/http/branch_request.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "settle/http/branch_caller.hpp"

namespace settle::http {
namespace {

BranchCall example_call() {
  BranchCall call;
  call.gid = "g1";
  call.branch_id = "01";
  call.operation = "action";
  call.url = "http://h:1/order";
  call.payload = "{}";
  return call;
}

std::string head_of(const BranchCall& call) {
  const auto url = parse_url(branch_target(call));
  REQUIRE(url);
  const auto head = request_head(first_request(call, url.value()), call.payload.size());
  REQUIRE(head);
  return head.value();
}

using Headers = std::map<std::string, std::string>;

std::string head_with(Headers headers) {
  BranchCall call = example_call();
  call.headers = std::make_shared<const Headers>(std::move(headers));
  return head_of(call);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("http/classify: status and words -> the protocol's order") {
  struct Row {
    unsigned status;
    const char* body;
    CallResult result;
  };
  const Row rows[] = {
      {200, "", CallResult::success},
      {200, R"({"dtm_result":"SUCCESS"})", CallResult::success},
      {200, R"({"dtm_result":"FAILURE"})", CallResult::failure},
      {200, R"({"dtm_result":"ONGOING"})", CallResult::ongoing},
      {200, "FAILURE ONGOING", CallResult::ongoing},
      {409, "", CallResult::failure},
      {409, "ONGOING", CallResult::ongoing},
      {425, "", CallResult::ongoing},
      {425, "FAILURE", CallResult::ongoing},
      {500, "FAILURE", CallResult::failure},
      {500, "ONGOING", CallResult::ongoing},
      {500, "failure", CallResult::unknown},
      {201, "", CallResult::unknown},
      {204, "", CallResult::unknown},
      {302, "", CallResult::unknown},
      {404, "not found", CallResult::unknown},
      {0, "FAILURE", CallResult::unknown},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status);
    CAPTURE(row.body);
    CHECK(classify(row.status, row.body) == row.result);
  }
}

TEST_CASE("http/branch target: the url's own query -> stays in front") {
  BranchCall call = example_call();
  const std::string added = "branch_id=01&gid=g1&op=action&trans_type=saga";
  CHECK(branch_target(call) == "http://h:1/order?" + added);
  call.url = "http://h/order?op=mine&x=%26%3D";
  CHECK(branch_target(call) == "http://h/order?op=mine&x=%26%3D&" + added);
  call.url = "http://h/order?";
  CHECK(branch_target(call) == "http://h/order?" + added);
  call.url = "http://h/order?a=1&";
  CHECK(branch_target(call) == "http://h/order?a=1&" + added);
  call.url = "http://h#part";
  CHECK(branch_target(call) == "http://h?" + added);
  CHECK(parse_url(branch_target(call)).value().target == "/?" + added);
}

TEST_CASE("http/branch target: an odd gid -> percent-encoded") {
  BranchCall call = example_call();
  call.gid = "o'clock \"50%\" &=#?/\\ grüße";
  call.operation = "compensate";
  CHECK(branch_target(call) ==
        "http://h:1/order?branch_id=01&gid=o%27clock%20%2250%25%22%20%26%3D%23%3F%2F%5C%20gr%C3%BC%C3%9Fe"
        "&op=compensate&trans_type=saga");
}

TEST_CASE("http/branch request: with and without a payload -> POST and GET, both with the JSON headers") {
  BranchCall call = example_call();
  CHECK(head_of(call) ==
        "POST /order?branch_id=01&gid=g1&op=action&trans_type=saga HTTP/1.1\r\nHost: h:1\r\nUser-Agent: settle\r\n"
        "Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: 2\r\n\r\n");
  call.payload.clear();
  const std::string head = head_of(call);
  CHECK(head.find("GET /order?") == 0);
  CHECK(has(head, "Content-Type: application/json\r\n"));
  CHECK(!has(head, "Content-Length"));
}

TEST_CASE("http/branch request: a branch of an xa -> POST, also without a payload") {
  BranchCall call = example_call();
  call.trans_type = TransType::xa;
  call.operation = "commit";
  call.payload.clear();
  const std::string head = head_of(call);
  CHECK(head.find("POST /order?branch_id=01&gid=g1&op=commit&trans_type=xa HTTP/1.1\r\n") == 0);
  CHECK(has(head, "Content-Length: 0\r\n"));
}

TEST_CASE("http/branch request: branch headers -> override ours whatever their case") {
  const std::string head =
      head_with({{"content-type", "text/plain"}, {"HOST", "other"}, {"X-Tenant", "grüße\t1"}, {"accept", ""}});
  CHECK(has(head, "content-type: text/plain\r\n"));
  CHECK(!has(head, "Content-Type"));
  CHECK(has(head, "HOST: other\r\n"));
  CHECK(!has(head, "Host:"));
  CHECK(has(head, "X-Tenant: grüße\t1\r\n"));
  CHECK(has(head, "accept: \r\n"));
}

TEST_CASE("http/branch request: headers that frame the message -> stay ours") {
  const std::string head =
      head_with({{"content-length", "99"}, {"Transfer-Encoding", "chunked"}, {"Connection", "close"}});
  CHECK(has(head, "Content-Length: 2\r\n"));
  CHECK(!has(head, "99"));
  CHECK(!has(head, "chunked"));
  CHECK(!has(head, "close"));
}

TEST_CASE("http/branch request: a header that would break the message -> refused") {
  const Headers bad_headers[] = {{{"A", "b\r\nX: y"}}, {{"A", "b\n"}}, {{"A", std::string(1, '\0')}},
                                 {{"", "b"}},          {{"A:", "b"}},  {{"A b", "c"}},
                                 {{"A\r\nB", "c"}}};
  for (const Headers& headers : bad_headers) {
    CAPTURE(headers.begin()->first);
    BranchCall call = example_call();
    call.headers = std::make_shared<const Headers>(headers);
    const auto head = request_head(first_request(call, parse_url(call.url).value()), call.payload.size());
    REQUIRE(!head);
    CHECK(has(head.error().message, "branch header"));
    CHECK(!has(head.error().message, "\n"));
  }
}

TEST_CASE("http/branch request: user and password of the url -> basic authorization, unless a branch header says it") {
  BranchCall call = example_call();
  call.url = "http://user:password@h/";
  CHECK(has(head_of(call), "Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n"));
  call.headers = std::make_shared<const Headers>(Headers{{"authorization", "Bearer t"}});
  const std::string head = head_of(call);
  CHECK(has(head, "authorization: Bearer t\r\n"));
  CHECK(!has(head, "Basic"));
}

}  // namespace
}  // namespace settle::http
