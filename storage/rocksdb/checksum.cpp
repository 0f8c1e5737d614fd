#include "storage/rocksdb/checksum.hpp"

#include <array>
#include <cstddef>

namespace settle {
namespace {

constexpr std::size_t kStride = 8;  // bytes that one round of table look-ups takes
using Tables = std::array<std::array<std::uint32_t, 256>, kStride>;

// tables[k][b]: what byte b contributes when k more bytes follow it.
constexpr Tables make_tables() {
  constexpr std::uint32_t kCastagnoliReversed = 0x82F63B78;
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? kCastagnoliReversed : 0);
    tables[0][byte] = value;
  }
  for (std::size_t follow = 1; follow < kStride; ++follow) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[follow - 1][byte];
      tables[follow][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint32_t checksum(std::uint32_t before, std::string_view bytes) {
  std::uint32_t value = ~before;
  std::size_t at = 0;
  const auto byte = [&](std::size_t index) { return static_cast<std::uint8_t>(bytes[index]); };
  for (; bytes.size() - at >= kStride; at += kStride) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < kStride; ++i) {
      const std::uint32_t mixed = byte(at + i) ^ (i < 4 ? (value >> (8 * i)) & 0xFF : 0);
      next ^= kTables[kStride - 1 - i][mixed];
    }
    value = next;
  }
  for (; at < bytes.size(); ++at) value = (value >> 8) ^ kTables[0][(value ^ byte(at)) & 0xFF];
  return ~value;
}

}  // namespace settle
