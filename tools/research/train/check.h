// SPDX-License-Identifier: Apache-2.0
// Calls of the library's encoders, whose arguments are this program's own: a failure is its bug.
#pragma once

#include <dcf/dcf_encode.h>

#include <stdexcept>
#include <string>

namespace dcf::tools {

inline void check(dcf_status status, const dcf_error& error) {
  if (status != DCF_OK) throw std::logic_error(std::string("encoder: ") + error.message);
}
inline void check(dcf_status status) {
  if (status != DCF_OK)
    throw std::logic_error(std::string("encoder: ") + dcf_status_sentence(status));
}

}  // namespace dcf::tools
