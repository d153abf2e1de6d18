// SPDX-License-Identifier: Apache-2.0
// dcf_encode.h: the encoders on arrays of floats. Everything is checked here, before any output is
// written; the encode layer computes.
#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <vector>

#include "api/boundary.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "compress/bias.h"
#include "compress/dead_units.h"
#include "compress/prune.h"
#include "compress/prune_layers.h"
#include "compress/share.h"
#include "dcf/dcf_encode.h"

namespace compress = dcf::impl::compress;
using dcf::impl::Bytes;
using dcf::impl::Code;
using dcf::impl::DType;
using dcf::impl::fail;
using dcf::impl::invalid;
using dcf::impl::ok_status;
using dcf::impl::Status;
using dcf::impl::api::guarded;

namespace {

constexpr uint32_t kMaxCodebook = 255;  // code 0 is "pruned"

bool missing(const void* pointer, size_t n) {
  return pointer == nullptr && n != 0;
}

bool all_finite(const float* values, size_t n) {
  // Without an early exit: the usual case reads everything, and this one in wide registers.
  uint32_t bad = 0;
  for (size_t i = 0; i < n; ++i)
    bad |= (std::bit_cast<uint32_t>(values[i]) & 0x7F800000u) == 0x7F800000u;
  return bad == 0;
}

Status check_floats(const float* values, size_t n) {
  if (missing(values, n)) return invalid("an argument is NULL");
  if (n > SIZE_MAX / sizeof(double)) return invalid("the size is beyond any memory");
  if (!all_finite(values, n)) return invalid("a number is NaN or infinite");
  return ok_status();
}

bool in_range(double value, double least, double greatest) {
  return value >= least && value <= greatest;
}

Status check_sparsity(double sparsity) {
  if (!(sparsity >= 0 && sparsity < 1)) return invalid("the sparsity is not in [0, 1)");
  return ok_status();
}

// Prunes to a bit mask by rule(words) and unpacks it.
template <typename Rule>
Status prune_with(const float* w, size_t n, uint8_t* mask, Rule rule) {
  DCF_TRY(check_floats(w, n));
  if (missing(mask, n)) return invalid("the mask is NULL");
  std::vector<uint8_t> swapped;
  Bytes words(reinterpret_cast<const uint8_t*>(w), n * sizeof(float));
  if constexpr (std::endian::native == std::endian::big) {
    swapped.resize(words.size());
    for (size_t i = 0; i < n; ++i)
      dcf::impl::store_le(&swapped[i * sizeof(float)], std::bit_cast<uint32_t>(w[i]));
    words = swapped;
  }
  const std::vector<uint64_t> bits = rule(words);
  for (size_t i = 0; i < n; ++i) mask[i] = bits[i / 64] >> (i % 64) & 1;
  return ok_status();
}

Status check_importance(const float* importance, size_t n) {
  if (importance == nullptr) return ok_status();
  DCF_TRY(check_floats(importance, n));
  if (std::any_of(importance, importance + n, [](float v) { return v < 0; })) {
    return invalid("an importance is negative");
  }
  return ok_status();
}

Status check_layer(const float* w, const float* importance, size_t n, double lambda,
                   const uint8_t* codes) {
  DCF_TRY(check_floats(w, n));
  DCF_TRY(check_importance(importance, n));
  if (missing(codes, n)) return invalid("the codes are NULL");
  if (!in_range(lambda, 0, 1e100)) return invalid("lambda is not in 0..1e100");
  return ok_status();
}

Status read_share_options(const dcf_share_options* options, compress::ShareOptions* out) {
  dcf_share_options o;
  dcf_share_options_init(&o);
  DCF_TRY(dcf::impl::api::copy_in(options, &o));
  if (o.clusters < 1 || o.clusters > kMaxCodebook) return invalid("clusters are not 1..255");
  const uint32_t init = dcf::impl::api::number_in(o.init);
  if (init > DCF_INIT_OPTIMAL) return invalid("the initialisation is unknown");
  *out = {o.clusters, static_cast<compress::ClusterInit>(init), o.seed, o.lambda};
  return ok_status();
}

Status check_codes(const uint8_t* codes, size_t n, uint32_t codebook_size) {
  if (missing(codes, n)) return invalid("the codes are NULL");
  if (codebook_size > kMaxCodebook) return invalid("the codebook has more than 255 centroids");
  if (compress::greatest_code({codes, n}) > codebook_size) {
    return fail(Code::BadIndex, "", "a code lies beyond the codebook");
  }
  return ok_status();
}

// The array of a dcf_dead_units of a * b * c floats; an absent optional one is empty.
Status read_array(float* data, uint64_t a, uint64_t b, uint64_t c, std::span<float>* out) {
  uint64_t size;
  if (!dcf::impl::checked_mul(a, b, &size) || !dcf::impl::checked_mul(size, c, &size) ||
      size > SIZE_MAX / sizeof(double)) {
    return invalid("the size is beyond any memory");
  }
  DCF_TRY(check_floats(data, size));
  *out = {data, static_cast<size_t>(size)};
  return ok_status();
}

Status read_dead_units(const dcf_dead_units* layers, compress::DeadUnits* out) {
  if (layers == nullptr) return invalid("the layers are NULL");
  dcf_dead_units l = DCF_DEAD_UNITS_INIT;
  DCF_TRY(dcf::impl::api::copy_in(layers, &l));
  if (l.bias1 != nullptr && missing(l.bias2, l.outputs))
    return invalid("the second layer has no bias to fold into");
  DCF_TRY(read_array(l.w1, l.units, l.inputs, 1, &out->w1));
  DCF_TRY(read_array(l.w2, l.outputs, l.units, l.span, &out->w2));
  if (l.bias1 != nullptr) DCF_TRY(read_array(l.bias1, l.units, 1, 1, &out->bias1));
  if (l.bias2 != nullptr) DCF_TRY(read_array(l.bias2, l.outputs, 1, 1, &out->bias2));
  out->units = l.units;
  out->inputs = l.inputs;
  DCF_TRY(dcf::impl::api::read_flag(l.relu, "relu is not 0 or 1", &out->relu));
  out->outputs = l.outputs;
  out->span = l.span;
  return ok_status();
}

}  // namespace

dcf_status dcf_prune(const float* w, size_t n, double sparsity, uint8_t* mask, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_sparsity(sparsity));
    return prune_with(w, n, mask, [=](Bytes words) {
      return compress::prune_to_sparsity(DType::kF32, words, sparsity);
    });
  });
}

dcf_status dcf_prune_by_deviation(const float* w, size_t n, double quality, uint8_t* mask,
                                  dcf_error* error) {
  return guarded(error, [&]() -> Status {
    if (!(quality >= 0 && std::isfinite(quality)))
      return invalid("the quality is negative or not finite");
    return prune_with(w, n, mask, [=](Bytes words) {
      return compress::prune_by_deviation(DType::kF32, words, quality);
    });
  });
}

dcf_status dcf_prune_global(dcf_prune_layer* layers, size_t count, double sparsity,
                            dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_sparsity(sparsity));
    if (missing(layers, count)) return invalid("the layers are NULL");
    std::vector<compress::PruneLayer> inputs;
    for (size_t i = 0; i < count; ++i) {
      dcf_prune_layer layer = DCF_PRUNE_LAYER_INIT;
      DCF_TRY(dcf::impl::api::copy_in_at(layers, i, &layer));
      DCF_TRY(check_floats(layer.weights, layer.size));
      if (missing(layer.mask, layer.size)) return invalid("a mask is NULL");
      if (!in_range(layer.scale, 1e-30, 1e30)) return invalid("a scale is not in 1e-30..1e30");
      inputs.push_back({{layer.weights, layer.size}, layer.scale, layer.mask});
    }
    compress::prune_layers(inputs, sparsity);
    return ok_status();
  });
}

dcf_status dcf_apply_mask(float* w, const uint8_t* mask, size_t n, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    if (missing(w, n) || missing(mask, n)) return invalid("an argument is NULL");
    compress::apply_mask({w, n}, mask);
    return ok_status();
  });
}

void dcf_share_options_init(dcf_share_options* options) {
  if (options == nullptr) return;
  *options = dcf_share_options{};
  options->struct_size = sizeof *options;
  options->clusters = 32;
}

dcf_status dcf_share(const float* w, const uint8_t* mask, const float* importance, size_t n,
                     const dcf_share_options* options, float* codebook, uint32_t* codebook_size,
                     uint8_t* codes, dcf_error* error) {
  if (codebook_size != nullptr) *codebook_size = 0;
  return guarded(error, [&]() -> Status {
    if (codebook == nullptr || codebook_size == nullptr) return invalid("an output is NULL");
    compress::ShareOptions share;
    DCF_TRY(read_share_options(options, &share));
    DCF_TRY(check_layer(w, importance, n, share.lambda, codes));
    const std::vector<float> centroids =
        compress::share_weights({{w, n}, mask, importance}, share, codes);
    std::copy(centroids.begin(), centroids.end(), codebook);
    *codebook_size = static_cast<uint32_t>(centroids.size());
    return ok_status();
  });
}

dcf_status dcf_assign(const float* w, const uint8_t* mask, const float* importance, size_t n,
                      const float* codebook, const double* bits, uint32_t codebook_size,
                      double lambda, uint8_t* codes, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_layer(w, importance, n, lambda, codes));
    if (codebook_size > kMaxCodebook) return invalid("the codebook has more than 255 centroids");
    DCF_TRY(check_floats(codebook, codebook_size));
    std::vector<double> costs(codebook_size);
    for (size_t i = 0; bits != nullptr && i < costs.size(); ++i) {
      if (!(bits[i] >= 0)) return invalid("a cost in bits is negative or NaN");
      costs[i] = std::isinf(bits[i]) ? bits[i] : lambda * bits[i];
    }
    const compress::SharedLayer layer{{w, n}, mask, importance};
    const bool possible =
        std::any_of(costs.begin(), costs.end(), [](double cost) { return std::isfinite(cost); });
    for (size_t i = 0; !possible && i < n; ++i) {
      if (layer.keeps(i)) return invalid("a weight is kept, but there is no centroid for it");
    }
    const std::vector<double> centroids(codebook, codebook + codebook_size);
    compress::assign_weights(layer, compress::RateAssigner(centroids, costs), codes);
    return ok_status();
  });
}

dcf_status dcf_expand(const uint8_t* codes, size_t n, const float* codebook, uint32_t codebook_size,
                      float* w, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_codes(codes, n, codebook_size));
    DCF_TRY(check_floats(codebook, codebook_size));
    if (missing(w, n)) return invalid("the weights are NULL");
    compress::expand_codes({codes, n}, {codebook, codebook_size}, w);
    return ok_status();
  });
}

dcf_status dcf_sum_gradients(const float* gradient, const uint8_t* codes, size_t n,
                             uint32_t codebook_size, double* sums, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_codes(codes, n, codebook_size));
    if (missing(gradient, n) || missing(sums, codebook_size)) return invalid("an argument is NULL");
    if (!compress::sum_gradients({gradient, n}, codes, {sums, codebook_size})) {
      return invalid("a number is NaN or infinite");
    }
    return ok_status();
  });
}

dcf_status dcf_fold_dead_units(const dcf_dead_units* layers, size_t* dead, dcf_error* error) {
  if (dead != nullptr) *dead = 0;
  return guarded(error, [&]() -> Status {
    compress::DeadUnits units;
    DCF_TRY(read_dead_units(layers, &units));
    size_t count;
    if (!compress::fold_dead_units(units, &count)) return invalid("a folded bias is beyond float");
    if (dead != nullptr) *dead = count;
    return ok_status();
  });
}

dcf_status dcf_quantize_bias(const float* bias, size_t n, uint32_t bits, float* out,
                             dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_floats(bias, n));
    if (missing(out, n)) return invalid("the output is NULL");
    if (bits < 1 || bits > 16) return invalid("bits are not 1..16");
    if (std::any_of(bias, bias + n, [](float b) { return std::abs(b) >= 0x1p127f; })) {
      return invalid("a bias is not below 2^127");
    }
    compress::quantize_bias({bias, n}, bits, out);
    return ok_status();
  });
}
