// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf_types.h"

#include <algorithm>
#include <iterator>

namespace dcf::tools {
namespace {

constexpr GgufPart kScales{".scales", DCF_DTYPE_F16, 2, true};
constexpr GgufPart kMins{".mins", DCF_DTYPE_F16, 2, true};
constexpr GgufPart kHighBits{".high_bits", DCF_DTYPE_U8, 4, false};
constexpr GgufPart kNibbles{".codes", DCF_DTYPE_U8, 16, false};
constexpr GgufPart kBytes{".codes", DCF_DTYPE_I8, 32, false};

constexpr GgufPart kQ4_0[] = {kScales, kNibbles};
constexpr GgufPart kQ4_1[] = {kScales, kMins, kNibbles};
constexpr GgufPart kQ5_0[] = {kScales, kHighBits, kNibbles};
constexpr GgufPart kQ5_1[] = {kScales, kMins, kHighBits, kNibbles};
constexpr GgufPart kQ8_0[] = {kScales, kBytes};

// Q8_1 (9) is left out: it is never written to files, and its size has changed.
constexpr GgufType kGgufTypes[] = {
    {0, "F32", 1, 4, DCF_DTYPE_F32, {}},
    {1, "F16", 1, 2, DCF_DTYPE_F16, {}},
    {2, "Q4_0", 32, 18, DCF_DTYPE_OPAQUE, kQ4_0},
    {3, "Q4_1", 32, 20, DCF_DTYPE_OPAQUE, kQ4_1},
    {6, "Q5_0", 32, 22, DCF_DTYPE_OPAQUE, kQ5_0},
    {7, "Q5_1", 32, 24, DCF_DTYPE_OPAQUE, kQ5_1},
    {8, "Q8_0", 32, 34, DCF_DTYPE_OPAQUE, kQ8_0},
    {10, "Q2_K", 256, 84, DCF_DTYPE_OPAQUE, {}},
    {11, "Q3_K", 256, 110, DCF_DTYPE_OPAQUE, {}},
    {12, "Q4_K", 256, 144, DCF_DTYPE_OPAQUE, {}},
    {13, "Q5_K", 256, 176, DCF_DTYPE_OPAQUE, {}},
    {14, "Q6_K", 256, 210, DCF_DTYPE_OPAQUE, {}},
    {15, "Q8_K", 256, 292, DCF_DTYPE_OPAQUE, {}},
    {16, "IQ2_XXS", 256, 66, DCF_DTYPE_OPAQUE, {}},
    {17, "IQ2_XS", 256, 74, DCF_DTYPE_OPAQUE, {}},
    {18, "IQ3_XXS", 256, 98, DCF_DTYPE_OPAQUE, {}},
    {19, "IQ1_S", 256, 50, DCF_DTYPE_OPAQUE, {}},
    {20, "IQ4_NL", 32, 18, DCF_DTYPE_OPAQUE, {}},
    {21, "IQ3_S", 256, 110, DCF_DTYPE_OPAQUE, {}},
    {22, "IQ2_S", 256, 82, DCF_DTYPE_OPAQUE, {}},
    {23, "IQ4_XS", 256, 136, DCF_DTYPE_OPAQUE, {}},
    {24, "I8", 1, 1, DCF_DTYPE_I8, {}},
    {25, "I16", 1, 2, DCF_DTYPE_I16, {}},
    {26, "I32", 1, 4, DCF_DTYPE_I32, {}},
    {27, "I64", 1, 8, DCF_DTYPE_I64, {}},
    {28, "F64", 1, 8, DCF_DTYPE_F64, {}},
    {29, "IQ1_M", 256, 56, DCF_DTYPE_OPAQUE, {}},
    {30, "BF16", 1, 2, DCF_DTYPE_BF16, {}},
    {34, "TQ1_0", 256, 54, DCF_DTYPE_OPAQUE, {}},
    {35, "TQ2_0", 256, 66, DCF_DTYPE_OPAQUE, {}},
    {39, "MXFP4", 32, 17, DCF_DTYPE_OPAQUE, {}},
    {40, "NVFP4", 64, 36, DCF_DTYPE_OPAQUE, {}},
    {41, "Q1_0", 128, 18, DCF_DTYPE_OPAQUE, {}},
    {42, "Q2_0", 64, 18, DCF_DTYPE_OPAQUE, {}},
};

}  // namespace

const GgufType* find_gguf_type(uint32_t id) {
  const auto* const it = std::find_if(std::begin(kGgufTypes), std::end(kGgufTypes),
                                      [&](const GgufType& type) { return type.id == id; });
  return it == std::end(kGgufTypes) ? nullptr : it;
}

}  // namespace dcf::tools
