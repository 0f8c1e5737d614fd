// How a function that may fail says so. Nothing in settle throws across a module's boundary.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace settle {

// Why something was refused. A transport maps it to its own codes in one place (protocol.md §3, §4).
enum class Code : std::uint8_t {
  failure,      // a decision: the state does not allow it. HTTP 409, gRPC ABORTED.
  ongoing,      // not decided yet. HTTP 425, gRPC FAILED_PRECONDITION.
  invalid,      // the request itself is malformed; nothing was changed. HTTP 400.
  not_found,    // no such transaction or topic. HTTP 500, as DTM's clients expect.
  conflict,     // does not fit what is stored (another trans_type, a branch twice); nothing was changed. HTTP 500.
  overloaded,   // refused before anything was done: too much work in flight. HTTP 503.
  unavailable,  // the outcome is unknown or the engine is stopping; the same gid may be sent again. HTTP 503.
  internal,     // something of ours is broken; the message says what. HTTP 500.
};

struct Error {
  Code code = Code::internal;
  std::string message;  // one line, for a person; names the field or the gid
  bool operator==(const Error&) const = default;
};

// Either a value or an Error. `value()` and `error()` abort the program where the other one is held.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return content_.index() == 0; }
  T& value() & { return std::get<0>(content_); }
  const T& value() const& { return std::get<0>(content_); }
  T&& value() && { return std::get<0>(std::move(content_)); }
  Error& error() { return std::get<1>(content_); }
  const Error& error() const { return std::get<1>(content_); }

 private:
  std::variant<T, Error> content_;
};

// The value of a Result that says only that it went well.
struct Done {
  bool operator==(const Done&) const = default;
};

}  // namespace settle
