// Reads one answer of a participant out of bytes, without a socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace settle::http {

enum class AnswerState : std::uint8_t {
  more,       // feed() wants further bytes
  complete,   // take_answer() is the answer
  malformed,  // it is not HTTP
  too_long,   // head or body pass the limit
};

struct Answer {
  unsigned status = 0;
  std::string location;  // the field Location, the first one; empty where there is none
  std::string body;
};

// Interim answers (100 Continue) are read over. Threads: one at a time.
class AnswerParser {
 public:
  explicit AnswerParser(std::size_t answer_bytes_max);
  ~AnswerParser();
  AnswerParser(const AnswerParser&) = delete;
  AnswerParser& operator=(const AnswerParser&) = delete;

  // Forgets everything, for the next answer of the connection.
  void start();

  // Takes from the front of `bytes` and says how much it took; what is left must be at the front of the next feed(),
  // or, where the answer is complete, belongs to no answer. Nothing may be fed where state() is not `more`. A buffer of
  // kHeadBytesMax + 1 is always enough.
  std::size_t feed(std::string_view bytes);
  // The participant closed its side: the end of an answer that says no length, else state() stays `more`.
  void feed_end();

  AnswerState state() const;
  bool keep_alive() const;
  Answer take_answer();

  static constexpr std::size_t kHeadBytesMax = 64 << 10;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace settle::http
