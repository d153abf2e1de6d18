/* SPDX-License-Identifier: Apache-2.0 */
#include "abi_check.h"

#include <stdlib.h>

int abi_failures = 0;
int abi_calls = 0;
struct guarded_error abi_error;
const uint32_t odd_enums[ODD_ENUMS] = {99, 258, 0x7fffffffu, 0x80000000u, 0xffffffffu};

static void complain(const char* what, const char* file, int line) {
  fprintf(stderr, "%s:%d: %s\n", file, line, what);
  ++abi_failures;
}

void abi_prepare(void) {
  memset(&abi_error, kPattern, sizeof abi_error);
  abi_error.error.struct_size = sizeof abi_error.error;
  abi_error.error.status = (dcf_status)0;
  abi_error.error.message[0] = '\0';
  abi_error.error.rule[0] = '\0';
}

static int is_pattern(const unsigned char* bytes, size_t size) {
  size_t i;
  for (i = 0; i < size; ++i) {
    if (bytes[i] != kPattern) return 0;
  }
  return 1;
}

dcf_status abi_checked(dcf_status got, const char* call, const char* file, int line) {
  const dcf_error* e = &abi_error.error;
  ++abi_calls;
  if (strcmp(dcf_status_name(got), "Unknown") == 0) complain("no status", file, line);
  if (dcf_status_class(got) == DCF_STATUS_CLASS_INTERNAL) complain(call, file, line);
  if (!is_pattern(abi_error.before, sizeof abi_error.before) ||
      !is_pattern(abi_error.after, sizeof abi_error.after)) {
    complain("the library wrote beside the error", file, line);
  }
  if (strstr(call, "ERROR") == NULL) return got;
  if (e->status != got || e->struct_size != sizeof *e)
    complain("the error is of another status", file, line);
  if (got != DCF_OK && (e->message[0] == '\0' || memchr(e->message, 0, sizeof e->message) == NULL ||
                        memchr(e->rule, 0, sizeof e->rule) == NULL)) {
    complain("the error has no message", file, line);
  }
  return got;
}

void abi_expect_status(dcf_status got, dcf_status want, const char* call, const char* file,
                       int line) {
  if (got == want) return;
  fprintf(stderr, "%s:%d: %s gives %s, not %s\n", file, line, call, dcf_status_name(got),
          dcf_status_name(want));
  ++abi_failures;
}

void abi_expect_true(int truth, const char* what, const char* file, int line) {
  if (!truth) complain(what, file, line);
}

void abi_fill(abi_struct* s, size_t struct_size) {
  memset(s, kPattern, sizeof *s);
  s->struct_size = struct_size;
}

int abi_untouched(const abi_struct* s, size_t struct_size) {
  return s->struct_size == struct_size &&
         is_pattern(s->bytes + sizeof(size_t), kStructRoom - sizeof(size_t));
}

int abi_tail_zeroed(const abi_struct* s, size_t known, size_t struct_size) {
  size_t i;
  if (s->struct_size != struct_size) return 0;
  for (i = known; i < struct_size; ++i) {
    if (s->bytes[i] != 0) return 0;
  }
  return is_pattern(s->bytes + struct_size, kStructRoom - struct_size);
}

int abi_zeroed(const abi_struct* s, size_t struct_size) {
  return abi_tail_zeroed(s, sizeof(size_t), struct_size);
}

static const size_t kNoSizes[] = {0, 1, sizeof(size_t), 4097, SIZE_MAX / 2, SIZE_MAX};

void abi_check_output(const char* name, size_t size, size_t first, abi_output_call call,
                      abi_output_call failing) {
  static abi_struct s;
  size_t i;
  for (i = 0; i <= sizeof kNoSizes / sizeof *kNoSizes; ++i) {
    const size_t bad = i < sizeof kNoSizes / sizeof *kNoSizes ? kNoSizes[i] : first - 1;
    abi_fill(&s, bad);
    if (call(&s) != DCF_STATUS_INVALID_ARGUMENT) complain(name, "bad struct_size", (int)i);
    if (!abi_untouched(&s, bad)) complain(name, "a struct of bad struct_size changed", (int)i);
  }
  for (i = first; i <= size + 64; i += i < size ? size - i : 8) {
    abi_fill(&s, i);
    if (call(&s) != DCF_OK) complain(name, "good struct_size", (int)i);
    if (!abi_tail_zeroed(&s, i < size ? i : size, i)) complain(name, "tail of an output", (int)i);
    if (failing == NULL) continue;
    abi_fill(&s, i);
    if (failing(&s) == DCF_OK) complain(name, "a call that must fail", (int)i);
    if (!abi_zeroed(&s, i)) complain(name, "output of a failure", (int)i);
  }
  if (call(NULL) != DCF_STATUS_INVALID_ARGUMENT) complain(name, "NULL", 0);
}

void abi_check_input(const char* name, const void* sound, size_t size, size_t first,
                     abi_input_call call) {
  static abi_struct s;
  size_t i;
  for (i = 0; i <= sizeof kNoSizes / sizeof *kNoSizes; ++i) {
    memset(&s, 0, sizeof s);
    memcpy(&s, sound, size);
    s.struct_size = i < sizeof kNoSizes / sizeof *kNoSizes ? kNoSizes[i] : first - 1;
    if (call(&s) != DCF_STATUS_INVALID_ARGUMENT) complain(name, "bad struct_size", (int)i);
  }
  for (i = first; i <= size + 64; i += i < size ? size - i : 8) {
    memset(&s, 0, sizeof s);
    memcpy(&s, sound, size);
    memset(s.bytes + i, kPattern, sizeof s - i); /* behind the struct */
    s.struct_size = i;
    if (call(&s) != DCF_OK) complain(name, "good struct_size", (int)i);
    if (i <= size) continue;
    s.bytes[i - 1] = 1; /* a field of a later release, in use */
    if (call(&s) != DCF_STATUS_INVALID_ARGUMENT) complain(name, "unknown field in use", (int)i);
  }
}

int abi_append(void* file, const void* data, size_t size) {
  abi_file* f = (abi_file*)file;
  if (size > f->room - f->size) {
    const size_t room = 2 * (f->size + size);
    unsigned char* grown = (unsigned char*)realloc(f->data, room);
    if (grown == NULL) return 1;
    f->data = grown;
    f->room = room;
  }
  if (size != 0) memcpy(f->data + f->size, data, size);
  f->size += size;
  return 0;
}

static void add(dcf_writer* writer, const char* name, dcf_dtype dtype, uint32_t rank,
                const uint64_t* dims, const void* data, size_t size) {
  dcf_tensor_spec spec = DCF_TENSOR_SPEC_INIT;
  spec.name = name;
  spec.name_size = strlen(name);
  spec.dtype = dtype;
  spec.rank = rank;
  spec.dims = dims;
  if (dtype == DCF_DTYPE_OPAQUE) {
    spec.opaque_bits = 8;
    spec.opaque_name = "q8";
    spec.opaque_name_size = 2;
  }
  EXPECT(DCF_OK, dcf_writer_add_dense(writer, &spec, data, size, NULL, ERROR));
}

abi_file abi_write_sample(void) {
  static const uint64_t kDims[] = {2, 3};
  static const uint64_t kSparse[] = {3, 20};
  static const uint64_t kKernel[] = {1, 1, 2, 2};
  static const uint64_t kFour[] = {4};
  static const float kDense[] = {1, 0, -2, 0, 0, 0.5f};
  static const uint64_t kRows[] = {0, 2, 3, 4};
  static const uint32_t kCols[] = {3, 17, 1, 5};
  static const uint8_t kCodes[] = {1, 1, 0, 1};
  static const float kCodebook[] = {-2, 1.5f};
  dcf_tensor_spec sparse = DCF_TENSOR_SPEC_INIT;
  float kernel[4] = {1, 2, 3, 4};
  abi_file file = {NULL, 0, 0};
  dcf_sink sink = DCF_SINK_INIT;
  dcf_writer* writer = NULL;
  sink.ctx = &file;
  sink.write = abi_append;
  EXPECT(DCF_OK, dcf_writer_open_sink(&sink, NULL, &writer, ERROR));
  add(writer, "dense", DCF_DTYPE_F32, 2, kDims, kDense, sizeof kDense);
  sparse.name = "sparse";
  sparse.name_size = 6;
  sparse.dtype = DCF_DTYPE_F32;
  sparse.rank = 2;
  sparse.dims = kSparse;
  EXPECT(DCF_OK, dcf_writer_add_codes(writer, &sparse, kRows, 4, kCols, kCodes, 4, kCodebook, 2,
                                      NULL, ERROR));
  add(writer, "kernel", DCF_DTYPE_F32, 4, kKernel, kernel, sizeof kernel);
  add(writer, "opaque", DCF_DTYPE_OPAQUE, 1, kFour, "abcd", 4);
  EXPECT(DCF_OK, dcf_writer_add_metadata(writer, "key", 3, "value", 5, ERROR));
  EXPECT(DCF_OK, dcf_writer_add_section(writer, 9, "nine", 4, ERROR));
  EXPECT(DCF_OK, dcf_writer_finish(writer, ERROR));
  dcf_writer_close(writer);
  return file;
}
