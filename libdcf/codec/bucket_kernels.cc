// SPDX-License-Identifier: Apache-2.0
#include "codec/bucket_kernels.h"

#include <array>

namespace dcf::impl::codec {
namespace {

uint64_t extra_bits(BucketCode code, Bytes symbols) {
  uint64_t sum = 0;
  for (const uint8_t symbol : symbols) sum += code.extra_bits(symbol);
  return sum;
}

// decode_bucket_numbers() goes on from any place.
size_t numbers(BucketCode, Bytes, Bytes, uint64_t*, uint32_t*) {
  return 0;
}

constexpr auto kFamily = std::to_array<const BucketKernels*>({
  &kScalarBucketKernels,
#if defined(__x86_64__)
      &kAvx2BucketKernels, &kAvx512vbmi2BucketKernels,
#endif
});

}  // namespace

const BucketKernels kScalarBucketKernels = {CpuSet::kScalar, extra_bits, numbers};

std::vector<const BucketKernels*> available_bucket_kernels() {
  return kernels_in<BucketKernels>(kFamily, detected_cpu_sets());
}

const BucketKernels& active_bucket_kernels() {
  static const BucketKernels& active = best_kernels<BucketKernels>(kFamily);
  return active;
}

}  // namespace dcf::impl::codec
