// HTTP answers of participants. The first byte says in which pieces they arrive, its highest bit whether the
// participant closes at the end.
#include <algorithm>
#include <optional>
#include <string>

#include "fuzz/fuzzer.hpp"
#include "settle/http/branch_caller.hpp"
#include "transports/http/answer_parser.hpp"
#include "transports/http/json_rpc_branch.hpp"

namespace settle::fuzz {
namespace {

using http::AnswerParser;
using http::AnswerState;

constexpr std::size_t kAnswerBytesMax = 1'024;

struct Seen {
  AnswerState state = AnswerState::more;
  unsigned status = 0;
  std::string location;
  std::string body;
  bool keep_alive = false;
  bool operator==(const Seen&) const = default;
};

Seen read(std::string_view stream, std::size_t piece, bool closes) {
  AnswerParser parser(kAnswerBytesMax);
  std::size_t unread = 0;
  while (parser.state() == AnswerState::more) {
    const std::size_t fresh = std::min(piece, stream.size() - unread);
    const std::size_t taken = parser.feed(stream.substr(0, unread + fresh));
    check(taken <= unread + fresh, "no more is taken than was fed");
    stream.remove_prefix(taken);
    unread = unread + fresh - taken;
    if (parser.state() != AnswerState::more) break;
    check(unread <= AnswerParser::kHeadBytesMax, "a buffer of one head and a byte is enough");
    if (fresh == 0) break;
  }
  if (closes && parser.state() == AnswerState::more) parser.feed_end();
  Seen seen{.state = parser.state()};
  if (seen.state != AnswerState::complete) return seen;
  seen.keep_alive = parser.keep_alive();
  http::Answer answer = parser.take_answer();
  seen.status = answer.status;
  seen.location = std::move(answer.location);
  seen.body = std::move(answer.body);
  check(seen.body.size() <= kAnswerBytesMax, "a body stays within its limit");
  check(seen.status / 100 != 1 || seen.status == 101, "an interim answer is none");
  return seen;
}

}  // namespace

void run(std::string_view bytes) {
  Input input(bytes);
  const std::uint8_t way = input.byte();
  const bool closes = (way & 0x80) != 0;
  const std::size_t piece = way % 64 + 1;
  const std::string_view stream = input.rest();
  const Seen whole = read(stream, std::max<std::size_t>(stream.size(), 1), closes);
  for (const std::size_t size : {piece, std::size_t{1}}) {
    // What is malformed may be noticed later where it comes in pieces.
    const Seen pieces = read(stream, size, closes);
    const bool both_none = pieces.state != AnswerState::complete && whole.state != AnswerState::complete;
    check(both_none || pieces == whole, "pieces do not matter");
  }
  if (whole.state != AnswerState::complete) return;
  const CallResult result = http::classify(whole.status, whole.body);
  const bool success = result == CallResult::success;
  check(!success || whole.status == 200, "no other status than 200 is a success");
  check(http::classify(0, whole.body) == CallResult::unknown, "no answer decides nothing");
  http::classify_json_rpc(whole.body);
}

}  // namespace settle::fuzz
