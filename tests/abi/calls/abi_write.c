/* SPDX-License-Identifier: Apache-2.0
 * dcf_write.h. */
#include <math.h>
#include <stdlib.h>

#include "abi_check.h"

#define END(type, field) (offsetof(type, field) + sizeof(((type*)0)->field))

static abi_file out;
static dcf_sink sink = DCF_SINK_INIT;
static dcf_writer* writer;
static const uint64_t kDims[33] = {2, 3};
static const float kData[6] = {1, 0, 2, 0, 1, 0};
static const uint64_t kRows[] = {0, 2, 3};
static const uint32_t kCols[] = {0, 2, 1};
static const uint8_t kCodes[6] = {0, 1, 0, 0, 0, 0};
static const float kCodebook[] = {1, 2};
static int names;

/* Spec of a [2, 3] f32 with a name of its own. */
static dcf_tensor_spec new_spec(void) {
  static char all[2][32];
  char* const name = all[names % 2]; /* the last two specs are valid */
  dcf_tensor_spec spec = DCF_TENSOR_SPEC_INIT;
  spec.name = name;
  spec.name_size = (size_t)sprintf(name, "t%d", names++);
  spec.dtype = DCF_DTYPE_F32;
  spec.rank = 2;
  spec.dims = kDims;
  return spec;
}

static dcf_status open_with(const void* options) {
  dcf_writer* made = (dcf_writer*)&abi_calls;
  const dcf_status s =
      CALL(dcf_writer_open_sink(&sink, (const dcf_writer_options*)options, &made, ERROR));
  TRUE((made != NULL) == (s == DCF_OK));
  dcf_writer_close(made);
  return s;
}
static dcf_status open_sink(const void* to) {
  dcf_writer* made = (dcf_writer*)&abi_calls;
  const dcf_status s = CALL(dcf_writer_open_sink((const dcf_sink*)to, NULL, &made, ERROR));
  TRUE((made != NULL) == (s == DCF_OK));
  dcf_writer_close(made);
  return s;
}

/* A writer that failed is done, so that each call has a new one. */
static void renew(void) {
  dcf_writer_close(writer);
  writer = NULL;
  EXPECT(DCF_OK, dcf_writer_open_sink(&sink, NULL, &writer, ERROR));
}
#define ADD(want, call) \
  do {                  \
    renew();            \
    EXPECT(want, call); \
  } while (0)
#define ADD_REFUSED(call) ADD(DCF_STATUS_INVALID_ARGUMENT, call)

static dcf_status add_spec(const void* spec) {
  renew();
  return CALL(dcf_writer_add_dense(writer, (const dcf_tensor_spec*)spec, kData, 24, NULL, ERROR));
}
static dcf_status add_with(const void* options) {
  const dcf_tensor_spec spec = new_spec();
  renew();
  return CALL(
      dcf_writer_add_dense(writer, &spec, kData, 24, (const dcf_encode_options*)options, ERROR));
}

static void test_quality(void) {
  const uint64_t elements[2] = {1000, 100000};
  double sqnr[2] = {0, 0};
  double costs[2] = {1, 100};
  TRUE(CALL(dcf_allot_quality(40, elements, NULL, 2, sqnr, ERROR)) == DCF_OK);
  TRUE(sqnr[0] > sqnr[1] + 19.9 && sqnr[0] < sqnr[1] + 20.1);
  TRUE(CALL(dcf_allot_quality(40, elements, costs, 2, sqnr, ERROR)) == DCF_OK);
  TRUE(sqnr[0] > sqnr[1] - 0.1 && sqnr[0] < sqnr[1] + 0.1);
  TRUE(CALL(dcf_allot_quality(40, NULL, NULL, 0, NULL, ERROR)) == DCF_OK);
  REFUSED(dcf_allot_quality(40, NULL, costs, 2, sqnr, ERROR));
  REFUSED(dcf_allot_quality(40, elements, costs, 2, NULL, ERROR));
  REFUSED(dcf_allot_quality(5, elements, costs, 2, sqnr, ERROR));
  costs[1] = HUGE_VAL;
  REFUSED(dcf_allot_quality(40, elements, costs, 2, sqnr, ERROR));
}

static dcf_status add_with_moments(const void* moments) {
  dcf_encode_options encode;
  dcf_encode_options_init(&encode);
  encode.sqnr_db = 30;
  encode.moments = (const dcf_moments*)moments;
  return add_with(&encode);
}

/* The tensor of add_with() is [2, 3]: 3 inputs. */
static void test_moments(void) {
  const float floats[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  const dcf_tensor_spec spec = new_spec();
  dcf_moments moments = DCF_MOMENTS_INIT;
  dcf_moments_use use = DCF_MOMENTS_VECTORS;
  dcf_encode_options encode;
  double lost = 1;
  REFUSED(add_with_moments(&moments)); /* none */
  moments.matrix_size = 9;
  REFUSED(add_with_moments(&moments)); /* NULL */
  moments.matrix = floats;
  moments.use = &use;
  abi_check_input("dcf_moments", &moments, sizeof moments, END(dcf_moments, use), add_with_moments);
  TRUE(add_with_moments(&moments) == DCF_OK);
  TRUE(use == DCF_MOMENTS_NOT_USED); /* a tensor of 6 elements is not rounded */
  moments.matrix_size = 8;
  REFUSED(add_with_moments(&moments));
  moments.matrix_size = 9, moments.groups = 0;
  REFUSED(add_with_moments(&moments));
  moments.groups = 1, moments.vector_size = 3;
  REFUSED(add_with_moments(&moments));
  moments.mean = floats;
  REFUSED(add_with_moments(&moments));
  moments.mean_square = floats;
  TRUE(add_with_moments(&moments) == DCF_OK);
  dcf_encode_options_init(&encode);
  encode.moments = &moments;
  REFUSED(add_with(&encode)); /* not rounded */
  encode.sqnr_db = 30;
  TRUE(CALL(dcf_measure_rounding(&spec, kData, 24, &encode, NULL, &lost, ERROR)) == DCF_OK);
  TRUE(lost == 0);
  REFUSED(dcf_measure_rounding(&spec, kData, 24, &encode, NULL, NULL, ERROR));
  REFUSED(dcf_measure_rounding(&spec, NULL, 24, &encode, NULL, &lost, ERROR));
  REFUSED(dcf_measure_rounding(NULL, kData, 24, &encode, NULL, &lost, ERROR));
  REFUSED(dcf_measure_rounding(&spec, kData, 20, &encode, NULL, &lost, ERROR));
}

static void test_options(void) {
  dcf_writer_options options;
  dcf_encode_options encode;
  size_t i;
  dcf_writer_options_init(NULL);
  dcf_writer_options_init(&options);
  abi_check_input("dcf_writer_options", &options, sizeof options,
                  END(dcf_writer_options, overwrite), open_with);
  abi_check_input("dcf_sink", &sink, sizeof sink, END(dcf_sink, write), open_sink);
  dcf_encode_options_init(NULL);
  dcf_encode_options_init(&encode);
  TRUE(encode.positions == DCF_POSITIONS_AUTO);
  abi_check_input("dcf_encode_options", &encode, sizeof encode,
                  END(dcf_encode_options, canonical_zeros), add_with);
  for (i = 0; i < ODD_ENUMS; ++i) {
    dcf_encode_options_init(&encode);
    encode.init = (dcf_init)odd_enums[i];
    REFUSED(add_with(&encode));
    dcf_encode_options_init(&encode);
    encode.positions = (dcf_positions)odd_enums[i];
    REFUSED(add_with(&encode));
    dcf_encode_options_init(&encode);
    encode.source_fidelity = (dcf_fidelity)odd_enums[i];
    REFUSED(add_with(&encode));
    dcf_encode_options_init(&encode);
    encode.effort = (dcf_effort)odd_enums[i];
    REFUSED(add_with(&encode));
  }
  dcf_encode_options_init(&encode);
  encode.sparsity = 1;
  REFUSED(add_with(&encode));
  encode.sparsity = 0, encode.bits = 9;
  REFUSED(add_with(&encode));
  encode.bits = 0, encode.gap_bits = 1;
  REFUSED(add_with(&encode));
  encode.gap_bits = 0, encode.source_error_bound = 1;
  REFUSED(add_with(&encode));
  encode.source_fidelity = DCF_FIDELITY_LOSSY, encode.source_error_bound = -1;
  REFUSED(add_with(&encode));
  dcf_encode_options_init(&encode);
  encode.sqnr_db = 5;
  REFUSED(add_with(&encode));
  encode.sqnr_db = 40, encode.bits = 4;
  REFUSED(add_with(&encode));
}

/* A refused flag is named. */
static void refused_flag(dcf_status status, const char* name) {
  TRUE(status == DCF_STATUS_INVALID_ARGUMENT && strstr(abi_error.error.message, name) != NULL);
}

static void test_flags(void) {
  static const uint32_t kOdd[] = {2, 256, 0x80000000u, UINT32_MAX};
  const float matrix[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  size_t i;
  for (i = 0; i < sizeof kOdd / sizeof *kOdd; ++i) {
    dcf_moments moments = DCF_MOMENTS_INIT;
    dcf_writer_options options;
    dcf_encode_options encode;
    dcf_writer_options_init(&options);
    options.overwrite = 1, options.part = 1;
    TRUE(open_with(&options) == DCF_OK);
    options.overwrite = kOdd[i];
    refused_flag(open_with(&options), "overwrite");
    options.overwrite = 0, options.part = kOdd[i];
    refused_flag(open_with(&options), "part");
    dcf_encode_options_init(&encode);
    encode.canonical_zeros = 1, encode.fill_clusters = 1;
    TRUE(add_with(&encode) == DCF_OK);
    encode.canonical_zeros = kOdd[i];
    refused_flag(add_with(&encode), "canonical_zeros");
    encode.canonical_zeros = 0, encode.fill_clusters = kOdd[i];
    refused_flag(add_with(&encode), "fill_clusters");
    moments.matrix = matrix, moments.matrix_size = 9, moments.inputs_first = kOdd[i];
    refused_flag(add_with_moments(&moments), "inputs_first");
  }
}

static void test_spec(void) {
  dcf_tensor_spec spec = new_spec();
  static char long_name[DCF_MAX_NAME + 1];
  size_t i;
  abi_check_input("dcf_tensor_spec", &spec, sizeof spec, END(dcf_tensor_spec, dims), add_spec);
  spec.rank = UINT32_MAX;
  REFUSED(add_spec(&spec));
  spec.rank = DCF_MAX_RANK + 1;
  REFUSED(add_spec(&spec));
  spec = new_spec(), spec.dims = NULL;
  REFUSED(add_spec(&spec));
  spec = new_spec(), spec.name = NULL;
  REFUSED(add_spec(&spec));
  spec = new_spec(), spec.name = "\xff", spec.name_size = 1;
  REFUSED(add_spec(&spec));
  spec = new_spec(), spec.name = "a\0b", spec.name_size = 3;
  REFUSED(add_spec(&spec));
  memset(long_name, 'n', sizeof long_name);
  spec = new_spec(), spec.name = long_name, spec.name_size = DCF_MAX_NAME;
  EXPECT(DCF_OK, add_spec(&spec));
  spec.name_size = DCF_MAX_NAME + 1;
  REFUSED(add_spec(&spec));
  spec = new_spec(), spec.opaque_name_size = 1;
  REFUSED(add_spec(&spec));
  for (i = 0; i < ODD_ENUMS; ++i) {
    spec = new_spec(), spec.dtype = (dcf_dtype)odd_enums[i];
    REFUSED(add_spec(&spec));
  }
}

static void test_adds(void) {
  const dcf_tensor_spec spec = new_spec();
  dcf_tensor_spec opaque = new_spec();
  opaque.dtype = DCF_DTYPE_OPAQUE, opaque.opaque_bits = 8;
  ADD(DCF_OK, dcf_writer_add_dense(writer, &spec, kData, 24, NULL, ERROR));
  EXPECT(DCF_STATUS_DUPLICATE_NAME, dcf_writer_add_dense(writer, &spec, kData, 24, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_dense(writer, &spec, kData, 23, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_dense(writer, &spec, kData, 25, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_dense(writer, &spec, NULL, 24, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_dense(writer, NULL, kData, 24, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_dense(NULL, &spec, kData, 24, NULL, ERROR));

  ADD(DCF_OK, dcf_writer_add_csr(writer, &spec, kRows, 3, kCols, kData, 3, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_csr(writer, &spec, kRows, 2, kCols, kData, 3, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_csr(writer, &spec, kRows, 0, kCols, kData, 3, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_csr(writer, &spec, kRows, 3, kCols, kData, 2, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_csr(writer, &spec, kRows, 3, kCols, kData, UINT64_MAX, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_csr(writer, &spec, NULL, 3, kCols, kData, 3, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_csr(writer, &spec, kRows, 3, NULL, kData, 3, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_csr(writer, &spec, kRows, 3, kCols, NULL, 3, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_csr(writer, NULL, kRows, 3, kCols, kData, 3, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_csr(NULL, &spec, kRows, 3, kCols, kData, 3, NULL, ERROR));
  ADD(DCF_STATUS_UNSUPPORTED_DTYPE,
      dcf_writer_add_csr(writer, &opaque, kRows, 3, kCols, kData, 3, NULL, ERROR));

  ADD(DCF_OK,
      dcf_writer_add_codes(writer, &spec, kRows, 3, kCols, kCodes, 3, kCodebook, 2, NULL, ERROR));
  ADD(DCF_OK,
      dcf_writer_add_codes(writer, &spec, NULL, 0, NULL, kCodes, 6, kCodebook, 2, NULL, ERROR));
  ADD_REFUSED(
      dcf_writer_add_codes(writer, &spec, NULL, 0, NULL, kCodes, 5, kCodebook, 2, NULL, ERROR));
  ADD_REFUSED(
      dcf_writer_add_codes(writer, &spec, NULL, 3, NULL, kCodes, 6, kCodebook, 2, NULL, ERROR));
  ADD_REFUSED(
      dcf_writer_add_codes(writer, &spec, kRows, 2, kCols, kCodes, 3, kCodebook, 2, NULL, ERROR));
  ADD_REFUSED(
      dcf_writer_add_codes(writer, &spec, kRows, 3, NULL, kCodes, 3, kCodebook, 2, NULL, ERROR));
  ADD_REFUSED(
      dcf_writer_add_codes(writer, &spec, kRows, 3, kCols, NULL, 3, kCodebook, 2, NULL, ERROR));
  ADD_REFUSED(
      dcf_writer_add_codes(writer, &spec, kRows, 3, kCols, kCodes, 3, NULL, 2, NULL, ERROR));
  ADD_REFUSED(
      dcf_writer_add_codes(writer, &spec, kRows, 3, kCols, kCodes, 3, kCodebook, 0, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_codes(writer, &spec, kRows, 3, kCols, kCodes, 3, kCodebook, UINT32_MAX,
                                   NULL, ERROR));
  ADD_REFUSED(
      dcf_writer_add_codes(writer, &spec, kRows, 3, kCols, kCodes, 3, kCodebook, 1, NULL, ERROR));
  ADD_REFUSED(
      dcf_writer_add_codes(NULL, &spec, kRows, 3, kCols, kCodes, 3, kCodebook, 2, NULL, ERROR));

  ADD(DCF_OK, dcf_writer_begin_tensor(writer, &spec, NULL, ERROR));
  EXPECT(DCF_OK, dcf_writer_write_piece(writer, kData, 23, ERROR));
  EXPECT(DCF_OK, dcf_writer_write_piece(writer, NULL, 0, ERROR));
  EXPECT(DCF_OK, dcf_writer_write_piece(writer, (const char*)kData + 23, 1, ERROR));
  EXPECT(DCF_OK, dcf_writer_end_tensor(writer, ERROR));
  EXPECT(DCF_OK, dcf_writer_finish(writer, ERROR));
  ADD(DCF_OK, dcf_writer_begin_tensor(writer, &spec, NULL, ERROR));
  EXPECT(DCF_STATUS_BAD_STATE, dcf_writer_finish(writer, ERROR));
  ADD(DCF_OK, dcf_writer_begin_tensor(writer, &spec, NULL, ERROR));
  REFUSED(dcf_writer_write_piece(writer, kData, SIZE_MAX / 2, ERROR));
  ADD(DCF_OK, dcf_writer_begin_tensor(writer, &spec, NULL, ERROR));
  REFUSED(dcf_writer_write_piece(writer, NULL, 24, ERROR));
  ADD(DCF_OK, dcf_writer_begin_tensor(writer, &spec, NULL, ERROR));
  REFUSED(dcf_writer_end_tensor(writer, ERROR));
  ADD_REFUSED(dcf_writer_begin_tensor(writer, NULL, NULL, ERROR));
  ADD_REFUSED(dcf_writer_begin_tensor(NULL, &spec, NULL, ERROR));
  ADD(DCF_STATUS_BAD_STATE, dcf_writer_write_piece(writer, kData, 24, ERROR));
  REFUSED(dcf_writer_write_piece(NULL, kData, 24, ERROR));
  ADD(DCF_STATUS_BAD_STATE, dcf_writer_end_tensor(writer, ERROR));
  REFUSED(dcf_writer_end_tensor(NULL, ERROR));

  ADD(DCF_OK, dcf_writer_add_section(writer, 7, "s", 1, ERROR));
  EXPECT(DCF_STATUS_DUPLICATE_NAME, dcf_writer_add_section(writer, 7, "s", 1, ERROR));
  ADD_REFUSED(dcf_writer_add_section(writer, 1, "s", 1, ERROR));
  ADD(DCF_STATUS_UNSUPPORTED_SECTION, dcf_writer_add_section(writer, 0x80000007u, "s", 1, ERROR));
  ADD_REFUSED(dcf_writer_add_section(writer, 7, NULL, 1, ERROR));
  ADD_REFUSED(dcf_writer_add_section(NULL, 7, "s", 1, ERROR));

  ADD(DCF_OK, dcf_writer_add_metadata(writer, NULL, 0, NULL, 0, ERROR));
  ADD_REFUSED(dcf_writer_add_metadata(writer, NULL, 1, "v", 1, ERROR));
  ADD_REFUSED(dcf_writer_add_metadata(writer, "k", 1, NULL, 1, ERROR));
  ADD_REFUSED(dcf_writer_add_metadata(writer, "\xff", 1, "v", 1, ERROR));
  ADD_REFUSED(dcf_writer_add_metadata(NULL, "k", 1, "v", 1, ERROR));
}

static int read_data(void* ctx, void* dst, size_t size) {
  memcpy(dst, kData, size < sizeof kData ? size : sizeof kData);
  return ctx != NULL;
}
static dcf_status add_tensor(const void* tensor) {
  renew();
  return CALL(dcf_writer_add_tensors(writer, (const dcf_dense_tensor*)tensor, 1, ERROR));
}

static void test_many(void) {
  dcf_tensor_spec specs[2];
  dcf_dense_tensor tensors[2] = {DCF_DENSE_TENSOR_INIT, DCF_DENSE_TENSOR_INIT};
  dcf_encode_options encode;
  dcf_error error = DCF_ERROR_INIT;
  specs[0] = new_spec(), specs[1] = new_spec();
  tensors[0].spec = &specs[0], tensors[1].spec = &specs[1];
  tensors[0].data = kData, tensors[0].size = 24;
  tensors[1].read = read_data;
  abi_check_input("dcf_dense_tensor", &tensors[0], sizeof tensors[0], END(dcf_dense_tensor, ctx),
                  add_tensor);
  ADD(DCF_OK, dcf_writer_add_tensors(writer, tensors, 2, ERROR));
  EXPECT(DCF_STATUS_DUPLICATE_NAME, dcf_writer_add_tensors(writer, tensors, 2, ERROR));
  ADD(DCF_OK, dcf_writer_add_tensors(writer, NULL, 0, ERROR));
  EXPECT(DCF_OK, dcf_writer_finish(writer, ERROR));
  ADD_REFUSED(dcf_writer_add_tensors(writer, NULL, 2, ERROR));
  ADD_REFUSED(dcf_writer_add_tensors(NULL, tensors, 2, ERROR));
  tensors[1].ctx = tensors;
  renew();
  TRUE(dcf_writer_add_tensors(writer, tensors, 2, &error) == DCF_STATUS_IO_READ);
  TRUE(error.tensor == 1);
  tensors[1].data = kData; /* and read */
  ADD_REFUSED(dcf_writer_add_tensors(writer, tensors, 2, ERROR));
  tensors[1].data = NULL, tensors[1].size = 24;
  ADD_REFUSED(dcf_writer_add_tensors(writer, tensors, 2, ERROR));
  tensors[1].read = NULL; /* no data */
  ADD_REFUSED(dcf_writer_add_tensors(writer, tensors, 2, ERROR));
  tensors[1].data = kData, tensors[1].size = 23;
  ADD_REFUSED(dcf_writer_add_tensors(writer, tensors, 2, ERROR));
  tensors[1].size = 24, tensors[1].struct_size += 8; /* not that of the first */
  ADD_REFUSED(dcf_writer_add_tensors(writer, tensors, 2, ERROR));
  tensors[1].struct_size -= 8, tensors[1].spec = NULL;
  ADD_REFUSED(dcf_writer_add_tensors(writer, tensors, 2, ERROR));
  dcf_encode_options_init(&encode);
  encode.bits = 9;
  tensors[1].spec = &specs[1], tensors[1].options = &encode;
  ADD_REFUSED(dcf_writer_add_tensors(writer, tensors, 2, ERROR));
}

static void test_copies(void) {
  abi_file sample = abi_write_sample();
  dcf_file* file = NULL;
  EXPECT(DCF_OK, dcf_file_open_memory(sample.data, sample.size, NULL, &file, ERROR));
  ADD(DCF_OK, dcf_writer_copy_tensor(writer, file, 0, NULL, 0, ERROR));
  EXPECT(DCF_OK, dcf_writer_copy_tensor(writer, file, 1, "other", 5, ERROR));
  EXPECT(DCF_STATUS_DUPLICATE_NAME, dcf_writer_copy_tensor(writer, file, 0, NULL, 0, ERROR));
  ADD_REFUSED(dcf_writer_copy_tensor(writer, file, DCF_NO_INDEX, NULL, 0, ERROR));
  ADD_REFUSED(dcf_writer_copy_tensor(writer, file, 0, NULL, 1, ERROR));
  ADD_REFUSED(dcf_writer_copy_tensor(writer, file, 0, "\xff", 1, ERROR));
  ADD_REFUSED(dcf_writer_copy_tensor(writer, NULL, 0, NULL, 0, ERROR));
  REFUSED(dcf_writer_copy_tensor(NULL, file, 0, NULL, 0, ERROR));
  dcf_file_close(file);
  free(sample.data);
}

/* A part with one tensor, and the same as a file of its own. */
static void test_parts(void) {
  dcf_writer_options options;
  abi_file part = {0};
  dcf_sink part_sink = DCF_SINK_INIT;
  dcf_file* file = NULL;
  dcf_writer* made = NULL;
  dcf_tensor_spec spec = new_spec();
  dcf_tensor_spec other = new_spec();
  abi_file sample = abi_write_sample();
  dcf_writer_options_init(&options);
  options.part = 1;
  part_sink.ctx = &part;
  part_sink.write = abi_append;
  EXPECT(DCF_OK, dcf_writer_open_sink(&part_sink, &options, &made, ERROR));
  EXPECT(DCF_OK, dcf_writer_add_dense(made, &spec, kData, 24, NULL, ERROR));
  EXPECT(DCF_STATUS_DUPLICATE_NAME, dcf_writer_add_section(made, 7, "s", 1, ERROR));
  dcf_writer_close(made);
  EXPECT(DCF_OK, dcf_writer_open_sink(&part_sink, &options, &made, ERROR));
  EXPECT(DCF_OK, dcf_writer_add_dense(made, &spec, kData, 24, NULL, ERROR));
  EXPECT(DCF_OK, dcf_writer_finish(made, ERROR));
  dcf_writer_close(made);

  EXPECT(DCF_OK, dcf_file_open_memory(part.data, part.size, NULL, &file, ERROR));
  ADD(DCF_OK, dcf_writer_add_part(writer, file, ERROR));
  EXPECT(DCF_OK, dcf_writer_add_alias(writer, &other, spec.name, spec.name_size, ERROR));
  EXPECT(DCF_STATUS_DUPLICATE_NAME, dcf_writer_add_part(writer, file, ERROR));
  ADD_REFUSED(dcf_writer_add_part(writer, NULL, ERROR));
  REFUSED(dcf_writer_add_part(NULL, file, ERROR));
  dcf_file_close(file);
  EXPECT(DCF_OK, dcf_file_open_memory(sample.data, sample.size, NULL, &file, ERROR));
  ADD(DCF_STATUS_BAD_SECTION, dcf_writer_add_part(writer, file, ERROR));
  dcf_file_close(file);

  ADD(DCF_STATUS_NOT_FOUND, dcf_writer_add_alias(writer, &spec, "x", 1, ERROR));
  ADD(DCF_STATUS_NOT_FOUND, dcf_writer_add_alias(writer, &spec, NULL, 0, ERROR));
  ADD_REFUSED(dcf_writer_add_alias(writer, &spec, NULL, 1, ERROR));
  ADD_REFUSED(dcf_writer_add_alias(writer, NULL, "x", 1, ERROR));
  REFUSED(dcf_writer_add_alias(NULL, &spec, "x", 1, ERROR));
  free(sample.data);
  free(part.data);
}

static void test_stats(void) {
  const dcf_tensor_spec spec = new_spec();
  dcf_stats* stats = (dcf_stats*)&abi_calls;
  uint64_t elements = 1;
  size_t size = 1;
  unsigned char saved[4096];
  REFUSED(dcf_stats_open(NULL, NULL, &stats, ERROR));
  TRUE(stats == NULL);
  REFUSED(dcf_stats_open(&spec, NULL, NULL, ERROR));
  EXPECT(DCF_OK, dcf_stats_open(&spec, NULL, &stats, ERROR));
  REFUSED(dcf_stats_add(stats, kData, 23, ERROR));
  REFUSED(dcf_stats_add(stats, NULL, 24, ERROR));
  REFUSED(dcf_stats_add(NULL, kData, 24, ERROR));
  EXPECT(DCF_OK, dcf_stats_add(stats, NULL, 0, ERROR));
  EXPECT(DCF_OK, dcf_stats_add(stats, kData, 12, ERROR));
  REFUSED(dcf_stats_add(stats, kData, 16, ERROR));
  EXPECT(DCF_OK, dcf_stats_save(stats, NULL, 0, &size, ERROR));
  TRUE(size > 1 && size <= sizeof saved);
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL, dcf_stats_save(stats, saved, 1, &size, ERROR));
  EXPECT(DCF_OK, dcf_stats_save(stats, saved, sizeof saved, &size, ERROR));
  REFUSED(dcf_stats_save(stats, NULL, 1, &size, ERROR));
  REFUSED(dcf_stats_save(stats, saved, sizeof saved, NULL, ERROR));
  REFUSED(dcf_stats_save(NULL, saved, sizeof saved, &size, ERROR));
  EXPECT(DCF_OK, dcf_stats_save(stats, saved, sizeof saved, &size, ERROR));
  EXPECT(DCF_OK, dcf_stats_merge(stats, saved, size, ERROR));
  REFUSED(dcf_stats_merge(stats, saved, size, ERROR));
  REFUSED(dcf_stats_merge(stats, saved, size - 1, ERROR));
  REFUSED(dcf_stats_merge(stats, NULL, size, ERROR));
  REFUSED(dcf_stats_merge(NULL, saved, size, ERROR));
  REFUSED(dcf_stats_cut(stats, &elements, ERROR));
  TRUE(elements == 0);
  REFUSED(dcf_stats_cut(stats, NULL, ERROR));
  REFUSED(dcf_stats_cut(NULL, &elements, ERROR));
  ADD(DCF_STATUS_BAD_STATE, dcf_writer_add_range(writer, &spec, stats, 0, kData, 24, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_range(writer, &spec, NULL, 0, kData, 24, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_range(writer, &spec, stats, 0, NULL, 24, NULL, ERROR));
  ADD_REFUSED(dcf_writer_add_range(writer, NULL, stats, 0, kData, 24, NULL, ERROR));
  REFUSED(dcf_writer_add_range(NULL, &spec, stats, 0, kData, 24, NULL, ERROR));
  dcf_stats_close(stats);
  dcf_stats_close(NULL);
}

static int fail_to_write(void* ctx, const void* data, size_t size) {
  (void)ctx, (void)data, (void)size;
  return 1;
}

void test_writer(void) {
  dcf_writer* made = (dcf_writer*)&abi_calls;
  dcf_sink no_sink = DCF_SINK_INIT;
  sink.ctx = &out;
  sink.write = abi_append;
  REFUSED(dcf_writer_open_path(NULL, NULL, &made, ERROR));
  TRUE(made == NULL);
  made = (dcf_writer*)&abi_calls;
  EXPECT(DCF_STATUS_IO_OPEN, dcf_writer_open_path("/no/such/folder/x.dcf", NULL, &made, ERROR));
  TRUE(made == NULL);
  REFUSED(dcf_writer_open_path("x.dcf", NULL, NULL, ERROR));
  made = (dcf_writer*)&abi_calls;
  REFUSED(dcf_writer_open_sink(NULL, NULL, &made, ERROR));
  TRUE(made == NULL);
  REFUSED(dcf_writer_open_sink(&no_sink, NULL, &made, ERROR));
  REFUSED(dcf_writer_open_sink(&sink, NULL, NULL, ERROR));
  test_options();
  test_flags();
  test_quality();
  test_moments();
  test_spec();
  test_adds();
  test_many();
  test_copies();
  test_parts();
  test_stats();
  REFUSED(dcf_writer_finish(NULL, ERROR));
  renew();
  EXPECT(DCF_OK, dcf_writer_finish(writer, ERROR));
  EXPECT(DCF_STATUS_BAD_STATE, dcf_writer_finish(writer, ERROR));
  {
    const dcf_tensor_spec spec = new_spec();
    EXPECT(DCF_STATUS_BAD_STATE, dcf_writer_add_dense(writer, &spec, kData, 24, NULL, ERROR));
  }
  dcf_writer_close(writer);
  no_sink.write = fail_to_write;
  EXPECT(DCF_OK, dcf_writer_open_sink(&no_sink, NULL, &made, ERROR));
  EXPECT(DCF_STATUS_IO_WRITE, dcf_writer_finish(made, ERROR));
  dcf_writer_close(made);
  dcf_writer_close(NULL);
  free(out.data);
}
