// SPDX-License-Identifier: Apache-2.0
// Any text as the description of a network. What is accepted is written as text that reads back as
// the same network.
#include <cstdlib>
#include <string_view>

#include "cli/network/network.h"
#include "model_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dcf::fuzz::expect_tool_error_at_worst([&] {
    const dcf::tools::Network network =
        dcf::tools::parse_network({reinterpret_cast<const char*>(data), size});
    const std::string text = dcf::tools::network_text(network);
    if (dcf::tools::network_text(dcf::tools::parse_network(text)) != text) std::abort();
  });
  return 0;
}
