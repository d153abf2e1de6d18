// SPDX-License-Identifier: Apache-2.0
// Golden files that break a rule of the manifest.
#pragma once

#include "golden_files.h"

namespace dcf::impl::testing {

// M-01 to M-10, M-13 to M-15, K-01, P-01, V-01, T-07.
void make_invalid_manifests(InvalidFiles* out);

}  // namespace dcf::impl::testing
