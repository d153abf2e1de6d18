/* SPDX-License-Identifier: Apache-2.0
 * read FILE: checks what write and both have written, and multiplies it. */
#include <dcf/dcf.h>
#include <stdio.h>

static int fail(const dcf_error* error) {
  fprintf(stderr, "%s: %s\n", dcf_status_name(error->status), error->message);
  return 1;
}

int main(int argc, char** argv) {
  const float x[3] = {1, 2, 3};
  float y[2] = {0, 0};
  dcf_error error = DCF_ERROR_INIT;
  dcf_file* file = NULL;
  size_t fc1 = 0;
  if (argc != 2) return 2;
  if (dcf_file_open_path(argv[1], NULL, &file, &error) != DCF_OK) return fail(&error);
  if (dcf_file_verify(file, NULL, NULL, &error) != DCF_OK ||
      dcf_tensor_find(file, "fc1.weight", 10, &fc1, &error) != DCF_OK ||
      dcf_tensor_matvec(file, fc1, x, 3, y, 2, &error) != DCF_OK) {
    dcf_file_close(file);
    return fail(&error);
  }
  dcf_file_close(file);
  printf("%s: y = %g %g\n", dcf_version_string(), y[0], y[1]);
  return y[0] == -5 && y[1] == 1.5f ? 0 : 1;
}
