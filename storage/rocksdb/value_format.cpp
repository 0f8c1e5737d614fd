#include "storage/rocksdb/value_format.hpp"

#include <zlib.h>

#include <iterator>

#include "storage/rocksdb/keys.hpp"

namespace settle {
namespace {

constexpr std::size_t kHeadBytes = 2;

// By version, from 1 on.
constexpr Format kFormats[] = {
    {ValueKind::number, TransType::saga, Protocol::http, Protocol::http, Operation::compensate, 0x07, 0x3F},
    {ValueKind::key_value, TransType::workflow, Protocol::unspecified, Protocol::json_rpc, Operation::rollback, 0x1F,
     0x7FF},
    {ValueKind::key_value, TransType::workflow, Protocol::unspecified, Protocol::grpc, Operation::rollback, 0x1F,
     0x7FF},
};
static_assert(std::size(kFormats) == kValueVersion);

// CRC-32 of both, one behind the other: a value is bound to its key.
std::uint32_t checksum(std::string_view key, std::string_view content) {
  const auto add = [](uLong before, std::string_view bytes) {
    return crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  };
  return static_cast<std::uint32_t>(add(add(0, key), content));
}

Error damaged(std::string_view key, std::string_view why) {
  return {Code::internal, "damaged value of the " + describe_key(key) + ": " + std::string(why)};
}

}  // namespace

std::string sealed(std::string_view key, std::string content) {
  const std::uint32_t sum = checksum(key, content);
  for (std::size_t i = 0; i < kChecksumBytes; ++i) content.push_back(static_cast<char>((sum >> (8 * i)) & 0xFF));
  return content;
}

Result<Content> unsealed(std::string_view key, std::string_view value) {
  if (value.size() < kHeadBytes + kChecksumBytes) return damaged(key, "it is too short");
  const auto version = static_cast<std::uint8_t>(value[0]);
  const std::string_view content = value.substr(0, value.size() - kChecksumBytes);
  std::uint32_t stored = 0;
  for (std::size_t i = 0; i < kChecksumBytes; ++i) {
    stored |= std::uint32_t{static_cast<std::uint8_t>(value[content.size() + i])} << (8 * i);
  }
  if (stored != checksum(key, content)) return damaged(key, "its checksum does not match");
  if (version < 1 || version > kValueVersion) {
    return Error{Code::internal, "the " + describe_key(key) + " has format " + std::to_string(version) +
                                     ", this program knows only those up to " + std::to_string(kValueVersion)};
  }
  const Format& format = kFormats[version - 1];
  const auto kind = static_cast<ValueKind>(static_cast<std::uint8_t>(value[1]));
  if (kind < ValueKind::definition || kind > format.last_kind) return malformed(key);
  return Content{kind, &format, content.substr(kHeadBytes)};
}

Result<Content> unsealed(std::string_view key, std::string_view value, ValueKind kind) {
  auto content = unsealed(key, value);
  if (content && content.value().kind != kind) return malformed(key);
  return content;
}

Error malformed(std::string_view key) { return damaged(key, "its content is malformed"); }

}  // namespace settle
