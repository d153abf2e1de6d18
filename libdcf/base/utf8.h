// SPDX-License-Identifier: Apache-2.0
// Checks text that came from a file or a caller.
#pragma once

#include "base/bytes.h"

namespace dcf::impl {

// Whether the bytes are well-formed UTF-8 (Unicode, table 3-7: no overlong forms, no surrogates).
bool is_utf8(Bytes bytes);

}  // namespace dcf::impl
