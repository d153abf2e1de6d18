// SPDX-License-Identifier: Apache-2.0
// dcf_encode.h: the encoders of Deep Compression on arrays of floats, for training loops of any
// framework. Stable C ABI; conventions as in dcf/dcf.h, and here:
//
//  - "Paper" is Han, Mao, Dally, "Deep Compression", ICLR 2016; "Han 2015" is the pruning method it
//    builds on: Han, Pool, Tran, Dally, "Learning both Weights and Connections", NIPS 2015.
//  - Arrays belong to the caller, are in the machine's byte order, have n elements unless said
//    otherwise, and are borrowed for the duration of a call. Inputs and outputs must not overlap. A
//    pointer may be NULL only where that is said, or where its array is empty.
//  - Weights are finite floats. NaN and Inf are InvalidArgument, as is a number outside the range
//    given here. Such a call changes no array of the caller.
//  - Masks have one byte per weight: 0 is pruned, anything else kept; functions write 0 and 1.
//    Pruned weights are +0.0f.
//  - Codes have one byte per weight: 0 is "pruned", c > 0 is centroid c - 1 of the codebook. So
//    there are at most 255 centroids. dcf_tensor_decode_codes gives the same codes for sparse
//    positions.
//  - All are pure functions on the calling thread: any number may run at once on different outputs.
//    Results are the same on every machine; only where bits are priced may the last bit of the C
//    library's logarithm differ. Calls whose working memory grows with n say how much they
//    allocate; OutOfMemory if it cannot be allocated.
//
// One round of the paper's loop, w being a layer's weights in the framework's own memory:
//   dcf_prune(w, n, sparsity, mask, &error);
//   ... train, with dcf_apply_mask(w, mask, n, &error) after each step ...
//   dcf_share(w, mask, NULL, n, &options, codebook, &size, codes, &error);
//   ... for each batch: dcf_expand into w, backpropagate, dcf_sum_gradients, step on codebook ...
//   dcf_writer_add_codes(...)  // of dcf/dcf_write.h
#ifndef DCF_DCF_ENCODE_H_
#define DCF_DCF_ENCODE_H_

#include "dcf/dcf_write.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Pruning (paper, section 2) -----------------------------------------------------------------

// Prunes the round(sparsity * n) weights of least magnitude (halves up); of equal magnitudes, the
// lower indices first. Zeros count among the pruned and are never kept, so what a mask removed
// stays removed at the next, higher sparsity. sparsity: [0, 1). mask: out, n bytes. Allocates n / 8
// bytes.
DCF_API dcf_status dcf_prune(const float* w, size_t n, double sparsity, uint8_t* mask,
                             dcf_error* error);

// Keeps the nonzero weights whose magnitude is at least quality times the standard deviation of all
// n weights (Han 2015, section 3): the paper's per-layer threshold. quality: not negative, finite.
// mask: out, n bytes. Allocates n / 8 bytes.
DCF_API dcf_status dcf_prune_by_deviation(const float* w, size_t n, double quality, uint8_t* mask,
                                          dcf_error* error);

// One layer of dcf_prune_global.
typedef struct dcf_prune_layer {
  size_t struct_size;  // the same in every layer of an array: the distance from one to the next
  const float* weights;
  size_t size;    // number of weights
  double scale;   // factor on the magnitudes of this layer, 1e-30..1e30; usually 1
  uint8_t* mask;  // out: size bytes
} dcf_prune_layer;
#define DCF_PRUNE_LAYER_INIT \
  { sizeof(dcf_prune_layer), NULL, 0, 1, NULL }
// Prunes the round(sparsity * all) weights of least scale * |w| among those of all layers together,
// so that each layer finds its own density. Of equal ones, the lower layer and then the lower index
// goes first. Zeros as in dcf_prune. Time O(all); allocates 1 MiB.
DCF_API dcf_status dcf_prune_global(dcf_prune_layer* layers, size_t count, double sparsity,
                                    dcf_error* error);

// Keeps pruned weights at zero during retraining (Han 2015, section 3). Pruned weights become
// +0.0f, whatever they were, and so does a kept -0.0f; all others stay. NULL with n > 0 is
// InvalidArgument.
DCF_API dcf_status dcf_apply_mask(float* w, const uint8_t* mask, size_t n, dcf_error* error);

// ---- Weight sharing (paper, section 3) ----------------------------------------------------------

typedef struct dcf_share_options {
  size_t struct_size;
  // The most centroids, 1..255. The paper's 8 bits for convolutions are 255, its 5 bits for fully
  // connected layers 31 or 32, as its zeros take a code too.
  uint32_t clusters;
  dcf_init init;  // where the centroids start (paper, section 3.2), or the optimum
  uint64_t seed;  // used by DCF_INIT_FORGY only
  double lambda;  // price of a bit in squared distance, 0..1e100; 0: bits are free
} dcf_share_options;
// 32 clusters, linear initialisation (the paper's best), lambda 0.
DCF_API void dcf_share_options_init(dcf_share_options* options);

// Finds a codebook for the kept weights and gives each a code.
//  - mask: NULL keeps the nonzero weights. A weight that a mask keeps has a centroid, even if it is
//    0.
//  - importance: the factor on each weight's squared error, for example the diagonal of the Fisher
//    information. Finite and not negative. Without lambda only ratios matter. NULL: all 1.
//  - options: NULL for the defaults.
//  - codebook: out, room for options->clusters floats. Ascending, distinct, finite, never -0, and 0
//    only where the optimum is exactly 0.
//  - codebook_size: out, 0 if nothing is kept.
//  - codes: out, n bytes; 0 for pruned weights.
//
// With lambda 0 and no importance this is plain k-means: it minimises the sum of (w - c)^2 by
// Lloyd's algorithm, run to convergence, or finds the optimum with DCF_INIT_OPTIMAL. (More than
// 2^16 distinct weights are first gathered into 2^16 cells of neighbours; the optimum over cells is
// then refined.)
//
// Otherwise it is entropy-constrained k-means (Chou, Lookabaugh, Gray, "Entropy-constrained vector
// quantization", 1989; with importance: Choi, El-Khamy, Lee, "Towards the limit of network
// quantization", 2017). It minimises the sum of importance * (w - c)^2 + lambda * bits, where bits
// is -log2 of the code's share of the kept weights, by improving codebook, bits and codes in turn.
// It starts from the result of plain k-means; with importance, from the result without importance.
// The sum never rises and ends in a local minimum; clusters may die. More than 2^16 weights with
// importance are first gathered into at most 2^16 cells; then at least two rounds visit all
// weights, which may stop short of the minimum.
//
// Unused centroids are dropped; at equal cost the lower centroid is taken. Allocates about 20 bytes
// per kept weight, and up to 40 MiB for DCF_INIT_OPTIMAL.
DCF_API dcf_status dcf_share(const float* w, const uint8_t* mask, const float* importance, size_t n,
                             const dcf_share_options* options, float* codebook,
                             uint32_t* codebook_size, uint8_t* codes, dcf_error* error);

// Rate-distortion assignment to a given codebook: every kept weight takes the centroid of least
// importance * (w - c)^2 + lambda * bits; at equal cost the lower centroid, then the lower code.
// mask, importance, lambda as in dcf_share.
//  - codebook: codebook_size (at most 255) finite floats in any order. codebook_size may be 0 only
//    if nothing is kept.
//  - bits: cost of each centroid in bits, not negative. +Inf forbids a centroid; at least one must
//    be allowed. NULL: all 0.
DCF_API dcf_status dcf_assign(const float* w, const uint8_t* mask, const float* importance,
                              size_t n, const float* codebook, const double* bits,
                              uint32_t codebook_size, double lambda, uint8_t* codes,
                              dcf_error* error);

// Sets weights from codes: w[i] = +0.0f for code 0, else codebook[code - 1]. codebook_size: at most
// 255. A code beyond the codebook is BadIndex, and w is unchanged.
DCF_API dcf_status dcf_expand(const uint8_t* codes, size_t n, const float* codebook,
                              uint32_t codebook_size, float* w, dcf_error* error);

// The gradient of a shared centroid is the sum of the gradients of its weights (paper, section 3.3,
// equation 3): sums[c] is the sum over all i with codes[i] = c + 1, in double and in order of i.
// Any first-order optimiser can use it. sums: out, codebook_size (at most 255) doubles. Gradients
// of pruned weights are ignored, but must be finite too. A code beyond the codebook is BadIndex.
DCF_API dcf_status dcf_sum_gradients(const float* gradient, const uint8_t* codes, size_t n,
                                     uint32_t codebook_size, double* sums, dcf_error* error);

// ---- Besides the weights ------------------------------------------------------------------------

// A layer of `units` units and the next layer, which reads them. Between the two there may be a
// ReLU and any pooling that keeps constants.
typedef struct dcf_dead_units {
  size_t struct_size;
  float* w1;     // [units, inputs]: all weights of a unit in one row
  float* bias1;  // [units]; NULL: none
  uint64_t units, inputs;
  uint32_t relu;  // 1: max(x, 0) between the layers; 0: none
  float* w2;      // [outputs, units, span]
  float* bias2;   // [outputs]; may be NULL if bias1 is
  uint64_t outputs;
  // Weights by which an output reads a unit: 1 for a linear layer, the kernel's area for a
  // convolution without padding, the pixels of a channel where a convolution is flattened into a
  // linear layer.
  uint64_t span;
} dcf_dead_units;
#define DCF_DEAD_UNITS_INIT \
  { sizeof(dcf_dead_units), NULL, NULL, 0, 0, 0, NULL, NULL, 0, 0 }
// Zeroes what a pruned network no longer needs (Han 2015, section 3.5, "pruning neurons"); shapes
// are unchanged.
//  - A unit whose row of w1 is all zero gives the constant a = relu ? max(bias, 0) : bias. Its
//    weights in w2, summed and times a, are added to each bias2 (in double, rounded once); then its
//    bias and its weights in w2 become +0.
//  - A unit whose weights in w2 are all zero loses its row of w1 and its bias.
// The two layers compute the same function as before, except for the rounding of bias2. With
// padding in the second layer they would not: do not pass such pairs. dead: out, may be NULL; the
// number of units whose weights are all zero afterwards. Call this for each pair of a network,
// until no count changes. All values must be finite, the new bias2 too. Allocates 8 bytes per
// output.
DCF_API dcf_status dcf_fold_dead_units(const dcf_dead_units* layers, size_t* dead,
                                       dcf_error* error);

// Rounds biases to multiples of one step (to the nearest, halves to even). The step is the smallest
// power of two, at least 2^-24, for which all results are among at most 2^bits neighbouring
// multiples and at most 2048 steps from 0. So each result up to 65504 is exact in binary16, and
// biases below 2^-25 become 0, as they would in binary16. No result is -0. bits: 1..16. Magnitudes:
// below 2^127. `out` may be `bias` itself.
DCF_API dcf_status dcf_quantize_bias(const float* bias, size_t n, uint32_t bits, float* out,
                                     dcf_error* error);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // DCF_DCF_ENCODE_H_
