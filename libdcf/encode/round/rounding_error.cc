// SPDX-License-Identifier: Apache-2.0
#include "encode/round/rounding_error.h"

#include <array>

#include "base/float_convert.h"
#include "encode/round/grid_round.h"

namespace dcf::impl::encode {
namespace {

// Of two tensors of one dtype, words.
double squared_distance(DType dtype, Bytes a, Bytes b) {
  constexpr size_t kBlock = 1024;
  std::array<double, kBlock> x;
  std::array<double, kBlock> y;
  const size_t width = dtype_bits(dtype) / 8;
  double sum = 0;
  while (!a.empty()) {
    const size_t n = std::min(kBlock, a.size() / width);
    words_to_doubles(dtype, a.first(n * width), {x.data(), n});
    words_to_doubles(dtype, b.first(n * width), {y.data(), n});
    for (size_t i = 0; i < n; ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
    a = a.subspan(n * width);
    b = b.subspan(n * width);
  }
  return sum;
}

}  // namespace

Result<double> measure_rounding(const CheckedInput& input, const Work& work) {
  if (!input.may_be_rounded()) return 0.0;
  const EncodeOptions& options = input.options();
  const TensorSpec& spec = input.spec();
  const Bytes words = input.as<DenseData>()->bytes;
  DCF_ASSIGN(const std::optional<RoundedTensor> rounded,
             round_to_grid(spec.dtype, words, spec.dims, options.sqnr_db, work,
                           options.moments ? &*options.moments : nullptr));
  if (!rounded) return 0.0;
  if (!options.moments) return squared_distance(spec.dtype, words, rounded->words);
  if (options.moments->use != nullptr) *options.moments->use = rounded->use;
  return rounded->output_error;
}

}  // namespace dcf::impl::encode
