// HTTP requests, as the parser cuts them out of a stream. The first byte says in which pieces the stream arrives.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/fuzzer.hpp"
#include "transports/http/request_parser.hpp"

namespace settle::fuzz {
namespace {

using http::Request;
using http::RequestParser;
using http::RequestState;

constexpr std::size_t kHeaderBytesMax = 512;
constexpr std::size_t kBodyBytesMax = 256;
constexpr std::size_t kDropBytesMax = 1'024;

struct Seen {
  std::vector<Request> requests;
  RequestState end = RequestState::more;
};

Seen read(std::string_view stream, std::size_t piece) {
  RequestParser parser(kHeaderBytesMax, kBodyBytesMax, kDropBytesMax);
  Seen seen;
  std::size_t unread = 0;  // at the front of the stream, fed and not taken
  while (parser.state() == RequestState::more) {
    const std::size_t fresh = std::min(piece, stream.size() - unread);
    const std::size_t taken = parser.feed(stream.substr(0, unread + fresh));
    check(taken <= unread + fresh, "no more is taken than was fed");
    stream.remove_prefix(taken);
    unread = unread + fresh - taken;
    if (parser.state() == RequestState::more) {
      check(unread <= kHeaderBytesMax, "a buffer of one header and a byte is enough");
      if (fresh == 0) break;
    }
    if (parser.state() != RequestState::complete) continue;
    seen.requests.push_back(parser.take_request());
    check(seen.requests.back().body.size() <= kBodyBytesMax, "a body stays within its limit");
    check(!seen.requests.back().method.empty(), "a request has a method");
    check(!seen.requests.back().target.empty(), "a request has a target");
    if (unread == 0 && stream.empty()) break;
    parser.start();
  }
  seen.end = parser.state();
  return seen;
}

bool same(const Request& one, const Request& other) {
  return one.method == other.method && one.target == other.target && one.body == other.body;
}

// What a proxy would make of it is the same request.
void check_written_anew(const Request& request) {
  const std::string text = request.method + " " + request.target +
                           " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(request.body.size()) +
                           "\r\n\r\n" + request.body;
  RequestParser parser(2 * kHeaderBytesMax, kBodyBytesMax, kDropBytesMax);
  check(parser.feed(text) == text.size(), "a request that is written anew is taken whole", text);
  check(parser.state() == RequestState::complete, "a request that is written anew is one", text);
  check(same(parser.take_request(), request), "a request that is written anew is the same", text);
}

bool is_error(RequestState state) { return state != RequestState::more && state != RequestState::complete; }

}  // namespace

void run(std::string_view bytes) {
  Input input(bytes);
  const std::size_t piece = input.byte() % 64 + 1;
  const std::string_view stream = input.rest();
  const Seen whole = read(stream, std::max<std::size_t>(stream.size(), 1));
  const Seen pieces = read(stream, piece);
  const Seen single = read(stream, 1);
  for (const Seen* other : {&pieces, &single}) {
    // What is malformed may be noticed later where it comes in pieces, and a header that is too long, where it does
    // not.
    const std::size_t common = std::min(whole.requests.size(), other->requests.size());
    check(std::equal(whole.requests.begin(), whole.requests.begin() + static_cast<std::ptrdiff_t>(common),
                     other->requests.begin(), same),
          "pieces do not matter: the same requests");
    if (is_error(whole.end) || is_error(other->end)) continue;
    check(other->requests.size() == whole.requests.size(), "pieces do not matter: as many requests");
    check(other->end == whole.end, "pieces do not matter: the same end");
  }
  for (const Request& request : whole.requests) check_written_anew(request);
}

}  // namespace settle::fuzz
