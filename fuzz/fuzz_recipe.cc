// SPDX-License-Identifier: Apache-2.0
// A name of a tensor up to the first NUL byte, then a recipe of `dcf compress`, whose rules are
// applied to it.
#include "cli/tensor_rules.h"
#include "model_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto [name, recipe] = dcf::fuzz::split_at_nul({data, size});
  const dcf::fuzz::MemoryFile file(recipe);
  const dcf::tools::TensorMeta tensor{.name = std::string(name.begin(), name.end()),
                                      .dtype = DCF_DTYPE_F32,
                                      .bits = 32,
                                      .opaque_name = {},
                                      .dims = {4, 4}};
  dcf::fuzz::expect_tool_error_at_worst([&] {
    dcf::tools::EncodePlan plan;
    dcf::tools::read_recipe(file.path(), &plan);
    (void)plan.choice_for(tensor);
  });
  return 0;
}
