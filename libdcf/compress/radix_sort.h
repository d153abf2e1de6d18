// SPDX-License-Identifier: Apache-2.0
// Sorts many floats, or some thousand keys.
#pragma once

#include <cstdint>
#include <vector>

namespace dcf::impl::compress {

// Sorts finite values in ascending order, -0 before +0. Allocates 4 bytes per value.
void sort_floats(std::vector<float>* values);

// Sorts numbers in ascending order. Allocates 8 bytes for each.
void sort_keys(std::vector<uint64_t>* keys);

}  // namespace dcf::impl::compress
