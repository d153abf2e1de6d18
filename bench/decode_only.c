/* SPDX-License-Identifier: Apache-2.0 */
/* The least program that decodes a file: what of the library it links is what an application
   carries. bench.sh measures it. */
#include <dcf/dcf.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  dcf_error error = DCF_ERROR_INIT;
  dcf_file* file = NULL;
  if (argc != 2 || dcf_file_open_path(argv[1], NULL, &file, &error) != DCF_OK) return 1;
  for (size_t i = 0; i < dcf_tensor_count(file); ++i) {
    dcf_tensor_info info = {.struct_size = sizeof info};
    void* data = NULL;
    if (dcf_tensor_describe(file, i, &info, &error) != DCF_OK) return 1;
    data = malloc(info.dense_bytes);
    if (data == NULL && info.dense_bytes != 0) return 1;
    if (dcf_tensor_decode(file, i, DCF_DTYPE_NONE, data, info.dense_bytes, &error) != DCF_OK)
      return 1;
    fwrite(data, 1, info.dense_bytes, stdout);
    free(data);
  }
  dcf_file_close(file);
  return 0;
}
