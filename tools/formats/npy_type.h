// SPDX-License-Identifier: Apache-2.0
// The types of NumPy arrays, as headers write them ('descr'): '<f4', '|S3', [('x', '<f4'), ...].
#pragma once

#include <dcf/dcf.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dcf::tools {

struct NpyType {
  enum class Kind : uint8_t {
    kNumbers,  // of `dtype`
    kBytes,    // of a known size: strings, dates, records, numbers that .dcf has no dtype for
    kObjects,  // a pickle follows, which is never opened
    kUnknown
  };
  Kind kind = Kind::kUnknown;
  dcf_dtype dtype = DCF_DTYPE_NONE;
  uint64_t item_bytes = 0;  // of one element
  size_t swap_unit = 1;     // so many bytes each are to be reversed: numbers stored big-endian
  bool needs_ml_dtypes = false;
};

// `text` is a type's name without quotes, or a list.
NpyType parse_npy_type(std::string_view text);

// The name of opaque elements of the type `text`.
std::string npy_opaque_name(std::string_view text);
// Whether NumPy alone holds opaque elements of that name and width under the type of the same name.
bool is_npy_opaque(std::string_view name, uint64_t bits);

}  // namespace dcf::tools
