#include "benches/gid_series.hpp"

#include <charconv>
#include <cstdio>
#include <random>
#include <utility>

namespace settle::bench {
namespace {

void write_digits(char* place, std::uint64_t number) {
  for (std::size_t i = GidSeries::kDigits; i-- > 0; number /= 10) place[i] = static_cast<char>('0' + number % 10);
}

}  // namespace

GidSeries::GidSeries() {
  std::random_device device;
  char text[32];
  std::snprintf(text, sizeof text, "bench-%08x%08x-", device(), device());
  prefix_ = text;
}

std::string GidSeries::gid(std::uint64_t number) const {
  std::string gid = prefix_;
  gid.append(kDigits, '0');
  write_digits(gid.data() + prefix_.size(), number);
  return gid;
}

std::optional<std::uint64_t> GidSeries::number_of(std::string_view gid) const {
  if (!gid.starts_with(prefix_) || gid.size() != prefix_.size() + kDigits) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = gid.data() + gid.size();
  const auto [parsed_end, failure] = std::from_chars(gid.data() + prefix_.size(), end, number);
  if (failure != std::errc() || parsed_end != end) return std::nullopt;
  return number;
}

NumberedBytes::NumberedBytes(std::string bytes, const GidSeries& gids) : bytes_(std::move(bytes)) {
  const std::string gid = gids.gid(0);
  digits_begin_ = bytes_.find(gid) + gid.size() - GidSeries::kDigits;
}

std::string_view NumberedBytes::numbered(std::uint64_t number) {
  write_digits(bytes_.data() + digits_begin_, number);
  return bytes_;
}

}  // namespace settle::bench
