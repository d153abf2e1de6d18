// SPDX-License-Identifier: Apache-2.0
// Sorts many floats.
#pragma once

#include <vector>

namespace dcf::impl {

// Sorts finite values in ascending order, -0 before +0. Allocates 4 bytes per value.
void sort_floats(std::vector<float>* values);

}  // namespace dcf::impl
