/* SPDX-License-Identifier: Apache-2.0
 * abi_test FILE...: every function of the C ABI with NULL, wrong sizes, short and long structs,
 * numbers of no enum, and hostile files. Each call gives a status, and outputs are initialised. */
#include <stdlib.h>

#include "abi_check.h"

int main(int argc, char** argv) {
  const abi_file sample = abi_write_sample();
  int i;
  test_names();
  test_open(&sample);
  test_describe(&sample);
  test_decode(&sample);
  test_compute(&sample);
  test_layers(&sample);
  test_writer();
  test_encode();
  test_hostile_sample(&sample);
  for (i = 1; i < argc; ++i) test_hostile_file(argv[i]);
  free(sample.data);
  printf("%d calls, %d failures\n", abi_calls, abi_failures);
  return abi_failures == 0 ? 0 : 1;
}
