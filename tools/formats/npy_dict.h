// SPDX-License-Identifier: Apache-2.0
// The dict literal of an .npy header, e.g.
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
// Only this form is understood: nothing is evaluated.
#pragma once

#include <string>
#include <string_view>

#include "formats/npy_header.h"

namespace dcf::tools {

// `where` names file and array in messages. Throws Error where the text is anything else. The
// result's header_bytes is left to the caller.
NpyHeader parse_npy_dict(const std::string& where, std::string_view text);

}  // namespace dcf::tools
