// Reading JSON as Go's encoding/json does (the language of DTM, so of every client's expectations): the names of a
// struct's members match whatever their case, the exact one first, those of a map only exactly; null means "not given",
// also within lists; what is not UTF-8 is replaced by U+FFFD; unknown members are ignored. A member of the wrong kind
// is an error. All of engine/json stays in the namespace settle::dtm, for it is DTM's JSON, wherever it stands.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include "settle/result.hpp"

namespace settle::dtm {

namespace json = boost::json;

inline Error invalid(std::string message) { return {Code::invalid, std::move(message)}; }

// "a string", "null"
std::string_view kind_name(const json::value& value);

// The text as UTF-8, whatever it was.
std::string text_of(const json::string& text);
inline std::string_view view_of(json::string_view text) { return {text.data(), text.size()}; }

// One JSON text, parsed. The value lives as long as this; few of them need an allocation.
class Document {
 public:
  // `name` is what messages call the text.
  Document(std::string_view text, std::string_view name);
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  const std::optional<Error>& error() const { return error_; }
  // Only where there is no error.
  const json::value& value() const { return *value_; }

 private:
  static constexpr std::size_t kInPlaceBytes = 4096;  // of the parsed values; a larger text allocates

  std::string mended_;
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
  enum class Names : std::uint8_t { any_case, exact };

  // `subject` is what messages call the object: "the body". null is an object without members.
  Fields(const json::value& value, std::string_view subject, Names names = Names::any_case);
  // The same of an object within another: messages call its members "steps[1].action".
  static Fields within(const json::value& value, std::string path, Names names = Names::any_case);

  // The member, or null where it is not given.
  const json::value* find(std::string_view name) const;

  // Whether it was given; `to` is left alone where it was not.
  bool read(std::string_view name, std::string& to);
  void read(std::string_view name, std::int64_t& to);
  void read(std::string_view name, bool& to);
  // The elements; null where it is not given or wrong.
  const json::array* read_array(std::string_view name);
  const json::object* read_object(std::string_view name);
  // Nobody needs its value, but it must be of this kind where it is given.
  void check_string(std::string_view name);
  void check_integer(std::string_view name);
  void check_boolean(std::string_view name);
  // All members are strings.
  void check_strings();

  void refuse(std::string_view name, std::string what);
  void refuse(std::string_view name, std::string what, const json::value& is);
  void fail(Error error);

  const std::optional<Error>& error() const { return error_; }

 private:
  std::string prefix_;  // of the names in messages
  const json::object* object_ = nullptr;
  Names names_ = Names::any_case;
  std::optional<Error> error_;
};

}  // namespace settle::dtm
