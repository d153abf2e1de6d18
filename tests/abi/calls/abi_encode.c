/* SPDX-License-Identifier: Apache-2.0
 * dcf_encode.h. */
#include "abi_check.h"

#define END(type, field) (offsetof(type, field) + sizeof(((type*)0)->field))

static float w[4] = {1, -2, 3, 0};
static const float kCodebook[2] = {-1, 1};
static uint8_t mask[4];
static uint8_t codes[4];
static float codebook[255];

static dcf_status share_with(const void* options) {
  uint32_t size = 77;
  const dcf_status s = CALL(dcf_share(w, NULL, NULL, 4, (const dcf_share_options*)options, codebook,
                                      &size, codes, ERROR));
  TRUE(s == DCF_OK ? size == 3 : size == 0);
  return s;
}

static dcf_status prune_layers_with(const void* layer) {
  /* Two layers, each as long as the first says. */
  static abi_struct both;
  const size_t size = layer == NULL ? 0 : ((const dcf_prune_layer*)layer)->struct_size;
  if (layer == NULL) return CALL(dcf_prune_global(NULL, 1, 0.5, ERROR));
  memset(&both, kPattern, sizeof both);
  if (size > sizeof both / 2) {
    memcpy(&both, layer, sizeof both);
  } else {
    memcpy(both.bytes, layer, size < sizeof(size_t) ? sizeof(size_t) : size);
    memcpy(both.bytes + size, layer, size < sizeof(size_t) ? sizeof(size_t) : size);
    memcpy(both.bytes, &size, sizeof size);
  }
  return CALL(dcf_prune_global((dcf_prune_layer*)&both, 2, 0.5, ERROR));
}

static float w1[2] = {1, 2}, w2[2] = {3, 4}, bias1[1] = {1}, bias2[2] = {1, 1};
static dcf_status fold_with(const void* layers) {
  size_t dead = 77;
  const dcf_status s = CALL(dcf_fold_dead_units((const dcf_dead_units*)layers, &dead, ERROR));
  TRUE(dead == 0);
  return s;
}

static void test_pruning(void) {
  dcf_prune_layer layer = DCF_PRUNE_LAYER_INIT;
  EXPECT(DCF_OK, dcf_prune(w, 4, 0.5, mask, ERROR));
  TRUE(mask[0] == 0 && mask[1] == 1 && mask[2] == 1 && mask[3] == 0);
  REFUSED(dcf_prune(NULL, 4, 0.5, mask, ERROR));
  REFUSED(dcf_prune(w, 4, 0.5, NULL, ERROR));
  REFUSED(dcf_prune(w, 4, 1, mask, ERROR));
  REFUSED(dcf_prune(w, SIZE_MAX, 0.5, mask, ERROR));
  EXPECT(DCF_OK, dcf_prune_by_deviation(w, 4, 1, mask, ERROR));
  REFUSED(dcf_prune_by_deviation(w, 4, -1, mask, ERROR));
  REFUSED(dcf_prune_by_deviation(NULL, 4, 1, mask, ERROR));
  REFUSED(dcf_prune_by_deviation(w, 4, 1, NULL, ERROR));
  layer.weights = w, layer.size = 4, layer.mask = mask;
  abi_check_input("dcf_prune_layer", &layer, sizeof layer, END(dcf_prune_layer, mask),
                  prune_layers_with);
  REFUSED(dcf_prune_global(NULL, 1, 0.5, ERROR));
  layer.scale = 0;
  REFUSED(dcf_prune_global(&layer, 1, 0.5, ERROR));
  layer.scale = 1, layer.weights = NULL;
  REFUSED(dcf_prune_global(&layer, 1, 0.5, ERROR));
  layer.weights = w, layer.mask = NULL;
  REFUSED(dcf_prune_global(&layer, 1, 0.5, ERROR));
  EXPECT(DCF_OK, dcf_apply_mask(w, mask, 4, ERROR));
  REFUSED(dcf_apply_mask(NULL, mask, 4, ERROR));
  REFUSED(dcf_apply_mask(w, NULL, 4, ERROR));
}

static void test_sharing(void) {
  dcf_share_options options;
  double sums[2];
  uint32_t size = 77;
  size_t i;
  w[0] = 1, w[1] = -2, w[2] = 3, w[3] = 0;
  dcf_share_options_init(NULL);
  dcf_share_options_init(&options);
  abi_check_input("dcf_share_options", &options, sizeof options, END(dcf_share_options, lambda),
                  share_with);
  for (i = 0; i < ODD_ENUMS; ++i) {
    dcf_share_options_init(&options);
    options.init = (dcf_init)odd_enums[i];
    REFUSED(share_with(&options));
  }
  dcf_share_options_init(&options);
  options.clusters = 256;
  REFUSED(share_with(&options));
  options.clusters = 0;
  REFUSED(share_with(&options));
  REFUSED(dcf_share(NULL, NULL, NULL, 4, NULL, codebook, &size, codes, ERROR));
  TRUE(size == 0);
  REFUSED(dcf_share(w, NULL, NULL, 4, NULL, NULL, &size, codes, ERROR));
  REFUSED(dcf_share(w, NULL, NULL, 4, NULL, codebook, NULL, codes, ERROR));
  REFUSED(dcf_share(w, NULL, NULL, 4, NULL, codebook, &size, NULL, ERROR));
  REFUSED(dcf_share(w, NULL, NULL, SIZE_MAX, NULL, codebook, &size, codes, ERROR));
  EXPECT(DCF_OK, dcf_assign(w, NULL, NULL, 4, kCodebook, NULL, 2, 0, codes, ERROR));
  TRUE(codes[0] == 2 && codes[1] == 1 && codes[3] == 0);
  REFUSED(dcf_assign(NULL, NULL, NULL, 4, kCodebook, NULL, 2, 0, codes, ERROR));
  REFUSED(dcf_assign(w, NULL, NULL, 4, NULL, NULL, 2, 0, codes, ERROR));
  REFUSED(dcf_assign(w, NULL, NULL, 4, kCodebook, NULL, 256, 0, codes, ERROR));
  REFUSED(dcf_assign(w, NULL, NULL, 4, kCodebook, NULL, 0, 0, codes, ERROR));
  REFUSED(dcf_assign(w, NULL, NULL, 4, kCodebook, NULL, 2, -1, codes, ERROR));
  REFUSED(dcf_assign(w, NULL, NULL, 4, kCodebook, NULL, 2, 0, NULL, ERROR));
  EXPECT(DCF_OK, dcf_expand(codes, 4, kCodebook, 2, w, ERROR));
  EXPECT(DCF_STATUS_BAD_INDEX, dcf_expand(codes, 4, kCodebook, 1, w, ERROR));
  REFUSED(dcf_expand(NULL, 4, kCodebook, 2, w, ERROR));
  REFUSED(dcf_expand(codes, 4, NULL, 2, w, ERROR));
  REFUSED(dcf_expand(codes, 4, kCodebook, UINT32_MAX, w, ERROR));
  REFUSED(dcf_expand(codes, 4, kCodebook, 2, NULL, ERROR));
  EXPECT(DCF_OK, dcf_sum_gradients(w, codes, 4, 2, sums, ERROR));
  EXPECT(DCF_STATUS_BAD_INDEX, dcf_sum_gradients(w, codes, 4, 1, sums, ERROR));
  REFUSED(dcf_sum_gradients(NULL, codes, 4, 2, sums, ERROR));
  REFUSED(dcf_sum_gradients(w, NULL, 4, 2, sums, ERROR));
  REFUSED(dcf_sum_gradients(w, codes, 4, 2, NULL, ERROR));
  REFUSED(dcf_sum_gradients(w, codes, 4, UINT32_MAX, sums, ERROR));
}

static void test_rest(void) {
  dcf_dead_units layers = DCF_DEAD_UNITS_INIT;
  size_t dead = 77;
  float out[2];
  layers.w1 = w1, layers.bias1 = bias1, layers.units = 1, layers.inputs = 2;
  layers.w2 = w2, layers.bias2 = bias2, layers.outputs = 2, layers.span = 1;
  abi_check_input("dcf_dead_units", &layers, sizeof layers, END(dcf_dead_units, span), fold_with);
  layers.relu = 2;
  REFUSED(fold_with(&layers));
  TRUE(strstr(abi_error.error.message, "relu") != NULL);
  layers.relu = 1, layers.units = UINT64_MAX;
  REFUSED(fold_with(&layers));
  layers.units = 1, layers.w1 = NULL;
  REFUSED(fold_with(&layers));
  REFUSED(dcf_fold_dead_units(NULL, &dead, ERROR));
  TRUE(dead == 0);
  EXPECT(DCF_OK, dcf_quantize_bias(bias2, 2, 8, out, ERROR));
  REFUSED(dcf_quantize_bias(NULL, 2, 8, out, ERROR));
  REFUSED(dcf_quantize_bias(bias2, 2, 8, NULL, ERROR));
  REFUSED(dcf_quantize_bias(bias2, 2, 0, out, ERROR));
  REFUSED(dcf_quantize_bias(bias2, 2, UINT32_MAX, out, ERROR));
  REFUSED(dcf_quantize_bias(bias2, SIZE_MAX, 8, out, ERROR));
}

void test_encode(void) {
  test_pruning();
  test_sharing();
  test_rest();
}
