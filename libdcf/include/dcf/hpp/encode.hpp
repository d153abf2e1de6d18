// SPDX-License-Identifier: Apache-2.0
// Part of dcf/dcf.hpp: the encoders on arrays of floats. Arrays that belong together must have the
// same size: InvalidArgument otherwise.
#ifndef DCF_HPP_ENCODE_HPP_
#define DCF_HPP_ENCODE_HPP_

#include "dcf/dcf_encode.h"
#include "dcf/hpp/result.hpp"

namespace dcf {

inline dcf_share_options share_options() {
  dcf_share_options options;
  dcf_share_options_init(&options);
  return options;
}

inline Status prune(std::span<const float> w, double sparsity, std::span<uint8_t> mask) {
  if (mask.size() != w.size()) return detail::sizes_differ();
  return detail::call([&](dcf_error* error) {
    return dcf_prune(w.data(), w.size(), sparsity, mask.data(), error);
  });
}
inline Status prune_by_deviation(std::span<const float> w, double quality,
                                 std::span<uint8_t> mask) {
  if (mask.size() != w.size()) return detail::sizes_differ();
  return detail::call([&](dcf_error* error) {
    return dcf_prune_by_deviation(w.data(), w.size(), quality, mask.data(), error);
  });
}
inline Status prune_global(std::span<dcf_prune_layer> layers, double sparsity) {
  return detail::call([&](dcf_error* error) {
    return dcf_prune_global(layers.data(), layers.size(), sparsity, error);
  });
}
inline Status apply_mask(std::span<float> w, std::span<const uint8_t> mask) {
  if (mask.size() != w.size()) return detail::sizes_differ();
  return detail::call(
      [&](dcf_error* error) { return dcf_apply_mask(w.data(), mask.data(), w.size(), error); });
}

// Returns the number of centroids in `codebook`, which has room for options.clusters. mask and
// importance may be empty.
inline Result<uint32_t> share(std::span<const float> w, std::span<const uint8_t> mask,
                              std::span<const float> importance, std::span<float> codebook,
                              std::span<uint8_t> codes,
                              const dcf_share_options& options = share_options()) {
  if (codes.size() != w.size() || !detail::fits(mask.size(), w.size()) ||
      !detail::fits(importance.size(), w.size())) {
    return detail::sizes_differ();
  }
  if (codebook.size() < options.clusters) {
    return detail::make_error(DCF_STATUS_BUFFER_TOO_SMALL, "the codebook has too little room");
  }
  uint32_t size = 0;
  const Status status = detail::call([&](dcf_error* error) {
    return dcf_share(w.data(), detail::or_null(mask), detail::or_null(importance), w.size(),
                     &options, codebook.data(), &size, codes.data(), error);
  });
  if (!status) return status.error();
  return size;
}

// mask, importance and bits may be empty.
inline Status assign(std::span<const float> w, std::span<const uint8_t> mask,
                     std::span<const float> importance, std::span<const float> codebook,
                     std::span<const double> bits, double lambda, std::span<uint8_t> codes) {
  if (codes.size() != w.size() || !detail::fits(mask.size(), w.size()) ||
      !detail::fits(importance.size(), w.size()) || !detail::fits(bits.size(), codebook.size())) {
    return detail::sizes_differ();
  }
  if (codebook.size() > 255) return detail::invalid("the codebook has more than 255 centroids");
  return detail::call([&](dcf_error* error) {
    return dcf_assign(w.data(), detail::or_null(mask), detail::or_null(importance), w.size(),
                      codebook.data(), detail::or_null(bits),
                      static_cast<uint32_t>(codebook.size()), lambda, codes.data(), error);
  });
}

inline Status expand(std::span<const uint8_t> codes, std::span<const float> codebook,
                     std::span<float> w) {
  if (codes.size() != w.size()) return detail::sizes_differ();
  if (codebook.size() > 255) return detail::invalid("the codebook has more than 255 centroids");
  return detail::call([&](dcf_error* error) {
    return dcf_expand(codes.data(), codes.size(), codebook.data(),
                      static_cast<uint32_t>(codebook.size()), w.data(), error);
  });
}

// One sum for each centroid.
inline Status sum_gradients(std::span<const float> gradient, std::span<const uint8_t> codes,
                            std::span<double> sums) {
  if (codes.size() != gradient.size()) return detail::sizes_differ();
  if (sums.size() > 255) return detail::invalid("the codebook has more than 255 centroids");
  return detail::call([&](dcf_error* error) {
    return dcf_sum_gradients(gradient.data(), codes.data(), codes.size(),
                             static_cast<uint32_t>(sums.size()), sums.data(), error);
  });
}

// Returns the number of units whose weights are all zero afterwards.
inline Result<size_t> fold_dead_units(const dcf_dead_units& layers) {
  size_t dead = 0;
  const Status status =
      detail::call([&](dcf_error* error) { return dcf_fold_dead_units(&layers, &dead, error); });
  if (!status) return status.error();
  return dead;
}

inline Status quantize_bias(std::span<const float> bias, uint32_t bits, std::span<float> out) {
  if (out.size() != bias.size()) return detail::sizes_differ();
  return detail::call([&](dcf_error* error) {
    return dcf_quantize_bias(bias.data(), bias.size(), bits, out.data(), error);
  });
}

}  // namespace dcf

#endif  // DCF_HPP_ENCODE_HPP_
