// SPDX-License-Identifier: Apache-2.0
// A tensor in its coded form, without the bytes of its chunks. The encoder makes one; a copy from
// an open file starts with one.
#pragma once

#include <vector>

#include "format/manifest.h"

namespace dcf::impl::encode {

struct EncodedTensor {
  // Without table numbers, alias and chunk indices. Name and dims are borrowed from the caller.
  format::Tensor tensor;
  std::vector<format::Chunk> chunks;
  std::vector<std::vector<uint8_t>> tables;  // code-length record of each role; empty: none
  std::vector<uint8_t> codebook;             // or scales and class map, as stored
  uint64_t payload = 0;                      // bytes of all chunks
};

}  // namespace dcf::impl::encode
