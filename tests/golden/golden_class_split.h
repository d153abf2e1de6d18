// SPDX-License-Identifier: Apache-2.0
// Golden files of class-split (spec, section 8.2).
#pragma once

#include "golden_files.h"

namespace dcf::impl::testing {

void make_class_split(ValidFiles* out);
// M-16, V-01, S-02.
void make_invalid_class_split(InvalidFiles* out);

}  // namespace dcf::impl::testing
