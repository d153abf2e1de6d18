// SPDX-License-Identifier: Apache-2.0
#include "model/split_kernels.h"

#include <array>

#include "codec/bit_reader.h"

namespace dcf::impl::model {
namespace {

template <typename Word>
size_t join(Bytes codes, Bytes tail, const SplitFields& fields, uint8_t* words) {
  constexpr unsigned kTop = 8 * sizeof(Word) - 1;
  size_t nonzeros = 0;
  const SplitFields f = fields;  // `words` may not be it
  const uint64_t mask = codec::low_mask(f.bits);
  const auto put = [&](size_t i, uint64_t field) {
    // The rotation of the format, undone: the sign comes on top, the rest as it lies.
    const uint64_t magnitude =
        uint64_t{f.base + codes[i]} << (kTop - f.t) | (field & mask) >> 1 << f.z;
    nonzeros += magnitude != 0;
    store_le(words + i * sizeof(Word), static_cast<Word>(magnitude | (field & 1) << kTop));
  };
  size_t i = 0;
  uint64_t at = 0;  // bits
  if (f.bits <= codec::BitReader::kMaxPeek) {
    for (; i < codes.size() && at / 8 + sizeof(uint64_t) <= tail.size(); ++i, at += f.bits) {
      put(i, load_le<uint64_t>(tail.data() + at / 8) >> (at % 8));
    }
  }
  codec::BitReader reader(tail);
  reader.skip(at);
  for (; i < codes.size(); ++i) put(i, reader.read(f.bits));
  return nonzeros;
}

}  // namespace

const SplitKernels kScalarSplitKernels = {CpuSet::kScalar, join<uint16_t>, join<uint32_t>,
                                          join<uint64_t>};

namespace {
constexpr auto kFamily = std::to_array<const SplitKernels*>({
  &kScalarSplitKernels,
#if defined(__x86_64__)
      &kAvx2SplitKernels, &kAvx512SplitKernels,
#endif
});
}  // namespace

std::vector<const SplitKernels*> available_split_kernels() {
  return kernels_in<SplitKernels>(kFamily, detected_cpu_sets());
}

const SplitKernels& active_split_kernels() {
  static const SplitKernels& active = best_kernels<SplitKernels>(kFamily);
  return active;
}

}  // namespace dcf::impl::model
