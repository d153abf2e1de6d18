// SPDX-License-Identifier: Apache-2.0
// dcf_encode.h: the encoders of Deep Compression on arrays of floats, for training loops of any
// framework. Stable C ABI; conventions as in dcf/dcf.h, and here:
//
//  - "Paper" is Han, Mao, Dally, "Deep Compression", ICLR 2016; "Han 2015" is the pruning method it
//    builds on: Han, Pool, Tran, Dally, "Learning both Weights and Connections", NIPS 2015.
//  - Arrays are the caller's, in the machine's byte order, of n elements unless said otherwise, and
//    borrowed for the duration of a call. Inputs and outputs must not overlap. A pointer may be
//    NULL only where that is said, or where its array is empty.
//  - Weights are float, finite: NaN and Inf are InvalidArgument, as is a number out of the range
//    given here. Such a call changes no array of the caller.
//  - Masks are one byte per weight: 0 pruned, anything else kept; functions write 0 and 1. Pruned
//    weights are +0.0f.
//  - Codes are one byte per weight: 0 is "pruned", c > 0 is centroid c - 1 of the codebook. They
//  are
//    those of dcf_tensor_decode_codes for sparse positions, hence at most 255 centroids.
//  - Pure functions on the calling thread: any number may run at once on different outputs. Results
//    are the same on every machine, but for the last bit of the C library's logarithm where bits
//    count. Working memory is given where it grows with n; OutOfMemory where it is not to be had.
//
// One round of the paper's loop, w being a layer's weights in the framework's own memory:
//   dcf_prune(w, n, sparsity, mask, &error);
//   ... train; after each step: dcf_apply_mask(w, mask, n, &error) ...
//   dcf_share(w, mask, NULL, n, &options, codebook, &size, codes, &error);
//   ... for each batch: dcf_expand into w, backpropagate, dcf_sum_gradients, step on codebook
//   ... dcf_writer_add_codes(...) of dcf/dcf_write.h
#ifndef DCF_DCF_ENCODE_H_
#define DCF_DCF_ENCODE_H_

#include "dcf/dcf_write.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Pruning (paper, section 2) -----------------------------------------------------------------

// Prunes the round(sparsity * n) weights of least magnitude (halves up); of equal magnitudes the
// lower indices go first. Zeros count among the pruned and are never kept, so what a mask removed
// stays removed at the next, higher sparsity. sparsity: [0, 1). Writes mask, n bytes. Takes n / 8
// bytes.
DCF_API dcf_status dcf_prune(const float* w, size_t n, double sparsity, uint8_t* mask,
                             dcf_error* error);

// Keeps the nonzero weights of at least quality * the standard deviation of all n (Han 2015,
// section 3): the paper's per-layer threshold. quality: not negative, finite. Takes n / 8 bytes.
DCF_API dcf_status dcf_prune_by_deviation(const float* w, size_t n, double quality, uint8_t* mask,
                                          dcf_error* error);

// One layer of a global choice.
typedef struct dcf_prune_layer {
  size_t struct_size;  // the same in every layer of an array: its distance to the next
  const float* weights;
  size_t size;
  double scale;   // what a magnitude counts in this layer, 1e-30..1e30; usually 1
  uint8_t* mask;  // out: size bytes
} dcf_prune_layer;
#define DCF_PRUNE_LAYER_INIT \
  { sizeof(dcf_prune_layer), NULL, 0, 1, NULL }
// Prunes the round(sparsity * all) weights of least scale * |w| over all layers together, so that
// each layer finds its own density; of equal ones the lower layer, then the lower index goes first.
// Zeros as in dcf_prune. Time O(all); takes 1 MiB.
DCF_API dcf_status dcf_prune_global(dcf_prune_layer* layers, size_t count, double sparsity,
                                    dcf_error* error);

// Holds a mask during retraining (Han 2015, section 3): pruned weights become +0.0f, whatever they
// were, and so does a kept -0.0f; all others stay. NULL with n > 0: InvalidArgument.
DCF_API dcf_status dcf_apply_mask(float* w, const uint8_t* mask, size_t n, dcf_error* error);

// ---- Weight sharing (paper, section 3) ----------------------------------------------------------

typedef struct dcf_share_options {
  size_t struct_size;
  uint32_t
      clusters;   // at most so many centroids: 1..255 (the paper's 8 bits for convolutions and 5
                  // for fully connected layers are 255 and 31 or 32: its zeros take a code too)
  dcf_init init;  // where the centroids start (paper, section 3.2), or the optimum
  uint64_t seed;  // of DCF_INIT_FORGY
  double lambda;  // what a bit costs in squared distance: 0..1e100; 0: nothing
} dcf_share_options;
// 32 clusters, linear initialisation (the paper's best), lambda 0.
DCF_API void dcf_share_options_init(dcf_share_options* options);

// Finds a codebook for the kept weights and gives each a code.
//  mask: NULL keeps the nonzero weights. A weight that a mask keeps has a centroid, even if it is
//  0. importance: what a squared error counts for each weight, for example the diagonal of the
//  Fisher
//    information; not negative, finite, and only ratios matter besides lambda; NULL: all 1.
//  options: NULL for the defaults.
//  codebook: out, room for options->clusters floats; ascending, distinct, finite, never -0, and 0
//    only where the optimum is exactly 0. codebook_size: out, 0 where nothing is kept.
//  codes: out, n bytes; 0 for pruned weights.
// With lambda 0 and no importance, plain k-means: minimises the sum of (w - c)^2 by Lloyd's
// algorithm run to convergence, or the optimum with DCF_INIT_OPTIMAL (for more than 2^16 distinct
// weights over 2^16 cells of neighbours, then refined). Otherwise entropy-constrained k-means
// (Chou, Lookabaugh, Gray, "Entropy-constrained vector quantization", 1989; with importance: Choi,
// El-Khamy, Lee, "Towards the limit of network quantization", 2017): minimises the sum of
// importance * (w - c)^2 + lambda * bits, bits being -log2 of the share that a code has of the kept
// weights, by turns over codebook, bits and codes. It starts where plain k-means ends (importance
// where k-means with bits but without importance ends), never rises, and ends in a local minimum;
// clusters may die. Of more than 2^16 weights with importance the turns run over at most 2^16 cells
// first, then at least twice over all, perhaps not to the very end.
// Unused centroids are dropped; at equal cost the lower centroid is taken. Takes about 20 bytes per
// kept weight, and up to 40 MiB for DCF_INIT_OPTIMAL.
DCF_API dcf_status dcf_share(const float* w, const uint8_t* mask, const float* importance, size_t n,
                             const dcf_share_options* options, float* codebook,
                             uint32_t* codebook_size, uint8_t* codes, dcf_error* error);

// Rate-distortion assignment to a given codebook: every kept weight takes the centroid of least
// importance * (w - c)^2 + lambda * bits; at equal cost the lower centroid, then the lower code.
// mask, importance, lambda as in dcf_share.
//  codebook: codebook_size (at most 255) finite floats in any order; 0 only where nothing is kept.
//  bits: cost of each centroid in bits, not negative; +Inf forbids it, but not all of them; NULL:
//    all 0.
DCF_API dcf_status dcf_assign(const float* w, const uint8_t* mask, const float* importance,
                              size_t n, const float* codebook, const double* bits,
                              uint32_t codebook_size, double lambda, uint8_t* codes,
                              dcf_error* error);

// Weights from codes: w[i] = +0.0f for code 0, else codebook[code - 1]. codebook_size: at most 255.
// A code beyond the codebook is BadIndex, and w is unchanged.
DCF_API dcf_status dcf_expand(const uint8_t* codes, size_t n, const float* codebook,
                              uint32_t codebook_size, float* w, dcf_error* error);

// The gradient of a shared centroid is the sum of the gradients of its weights (paper, section 3.3,
// equation 3): sums[c] over all i with codes[i] = c + 1, in double and in order of i. `sums`: out,
// codebook_size (at most 255) doubles, to which any first-order rule applies. Gradients of pruned
// weights are dropped, but must be finite too. A code beyond the codebook is BadIndex.
DCF_API dcf_status dcf_sum_gradients(const float* gradient, const uint8_t* codes, size_t n,
                                     uint32_t codebook_size, double* sums, dcf_error* error);

// ---- Besides the weights ------------------------------------------------------------------------

// A layer of `units` units and the one that reads them, with an optional ReLU (and any pooling that
// keeps constants) in between.
typedef struct dcf_dead_units {
  size_t struct_size;
  float* w1;     // units x inputs: all weights of a unit in one row
  float* bias1;  // units; NULL: none
  uint64_t units, inputs;
  uint32_t relu;  // 1: max(x, 0) in between; 0: not
  float* w2;      // outputs x units x span
  float* bias2;   // outputs; may be NULL where bias1 is
  uint64_t outputs;
  uint64_t
      span;  // weights of an output per unit: 1 for linear, the kernel's area for a convolution
             // without padding, pixels per channel where a convolution is flattened into linear
} dcf_dead_units;
#define DCF_DEAD_UNITS_INIT \
  { sizeof(dcf_dead_units), NULL, NULL, 0, 0, 0, NULL, NULL, 0, 0 }
// Zeroes what a pruned network no longer needs (Han 2015, section 3.5, "pruning neurons"), shapes
// unchanged. A unit whose row of w1 is all zero is the constant a = relu ? max(bias, 0) : bias: a
// times the sum of its weights in w2 is added to each bias2 (all sums in double, rounded once), and
// its bias and its weights in w2 become +0. A unit whose weights in w2 are all zero loses its row
// of w1 and its bias. The function of the two layers stays, but for rounding of bias2; with padding
// in the second layer it would not: leave such pairs out. `dead`: out, may be NULL: units of which
// nothing is left. A network is done pair by pair, until no pair's count changes. Everything must
// be finite, the new bias2 too. Takes 8 bytes per output.
DCF_API dcf_status dcf_fold_dead_units(const dcf_dead_units* layers, size_t* dead,
                                       dcf_error* error);

// Rounds biases to multiples (to the nearest, halves to even) of one step: the smallest power of
// two such that the results are among at most 2^bits neighbouring multiples, and at most 2048 steps
// from 0, and the step at least 2^-24. Hence each result is exact in binary16, but those beyond its
// greatest number, 65504; and biases below 2^-25 are lost, as they would be there. Never gives -0.
// bits: 1..16. Magnitudes: below 2^127. `out` may be `bias` itself.
DCF_API dcf_status dcf_quantize_bias(const float* bias, size_t n, uint32_t bits, float* out,
                                     dcf_error* error);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // DCF_DCF_ENCODE_H_
