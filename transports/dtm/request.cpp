#include "transports/dtm/request.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

namespace settle::dtm {
namespace {

namespace json = boost::json;

constexpr std::size_t kNestingDepthMax = 32;
constexpr std::size_t kInPlaceBytes = 4096;  // of the parsed values; a larger body allocates

Error invalid(std::string message) { return {Code::invalid, std::move(message)}; }

std::string_view kind_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      return "a number";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      break;
  }
  return "an object";
}

// One JSON text, parsed. The value lives as long as this; few of them need an allocation.
class Document {
 public:
  // `name` is what messages call the text.
  explicit Document(std::string_view text, std::string_view name)
      : resource_(room_.data(), room_.size()),
        parser_(json::storage_ptr(), options(), scratch_.data(), scratch_.size()) {
    parser_.reset(&resource_);
    json::error_code failed;
    const std::size_t parsed = parser_.write(text.data(), text.size(), failed);
    if (failed) {
      error_ = invalid(std::string(name) + ": is not JSON, " + failed.message() + " at byte " + std::to_string(parsed));
      return;
    }
    // Assigning would copy it out of the resource.
    value_.emplace(parser_.release());
  }

  const std::optional<Error>& error() const { return error_; }
  // Only where there is no error.
  const json::value& value() const { return *value_; }

 private:
  static json::parse_options options() {
    json::parse_options options;
    options.max_depth = kNestingDepthMax;
    return options;
  }

  std::array<unsigned char, kInPlaceBytes> room_;
  std::array<unsigned char, kInPlaceBytes> scratch_;
  json::monotonic_resource resource_;
  json::parser parser_;
  std::optional<json::value> value_;
  std::optional<Error> error_;
};

// Reads the members of one object into variables. Remembers the first thing that is wrong; after that it does nothing.
class Fields {
 public:
  // `path` stands in front of the names in messages: "" or "steps[1].".
  Fields(const json::value& value, std::string path) : path_(std::move(path)), object_(value.if_object()) {
    if (object_ == nullptr) {
      const std::string what = path_.empty() ? "the body" : path_.substr(0, path_.size() - 1);
      error_ = invalid(what + ": must be an object, is " + std::string(kind_name(value)));
    }
  }

  // The member, or null where it is not given.
  const json::value* find(std::string_view name) const {
    if (error_) return nullptr;
    const json::value* const value = object_->if_contains({name.data(), name.size()});
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  // Whether it was given; `to` is left alone where it was not.
  bool read(std::string_view name, std::string& to) {
    const json::value* const value = find(name);
    if (value == nullptr) return false;
    const json::string* const text = value->if_string();
    if (text == nullptr) {
      refuse(name, "must be a string", *value);
      return false;
    }
    to.assign(text->data(), text->size());
    return true;
  }

  void read(std::string_view name, std::int64_t& to) {
    const json::value* const value = find(name);
    if (value == nullptr) return;
    if (const std::int64_t* const number = value->if_int64()) {
      to = *number;
    } else if (value->is_number()) {
      refuse(name, "must be a whole number of 64 bits");
    } else {
      refuse(name, "must be a whole number", *value);
    }
  }

  void read(std::string_view name, bool& to) {
    const json::value* const value = find(name);
    if (value == nullptr) return;
    if (const bool* const truth = value->if_bool()) {
      to = *truth;
    } else {
      refuse(name, "must be true or false", *value);
    }
  }

  // The elements; null where it is not given or wrong.
  const json::array* read_array(std::string_view name) {
    const json::value* const value = find(name);
    if (value == nullptr) return nullptr;
    if (!value->is_array()) refuse(name, "must be an array", *value);
    return value->if_array();
  }

  const json::object* read_object(std::string_view name) {
    const json::value* const value = find(name);
    if (value == nullptr) return nullptr;
    if (!value->is_object()) refuse(name, "must be an object", *value);
    return value->if_object();
  }

  void refuse(std::string_view name, std::string what) {
    if (!error_) error_ = invalid(path_ + std::string(name) + ": " + std::move(what));
  }
  void refuse(std::string_view name, std::string what, const json::value& is) {
    refuse(name, std::move(what) + ", is " + std::string(kind_name(is)));
  }
  void fail(Error error) {
    if (!error_) error_ = std::move(error);
  }

  const std::optional<Error>& error() const { return error_; }

 private:
  std::string path_;
  const json::object* object_;
  std::optional<Error> error_;
};

void read_gid(Fields& fields, std::string& gid) {
  fields.read("gid", gid);
  std::erase_if(gid, [](char character) { return character == '\n' || character == '\r' || character == ';'; });
  if (gid.empty()) fields.fail(invalid("no gid specified"));
}

void refuse_trans_type(Fields& fields, const std::string& name) {
  if (name.empty()) {
    fields.refuse("trans_type", "is missing");
  } else {
    fields.refuse("trans_type", "'" + name + "' is not a type that this version knows, only 'saga' is");
  }
}

// A name that RFC 9110 allows, and a value that cannot end its line: these become headers of requests of ours.
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

void read_branch_headers(Fields& fields, std::map<std::string, std::string>& headers) {
  const json::object* const object = fields.read_object("branch_headers");
  if (object == nullptr) return;
  for (const json::key_value_pair& member : *object) {
    const std::string name(member.key().data(), member.key().size());
    const json::string* const value = member.value().if_string();
    if (value == nullptr) {
      fields.refuse("branch_headers." + name, "must be a string", member.value());
    } else if (!is_header(name, {value->data(), value->size()})) {
      fields.refuse("branch_headers." + name, "is not a name and a value that a header can have");
    } else {
      headers.emplace(name, std::string(value->data(), value->size()));
    }
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
    fields.refuse("protocol", "'" + name + "' is not a protocol that this version knows, only 'http' is");
  }
}

// The payloads are in `payloads`, or, with very old clients, in the steps' `data`.
void read_steps(Fields& fields, std::vector<SagaStep>& steps) {
  std::size_t bodies = 0;
  if (const json::array* const array = fields.read_array("steps")) {
    steps.resize(array->size());
    for (std::size_t i = 0; i < array->size(); ++i) {
      Fields step((*array)[i], "steps[" + std::to_string(i) + "].");
      step.read("action", steps[i].action);
      step.read("compensate", steps[i].compensate);
      bodies += step.read("data", steps[i].payload) ? 1U : 0U;
      if (step.error()) fields.fail(*step.error());
    }
  }
  const json::array* const payloads = fields.read_array("payloads");
  if (payloads != nullptr && !payloads->empty()) {
    bodies = payloads->size();
    for (std::size_t i = 0; i < bodies; ++i) {
      const json::value& payload = (*payloads)[i];
      const json::string* const text = payload.if_string();
      if (text == nullptr) {
        fields.refuse("payloads[" + std::to_string(i) + "]", "must be a string", payload);
      } else if (i < steps.size()) {
        steps[i].payload.assign(text->data(), text->size());
      }
    }
  }
  if (bodies != steps.size()) {
    fields.refuse("payloads", "there must be one for each step, but there are " + std::to_string(bodies) + " for " +
                                  std::to_string(steps.size()) + " steps");
  }
}

std::optional<std::uint32_t> parse_step_number(const json::value& value) {
  const std::int64_t* const number = value.if_int64();
  if (number == nullptr || *number < 0 || *number > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

std::optional<std::uint32_t> parse_step_number(json::string_view text) {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc() || stopped != end || text.empty()) return std::nullopt;
  return number;
}

void read_orders(Fields& custom, std::map<std::uint32_t, std::vector<std::uint32_t>>& orders) {
  const json::object* const object = custom.read_object("orders");
  if (object == nullptr) return;
  for (const json::key_value_pair& member : *object) {
    const std::string name = "orders." + std::string(member.key().data(), member.key().size());
    const auto step = parse_step_number(member.key());
    const json::array* const before = member.value().if_array();
    if (!step || before == nullptr) {
      custom.refuse(name, "must be a step's number from 0, with an array of those that it waits for");
      return;
    }
    std::vector<std::uint32_t>& list = orders[*step];
    for (const json::value& element : *before) {
      if (const auto other = parse_step_number(element)) {
        list.push_back(*other);
      } else {
        custom.refuse(name, "must hold numbers of steps, counted from 0");
      }
    }
  }
}

// custom_data is the client's own, as long as it is JSON; of an object, two members are meant for us.
void read_custom_data(Fields& fields, Definition& definition) {
  if (!fields.read("custom_data", definition.custom_data) || definition.custom_data.empty()) return;
  const Document document(definition.custom_data, "custom_data");
  if (document.error()) {
    fields.fail(*document.error());
    return;
  }
  if (!document.value().is_object()) return;
  Fields custom(document.value(), "custom_data.");
  custom.read("concurrent", definition.concurrent);
  read_orders(custom, definition.orders);
  if (custom.error()) fields.fail(*custom.error());
}

}  // namespace

Result<Definition> parse_transaction(std::string_view body) {
  const Document document(body, "the body");
  if (document.error()) return *document.error();
  Fields fields(document.value(), "");
  Definition definition;
  read_gid(fields, definition.gid);
  std::string type_name;
  fields.read("trans_type", type_name);
  if (const auto type = parse_trans_type(type_name)) {
    definition.type = *type;
  } else {
    refuse_trans_type(fields, type_name);
  }
  read_protocol(fields, definition.protocol);
  read_options(fields, definition.options);
  fields.read("query_prepared", definition.query_prepared);
  read_custom_data(fields, definition);
  std::vector<SagaStep> steps;
  read_steps(fields, steps);
  if (fields.error()) return *fields.error();
  append_saga_steps(definition, std::move(steps));
  return definition;
}

Result<Reference> parse_reference(std::string_view body) {
  const Document document(body, "the body");
  if (document.error()) return *document.error();
  Fields fields(document.value(), "");
  Reference reference;
  read_gid(fields, reference.gid);
  std::string type_name;
  fields.read("trans_type", type_name);
  if (!type_name.empty()) {
    reference.type = parse_trans_type(type_name);
    if (!reference.type) refuse_trans_type(fields, type_name);
  }
  fields.read("rollback_reason", reference.rollback_reason);
  if (fields.error()) return *fields.error();
  return reference;
}

Result<std::int64_t> parse_advance_ms(std::string_view body) {
  const Document document(body, "the body");
  if (document.error()) return *document.error();
  Fields fields(document.value(), "");
  std::int64_t seconds = -1;
  fields.read("advance_seconds", seconds);
  if (seconds < 0 || seconds > kSecondsMax) {
    fields.refuse("advance_seconds", "must be a whole number from 0 to " + std::to_string(kSecondsMax));
  }
  if (fields.error()) return *fields.error();
  return seconds * 1000;
}

}  // namespace settle::dtm
