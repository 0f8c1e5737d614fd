#include "engine/json/options.hpp"

#include <cstdint>

#include "engine/json/json.hpp"
#include "engine/json/json_text.hpp"

namespace settle::dtm {

std::string options_text(const Options& options) {
  std::string text;
  JsonObject object(text);
  if (options.wait_result) object.boolean("wait_result", true);
  object.number_unless_zero("timeout_to_fail", options.timeout_to_fail_s);
  object.number_unless_zero("request_timeout", options.request_timeout_s);
  object.number_unless_zero("retry_interval", options.retry_interval_s);
  if (!options.branch_headers.empty()) {
    std::string& to = object.value("branch_headers");
    char separator = '{';
    for (const auto& [name, value] : options.branch_headers) {
      to += separator;
      separator = ',';
      append_json_string(to, name);
      to += ':';
      append_json_string(to, value);
    }
    to += '}';
  }
  object.boolean("concurrent", options.concurrent);
  object.number_unless_zero("retry_limit", options.retry_limit);
  object.end();
  return text;
}

Result<Options> parse_options(std::string_view text) {
  Options options;
  if (text.empty()) return options;
  const Document document(text, "options");
  if (document.error()) return *document.error();
  Fields fields = Fields::within(document.value(), "options");
  fields.read("wait_result", options.wait_result);
  fields.read("timeout_to_fail", options.timeout_to_fail_s);
  fields.read("request_timeout", options.request_timeout_s);
  fields.read("retry_interval", options.retry_interval_s);
  fields.read("retry_limit", options.retry_limit);
  fields.read("concurrent", options.concurrent);
  if (const json::object* const headers = fields.read_object("branch_headers")) {
    for (const json::key_value_pair& member : *headers) {
      const json::string* const value = member.value().if_string();
      if (value == nullptr && !member.value().is_null()) {
        fields.refuse("branch_headers", "must hold strings");
        break;
      }
      options.branch_headers[valid_utf8(view_of(member.key()))] = value != nullptr ? text_of(*value) : std::string();
    }
  }
  if (fields.error()) return *fields.error();
  return options;
}

}  // namespace settle::dtm
