// SPDX-License-Identifier: Apache-2.0
// The valid golden files.
#pragma once

#include "golden_files.h"

namespace dcf::impl::testing {

// A layer as the paper stores it: pruned, clustered, gaps of 4 bits, a few fillers.
Sample paper_layer();

void make_valid(ValidFiles* out);
// Names in coded form (spec, section 4.4).
void make_coded_names(ValidFiles* out);
// Files at the edges of what the format allows (spec, section 13.1 among others).
void make_unusual(ValidFiles* out);

}  // namespace dcf::impl::testing
