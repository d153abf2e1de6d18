/* SPDX-License-Identifier: Apache-2.0
   matvec MODEL.dcf TENSOR: y = W x, once from the compressed tensor and once from a prepared layer.
 */
#include <dcf/dcf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char* what, const dcf_error* error) {
  fprintf(stderr, "matvec: %s: %s\n", what, error->message);
  return 1;
}

/* x = 1, 1/2, 1/3, ... */
static void fill(float* x, size_t n) {
  size_t i;
  for (i = 0; i < n; ++i) x[i] = 1.0f / (float)(i + 1);
}

static int multiply(const dcf_file* file, size_t index, const dcf_tensor_info* info,
                    dcf_error* error) {
  const size_t cols = (size_t)info->cols, rows = (size_t)info->rows;
  float* x = malloc(cols * sizeof *x);
  float* once = malloc(rows * sizeof *once);
  float* prepared = malloc(rows * sizeof *prepared);
  double sum = 0, largest = 0;
  dcf_layer* layer = NULL;
  dcf_layer_info layer_info = DCF_LAYER_INFO_INIT;
  size_t r;
  int status = 1;
  if (x == NULL || once == NULL || prepared == NULL) goto done;
  fill(x, cols);

  /* One product: decodes on the way and keeps nothing. */
  if (dcf_tensor_matvec(file, index, x, cols, once, rows, error) != DCF_OK) {
    fail("matvec", error);
    goto done;
  }
  /* Many products: pack the weights once. The layer needs the file no longer. */
  if (dcf_layer_prepare(file, index, NULL, &layer, error) != DCF_OK ||
      dcf_layer_describe(layer, &layer_info, error) != DCF_OK ||
      dcf_layer_apply(layer, x, cols, prepared, rows, 1, error) != DCF_OK) {
    fail("layer", error);
    goto done;
  }
  for (r = 0; r < rows; ++r) {
    sum += once[r];
    if (fabs((double)once[r] - prepared[r]) > largest)
      largest = fabs((double)once[r] - prepared[r]);
  }
  printf("%s: %lu x %lu, sum of y %.6g\n", info->name, (unsigned long)rows, (unsigned long)cols,
         sum);
  printf("kernel %s, %llu bytes packed, largest difference %.3g\n", layer_info.kernel,
         (unsigned long long)layer_info.packed_bytes, largest);
  status = 0;
done:
  dcf_layer_close(layer);
  free(prepared);
  free(once);
  free(x);
  return status;
}

int main(int argc, char** argv) {
  dcf_error error = DCF_ERROR_INIT;
  dcf_file* file = NULL;
  dcf_tensor_info info = DCF_TENSOR_INFO_INIT;
  size_t index = 0;
  int status;
  if (argc != 3) {
    fprintf(stderr, "usage: matvec MODEL.dcf TENSOR\n");
    return 2;
  }
  if (dcf_file_open_path(argv[1], NULL, &file, &error) != DCF_OK) return fail(argv[1], &error);
  if (dcf_tensor_find(file, argv[2], strlen(argv[2]), &index, &error) != DCF_OK ||
      dcf_tensor_describe(file, index, &info, &error) != DCF_OK) {
    status = fail(argv[2], &error);
  } else {
    status = multiply(file, index, &info, &error);
  }
  dcf_file_close(file);
  return status;
}
