// SPDX-License-Identifier: Apache-2.0
#include "cli/special_values.h"

#include "formats/le_bytes.h"

namespace dcf::tools {
namespace {

// Words whose bits below the sign are above `infinity` are NaN.
template <typename Word>
void count_words(std::span<const uint8_t> bytes, Word infinity, SpecialValues* counts) {
  constexpr auto kMagnitude = static_cast<Word>(static_cast<Word>(~Word{0}) >> 1);
  for (size_t i = 0; i < bytes.size(); i += sizeof(Word)) {
    const auto magnitude = static_cast<Word>(load_le<Word>(bytes.data() + i) & kMagnitude);
    if (magnitude == infinity) ++counts->infinities;
    if (magnitude > infinity) ++counts->nans;
  }
}

}  // namespace

void count_special(dcf_dtype dtype, std::span<const uint8_t> bytes, SpecialValues* counts) {
  switch (dtype) {
    case DCF_DTYPE_F64:
      count_words<uint64_t>(bytes, 0x7FF0000000000000, counts);
      break;
    case DCF_DTYPE_F32:
      count_words<uint32_t>(bytes, 0x7F800000, counts);
      break;
    case DCF_DTYPE_F16:
      count_words<uint16_t>(bytes, 0x7C00, counts);
      break;
    case DCF_DTYPE_BF16:
      count_words<uint16_t>(bytes, 0x7F80, counts);
      break;
    case DCF_DTYPE_F8E5M2:
      count_words<uint8_t>(bytes, 0x7C, counts);
      break;
    case DCF_DTYPE_F8E4M3:  // no infinities; NaN has all bits set
      for (const uint8_t word : bytes) counts->nans += (word & 0x7F) == 0x7F;
      break;
    case DCF_DTYPE_F8E4M3FNUZ:
    case DCF_DTYPE_F8E5M2FNUZ:  // NaN is the word of -0
      for (const uint8_t word : bytes) counts->nans += word == 0x80;
      break;
    default:
      break;
  }
}

}  // namespace dcf::tools
