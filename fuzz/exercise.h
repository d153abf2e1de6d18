// SPDX-License-Identifier: Apache-2.0
// Everything a host can do with a file through dcf/dcf.h, with checks that hold for every input. A
// check that fails ends the process, which is what a fuzzer looks for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dcf/dcf.h"

namespace dcf::fuzz {

// Ends the process if the condition does not hold.
void require(bool condition, const char* what);

// How a file is opened and used; any byte is valid.
struct Choices {
  uint8_t memory = 0;  // which memory limit
  uint8_t source = 0;  // bit 0: through a read callback; bit 1: the host's parallel loop
  uint8_t rows = 0;    // which rows are decoded on their own
  uint8_t batch = 0;   // of products
};

// Opens, describes, verifies and decodes the bytes in every form, and compares the forms with each
// other and with the verdict of dcf_file_verify. Returns that verdict, or why the file did not
// open.
dcf_status exercise(const uint8_t* data, size_t size, const Choices& choices);

}  // namespace dcf::fuzz
