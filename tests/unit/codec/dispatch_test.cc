// SPDX-License-Identifier: Apache-2.0
#include "codec/dispatch.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace dcf::impl {
namespace {

TEST(StreamDispatch, TheFastestIsUsedUnlessTheEnvironmentNamesAnother) {
  const auto available = available_tree_kernels();
  ASSERT_FALSE(available.empty());
  EXPECT_STREQ(available.front()->name, "scalar");
  const char* const wanted = std::getenv("DCF_KERNEL");
  const TreeKernels* expected = available.back();
  for (const TreeKernels* kernels : available) {
    if (wanted != nullptr && std::string(kernels->name) == wanted) expected = kernels;
  }
  EXPECT_EQ(&active_tree_kernels(), expected);
}

}  // namespace
}  // namespace dcf::impl
