/* SPDX-License-Identifier: Apache-2.0
 * write FILE: a 2 x 3 matrix, through the C interface. */
#include <dcf/dcf_write.h>
#include <stdio.h>
#include <string.h>

static int fail(const dcf_error* error) {
  fprintf(stderr, "%s: %s\n", dcf_status_name(error->status), error->message);
  return 1;
}

int main(int argc, char** argv) {
  const float values[6] = {1, 0, -2, 0, 0, 0.5f};
  const uint64_t dims[2] = {2, 3};
  dcf_tensor_spec spec = DCF_TENSOR_SPEC_INIT;
  dcf_error error = DCF_ERROR_INIT;
  dcf_writer* writer = NULL;
  if (argc != 2) return 2;
  if (dcf_writer_open_path(argv[1], NULL, &writer, &error) != DCF_OK) return fail(&error);
  spec.name = "fc1.weight";
  spec.name_size = strlen(spec.name);
  spec.dtype = DCF_DTYPE_F32;
  spec.rank = 2;
  spec.dims = dims;
  if (dcf_writer_add_dense(writer, &spec, values, sizeof values, NULL, &error) != DCF_OK ||
      dcf_writer_finish(writer, &error) != DCF_OK) {
    dcf_writer_close(writer);
    return fail(&error);
  }
  dcf_writer_close(writer);
  return 0;
}
