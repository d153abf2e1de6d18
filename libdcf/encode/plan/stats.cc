// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/stats.h"

#include "base/count.h"
#include "base/words.h"

namespace dcf::impl::encode {

uint64_t count_nonzeros(DType dtype, Bytes words) {
  return count_masked_words(words, dtype_bits(dtype) / 8, magnitude_mask(dtype));
}

uint64_t count_negative_zeros(DType dtype, Bytes words) {
  if (!has_negative_zero(dtype)) return 0;
  return with_words(dtype, words, [dtype]<typename Word>(Words<Word> view) {
    const auto negative_zero = static_cast<Word>(~magnitude_mask(dtype));
    uint64_t count = 0;
    for (size_t i = 0; i < view.size(); ++i) count += view[i] == negative_zero;
    return count;
  });
}

}  // namespace dcf::impl::encode
