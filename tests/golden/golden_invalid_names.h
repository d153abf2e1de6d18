// SPDX-License-Identifier: Apache-2.0
// Golden files whose coded names break a rule.
#pragma once

#include "golden_files.h"

namespace dcf::impl::testing {

// M-17, M-18; M-04 and L-01 in coded names.
void make_invalid_names(InvalidFiles* out);

}  // namespace dcf::impl::testing
