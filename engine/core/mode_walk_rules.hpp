// What protocol.md demands of the modes, read from the definition itself. For tests only.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/core/decide.hpp"

namespace settle::core::mode_walk {

bool is_two_phase(TransType type);

// Whether the row is a confirm, a commit or an action: what is called once it is submitted.
bool is_forward(TransType type, std::uint32_t row);

// The rows that have to be called in this direction, in their order.
std::vector<std::uint32_t> line_of(const Definition& definition, std::size_t registrations, bool forward);

bool all_succeeded(const Transaction& transaction, bool forward);

std::string_view url_of(const Transaction& transaction, std::uint32_t row);

// How many rows a registration brings.
std::size_t rows_each(TransType type);

// Whether query_prepared is something that is called.
bool asks(const Definition& definition);

// Wall clock: when a prepared one times out, or is asked about first; when the delay is over.
std::int64_t timeout_wall_ms(const Definition& definition);
std::int64_t delay_end_wall_ms(const Definition& definition);

}  // namespace settle::core::mode_walk
