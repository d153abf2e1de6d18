// SPDX-License-Identifier: Apache-2.0
#include "formats/dtype_table.h"

#include <algorithm>
#include <iterator>

namespace dcf::tools {
namespace {

// The order of the reference library's own list, which it sorts by.
constexpr DtypeEntry kDtypes[] = {
    {DCF_DTYPE_BOOL, "BOOL", "b1", 0},
    {DCF_DTYPE_F4, "F4", "", 1},
    {DCF_DTYPE_F6E2M3, "F6_E2M3", "", 2},
    {DCF_DTYPE_F6E3M2, "F6_E3M2", "", 3},
    {DCF_DTYPE_U8, "U8", "u1", 4},
    {DCF_DTYPE_I8, "I8", "i1", 5},
    {DCF_DTYPE_F8E5M2, "F8_E5M2", "", 6},
    {DCF_DTYPE_F8E4M3, "F8_E4M3", "", 7},
    {DCF_DTYPE_F8E8M0, "F8_E8M0", "", 8},
    {DCF_DTYPE_F8E4M3FNUZ, "F8_E4M3FNUZ", "", 9},
    {DCF_DTYPE_F8E5M2FNUZ, "F8_E5M2FNUZ", "", 10},
    {DCF_DTYPE_I16, "I16", "i2", 11},
    {DCF_DTYPE_U16, "U16", "u2", 12},
    {DCF_DTYPE_F16, "F16", "f2", 13},
    {DCF_DTYPE_BF16, "BF16", "", 14},
    {DCF_DTYPE_I32, "I32", "i4", 15},
    {DCF_DTYPE_U32, "U32", "u4", 16},
    {DCF_DTYPE_F32, "F32", "f4", 17},
    {DCF_DTYPE_C64, "C64", "c8", 18},
    {DCF_DTYPE_F64, "F64", "f8", 19},
    {DCF_DTYPE_I64, "I64", "i8", 20},
    {DCF_DTYPE_U64, "U64", "u8", 21},
};

template <typename Predicate>
const DtypeEntry* find_entry(Predicate matches) {
  const auto* const it = std::find_if(std::begin(kDtypes), std::end(kDtypes), matches);
  return it == std::end(kDtypes) ? nullptr : it;
}

}  // namespace

const DtypeEntry* find_dtype(dcf_dtype dtype) {
  return find_entry([&](const DtypeEntry& entry) { return entry.dtype == dtype; });
}

const DtypeEntry* find_safetensors_dtype(std::string_view name) {
  return find_entry([&](const DtypeEntry& entry) { return entry.safetensors == name; });
}

const DtypeEntry* find_numpy_dtype(std::string_view descr) {
  if (descr.empty()) return nullptr;
  return find_entry([&](const DtypeEntry& entry) { return entry.numpy == descr; });
}

}  // namespace dcf::tools
