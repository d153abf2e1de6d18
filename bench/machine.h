// SPDX-License-Identifier: Apache-2.0
// What the measurements ran on.
#pragma once

#include <nlohmann/json.hpp>

namespace dcf::bench {

// The CPU, its vector extensions and caches, the compiler, the date.
nlohmann::ordered_json describe_machine();

}  // namespace dcf::bench
