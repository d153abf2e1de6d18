/* SPDX-License-Identifier: Apache-2.0
 * Files that are not what they claim: every call of a reader gives a status, and outputs are
 * initialised. */
#include <stdlib.h>

#include "abi_check.h"

#define CAPACITY 4096

static uint64_t row_ptr[CAPACITY];
static uint32_t col[CAPACITY];
static unsigned char dst[8 * CAPACITY];
static uint16_t codes[CAPACITY];
static float x[CAPACITY];
static float y[CAPACITY];

static void use_layer(const dcf_file* file, size_t index) {
  dcf_layer* layer = (dcf_layer*)&abi_calls;
  dcf_layer_info info = DCF_LAYER_INFO_INIT;
  const dcf_status s = CALL(dcf_layer_prepare(file, index, NULL, &layer, ERROR));
  TRUE((layer != NULL) == (s == DCF_OK));
  if (layer == NULL) return;
  EXPECT(DCF_OK, dcf_layer_describe(layer, &info, ERROR));
  (void)CALL(dcf_layer_apply(layer, x, CAPACITY, y, CAPACITY, 1, ERROR));
  dcf_layer_close(layer);
}

static void use_tensor(const dcf_file* file, size_t index) {
  static abi_struct s;
  dcf_tensor_info info = DCF_TENSOR_INFO_INIT;
  dcf_conv2d_shape shape = DCF_CONV2D_SHAPE_INIT;
  dcf_csr csr = DCF_CSR_INIT;
  dcf_dense_output outputs[2] = {DCF_DENSE_OUTPUT_INIT, DCF_DENSE_OUTPUT_INIT};
  uint64_t need = 9, working = 9;
  size_t found = 0;
  EXPECT(DCF_OK, dcf_tensor_describe(file, index, &info, ERROR));
  EXPECT(DCF_OK, dcf_tensor_find(file, info.name, info.name_size, &found, ERROR));
  TRUE(found == index && info.name_size <= DCF_MAX_NAME && info.rank <= DCF_MAX_RANK);
  TRUE(dcf_tensor_opaque_name(file, index) != NULL);
  if (CALL(dcf_tensor_decode_bound(file, index, DCF_DTYPE_NONE, &need, &working, ERROR)) != DCF_OK)
    TRUE(need == 0 && working == 0);
  abi_fill(&s, sizeof(dcf_tensor_bytes));
  if (CALL(dcf_tensor_measure(file, index, (dcf_tensor_bytes*)&s, ERROR)) != DCF_OK)
    TRUE(abi_zeroed(&s, sizeof(dcf_tensor_bytes)));
  (void)CALL(dcf_tensor_decode(file, index, DCF_DTYPE_NONE, dst, sizeof dst, ERROR));
  (void)CALL(dcf_tensor_decode(file, index, DCF_DTYPE_F32, dst, sizeof dst, ERROR));
  outputs[0].index = 0, outputs[0].dst = dst, outputs[0].dst_size = sizeof dst;
  outputs[1].index = index, outputs[1].dst = y, outputs[1].dst_size = sizeof y;
  (void)CALL(dcf_file_decode_tensors(file, outputs, 2, ERROR));
  (void)CALL(dcf_tensor_decode_rows(file, index, DCF_DTYPE_NONE, 0, 1, dst, sizeof dst, ERROR));
  csr.row_ptr = row_ptr, csr.col = col, csr.values = dst;
  csr.row_ptr_capacity = csr.col_capacity = csr.values_capacity = CAPACITY;
  csr.nonzeros = 9999;
  if (CALL(dcf_tensor_decode_csr(file, index, DCF_DTYPE_NONE, &csr, ERROR)) != DCF_OK)
    TRUE(csr.nonzeros == 0);
  (void)CALL(dcf_tensor_decode_codebook(file, index, dst, sizeof dst, ERROR));
  (void)CALL(dcf_tensor_decode_codes(file, index, codes, CAPACITY, ERROR));
  (void)CALL(dcf_tensor_matvec(file, index, x, CAPACITY, y, CAPACITY, ERROR));
  (void)CALL(dcf_tensor_matmul(file, index, x, CAPACITY, y, CAPACITY, 3, ERROR));
  shape.in_channels = 1;
  shape.height = shape.width = 8;
  (void)CALL(dcf_tensor_conv2d(file, index, &shape, x, CAPACITY, y, CAPACITY, 1, ERROR));
  use_layer(file, index);
}

static void use_sections(const dcf_file* file) {
  dcf_section_info info = DCF_SECTION_INFO_INIT;
  size_t i;
  for (i = 0; i < dcf_section_count(file); ++i) {
    EXPECT(DCF_OK, dcf_section_describe(file, i, &info, ERROR));
    (void)CALL(dcf_section_read(file, i, dst, sizeof dst, ERROR));
  }
}

static void use_bytes(const void* data, size_t size) {
  dcf_open_options options;
  dcf_file* file = (dcf_file*)&abi_calls;
  dcf_file_info info = DCF_FILE_INFO_INIT;
  size_t i;
  dcf_status s;
  dcf_open_options_init(&options);
  options.max_memory = 4 << 20;
  options.threads = 1;
  s = CALL(dcf_file_open_memory(data, size, &options, &file, ERROR));
  TRUE((file != NULL) == (s == DCF_OK));
  if (file == NULL) return;
  EXPECT(DCF_OK, dcf_file_describe(file, &info, ERROR));
  for (i = 0; i < dcf_metadata_count(file); ++i) {
    const char *key = NULL, *value = NULL;
    size_t key_size = 0, value_size = 0;
    EXPECT(DCF_OK, dcf_metadata_at(file, i, &key, &key_size, &value, &value_size, ERROR));
    EXPECT(DCF_OK, dcf_metadata_find(file, key, key_size, &value, &value_size, ERROR));
  }
  (void)CALL(dcf_file_verify(file, NULL, NULL, ERROR));
  for (i = 0; i < dcf_tensor_count(file) && i < 64; ++i) use_tensor(file, i);
  use_sections(file);
  dcf_file_close(file);
}

void test_hostile_sample(const abi_file* sample) {
  unsigned char* copy = (unsigned char*)malloc(sample->size + 1);
  size_t i;
  if (copy == NULL) exit(2);
  for (i = 0; i < sample->size; ++i) {
    unsigned char* exact = (unsigned char*)malloc(i + 1); /* guarded at its end */
    if (exact == NULL) exit(2);
    memcpy(exact, sample->data, i);
    use_bytes(exact, i);
    free(exact);
    memcpy(copy, sample->data, sample->size);
    copy[i] ^= (unsigned char)(1u << i % 8);
    use_bytes(copy, sample->size);
  }
  memcpy(copy, sample->data, sample->size);
  copy[sample->size] = 0;
  use_bytes(copy, sample->size + 1);
  free(copy);
}

void test_hostile_file(const char* path) {
  FILE* in = fopen(path, "rb");
  abi_file file = {NULL, 0, 0};
  static unsigned char block[4096];
  size_t n;
  TRUE(in != NULL);
  if (in == NULL) return;
  while ((n = fread(block, 1, sizeof block, in)) > 0) TRUE(abi_append(&file, block, n) == 0);
  fclose(in);
  use_bytes(file.data, file.size);
  free(file.data);
}
