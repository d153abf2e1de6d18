// SPDX-License-Identifier: Apache-2.0
// Part of the second decoder (reference_decoder.h): coded names, section 4.4 of
// spec/dcf-format.md.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace dcf::impl::reference {

// The names of `count` tensors from their coded form. Names are checked no further. Throws
// std::runtime_error where the form breaks a rule.
std::vector<std::string> read_names(Bytes coded, size_t count);

}  // namespace dcf::impl::reference
