// The JSON that clients and tables hold: documents, options, custom_data, steps, topics, and the texts in them.
#include <optional>
#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "engine/json/custom_data.hpp"
#include "engine/json/json.hpp"
#include "engine/json/json_text.hpp"
#include "engine/json/options.hpp"
#include "fuzz/fuzzer.hpp"
#include "settle/topics.hpp"
#include "transports/dtm/steps.hpp"

namespace settle::fuzz {
namespace {

namespace json = boost::json;

Definition definition_of(TransType type) {
  Definition definition;
  definition.gid = "gid";
  definition.type = type;
  return definition;
}

void check_refusal(const Error& error) {
  check(error.code == Code::invalid, "what is wrong with a text is the client's fault");
  check_error_text(error.message);
}

void check_text(std::string_view text) {
  const std::string valid = dtm::valid_utf8(text);
  check(is_utf8(valid), "texts are made valid");
  check(!is_utf8(text) || valid == text, "a valid text stays as it is");
  std::string quoted;
  dtm::append_json_string(quoted, text);
  check(is_json(quoted), "a quoted text is JSON", quoted);
  check(dtm::view_of(json::parse(quoted).as_string()) == valid, "a quoted text comes back");
}

void check_base64(std::string_view text) {
  std::string encoded;
  dtm::append_base64(encoded, text);
  const auto decoded = dtm::parse_base64(encoded);
  check(decoded && *decoded == text, "base64 comes back");
  if (const auto bytes = dtm::parse_base64(text)) {
    std::string again;
    dtm::append_base64(again, *bytes);
    check(dtm::parse_base64(again) == bytes, "base64 that is written anew comes back");
  }
}

void check_document(std::string_view text) {
  const dtm::Document document(text, "the text");
  if (document.error()) check_refusal(*document.error());
  json::error_code failed;
  const json::value other = json::parse({text.data(), text.size()}, failed, {}, {.max_depth = 1'000});
  if (failed) return;
  check(!document.error(), "what is JSON is read");
  // As text, for 0e400 is no number, which equals nothing.
  check(json::serialize(document.value()) == json::serialize(other), "JSON means the same to every reader");
}

void check_options(std::string_view text) {
  const auto options = dtm::parse_options(text);
  if (!options) return check_refusal(options.error());
  const std::string written = dtm::options_text(options.value());
  check(is_json(written), "options are written as JSON", written);
  const auto again = dtm::parse_options(written);
  check(again && again.value() == options.value(), "options come back", written);
}

void check_custom_data(TransType type, std::string_view text) {
  Definition definition = definition_of(type);
  definition.custom_data = text;
  const auto read = dtm::parse_custom_data(definition);
  if (!read) return check_refusal(read.error());
  check(definition.custom_data == text, "custom_data is kept as it came");
  if (const auto valid = validate(definition); !valid) check_refusal(valid.error());
}

void check_steps(TransType type, std::string_view text) {
  Definition definition = definition_of(type);
  const auto read = dtm::parse_steps(text, {}, definition);
  if (!read) return check_refusal(read.error());
  check(static_cast<bool>(validate(definition)), "steps that were read are as the type has them");
}

void check_subscribers(std::string_view text) {
  const auto subscribers = decode_subscribers(text);
  if (!subscribers) return check_error_text(subscribers.error().message);
  const auto again = decode_subscribers(encode_subscribers(subscribers.value()));
  check(again && again.value() == subscribers.value(), "a topic comes back");
}

void check_time(std::int64_t wall_ms) {
  std::string text;
  dtm::append_time(text, wall_ms);
  check(text.find('T') != std::string::npos && text.size() < 64, "a time is a text", text);
}

}  // namespace

void run(std::string_view text) {
  check_text(text);
  check_base64(text);
  check_document(text);
  check_options(text);
  for (const TransType type : {TransType::saga, TransType::tcc, TransType::xa, TransType::msg, TransType::workflow}) {
    check_custom_data(type, text);
  }
  check_steps(TransType::saga, text);
  check_steps(TransType::msg, text);
  check_subscribers(text);
  check_time(Input(text).number());
}

}  // namespace settle::fuzz
