/* SPDX-License-Identifier: Apache-2.0
 * dcf.h: products, pooling, layers. */
#include "abi_check.h"

#define END(type, field) (offsetof(type, field) + sizeof(((type*)0)->field))

static dcf_file* file; /* the sample */
static dcf_layer* layer;
static size_t dense, kernel, opaque;
static dcf_conv2d_shape conv = DCF_CONV2D_SHAPE_INIT;
static dcf_pool2d_shape pool = DCF_POOL2D_SHAPE_INIT;
static float x[64];
static float y[64];

static void open_sample(const abi_file* sample) {
  size_t i;
  EXPECT(DCF_OK, dcf_file_open_memory(sample->data, sample->size, NULL, &file, ERROR));
  EXPECT(DCF_OK, dcf_tensor_find(file, "dense", 5, &dense, ERROR));
  EXPECT(DCF_OK, dcf_tensor_find(file, "kernel", 6, &kernel, ERROR));
  EXPECT(DCF_OK, dcf_tensor_find(file, "opaque", 6, &opaque, ERROR));
  for (i = 0; i < 64; ++i) x[i] = (float)(i + 1);
  conv.in_channels = 1;
  conv.height = conv.width = 3;
  pool.channels = 1;
  pool.height = pool.width = 4;
  pool.kernel_h = pool.kernel_w = 2;
}

static dcf_status convolve(const void* shape) {
  return CALL(
      dcf_tensor_conv2d(file, kernel, (const dcf_conv2d_shape*)shape, x, 9, y, 4, 1, ERROR));
}
static dcf_status pool_with(const void* shape) {
  return CALL(dcf_pool2d((const dcf_pool2d_shape*)shape, x, 16, y, 4, 1, ERROR));
}

static void test_products(void) {
  EXPECT(DCF_OK, dcf_tensor_matvec(file, dense, x, 3, y, 2, ERROR));
  TRUE(y[0] == -5 && y[1] == 1.5f);
  REFUSED(dcf_tensor_matvec(file, dense, x, 2, y, 2, ERROR));
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL, dcf_tensor_matvec(file, dense, x, 3, y, 1, ERROR));
  REFUSED(dcf_tensor_matvec(file, dense, NULL, 3, y, 2, ERROR));
  REFUSED(dcf_tensor_matvec(file, dense, x, 3, NULL, 2, ERROR));
  REFUSED(dcf_tensor_matvec(NULL, dense, x, 3, y, 2, ERROR));
  REFUSED(dcf_tensor_matvec(file, DCF_NO_INDEX, x, 3, y, 2, ERROR));
  EXPECT(DCF_STATUS_UNSUPPORTED_DTYPE, dcf_tensor_matvec(file, opaque, x, 64, y, 64, ERROR));
  /* Two samples, each with its features side by side. */
  EXPECT(DCF_OK, dcf_tensor_matmul(file, dense, x, 6, y, 4, 2, ERROR));
  TRUE(y[0] == -5 && y[1] == 1.5f && y[2] == -8 && y[3] == 3);
  REFUSED(dcf_tensor_matmul(file, dense, x, 5, y, 4, 2, ERROR));
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL, dcf_tensor_matmul(file, dense, x, 6, y, 3, 2, ERROR));
  REFUSED(dcf_tensor_matmul(file, dense, x, 64, y, 64, UINT64_MAX, ERROR));
  REFUSED(dcf_tensor_matmul(file, dense, x, SIZE_MAX, y, SIZE_MAX, UINT64_MAX / 3, ERROR));
  REFUSED(dcf_tensor_matmul(file, dense, NULL, 6, y, 4, 2, ERROR));
  REFUSED(dcf_tensor_matmul(file, dense, x, 6, NULL, 4, 2, ERROR));
  REFUSED(dcf_tensor_matmul(NULL, dense, x, 6, y, 4, 2, ERROR));
  EXPECT(DCF_OK, dcf_tensor_matmul(file, dense, NULL, 0, NULL, 0, 0, ERROR));
}

static void test_conv2d(void) {
  dcf_conv2d_shape other;
  abi_check_input("dcf_conv2d_shape", &conv, sizeof conv, END(dcf_conv2d_shape, groups), convolve);
  EXPECT(DCF_OK, convolve(&conv));
  TRUE(y[0] == 1 * 1 + 2 * 2 + 3 * 4 + 4 * 5);
  REFUSED(dcf_tensor_conv2d(file, kernel, &conv, x, 8, y, 4, 1, ERROR));
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL, dcf_tensor_conv2d(file, kernel, &conv, x, 9, y, 3, 1, ERROR));
  REFUSED(dcf_tensor_conv2d(file, kernel, NULL, x, 9, y, 4, 1, ERROR));
  REFUSED(dcf_tensor_conv2d(file, kernel, &conv, NULL, 9, y, 4, 1, ERROR));
  REFUSED(dcf_tensor_conv2d(file, kernel, &conv, x, 9, NULL, 4, 1, ERROR));
  REFUSED(dcf_tensor_conv2d(NULL, kernel, &conv, x, 9, y, 4, 1, ERROR));
  REFUSED(dcf_tensor_conv2d(file, dense, &conv, x, 9, y, 4, 1, ERROR));
  REFUSED(dcf_tensor_conv2d(file, kernel, &conv, x, 64, y, 64, UINT64_MAX / 2, ERROR));
  other = conv, other.height = UINT64_MAX;
  REFUSED(convolve(&other));
  other = conv, other.pad_h = UINT64_MAX / 2 + 1;
  REFUSED(convolve(&other));
  other = conv, other.in_channels = 0;
  REFUSED(convolve(&other));
  other = conv, other.groups = UINT64_MAX;
  REFUSED(convolve(&other));
  other = conv, other.dilation_w = UINT64_MAX;
  REFUSED(convolve(&other));
}

static void test_pool2d(void) {
  size_t i;
  dcf_pool2d_shape other;
  abi_check_input("dcf_pool2d_shape", &pool, sizeof pool, END(dcf_pool2d_shape, pad_w), pool_with);
  EXPECT(DCF_OK, pool_with(&pool));
  TRUE(y[0] == 6 && y[3] == 16);
  REFUSED(dcf_pool2d(&pool, x, 15, y, 4, 1, ERROR));
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL, dcf_pool2d(&pool, x, 16, y, 3, 1, ERROR));
  REFUSED(dcf_pool2d(NULL, x, 16, y, 4, 1, ERROR));
  REFUSED(dcf_pool2d(&pool, NULL, 16, y, 4, 1, ERROR));
  REFUSED(dcf_pool2d(&pool, x, 16, NULL, 4, 1, ERROR));
  REFUSED(dcf_pool2d(&pool, x, 64, y, 64, UINT64_MAX, ERROR));
  for (i = 0; i < ODD_ENUMS; ++i) {
    other = pool, other.pool = (dcf_pool)odd_enums[i];
    REFUSED(pool_with(&other));
  }
  other = pool, other.channels = UINT64_MAX;
  TRUE(pool_with(&other) != DCF_OK);
  other = pool, other.kernel_h = 0;
  REFUSED(pool_with(&other));
  other = pool, other.pad_w = UINT64_MAX;
  REFUSED(pool_with(&other));
}

void test_compute(const abi_file* sample) {
  open_sample(sample);
  test_products();
  test_conv2d();
  test_pool2d();
  dcf_file_close(file);
}

static dcf_status prepare_with(const void* options) {
  dcf_layer* made = (dcf_layer*)&abi_calls;
  const dcf_status s =
      CALL(dcf_layer_prepare(file, dense, (const dcf_layer_options*)options, &made, ERROR));
  TRUE((made != NULL) == (s == DCF_OK));
  dcf_layer_close(made);
  return s;
}
static dcf_status prepare_conv2d_with(const void* shape) {
  dcf_layer* made = (dcf_layer*)&abi_calls;
  const dcf_status s = CALL(
      dcf_layer_prepare_conv2d(file, kernel, (const dcf_conv2d_shape*)shape, NULL, &made, ERROR));
  TRUE((made != NULL) == (s == DCF_OK));
  dcf_layer_close(made);
  return s;
}
static dcf_status describe_layer(void* out) {
  return CALL(dcf_layer_describe(layer, (dcf_layer_info*)out, ERROR));
}
static dcf_status describe_no_layer(void* out) {
  return CALL(dcf_layer_describe(NULL, (dcf_layer_info*)out, ERROR));
}

void test_layers(const abi_file* sample) {
  dcf_layer_options options;
  dcf_layer* made;
  size_t i;
  open_sample(sample);
  dcf_layer_options_init(NULL);
  dcf_layer_options_init(&options);
  abi_check_input("dcf_layer_options", &options, sizeof options, END(dcf_layer_options, kernel),
                  prepare_with);
  abi_check_input("dcf_conv2d_shape", &conv, sizeof conv, END(dcf_conv2d_shape, groups),
                  prepare_conv2d_with);
  TRUE(dcf_layer_kernel_count() > 0 && dcf_layer_kernel_name(0)[0] != '\0');
  TRUE(dcf_layer_kernel_name(SIZE_MAX)[0] == '\0');
  for (i = 0; i < ODD_ENUMS; ++i) {
    options.activation = (dcf_activation)odd_enums[i];
    REFUSED(prepare_with(&options));
  }
  options.activation = DCF_ACTIVATION_RELU;
  EXPECT(DCF_OK, prepare_with(&options));
  options.bias = x, options.bias_elements = 1;
  REFUSED(prepare_with(&options));
  options.bias = NULL;
  REFUSED(prepare_with(&options));
  dcf_layer_options_init(&options);
  options.kernel = "no such kernel";
  REFUSED(prepare_with(&options));
  options.kernel = NULL, options.input_density = 2;
  REFUSED(prepare_with(&options));
  options.input_density = 0, options.batch = UINT64_MAX, options.threads = UINT32_MAX;
  (void)prepare_with(&options);
  REFUSED(dcf_layer_prepare(file, dense, NULL, NULL, ERROR));
  made = (dcf_layer*)&abi_calls;
  REFUSED(dcf_layer_prepare(NULL, dense, NULL, &made, ERROR));
  TRUE(made == NULL);
  made = (dcf_layer*)&abi_calls;
  EXPECT(DCF_STATUS_UNSUPPORTED_DTYPE, dcf_layer_prepare(file, opaque, NULL, &made, ERROR));
  TRUE(made == NULL);
  REFUSED(prepare_conv2d_with(NULL));
  made = (dcf_layer*)&abi_calls;
  REFUSED(dcf_layer_prepare_conv2d(NULL, kernel, &conv, NULL, &made, ERROR));
  TRUE(made == NULL);
  EXPECT(DCF_OK, dcf_layer_prepare(file, dense, NULL, &layer, ERROR));
  abi_check_output("dcf_layer_info", sizeof(dcf_layer_info), END(dcf_layer_info, working_bytes),
                   describe_layer, describe_no_layer);
  dcf_file_close(file); /* the layer needs it no longer */
  EXPECT(DCF_OK, dcf_layer_apply(layer, x, 6, y, 4, 2, ERROR));
  TRUE(y[0] == -5 && y[3] == 3);
  REFUSED(dcf_layer_apply(layer, x, 5, y, 4, 2, ERROR));
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL, dcf_layer_apply(layer, x, 6, y, 3, 2, ERROR));
  REFUSED(dcf_layer_apply(layer, NULL, 6, y, 4, 2, ERROR));
  REFUSED(dcf_layer_apply(layer, x, 6, NULL, 4, 2, ERROR));
  REFUSED(dcf_layer_apply(NULL, x, 6, y, 4, 2, ERROR));
  REFUSED(dcf_layer_apply(layer, x, 64, y, 64, UINT64_MAX, ERROR));
  REFUSED(dcf_layer_apply(layer, x, SIZE_MAX, y, SIZE_MAX, UINT64_MAX / 3, ERROR));
  dcf_layer_close(layer);
  dcf_layer_close(NULL);
}
