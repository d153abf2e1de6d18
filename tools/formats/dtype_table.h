// SPDX-License-Identifier: Apache-2.0
// The dtypes of other formats and the ones of .dcf.
#pragma once

#include <dcf/dcf.h>

#include <string_view>

namespace dcf::tools {

struct DtypeEntry {
  dcf_dtype dtype;
  std::string_view safetensors;
  std::string_view numpy;  // descr without the byte order; empty where numpy has no such type
  int rank;                // safetensors writes tensors of higher rank first
};

// Each returns nullptr where there is no such dtype.
const DtypeEntry* find_dtype(dcf_dtype dtype);
const DtypeEntry* find_safetensors_dtype(std::string_view name);
const DtypeEntry* find_numpy_dtype(std::string_view descr);

}  // namespace dcf::tools
