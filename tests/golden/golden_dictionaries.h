// SPDX-License-Identifier: Apache-2.0
// Golden files of dictionaries (spec, section 8.1).
#pragma once

#include "golden_files.h"

namespace dcf::impl::testing {

void make_dictionaries(ValidFiles* out);
// M-16, V-01, V-06, S-02.
void make_invalid_dictionaries(InvalidFiles* out);

}  // namespace dcf::impl::testing
