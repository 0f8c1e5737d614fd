// What every fuzzer is made of: one function that takes any bytes, and checks that what must hold of them does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace settle::fuzz {

// One run; each fuzzer defines it in a file of its own. It must end soon, and leave nothing behind for the next one.
void run(std::string_view input);

// Ends the process with `what` on stderr unless it holds: that is a finding. `seen` is shown where it says more.
void check(bool holds, const char* what, std::string_view seen = {});

// Takes an input apart from its front. At the end there is nothing but zeros and empty texts.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  std::uint8_t byte();
  std::int64_t number();  // 8 bytes, the lowest first
  // Up to the next one of these, which is passed over.
  std::string_view until(char end);
  std::string_view line() { return until('\n'); }
  std::string_view rest();

 private:
  std::string_view rest_;
};

bool is_utf8(std::string_view text);
bool is_json(std::string_view text);  // also valid UTF-8

// What a person is told of a request is one line of UTF-8, and no longer than they can read.
inline constexpr std::size_t kErrorTextBytesMax = 4'096;
void check_error_text(std::string_view text);

}  // namespace settle::fuzz
