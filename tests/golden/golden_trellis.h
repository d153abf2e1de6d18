// SPDX-License-Identifier: Apache-2.0
// Golden files of trellis values (spec, section 8.4).
#pragma once

#include "golden_files.h"

namespace dcf::impl::testing {

void make_trellis_files(ValidFiles* out);
// M-14, M-16, V-04, S-07.
void make_invalid_trellis(InvalidFiles* out);

}  // namespace dcf::impl::testing
