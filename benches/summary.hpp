// Several runs of the same thing as one, and things beside each other.
#pragma once

#include <vector>

#include "benches/report.hpp"

namespace settle::bench {

// One measurement of several of one thing with the same figures: the median of each number (the lower of the two in the
// middle), the first of each text. Where there are more than one, how many there are and how far their `per_second` lie
// apart follows behind that. `runs` must not be empty.
Measurement summary_of(const std::vector<Measurement>& runs);

// Adds to each how many times as many the first does in a second, which is 1 for itself. Nothing where there is but
// one.
void add_ratios(std::vector<Measurement>& measurements);

}  // namespace settle::bench
