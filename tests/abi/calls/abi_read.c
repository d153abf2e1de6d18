/* SPDX-License-Identifier: Apache-2.0
 * dcf.h: names, opening, describing, decoding. */
#include <errno.h>

#include "abi_check.h"

#define END(type, field) (offsetof(type, field) + sizeof(((type*)0)->field))

static dcf_file* file; /* the sample */
static const abi_file* bytes;

static size_t index_of(const char* name) {
  size_t index = 0;
  EXPECT(DCF_OK, dcf_tensor_find(file, name, strlen(name), &index, ERROR));
  return index;
}

void test_names(void) {
  size_t i;
  for (i = 0; i < ODD_ENUMS; ++i) {
    const uint32_t odd = odd_enums[i];
    TRUE(strcmp(dcf_status_name((dcf_status)odd), "Unknown") == 0);
    TRUE(dcf_status_sentence((dcf_status)odd)[0] != '\0');
    TRUE(dcf_status_class((dcf_status)odd) == DCF_STATUS_CLASS_INTERNAL);
    TRUE(dcf_dtype_name((dcf_dtype)odd)[0] == '\0');
    TRUE(dcf_dtype_bits((dcf_dtype)odd) == 0);
    TRUE(dcf_positions_name((dcf_positions)odd)[0] == '\0');
    TRUE(dcf_values_name((dcf_values)odd)[0] == '\0');
    TRUE(dcf_fidelity_name((dcf_fidelity)odd)[0] == '\0');
    TRUE(dcf_init_name((dcf_init)odd)[0] == '\0');
    TRUE(dcf_effort_name((dcf_effort)odd)[0] == '\0');
  }
  TRUE(strcmp(dcf_status_name(DCF_STATUS_LIMIT_MEMORY), "LimitMemory") == 0);
  TRUE(dcf_status_class(DCF_STATUS_LIMIT_MEMORY) == DCF_STATUS_CLASS_LIMIT);
  TRUE(dcf_status_class(DCF_OK) == DCF_STATUS_CLASS_OK);
  TRUE(dcf_status_class(DCF_STATUS_NOT_FOUND) == DCF_STATUS_CLASS_CALLER);
  TRUE(dcf_status_class(DCF_STATUS_BAD_HEADER) == DCF_STATUS_CLASS_FILE_STRUCTURE);
  TRUE(dcf_status_class(DCF_STATUS_BAD_COUNT) == DCF_STATUS_CLASS_CODED_DATA);
  TRUE(dcf_status_class(DCF_STATUS_CHECKSUM_MISMATCH) == DCF_STATUS_CLASS_INTEGRITY);
  TRUE(dcf_status_class(DCF_STATUS_UNSUPPORTED_DTYPE) == DCF_STATUS_CLASS_UNSUPPORTED);
  TRUE(dcf_status_class(DCF_STATUS_OUT_OF_MEMORY) == DCF_STATUS_CLASS_MACHINE);
  TRUE(dcf_status_class(DCF_STATUS_IO_READ) == DCF_STATUS_CLASS_MACHINE);
  TRUE(strcmp(dcf_dtype_name(DCF_DTYPE_BF16), "bf16") == 0);
  TRUE(strcmp(dcf_positions_name(DCF_POSITIONS_GAP_BUCKET), "gap-bucket") == 0);
  TRUE(strcmp(dcf_positions_name(DCF_POSITIONS_AUTO), "auto") == 0);
  TRUE(strcmp(dcf_values_name(DCF_VALUES_PALETTE), "palette") == 0);
  TRUE(strcmp(dcf_fidelity_name(DCF_FIDELITY_LOSSY), "lossy") == 0);
  TRUE(strcmp(dcf_init_name(DCF_INIT_OPTIMAL), "optimal") == 0);
  TRUE(strcmp(dcf_effort_name(DCF_EFFORT_FAST), "fast") == 0);
  TRUE(dcf_version_number() ==
       DCF_VERSION_MAJOR * 10000 + DCF_VERSION_MINOR * 100 + DCF_VERSION_PATCH);
  {
    char text[32];
    sprintf(text, "%d.%d.%d", DCF_VERSION_MAJOR, DCF_VERSION_MINOR, DCF_VERSION_PATCH);
    TRUE(strcmp(dcf_version_string(), text) == 0);
  }
  TRUE(sizeof(dcf_status) == 4 && sizeof(dcf_dtype) == 4 && sizeof(dcf_positions) == 4);
  TRUE(sizeof(dcf_values) == 4 && sizeof(dcf_fidelity) == 4 && sizeof(dcf_pool) == 4);
  TRUE(sizeof(dcf_init) == 4 && sizeof(enum dcf_status_class) == 4);
}

static int read_sample(void* ctx, uint64_t offset, void* dst, size_t size) {
  const abi_file* f = (const abi_file*)ctx;
  if (offset > f->size || size > f->size - offset) return 1;
  memcpy(dst, f->data + offset, size);
  return 0;
}
static int read_nothing(void* ctx, uint64_t offset, void* dst, size_t size) {
  (void)ctx, (void)offset, (void)dst, (void)size;
  return 1;
}

static dcf_status open_memory(const dcf_open_options* options) {
  dcf_file* opened = (dcf_file*)&abi_calls;
  const dcf_status s =
      CALL(dcf_file_open_memory(bytes->data, bytes->size, options, &opened, ERROR));
  TRUE((opened != NULL) == (s == DCF_OK));
  dcf_file_close(opened);
  return s;
}
static dcf_status open_with(const void* options) {
  return open_memory((const dcf_open_options*)options);
}
static dcf_status open_with_reader(const void* reader) {
  dcf_file* opened = (dcf_file*)&abi_calls;
  const dcf_status s = CALL(dcf_file_open_reader((const dcf_reader*)reader, NULL, &opened, ERROR));
  TRUE((opened != NULL) == (s == DCF_OK));
  dcf_file_close(opened);
  return s;
}

/* Errors of any struct_size: nothing is written that is not theirs. */
static void test_errors(void) {
  enum { kFirst = offsetof(dcf_error, message) + sizeof(((dcf_error*)0)->message) };
  static const size_t kSizes[] = {0, 1, 8, kFirst - 1, 4097, SIZE_MAX};
  static const unsigned char kZeros[80] = {0};
  static abi_struct s;
  dcf_file* opened = NULL;
  size_t i;
  for (i = 0; i < sizeof kSizes / sizeof *kSizes; ++i) {
    abi_fill(&s, kSizes[i]);
    EXPECT(DCF_STATUS_NOT_DCF,
           dcf_file_open_memory(kZeros, sizeof kZeros, NULL, &opened, (dcf_error*)&s));
    TRUE(abi_untouched(&s, kSizes[i]));
  }
  abi_fill(&s, sizeof(dcf_error) + 16);
  EXPECT(DCF_STATUS_INVALID_ARGUMENT, dcf_file_open_memory(NULL, 1, NULL, &opened, (dcf_error*)&s));
  TRUE(abi_tail_zeroed(&s, sizeof(dcf_error), sizeof(dcf_error) + 16));
  TRUE(((dcf_error*)&s)->status == DCF_STATUS_INVALID_ARGUMENT);
  /* An error of the release that had no system_error, and of one that has. */
  abi_fill(&s, kFirst);
  EXPECT(DCF_STATUS_IO_OPEN, dcf_file_open_path("/", NULL, &opened, (dcf_error*)&s));
  TRUE(abi_tail_zeroed(&s, kFirst, kFirst));
  TRUE(((dcf_error*)&s)->status == DCF_STATUS_IO_OPEN && ((dcf_error*)&s)->message[0] != '\0');
  EXPECT(DCF_STATUS_IO_OPEN, dcf_file_open_path("/no/such/file", NULL, &opened, ERROR));
  TRUE(abi_error.error.system_error == ENOENT);
  EXPECT(DCF_STATUS_NOT_DCF, dcf_file_open_memory(kZeros, sizeof kZeros, NULL, &opened, ERROR));
  TRUE(abi_error.error.system_error == 0);
}

void test_open(const abi_file* sample) {
  dcf_open_options options;
  dcf_reader reader = DCF_READER_INIT;
  dcf_file* opened = (dcf_file*)&abi_calls;
  bytes = sample;
  dcf_open_options_init(NULL);
  dcf_open_options_init(&options);
  TRUE(options.struct_size == sizeof options);
  abi_check_input("dcf_open_options", &options, sizeof options, END(dcf_open_options, parallel_ctx),
                  open_with);
  reader.ctx = (void*)sample;
  reader.size = sample->size;
  reader.read_at = read_sample;
  abi_check_input("dcf_reader", &reader, sizeof reader, END(dcf_reader, read_at), open_with_reader);
  reader.read_at = read_nothing;
  EXPECT(DCF_STATUS_IO_READ, open_with_reader(&reader));
  reader.read_at = NULL;
  REFUSED(open_with_reader(&reader));
  REFUSED(open_with_reader(NULL));
  REFUSED(dcf_file_open_path(NULL, NULL, &opened, ERROR));
  TRUE(opened == NULL);
  opened = (dcf_file*)&abi_calls;
  EXPECT(DCF_STATUS_IO_OPEN, dcf_file_open_path("/no/such/file.dcf", NULL, &opened, ERROR));
  TRUE(opened == NULL);
  REFUSED(dcf_file_open_path("/no/such/file.dcf", NULL, NULL, ERROR));
  opened = (dcf_file*)&abi_calls;
  REFUSED(dcf_file_open_memory(NULL, 100, NULL, &opened, ERROR));
  TRUE(opened == NULL);
  REFUSED(dcf_file_open_memory(sample->data, sample->size, NULL, NULL, ERROR));
  REFUSED(dcf_file_open_reader(NULL, NULL, NULL, ERROR));
  dcf_file_close(NULL);
  test_errors();
}

static dcf_status describe_file(void* out) {
  return CALL(dcf_file_describe(file, (dcf_file_info*)out, ERROR));
}
static dcf_status describe_no_file(void* out) {
  return CALL(dcf_file_describe(NULL, (dcf_file_info*)out, ERROR));
}
static dcf_status describe_tensor(void* out) {
  return CALL(dcf_tensor_describe(file, 0, (dcf_tensor_info*)out, ERROR));
}
static dcf_status describe_no_tensor(void* out) {
  return CALL(dcf_tensor_describe(file, SIZE_MAX, (dcf_tensor_info*)out, ERROR));
}
static dcf_status measure_tensor(void* out) {
  return CALL(dcf_tensor_measure(file, 0, (dcf_tensor_bytes*)out, ERROR));
}
static dcf_status measure_no_tensor(void* out) {
  return CALL(dcf_tensor_measure(NULL, 0, (dcf_tensor_bytes*)out, ERROR));
}

static void test_metadata(void) {
  const char *key = "x", *value = "x";
  size_t key_size = 9, value_size = 9;
  TRUE(dcf_metadata_count(file) == 1 && dcf_metadata_count(NULL) == 0);
  EXPECT(DCF_OK, dcf_metadata_at(file, 0, &key, &key_size, &value, &value_size, ERROR));
  TRUE(key_size == 3 && strcmp(key, "key") == 0 && value_size == 5 && strcmp(value, "value") == 0);
  EXPECT(DCF_OK, dcf_metadata_at(file, 0, NULL, NULL, NULL, NULL, NULL));
  REFUSED(dcf_metadata_at(file, 1, &key, &key_size, &value, &value_size, ERROR));
  TRUE(key == NULL && key_size == 0 && value == NULL && value_size == 0);
  value = "x", value_size = 9;
  REFUSED(dcf_metadata_at(NULL, 0, &key, &key_size, &value, &value_size, ERROR));
  TRUE(value == NULL && value_size == 0);
  EXPECT(DCF_OK, dcf_metadata_find(file, "key with more", 3, &value, &value_size, ERROR));
  TRUE(value_size == 5 && strcmp(value, "value") == 0);
  EXPECT(DCF_OK, dcf_metadata_find(file, "key", 3, NULL, NULL, ERROR));
  EXPECT(DCF_STATUS_NOT_FOUND, dcf_metadata_find(file, "ke", 2, &value, &value_size, ERROR));
  TRUE(value == NULL && value_size == 0);
  EXPECT(DCF_STATUS_NOT_FOUND, dcf_metadata_find(file, NULL, 0, &value, &value_size, ERROR));
  value = "x", value_size = 9;
  REFUSED(dcf_metadata_find(file, NULL, 3, &value, &value_size, ERROR));
  TRUE(value == NULL && value_size == 0);
  REFUSED(dcf_metadata_find(NULL, "key", 3, &value, &value_size, ERROR));
}

static dcf_status describe_section(void* out) {
  return CALL(dcf_section_describe(file, 0, (dcf_section_info*)out, ERROR));
}
static dcf_status describe_no_section(void* out) {
  return CALL(dcf_section_describe(file, 1, (dcf_section_info*)out, ERROR));
}

static void test_sections(void) {
  dcf_section_info info = DCF_SECTION_INFO_INIT;
  char nine[5] = {0};
  TRUE(dcf_section_count(file) == 1 && dcf_section_count(NULL) == 0);
  abi_check_output("dcf_section_info", sizeof(dcf_section_info), END(dcf_section_info, offset),
                   describe_section, describe_no_section);
  EXPECT(DCF_OK, dcf_section_describe(file, 0, &info, ERROR));
  TRUE(info.kind == 9 && info.critical == 0 && info.bytes == 4 && info.offset > 64);
  REFUSED(dcf_section_describe(NULL, 0, &info, ERROR));
  TRUE(info.kind == 0);
  EXPECT(DCF_OK, dcf_section_read(file, 0, nine, 4, ERROR));
  TRUE(strcmp(nine, "nine") == 0);
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL, dcf_section_read(file, 0, nine, 3, ERROR));
  REFUSED(dcf_section_read(file, 0, NULL, 4, ERROR));
  REFUSED(dcf_section_read(file, 1, nine, 4, ERROR));
  REFUSED(dcf_section_read(NULL, 0, nine, 4, ERROR));
}

/* The section is the end of the file. */
static void test_damaged_section(const abi_file* sample) {
  char nine[4];
  unsigned char* last = sample->data + sample->size - 1;
  *last ^= 1;
  EXPECT(DCF_STATUS_CHECKSUM_MISMATCH, dcf_section_read(file, 0, nine, 4, ERROR));
  TRUE(strcmp(abi_error.error.rule, "A-03") == 0);
  *last ^= 1;
}

void test_describe(const abi_file* sample) {
  size_t index = 7;
  EXPECT(DCF_OK, dcf_file_open_memory(sample->data, sample->size, NULL, &file, ERROR));
  abi_check_output("dcf_file_info", sizeof(dcf_file_info), END(dcf_file_info, metadata),
                   describe_file, describe_no_file);
  abi_check_output("dcf_tensor_info", sizeof(dcf_tensor_info), END(dcf_tensor_info, error_bound),
                   describe_tensor, describe_no_tensor);
  abi_check_output("dcf_tensor_bytes", sizeof(dcf_tensor_bytes), END(dcf_tensor_bytes, total),
                   measure_tensor, measure_no_tensor);
  TRUE(dcf_tensor_count(file) == 4 && dcf_tensor_count(NULL) == 0);
  EXPECT(DCF_STATUS_NOT_FOUND, dcf_tensor_find(file, "dens", 4, &index, ERROR));
  TRUE(index == DCF_NO_INDEX);
  EXPECT(DCF_OK, dcf_tensor_find(file, "dense and more", 5, &index, ERROR));
  TRUE(index == 0);
  EXPECT(DCF_STATUS_NOT_FOUND, dcf_tensor_find(file, "dense\0", 6, &index, ERROR));
  index = 7;
  EXPECT(DCF_STATUS_NOT_FOUND, dcf_tensor_find(file, NULL, 0, &index, ERROR));
  TRUE(index == DCF_NO_INDEX);
  index = 7;
  REFUSED(dcf_tensor_find(file, NULL, 5, &index, ERROR));
  TRUE(index == DCF_NO_INDEX);
  index = 7;
  REFUSED(dcf_tensor_find(NULL, "dense", 5, &index, ERROR));
  TRUE(index == DCF_NO_INDEX);
  REFUSED(dcf_tensor_find(file, "dense", 5, NULL, ERROR));
  TRUE(strcmp(dcf_tensor_opaque_name(file, index_of("opaque")), "q8") == 0);
  TRUE(dcf_tensor_opaque_name(file, index_of("dense"))[0] == '\0');
  TRUE(dcf_tensor_opaque_name(file, SIZE_MAX)[0] == '\0');
  TRUE(dcf_tensor_opaque_name(NULL, 0)[0] == '\0');
  test_metadata();
  test_sections();
  test_damaged_section(sample);
  dcf_file_close(file);
}

static void refused_bound(const dcf_file* of, size_t index, dcf_dtype as) {
  uint64_t dst_bytes = 9, working_bytes = 9;
  TRUE(CALL(dcf_tensor_decode_bound(of, index, as, &dst_bytes, &working_bytes, ERROR)) != DCF_OK);
  TRUE(dst_bytes == 0 && working_bytes == 0);
}

static dcf_status decode_csr(void* csr) {
  return CALL(
      dcf_tensor_decode_csr(file, index_of("sparse"), DCF_DTYPE_NONE, (dcf_csr*)csr, ERROR));
}
static dcf_status decode_csr_of(const void* csr) {
  static abi_struct whole;
  if (csr == NULL) return decode_csr(NULL);
  memcpy(&whole, csr, sizeof whole);
  return decode_csr(&whole);
}

static void test_csr(void) {
  uint64_t row_ptr[4];
  uint32_t col[4];
  float values[4];
  dcf_csr csr = DCF_CSR_INIT;
  csr.row_ptr = row_ptr, csr.row_ptr_capacity = 4;
  csr.col = col, csr.col_capacity = 4;
  csr.values = values, csr.values_capacity = 4;
  csr.nonzeros = 99;
  EXPECT(DCF_OK, decode_csr(&csr));
  TRUE(csr.nonzeros == 4 && row_ptr[3] == 4 && col[0] == 3 && values[0] == 1.5f);
  abi_check_input("dcf_csr", &csr, sizeof csr, END(dcf_csr, nonzeros), decode_csr_of);
  csr.row_ptr_capacity = 3;
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL, decode_csr(&csr));
  TRUE(csr.nonzeros == 0);
  csr.row_ptr_capacity = 4, csr.col_capacity = 3;
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL, decode_csr(&csr));
  csr.col_capacity = 4, csr.values_capacity = 3;
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL, decode_csr(&csr));
  csr.values_capacity = 4, csr.values = NULL;
  REFUSED(decode_csr(&csr));
  REFUSED(decode_csr(NULL));
  csr.nonzeros = 99;
  REFUSED(dcf_tensor_decode_csr(NULL, 0, DCF_DTYPE_NONE, &csr, ERROR));
  TRUE(csr.nonzeros == 0);
}

static dcf_status decode_tensors(const void* output) {
  return CALL(dcf_file_decode_tensors(file, (const dcf_dense_output*)output, 1, ERROR));
}

static void test_decode_tensors(size_t dense, size_t sparse) {
  float first[6], second[60];
  dcf_dense_output outputs[2] = {DCF_DENSE_OUTPUT_INIT, DCF_DENSE_OUTPUT_INIT};
  outputs[0].index = dense, outputs[0].dst = first, outputs[0].dst_size = sizeof first;
  outputs[1].index = sparse, outputs[1].dst = second, outputs[1].dst_size = sizeof second;
  abi_check_input("dcf_dense_output", &outputs[0], sizeof outputs[0],
                  END(dcf_dense_output, dst_size), decode_tensors);
  EXPECT(DCF_OK, dcf_file_decode_tensors(file, outputs, 2, ERROR));
  TRUE(first[0] == 1 && first[5] == 0.5f && second[3] == 1.5f);
  EXPECT(DCF_OK, dcf_file_decode_tensors(file, NULL, 0, ERROR));
  REFUSED(dcf_file_decode_tensors(file, NULL, 2, ERROR));
  REFUSED(dcf_file_decode_tensors(NULL, outputs, 2, ERROR));
  outputs[0].dst_size = 23;
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL, dcf_file_decode_tensors(file, outputs, 2, ERROR));
  outputs[0].dst_size = 24, outputs[1].dst = NULL;
  REFUSED(dcf_file_decode_tensors(file, outputs, 2, ERROR));
  outputs[1].dst = second, outputs[1].index = 4;
  REFUSED(dcf_file_decode_tensors(file, outputs, 2, ERROR));
  outputs[1].index = sparse, outputs[1].struct_size += 8; /* not that of the first */
  REFUSED(dcf_file_decode_tensors(file, outputs, 2, ERROR));
  outputs[1].struct_size -= 8, outputs[1].as = (dcf_dtype)999;
  TRUE(CALL(dcf_file_decode_tensors(file, outputs, 2, ERROR)) != DCF_OK);
}

static int cancel(void* ctx, uint64_t done, uint64_t total) {
  (void)ctx, (void)done, (void)total;
  return 1;
}

void test_decode(const abi_file* sample) {
  float out[60];
  uint16_t codes[60];
  uint64_t dst_bytes = 9;
  dcf_file* watched = NULL;
  size_t dense, sparse, opaque, i;
  EXPECT(DCF_OK, dcf_file_open_memory(sample->data, sample->size, NULL, &file, ERROR));
  dense = index_of("dense"), sparse = index_of("sparse"), opaque = index_of("opaque");
  EXPECT(DCF_OK, dcf_tensor_decode_bound(file, dense, DCF_DTYPE_NONE, &dst_bytes, NULL, ERROR));
  TRUE(dst_bytes == 24);
  EXPECT(DCF_OK, dcf_tensor_decode_bound(file, dense, DCF_DTYPE_F32, NULL, NULL, ERROR));
  refused_bound(NULL, 0, DCF_DTYPE_NONE);
  refused_bound(file, 4, DCF_DTYPE_NONE);
  refused_bound(file, opaque, DCF_DTYPE_F32);
  for (i = 0; i < ODD_ENUMS; ++i) {
    const dcf_dtype odd = (dcf_dtype)odd_enums[i];
    dcf_csr csr = DCF_CSR_INIT;
    refused_bound(file, dense, odd);
    TRUE(CALL(dcf_tensor_decode(file, dense, odd, out, sizeof out, ERROR)) != DCF_OK);
    TRUE(CALL(dcf_tensor_decode_rows(file, dense, odd, 0, 1, out, sizeof out, ERROR)) != DCF_OK);
    TRUE(CALL(dcf_tensor_decode_csr(file, dense, odd, &csr, ERROR)) != DCF_OK);
  }
  EXPECT(DCF_OK, dcf_tensor_decode(file, dense, DCF_DTYPE_NONE, out, 24, ERROR));
  TRUE(out[0] == 1 && out[5] == 0.5f);
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL,
         dcf_tensor_decode(file, dense, DCF_DTYPE_NONE, out, 23, ERROR));
  REFUSED(dcf_tensor_decode(file, dense, DCF_DTYPE_NONE, NULL, 24, ERROR));
  REFUSED(dcf_tensor_decode(file, 4, DCF_DTYPE_NONE, out, 24, ERROR));
  REFUSED(dcf_tensor_decode(NULL, 0, DCF_DTYPE_NONE, out, 24, ERROR));
  test_decode_tensors(dense, sparse);
  EXPECT(DCF_OK, dcf_tensor_decode_rows(file, dense, DCF_DTYPE_NONE, 1, 1, out, 12, ERROR));
  TRUE(out[2] == 0.5f);
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL,
         dcf_tensor_decode_rows(file, dense, DCF_DTYPE_NONE, 1, 1, out, 11, ERROR));
  REFUSED(dcf_tensor_decode_rows(file, dense, DCF_DTYPE_NONE, 1, 2, out, 24, ERROR));
  REFUSED(
      dcf_tensor_decode_rows(file, dense, DCF_DTYPE_NONE, UINT64_MAX, UINT64_MAX, out, 24, ERROR));
  REFUSED(dcf_tensor_decode_rows(file, dense, DCF_DTYPE_NONE, 0, 1, NULL, 24, ERROR));
  REFUSED(dcf_tensor_decode_rows(NULL, dense, DCF_DTYPE_NONE, 0, 1, out, 24, ERROR));
  test_csr();
  EXPECT(DCF_OK, dcf_tensor_decode_codebook(file, sparse, out, sizeof out, ERROR));
  TRUE(out[0] == -2 && out[1] == 1.5f);
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL, dcf_tensor_decode_codebook(file, sparse, out, 7, ERROR));
  REFUSED(dcf_tensor_decode_codebook(file, sparse, NULL, 8, ERROR));
  REFUSED(dcf_tensor_decode_codebook(file, opaque, out, sizeof out, ERROR));
  REFUSED(dcf_tensor_decode_codebook(NULL, 0, out, sizeof out, ERROR));
  EXPECT(DCF_OK, dcf_tensor_decode_codes(file, sparse, codes, 60, ERROR));
  TRUE(codes[3] == 2 && codes[21] == 1 && codes[0] == 0);
  EXPECT(DCF_STATUS_BUFFER_TOO_SMALL, dcf_tensor_decode_codes(file, sparse, codes, 59, ERROR));
  REFUSED(dcf_tensor_decode_codes(file, sparse, NULL, 60, ERROR));
  REFUSED(dcf_tensor_decode_codes(file, opaque, codes, 60, ERROR));
  REFUSED(dcf_tensor_decode_codes(NULL, 0, codes, 60, ERROR));
  EXPECT(DCF_OK, dcf_file_verify(file, NULL, NULL, ERROR));
  EXPECT(DCF_STATUS_CANCELLED, dcf_file_verify(file, cancel, NULL, ERROR));
  REFUSED(dcf_file_verify(NULL, NULL, NULL, ERROR));
  EXPECT(DCF_OK, dcf_tensor_verify(file, sparse, NULL, NULL, ERROR));
  EXPECT(DCF_STATUS_CANCELLED, dcf_tensor_verify(file, sparse, cancel, NULL, ERROR));
  REFUSED(dcf_tensor_verify(file, DCF_NO_INDEX, NULL, NULL, ERROR));
  REFUSED(dcf_tensor_verify(NULL, 0, NULL, NULL, ERROR));
  EXPECT(DCF_OK, dcf_file_watch(file, cancel, NULL, &watched, ERROR));
  EXPECT(DCF_STATUS_CANCELLED,
         dcf_tensor_decode(watched, dense, DCF_DTYPE_NONE, out, sizeof out, ERROR));
  dcf_file_close(watched);
  watched = (dcf_file*)&abi_calls;
  REFUSED(dcf_file_watch(NULL, cancel, NULL, &watched, ERROR));
  TRUE(watched == NULL);
  REFUSED(dcf_file_watch(file, cancel, NULL, NULL, ERROR));
  dcf_file_close(file);
}
