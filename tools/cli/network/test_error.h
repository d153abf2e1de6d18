// SPDX-License-Identifier: Apache-2.0
// How many images of a labelled set a network from a .dcf file gets wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cli/network/network.h"
#include "formats/dcf_file.h"
#include "formats/digits.h"

namespace dcf::tools {

// Throws Error, about `where`, unless the images fit the network's input and the labels its
// outputs.
void check_digits(const Digits& digits, const Network& network, const std::string& where);

// By the kernels of the library, in pieces of bounded memory; `advance` is told of images done, and
// may be empty. The digits fit the network.
uint64_t count_wrong(const DcfFile& file, const Network& network, const Digits& digits,
                     const std::function<void(uint64_t images)>& advance);

inline double percent_of(uint64_t part, uint64_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace dcf::tools
