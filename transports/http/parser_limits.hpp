// What both parsers, of requests and of answers, keep to.
#pragma once

#include <cstddef>
#include <cstdint>

namespace settle::http {

// Bodies up to this are taken into one allocation on the word of Content-Length; longer ones grow as they come, so that
// a header alone claims no memory.
inline constexpr std::uint64_t kBodyBytesReserved = 64 << 10;

// In the middle of a chunked body Beast 1.81 asserts that it gets at least this much, and every chunked body has at
// least this much left.
inline constexpr std::size_t kChunkedTailBytesMin = 5;

}  // namespace settle::http
