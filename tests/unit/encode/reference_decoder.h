// SPDX-License-Identifier: Apache-2.0
// A second decoder, written from spec/dcf-format.md alone: slow, bit by bit, one function for each
// section. It shares the header and manifest with the library, and nothing of the codec.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "format/manifest.h"

namespace dcf::impl::encode {

struct ReferenceFile {
  std::string error;  // empty: decoded
  format::ManifestParts manifest;
  std::vector<std::vector<uint8_t>> dense;  // of each tensor, aliases too
  std::vector<std::vector<uint64_t>> codebooks;
  uint64_t fillers = 0;  // of all tensors
};

ReferenceFile reference_decode(Bytes file);

}  // namespace dcf::impl::encode
