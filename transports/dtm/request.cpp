#include "transports/dtm/request.hpp"

#include <algorithm>
#include <utility>

#include "engine/json/custom_data.hpp"
#include "engine/json/json_text.hpp"
#include "transports/dtm/steps.hpp"

namespace settle::dtm {
namespace {

void read_gid(Fields& fields, Origin origin, std::string& gid) {
  fields.read("gid", gid);
  if (origin == Origin::body) {
    std::erase_if(gid, [](char character) { return character == '\n' || character == '\r' || character == ';'; });
  }
  if (gid.empty()) fields.fail(invalid("no gid specified"));
}

// Leaves `to` alone where the value is wrong, which `fields` remembers.
template <class To, class Value>
void take(Fields& fields, Result<Value> value, To& to) {
  if (value) {
    to = std::move(value).value();
  } else {
    fields.fail(std::move(value.error()));
  }
}

bool is_header(std::string_view name, std::string_view value) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  const auto is_token = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  };
  const auto is_text = [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F); };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token) &&
         std::all_of(value.begin(), value.end(), is_text);
}

// An object whose values are strings; null counts as an empty one.
void read_string_map(Fields& fields, std::string_view name, std::map<std::string, std::string>& map) {
  const json::object* const object = fields.read_object(name);
  if (object == nullptr) return;
  for (const json::key_value_pair& member : *object) {
    const std::string key = valid_utf8(view_of(member.key()));
    const json::string* const value = member.value().if_string();
    if (value != nullptr || member.value().is_null()) {
      map.emplace(key, value != nullptr ? text_of(*value) : std::string());
    } else {
      fields.refuse(std::string(name) + "." + key, "must be a string", member.value());
    }
  }
}

void read_branch_headers(Fields& fields, std::map<std::string, std::string>& headers) {
  read_string_map(fields, "branch_headers", headers);
  for (const auto& [name, value] : headers) {
    if (Result<Done> ok = check_branch_header(name, value); !ok) fields.fail(std::move(ok.error()));
  }
}

void read_options(Fields& fields, Options& options) {
  fields.read("wait_result", options.wait_result);
  fields.read("timeout_to_fail", options.timeout_to_fail_s);
  fields.read("request_timeout", options.request_timeout_s);
  fields.read("retry_interval", options.retry_interval_s);
  fields.read("retry_limit", options.retry_limit);
  fields.read("concurrent", options.concurrent);
  read_branch_headers(fields, options.branch_headers);
}

void read_protocol(Fields& fields, Protocol& protocol) {
  std::string name;
  fields.read("protocol", name);
  if (name.empty()) return;
  if (const auto known = parse_protocol(name)) {
    protocol = *known;
  } else {
    fields.refuse("protocol", "'" + name + "' is none of http, json-rpc and grpc");
  }
}

// Members of DTM's transactions that have no effect in a request. Those that it computes itself are among them.
void check_unused(Fields& fields) {
  for (const char* const name : {"status", "result", "options", "owner", "ext_data", "create_time", "update_time",
                                 "finish_time", "rollback_time", "next_cron_time"}) {
    fields.check_string(name);
  }
  for (const char* const name : {"id", "next_cron_interval", "retry_count"}) fields.check_integer(name);
}

// Members that have an effect, but none on a transaction that exists.
void check_definition(Fields& fields) {
  for (const char* const name : {"protocol", "query_prepared", "custom_data"}) fields.check_string(name);
  for (const char* const name : {"timeout_to_fail", "request_timeout", "retry_interval", "retry_limit"}) {
    fields.check_integer(name);
  }
  for (const char* const name : {"wait_result", "concurrent"}) fields.check_boolean(name);
  for (const char* const name : {"branch_headers", "req_extra"}) {
    std::map<std::string, std::string> unread;
    read_string_map(fields, name, unread);
  }
  check_steps(fields);
}

std::string_view name_of(Origin origin) { return origin == Origin::body ? "the body" : "params"; }

void read_branch(Fields& fields, BranchRequest& request) {
  Registration& registration = request.registration;
  fields.read("branch_id", registration.branch_id);
  fields.read("data", registration.payload);
  switch (request.type) {
    case TransType::tcc:
      fields.read("confirm", registration.url);
      fields.read("cancel", registration.cancel_url);
      return;
    case TransType::xa:
      fields.read("url", registration.url);
      return;
    case TransType::saga:
    case TransType::msg:
    case TransType::workflow:
      break;
  }
  fields.read("op", registration.operation);
  std::string status;
  fields.read("status", status);
  take(fields, parse_status(status), request.status);
}

}  // namespace

Result<TransType> parse_type(const std::string& name) {
  if (const auto type = parse_trans_type(name)) return *type;
  return invalid("trans_type: " +
                 (name.empty() ? "is missing" : "'" + name + "' is none of saga, tcc, xa, msg and workflow"));
}

Result<TransType> parse_branch_type(const std::string& name) {
  const auto type = parse_trans_type(name);
  if (type && rows_per_registration(*type) > 0) return *type;
  return invalid("unknow trans type: " + name);
}

Result<BranchStatus> parse_status(const std::string& name) {
  if (const auto known = parse_branch_status(name)) return *known;
  return invalid("status: must be prepared, succeed or failed, is '" + name + "'");
}

Result<Done> check_branch_header(const std::string& name, std::string_view value) {
  if (is_header(name, value)) return Done{};
  return invalid("branch_headers." + name + ": is not a name and a value that a header can have");
}

Result<TransactionRequest> parse_transaction(const json::value& value, Origin origin) {
  Fields fields(value, name_of(origin));
  TransactionRequest request;
  Definition& definition = request.definition;
  read_gid(fields, origin, definition.gid);
  std::string type_name;
  fields.read("trans_type", type_name);
  take(fields, parse_type(type_name), definition.type);
  read_protocol(fields, definition.protocol);
  read_options(fields, definition.options);
  if (definition.type == TransType::msg) definition.concurrent = definition.options.concurrent;
  fields.read("query_prepared", definition.query_prepared);
  fields.read("custom_data", definition.custom_data);
  if (Result<Done> ok = parse_custom_data(definition); !ok) fields.fail(std::move(ok.error()));
  read_string_map(fields, "req_extra", request.extra);
  fields.check_string("rollback_reason");
  check_unused(fields);
  read_steps(fields, definition);
  if (fields.error()) return *fields.error();
  return request;
}

Result<Reference> parse_reference(const json::value& value, Origin origin) {
  Fields fields(value, name_of(origin));
  Reference reference;
  read_gid(fields, origin, reference.gid);
  std::string type_name;
  fields.read("trans_type", type_name);
  if (!type_name.empty()) take(fields, parse_type(type_name), reference.type);
  fields.read("rollback_reason", reference.rollback_reason);
  check_unused(fields);
  check_definition(fields);
  if (fields.error()) return *fields.error();
  return reference;
}

Result<std::string> parse_gid(const json::value& value, Origin origin) {
  Fields fields(value, name_of(origin));
  std::string gid;
  read_gid(fields, origin, gid);
  for (const char* const name : {"trans_type", "rollback_reason"}) fields.check_string(name);
  check_unused(fields);
  check_definition(fields);
  if (fields.error()) return *fields.error();
  return gid;
}

Result<BranchRequest> parse_branch(const json::value& value, Origin origin) {
  Fields fields(value, name_of(origin), Fields::Names::exact);
  fields.check_strings();
  std::string type_name;
  fields.read("trans_type", type_name);
  BranchRequest request;
  take(fields, parse_branch_type(type_name), request.type);
  read_gid(fields, origin, request.gid);
  read_branch(fields, request);
  if (fields.error()) return *fields.error();
  return request;
}

Result<std::int64_t> parse_advance_ms(const json::value& body) {
  Fields fields(body, name_of(Origin::body));
  std::int64_t seconds = -1;
  fields.read("advance_seconds", seconds);
  if (seconds < 0 || seconds > kSecondsMax) {
    fields.refuse("advance_seconds", "must be a whole number from 0 to " + std::to_string(kSecondsMax));
  }
  if (fields.error()) return *fields.error();
  return seconds * 1000;
}

}  // namespace settle::dtm
