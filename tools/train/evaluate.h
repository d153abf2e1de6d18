// SPDX-License-Identifier: Apache-2.0
// The test set, seen once: when the file is written. No LibTorch in this header.
#pragma once

#include <cstdint>
#include <string>

#include "data/digits.h"
#include "network/network.h"

namespace dcf::tools {

// Throws Error unless the images fit the network's input and the labels its outputs.
void check_data(const Digits& digits, const Network& network, const std::string& where);

// Images that a .dcf file gets wrong, by the kernels that `dcf run` uses.
uint64_t count_wrong_from_file(const std::string& path, const Digits& digits);

inline double percent_of(uint64_t part, uint64_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace dcf::tools
