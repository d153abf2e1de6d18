// SPDX-License-Identifier: Apache-2.0
// Golden files that break a rule of the whole file, and those of the first golden set.
#pragma once

#include "golden_files.h"

namespace dcf::impl::testing {

// One small layer of the paper, with metadata and an ancillary section, broken in many ways: the
// first golden set.
void make_damaged(InvalidFiles* out);
// H-06, K-06.
void make_invalid_headers(InvalidFiles* out);
// L-01, L-02.
void make_over_limits(InvalidFiles* out);

}  // namespace dcf::impl::testing
