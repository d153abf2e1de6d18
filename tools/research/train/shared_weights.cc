// SPDX-License-Identifier: Apache-2.0
#include "research/train/shared_weights.h"

#include <dcf/dcf_encode.h>

#include <algorithm>
#include <cmath>

#include "research/train/check.h"
#include "research/train/formulas.h"

namespace dcf::tools {
namespace {

double mean_square(const float* weights, const Parameters& p) {
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p.mask.empty() || p.mask[i] != 0) sum += double{weights[i]} * weights[i];
  }
  return sum / static_cast<double>(std::max<uint64_t>(p.kept(), 1));
}

std::vector<uint64_t> count_codes(const Parameters& p) {
  std::vector<uint64_t> counts(p.codebook.size());
  for (const uint8_t c : p.codes) {
    if (c != 0) ++counts[c - 1];
  }
  return counts;
}

}  // namespace

void share_weights(const dcf_share_options& options, Parameters* p) {
  dcf_share_options scaled = options;
  if (scaled.lambda != 0) scaled.lambda *= mean_square(p->weights(), *p);
  p->codes.assign(p->size(), 0);
  p->codebook.assign(options.clusters, 0);
  uint32_t size = 0;
  dcf_error error = DCF_ERROR_INIT;
  check(dcf_share(p->weights(), p->mask.empty() ? nullptr : p->mask.data(), nullptr, p->size(),
                  &scaled, p->codebook.data(), &size, p->codes.data(), &error),
        error);
  p->codebook.resize(size);
  p->restore();
}

void follow_weights(const float* weights, double lambda, Parameters* p) {
  const auto k = static_cast<uint32_t>(p->codebook.size());
  std::vector<uint64_t> counts = count_codes(*p);
  std::vector<double> bits(k);
  const auto kept = static_cast<double>(p->kept());
  for (uint32_t c = 0; c < k; ++c) {
    bits[c] = std::log2(kept / static_cast<double>(std::max<uint64_t>(counts[c], 1)));
  }
  const double cost = lambda == 0 ? 0 : lambda * mean_square(weights, *p);
  dcf_error error = DCF_ERROR_INIT;
  check(dcf_assign(weights, p->mask.empty() ? nullptr : p->mask.data(), nullptr, p->size(),
                   p->codebook.data(), bits.data(), k, cost, p->codes.data(), &error),
        error);
  std::vector<double> sums(k);
  check(dcf_sum_gradients(weights, p->codes.data(), p->size(), k, sums.data(), &error), error);
  counts = count_codes(*p);
  for (uint32_t c = 0; c < k; ++c) {
    if (counts[c] > 0) {
      p->codebook[c] = static_cast<float>(sums[c] / static_cast<double>(counts[c]));
    }
  }
  p->restore();
}

torch::Tensor centroid_gradients(const Parameters& p, const torch::Tensor& weight_gradients) {
  const torch::Tensor g = weight_gradients.contiguous();
  std::vector<double> sums(p.codebook.size());
  dcf_error error = DCF_ERROR_INIT;
  check(dcf_sum_gradients(g.data_ptr<float>(), p.codes.data(), p.size(),
                          static_cast<uint32_t>(sums.size()), sums.data(), &error),
        error);
  return torch::tensor(std::vector<float>(sums.begin(), sums.end()));
}

double sharing_rate(const Parameters& p) {
  constexpr uint32_t kBits = 32;
  return compression_rate(p.kept(), kBits, static_cast<uint32_t>(p.codebook.size()));
}

}  // namespace dcf::tools
