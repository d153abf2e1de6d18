/* SPDX-License-Identifier: Apache-2.0
   stream_rows MODEL.dcf TENSOR: the root mean square of a tensor of any size, in at most 64 MiB. */
#include <dcf/dcf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES ((uint64_t)16 << 20)
#define LIBRARY_BYTES ((uint64_t)48 << 20)

static int fail(const char* what, const dcf_error* error) {
  fprintf(stderr, "stream_rows: %s: %s\n", what, error->message);
  return 1;
}

static int stream(const dcf_file* file, size_t index, const dcf_tensor_info* info,
                  dcf_error* error) {
  const uint64_t row_bytes = info->cols * sizeof(float);
  uint64_t at, count, i, rows_at_once;
  double squares = 0;
  float* buffer;
  if (info->elements == 0 || info->cols > BUFFER_BYTES / sizeof(float)) {
    fprintf(stderr, "stream_rows: no elements, or a row of more than 16 MiB\n");
    return 1;
  }
  rows_at_once = BUFFER_BYTES / row_bytes;
  buffer = malloc((size_t)BUFFER_BYTES);
  if (buffer == NULL) return 1;
  for (at = 0; at < info->rows; at += count) {
    count = info->rows - at < rows_at_once ? info->rows - at : rows_at_once;
    /* Only the chunks that hold these rows are read. */
    if (dcf_tensor_decode_rows(file, index, DCF_DTYPE_F32, at, count, buffer,
                               (size_t)(count * row_bytes), error) != DCF_OK) {
      free(buffer);
      return fail(info->name, error);
    }
    for (i = 0; i < count * info->cols; ++i) squares += (double)buffer[i] * buffer[i];
  }
  free(buffer);
  printf("%s: rms %.6g over %llu rows\n", info->name, sqrt(squares / (double)info->elements),
         (unsigned long long)info->rows);
  return 0;
}

int main(int argc, char** argv) {
  dcf_error error = DCF_ERROR_INIT;
  dcf_open_options options;
  dcf_file* file = NULL;
  dcf_tensor_info info = DCF_TENSOR_INFO_INIT;
  size_t index = 0;
  int status;
  if (argc != 3) {
    fprintf(stderr, "usage: stream_rows MODEL.dcf TENSOR\n");
    return 2;
  }
  dcf_open_options_init(&options);
  options.max_memory = LIBRARY_BYTES;
  if (dcf_file_open_path(argv[1], &options, &file, &error) != DCF_OK) return fail(argv[1], &error);
  if (dcf_tensor_find(file, argv[2], strlen(argv[2]), &index, &error) != DCF_OK ||
      dcf_tensor_describe(file, index, &info, &error) != DCF_OK) {
    status = fail(argv[2], &error);
  } else {
    status = stream(file, index, &info, &error);
  }
  dcf_file_close(file);
  return status;
}
