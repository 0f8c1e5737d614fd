#include "engine/json/custom_data.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace settle::dtm {
namespace {

Definition with(TransType type, std::string custom_data) {
  Definition definition;
  definition.type = type;
  definition.custom_data = std::move(custom_data);
  const auto parsed = parse_custom_data(definition);
  const std::string why = parsed ? "" : parsed.error().message;
  REQUIRE_MESSAGE(parsed, why);
  return definition;
}

std::string refusal(TransType type, std::string custom_data) {
  Definition definition;
  definition.type = type;
  definition.custom_data = std::move(custom_data);
  const auto parsed = parse_custom_data(definition);
  return parsed ? "" : parsed.error().message;
}

TEST_CASE("json/custom data: what is meant for us -> by the type of the transaction") {
  const Definition saga = with(TransType::saga, R"({"concurrent":true,"orders":{"2":[0,1]},"delay":5})");
  CHECK(saga.concurrent);
  CHECK(saga.orders == std::map<std::uint32_t, std::vector<std::uint32_t>>{{2, {0, 1}}});
  CHECK(saga.delay_s == 0);
  CHECK(with(TransType::msg, R"({"delay":5,"orders":1})").delay_s == 5);
  const Definition workflow = with(TransType::workflow, R"({"name":"n","data":"Zm9v"})");
  CHECK(workflow.callback_name == "n");
  CHECK(workflow.callback_payload == "foo");
}

TEST_CASE("json/custom data: nothing, null, and JSON that is no object -> nothing") {
  for (const char* text : {"", "null", "[1]", "\"x\"", R"({"orders":null,"concurrent":null})"}) {
    CAPTURE(text);
    const Definition definition = with(TransType::saga, text);
    CHECK(!definition.concurrent);
    CHECK(definition.orders.empty());
  }
}

TEST_CASE("json/custom data: wrong kinds -> refused, naming the member") {
  CHECK(refusal(TransType::saga, "{").starts_with("custom_data: is not JSON"));
  CHECK(refusal(TransType::saga, R"({"concurrent":1})") ==
        "custom_data.concurrent: must be true or false, is a number");
  CHECK(refusal(TransType::saga, R"({"orders":{"-1":[0]}})").starts_with("custom_data.orders.-1: "));
  CHECK(refusal(TransType::msg, R"({"delay":"5"})") == "custom_data.delay: must be a whole number, is a string");
  CHECK(refusal(TransType::workflow, R"({"data":"?"})") == "custom_data.data: is not base64");
}

}  // namespace
}  // namespace settle::dtm
