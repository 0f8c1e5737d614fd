#include "transports/grpc/host_port.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace settle {
namespace {

constexpr std::size_t kHostBytesMax = 255;

bool is_alphanumeric(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9');
}

bool is_port(std::string_view digits) {
  std::uint16_t port = 0;
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, port);
  return error == std::errc() && rest == end && port != 0;
}

// What a name or an address is made of; anything else would be taken for something else by whoever connects to it.
bool is_host(std::string_view host) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.size() > kHostBytesMax) return false;
  return std::all_of(host.begin(), host.end(), [bracketed](char character) {
    const bool is_plain = is_alphanumeric(character) || character == '-' || character == '.' || character == '_';
    return is_plain || (bracketed && (character == ':' || character == '%'));
  });
}

}  // namespace

bool is_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  return colon != std::string_view::npos && is_host(text.substr(0, colon)) && is_port(text.substr(colon + 1));
}

}  // namespace settle
