// What names a transaction that exists, or a branch of it.
#include <doctest/doctest.h>

#include <array>

#include <boost/json/parse.hpp>

#include "transports/dtm/request.hpp"

namespace settle::dtm {
namespace {

Result<Reference> reference(const char* text) { return parse_reference(json::parse(text), Origin::body); }
Result<BranchRequest> branch(const char* text, Origin origin = Origin::body) {
  return parse_branch(json::parse(text), origin);
}

TEST_CASE("dtm/reference: a transaction that exists -> gid, type and reason") {
  const Result<Reference> bare = reference(R"({"gid":"g;"})");
  REQUIRE(bare);
  CHECK(bare.value().gid == "g");
  CHECK(!bare.value().type);
  const Result<Reference> full = reference(
      R"({"gid":"g","trans_type":"msg","rollback_reason":"changed mind","steps":[{"action":"a"},null],"payloads":["1"],
          "protocol":"grpc","custom_data":"no json","branch_headers":{"a b":"c"},"retry_limit":-1})");
  REQUIRE(full);
  CHECK(full.value().type == TransType::msg);
  CHECK(full.value().rollback_reason == "changed mind");
}

TEST_CASE("dtm/reference: the gid alone -> the same members, whose kinds are looked at, but not the name of the type") {
  const auto gid = [](const char* text) { return parse_gid(json::parse(text), Origin::body); };
  CHECK(gid(R"({"gid":"g;","trans_type":"sage","rollback_reason":"r","steps":[null]})").value() == "g");
  CHECK(gid("{}").error().message == "no gid specified");
  CHECK(gid(R"({"gid":"g","trans_type":1})").error().message.starts_with("trans_type: must be a string"));
  CHECK(gid(R"({"gid":"g","rollback_reason":1})").error().message.starts_with("rollback_reason: must be a string"));
  CHECK(gid(R"({"gid":"g","wait_result":1})").error().message.starts_with("wait_result: must be true or false"));
}

TEST_CASE("dtm/reference: what is wrong with it -> a message that names the field") {
  const std::array<std::array<const char*, 2>, 13> rows{{
      {"{}", "no gid specified"},
      {"[]", "the body: must be an object, is an array"},
      {R"({"gid":1})", "gid: must be a string, is a number"},
      {R"({"gid":"g","trans_type":"sage"})", "trans_type: 'sage' is none of"},
      {R"({"gid":"g","rollback_reason":1})", "rollback_reason: must be a string"},
      {R"({"gid":"g","steps":5})", "steps: must be an array"},
      {R"({"gid":"g","steps":[{"action":5}]})", "steps[0].action: must be a string"},
      {R"({"gid":"g","payloads":[5]})", "payloads[0]: must be a string"},
      {R"({"gid":"g","wait_result":1})", "wait_result: must be true or false"},
      {R"({"gid":"g","retry_limit":"1"})", "retry_limit: must be a whole number"},
      {R"({"gid":"g","branch_headers":{"a":1}})", "branch_headers.a: must be a string"},
      {R"({"gid":"g","protocol":1})", "protocol: must be a string"},
      {R"({"gid":"g","status":1})", "status: must be a string"},
  }};
  for (const auto& row : rows) {
    CAPTURE(row[0]);
    const Result<Reference> parsed = reference(row[0]);
    REQUIRE(!parsed);
    CHECK(parsed.error().code == Code::invalid);
    CHECK_MESSAGE(parsed.error().message.starts_with(row[1]), parsed.error().message);
  }
  CHECK(parse_reference(json::parse("[]"), Origin::params).error().message == "params: must be an object, is an array");
  CHECK(parse_reference(json::value(), Origin::params).error().message == "no gid specified");
}

TEST_CASE("dtm/branch: of a tcc, an xa, a workflow -> what each of them has") {
  const Result<BranchRequest> tcc = branch(
      R"({"gid":"g;","trans_type":"tcc","branch_id":"01","data":"d","confirm":"c","cancel":"u","url":"-","status":"-"})");
  REQUIRE(tcc);
  CHECK(tcc.value().gid == "g");
  CHECK(tcc.value().type == TransType::tcc);
  CHECK(tcc.value().registration == Registration{"01", "d", "c", "u", ""});
  CHECK(tcc.value().status == BranchStatus::prepared);
  const Result<BranchRequest> xa =
      branch(R"({"gid":"g;","trans_type":"xa","branch_id":"01","url":"u","confirm":"-"})", Origin::params);
  REQUIRE(xa);
  CHECK(xa.value().gid == "g;");
  CHECK(xa.value().registration == Registration{"01", "", "u", "", ""});
  const Result<BranchRequest> workflow = branch(
      R"({"gid":"g","trans_type":"workflow","branch_id":"01","op":"action","status":"failed","data":null,"sync":"1"})");
  REQUIRE(workflow);
  CHECK(workflow.value().registration == Registration{"01", "", "", "", "action"});
  CHECK(workflow.value().status == BranchStatus::failed);
}

TEST_CASE("dtm/branch: names in another case -> other members") {
  const Result<BranchRequest> parsed = branch(R"({"gid":"g","trans_type":"tcc","branch_id":"01","Confirm":"c"})");
  REQUIRE(parsed);
  CHECK(parsed.value().registration.url.empty());
  CHECK(!branch(R"({"GID":"g","trans_type":"tcc"})"));
}

TEST_CASE("dtm/branch: what is wrong with it -> a message that names the field") {
  const std::array<std::array<const char*, 2>, 12> rows{{
      {"{}", "unknow trans type: "},
      {"null", "unknow trans type: "},
      {"[]", "the body: must be an object, is an array"},
      {R"({"gid":"","trans_type":"sage"})", "unknow trans type: sage"},
      {R"({"gid":"g","trans_type":"saga"})", "unknow trans type: saga"},
      {R"({"gid":"g","trans_type":"msg"})", "unknow trans type: msg"},
      {R"({"gid":";","trans_type":"tcc"})", "no gid specified"},
      {R"({"gid":"g","trans_type":"tcc","branch_id":1})", "branch_id: must be a string, is a number"},
      {R"({"gid":"g","trans_type":"tcc","data":{"n":1}})", "data: must be a string, is an object"},
      {R"({"gid":"g","trans_type":"tcc","own":true})", "own: must be a string, is a boolean"},
      {R"({"gid":"g","trans_type":"workflow","op":"action"})", "status: must be prepared, succeed or failed, is ''"},
      {R"({"gid":"g","trans_type":"workflow","status":"done"})", "status: must be prepared, succeed or failed, is 'd"},
  }};
  for (const auto& row : rows) {
    CAPTURE(row[0]);
    const Result<BranchRequest> parsed = branch(row[0]);
    REQUIRE(!parsed);
    CHECK(parsed.error().code == Code::invalid);
    CHECK_MESSAGE(parsed.error().message.starts_with(row[1]), parsed.error().message);
  }
}

TEST_CASE("dtm/reference: advance_seconds -> a whole number from 0") {
  const auto parse = [](const char* text) { return parse_advance_ms(json::parse(text)); };
  CHECK(parse(R"({"advance_seconds":0})").value() == 0);
  CHECK(parse(R"({"advance_seconds":1800})").value() == 1'800'000);
  for (const char* body : {R"({})", R"({"advance_seconds":-1})", R"({"advance_seconds":1.5})",
                           R"({"advance_seconds":"1"})", R"({"advance_seconds":9223372036854775807})"}) {
    CAPTURE(body);
    const Result<std::int64_t> parsed = parse(body);
    REQUIRE(!parsed);
    CHECK(parsed.error().message.starts_with("advance_seconds: must be a whole number"));
  }
}

}  // namespace
}  // namespace settle::dtm
