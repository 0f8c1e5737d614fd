// CRC-32C, by which a stored value shows that it is whole.
#pragma once

#include <cstdint>
#include <string_view>

namespace settle {

// The checksum of what `before` is the checksum of, followed by `bytes`. Start with 0.
std::uint32_t checksum(std::uint32_t before, std::string_view bytes);

}  // namespace settle
