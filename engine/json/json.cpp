#include "engine/json/json.hpp"

#include <algorithm>
#include <utility>

#include "engine/json/json_text.hpp"

namespace settle::dtm {
namespace {

constexpr std::size_t kNestingDepthMax = 1'000;

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

bool same_but_for_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char one, char other) { return lower(one) == lower(other); });
}

// The four digits behind `\u` at this place, or nothing.
std::optional<unsigned> escaped_unit(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  unsigned unit = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    const char digit = lower(text[i]);
    const bool is_digit = digit >= '0' && digit <= '9';
    if (!is_digit && (digit < 'a' || digit > 'f')) return std::nullopt;
    unit = unit * 16 + static_cast<unsigned>(is_digit ? digit - '0' : digit - 'a' + 10);
  }
  return unit;
}

// Halves of surrogate pairs that stand alone become U+FFFD, as in Go; Boost.JSON refuses them.
std::string without_lone_surrogates(std::string_view text) {
  std::string mended(text);
  for (std::size_t at = 0; at < mended.size(); ++at) {
    if (mended[at] != '\\') continue;
    const auto unit = escaped_unit(mended, at);
    if (!unit || *unit < 0xD800 || *unit > 0xDFFF) {
      ++at;  // whatever is escaped
      continue;
    }
    const auto next = escaped_unit(mended, at + 6);
    if (*unit < 0xDC00 && next && *next >= 0xDC00 && *next <= 0xDFFF) {
      at += 11;
    } else {
      mended.replace(at, 6, "\\ufffd");
      at += 5;
    }
  }
  return mended;
}

json::parse_options parse_options() {
  json::parse_options options;
  options.max_depth = kNestingDepthMax;
  options.allow_invalid_utf8 = true;
  return options;
}

}  // namespace

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

std::string text_of(const json::string& text) { return valid_utf8(view_of(text)); }

Document::Document(std::string_view text, std::string_view name)
    : resource_(room_.data(), room_.size()),
      parser_(json::storage_ptr(), parse_options(), scratch_.data(), scratch_.size()) {
  parser_.reset(&resource_);
  json::error_code failed;
  std::size_t parsed = parser_.write(text.data(), text.size(), failed);
  if (failed && text.find("\\u") != std::string_view::npos) {
    mended_ = without_lone_surrogates(text);
    parser_.reset(&resource_);
    parsed = parser_.write(mended_.data(), mended_.size(), failed);
  }
  if (failed) {
    error_ = invalid(std::string(name) + ": is not JSON, " + failed.message() + " at byte " + std::to_string(parsed));
    return;
  }
  // Assigning would copy it out of the resource.
  value_.emplace(parser_.release());
}

Fields::Fields(const json::value& value, std::string_view subject, Names names)
    : object_(value.if_object()), names_(names) {
  if (object_ != nullptr || value.is_null()) return;
  error_ = invalid(std::string(subject) + ": must be an object, is " + std::string(kind_name(value)));
}

Fields Fields::within(const json::value& value, std::string path, Names names) {
  Fields fields(value, path, names);
  fields.prefix_ = std::move(path) + ".";
  return fields;
}

const json::value* Fields::find(std::string_view name) const {
  if (error_ || object_ == nullptr) return nullptr;
  const json::value* value = object_->if_contains({name.data(), name.size()});
  if (value == nullptr && names_ == Names::any_case) {
    for (const json::key_value_pair& member : *object_) {
      if (member.key().size() == name.size() && same_but_for_case(view_of(member.key()), name)) value = &member.value();
    }
  }
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool Fields::read(std::string_view name, std::string& to) {
  const json::value* const value = find(name);
  if (value == nullptr) return false;
  const json::string* const text = value->if_string();
  if (text == nullptr) {
    refuse(name, "must be a string", *value);
    return false;
  }
  to = text_of(*text);
  return true;
}

void Fields::read(std::string_view name, std::int64_t& to) {
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

void Fields::read(std::string_view name, bool& to) {
  const json::value* const value = find(name);
  if (value == nullptr) return;
  if (const bool* const truth = value->if_bool()) {
    to = *truth;
  } else {
    refuse(name, "must be true or false", *value);
  }
}

const json::array* Fields::read_array(std::string_view name) {
  const json::value* const value = find(name);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) refuse(name, "must be an array", *value);
  return value->if_array();
}

const json::object* Fields::read_object(std::string_view name) {
  const json::value* const value = find(name);
  if (value == nullptr) return nullptr;
  if (!value->is_object()) refuse(name, "must be an object", *value);
  return value->if_object();
}

void Fields::check_string(std::string_view name) {
  const json::value* const value = find(name);
  if (value != nullptr && !value->is_string()) refuse(name, "must be a string", *value);
}

void Fields::check_integer(std::string_view name) {
  std::int64_t number = 0;
  read(name, number);
}

void Fields::check_boolean(std::string_view name) {
  bool truth = false;
  read(name, truth);
}

void Fields::check_strings() {
  if (object_ == nullptr) return;
  for (const json::key_value_pair& member : *object_) {
    if (!member.value().is_string() && !member.value().is_null()) {
      refuse(valid_utf8(view_of(member.key())), "must be a string", member.value());
    }
  }
}

void Fields::refuse(std::string_view name, std::string what) {
  if (!error_) error_ = invalid(prefix_ + std::string(name) + ": " + std::move(what));
}

void Fields::refuse(std::string_view name, std::string what, const json::value& is) {
  refuse(name, std::move(what) + ", is " + std::string(kind_name(is)));
}

void Fields::fail(Error error) {
  if (!error_) error_ = std::move(error);
}

}  // namespace settle::dtm
