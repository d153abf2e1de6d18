/* SPDX-License-Identifier: Apache-2.0
   load MODEL.dcf [TENSOR]: lists the tensors of a file, then decodes one of them to floats. */
#include <dcf/dcf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char* what, const dcf_error* error) {
  fprintf(stderr, "load: %s: %s\n", what, error->message);
  return 1;
}

static void print_shape(const dcf_tensor_info* info) {
  uint32_t i;
  printf("%-32s %-6s [", info->name, dcf_dtype_name(info->dtype));
  for (i = 0; i < info->rank; ++i)
    printf(i == 0 ? "%llu" : ", %llu", (unsigned long long)info->dims[i]);
  printf("] %llu of %llu bytes\n", (unsigned long long)info->encoded_bytes,
         (unsigned long long)info->dense_bytes);
}

static int list(const dcf_file* file, dcf_error* error) {
  size_t i;
  for (i = 0; i < dcf_tensor_count(file); ++i) {
    dcf_tensor_info info = DCF_TENSOR_INFO_INIT;
    if (dcf_tensor_describe(file, i, &info, error) != DCF_OK) return fail("describe", error);
    print_shape(&info);
  }
  return 0;
}

static int print_range(const dcf_file* file, const char* name, dcf_error* error) {
  uint64_t bytes = 0, working = 0;
  size_t index = 0, n, i;
  float *values, least, greatest;
  if (dcf_tensor_find(file, name, strlen(name), &index, error) != DCF_OK) return fail(name, error);
  /* The size is known before anything is decoded: a program decides here what it accepts. */
  if (dcf_tensor_decode_bound(file, index, DCF_DTYPE_F32, &bytes, &working, error) != DCF_OK) {
    return fail(name, error);
  }
  if (bytes == 0 || bytes > 1u << 30) {
    fprintf(stderr, "load: %s: nothing to decode, or more than 1 GiB\n", name);
    return 1;
  }
  values = malloc((size_t)bytes);
  if (values == NULL) return 1;
  if (dcf_tensor_decode(file, index, DCF_DTYPE_F32, values, (size_t)bytes, error) != DCF_OK) {
    free(values);
    return fail(name, error);
  }
  n = (size_t)bytes / sizeof(float);
  least = greatest = values[0];
  for (i = 1; i < n; ++i) {
    if (values[i] < least) least = values[i];
    if (values[i] > greatest) greatest = values[i];
  }
  printf("%s: %lu values from %g to %g\n", name, (unsigned long)n, least, greatest);
  free(values);
  return 0;
}

int main(int argc, char** argv) {
  dcf_error error = DCF_ERROR_INIT;
  dcf_file* file = NULL;
  int status;
  if (argc < 2) {
    fprintf(stderr, "usage: load MODEL.dcf [TENSOR]\n");
    return 2;
  }
  /* NULL: the default limits, 1 GiB of memory among them. */
  if (dcf_file_open_path(argv[1], NULL, &file, &error) != DCF_OK) return fail(argv[1], &error);
  status = argc == 2 ? list(file, &error) : print_range(file, argv[2], &error);
  dcf_file_close(file);
  return status;
}
