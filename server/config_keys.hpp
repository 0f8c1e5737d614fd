// The keys of the configuration, and how the value of each is read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/config.hpp"

namespace settle::server {

// What is wrong with a value; nothing where it was taken.
using Complaint = std::optional<std::string>;

enum class KeyUse : std::uint8_t {
  always,
  mysql,  // by that store alone
  never,  // it is DTM's, and its files may hold it
};

struct Key {
  std::string_view path;
  Complaint (*take)(Config& config, const std::string& text);
  KeyUse use = KeyUse::always;
};

std::span<const Key> keys();
// Null where there is no such key.
const Key* find_key(std::string_view path);
// Whether keys begin so: `Store`.
bool is_section(std::string_view path);

}  // namespace settle::server
