// SPDX-License-Identifier: Apache-2.0
// What a format calls the type and shape of a tensor, for FileLayout::note_type().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dcf::tools {

// Such as "Q8_0 [4096, 4096]". Dimensions after the eighth are left out, shown as "...". `type` is
// a name of our own, or a number.
std::string type_note(std::string_view type, std::span<const int64_t> dims);

}  // namespace dcf::tools
