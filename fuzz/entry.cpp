// The entry that libFuzzer calls.
#include <cstddef>
#include <cstdint>

#include "fuzz/fuzzer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  // NOLINT: libFuzzer's name
  settle::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
