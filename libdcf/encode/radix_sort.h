// SPDX-License-Identifier: Apache-2.0
// Sorting of many floats.
#pragma once

#include <vector>

namespace dcf::impl {

// Ascending, -0 before +0. Finite values. Takes 4 bytes per value.
void sort_floats(std::vector<float>* values);

}  // namespace dcf::impl
