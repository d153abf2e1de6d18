// SPDX-License-Identifier: Apache-2.0
// Golden files that break a rule of the tables section or of a chunk.
#pragma once

#include "golden_files.h"

namespace dcf::impl::testing {

// T-02, T-04 to T-06, T-08.
void make_invalid_tables(InvalidFiles* out);
// K-02, P-02 to P-06, V-02, V-03, S-02 to S-07.
void make_invalid_chunks(InvalidFiles* out);

}  // namespace dcf::impl::testing
