// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <string>

#include "support/test_paths.h"

namespace dcf::test {

// Path of a larger test input, which is not part of the tree. Tests that read one carry RealModel
// in their name, so that CMake can label them (dcf_discover_tests), and skip where it is missing.
inline std::string real_model(const std::string& name) {
  const char* const folder = std::getenv("DCF_TEST_DATA");
  return std::string(folder != nullptr ? folder : DCF_TEST_DATA_DEFAULT) + "/" + name;
}

}  // namespace dcf::test
