#include "transports/http/white_space.hpp"

#include <algorithm>
#include <array>

namespace settle::http {
namespace {

// The characters with the property White_Space, in UTF-8.
constexpr std::array<std::string_view, 25> kWhiteSpace = {" ",
                                                          "\t",
                                                          "\n",
                                                          "\v",
                                                          "\f",
                                                          "\r",
                                                          "\xC2\x85",
                                                          "\xC2\xA0",
                                                          "\xE1\x9A\x80",
                                                          "\xE2\x80\x80",
                                                          "\xE2\x80\x81",
                                                          "\xE2\x80\x82",
                                                          "\xE2\x80\x83",
                                                          "\xE2\x80\x84",
                                                          "\xE2\x80\x85",
                                                          "\xE2\x80\x86",
                                                          "\xE2\x80\x87",
                                                          "\xE2\x80\x88",
                                                          "\xE2\x80\x89",
                                                          "\xE2\x80\x8A",
                                                          "\xE2\x80\xA8",
                                                          "\xE2\x80\xA9",
                                                          "\xE2\x80\xAF",
                                                          "\xE2\x81\x9F",
                                                          "\xE3\x80\x80"};

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto in_front = [&text](std::string_view space) { return text.starts_with(space); };
  const auto behind = [&text](std::string_view space) { return text.ends_with(space); };
  const auto* space = kWhiteSpace.begin();
  while ((space = std::find_if(kWhiteSpace.begin(), kWhiteSpace.end(), in_front)) != kWhiteSpace.end()) {
    text.remove_prefix(space->size());
  }
  while ((space = std::find_if(kWhiteSpace.begin(), kWhiteSpace.end(), behind)) != kWhiteSpace.end()) {
    text.remove_suffix(space->size());
  }
  return text;
}

}  // namespace settle::http
