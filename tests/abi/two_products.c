/* SPDX-License-Identifier: Apache-2.0
 * two_products DECODER ALL: linked with the decoder, loads the other product as a plug-in of a host
 * would. The functions of both are found by their own versions, at places of their own, and the
 * writer of one gives what the reader of the other reads. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "dcf/dcf_write.h"

static unsigned char bytes[4096];
static size_t size;

static int append(void* ctx, const void* data, size_t n) {
  (void)ctx;
  if (n > sizeof bytes - size) return 1;
  if (n != 0) memcpy(bytes + size, data, n);
  size += n;
  return 0;
}

/* Converts what dlsym gives to a pointer to a function. */
#define FIND(library, name, function)                  \
  do {                                                 \
    void* found = dlsym(library, name);                \
    if (found == NULL) return fail("no symbol " name); \
    memcpy(&function, &found, sizeof found);           \
  } while (0)

static int fail(const char* message) {
  fprintf(stderr, "%s\n", message);
  return 1;
}

int main(int argc, char** argv) {
  const char* (*version)(void);
  dcf_status (*open_sink)(const dcf_sink*, const dcf_writer_options*, dcf_writer**, dcf_error*);
  dcf_status (*finish)(dcf_writer*, dcf_error*);
  void (*close_writer)(dcf_writer*);
  dcf_sink sink = DCF_SINK_INIT;
  dcf_error error = DCF_ERROR_INIT;
  dcf_writer* writer = NULL;
  dcf_file* file = NULL;
  void *all, *decoder;
  if (argc != 3) return 2;
  decoder = dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD);
  if (decoder == NULL) return fail("the decoder is not loaded");
  all = dlopen(argv[2], RTLD_NOW | RTLD_GLOBAL);
  if (all == NULL) return fail(dlerror());
  FIND(all, "dcf_version_string", version);
  if (version == dcf_version_string) return fail("both products have one function");
  if (dlvsym(decoder, "dcf_version_string", "DCF_ALL_" VERSION) != NULL ||
      dlvsym(all, "dcf_version_string", "DCF_ALL_" VERSION) == NULL ||
      dlvsym(decoder, "dcf_version_string", "DCF_DECODER_" VERSION) == NULL) {
    return fail("the versions of the symbols are not those of the products");
  }
  if (dlsym(decoder, "dcf_writer_finish") != NULL) return fail("the decoder writes");
  FIND(all, "dcf_writer_open_sink", open_sink);
  FIND(all, "dcf_writer_finish", finish);
  FIND(all, "dcf_writer_close", close_writer);
  sink.write = append;
  if (open_sink(&sink, NULL, &writer, &error) != DCF_OK) return fail(error.message);
  if (finish(writer, &error) != DCF_OK) return fail(error.message);
  close_writer(writer);
  if (dcf_file_open_memory(bytes, size, NULL, &file, &error) != DCF_OK) return fail(error.message);
  if (dcf_file_verify(file, NULL, NULL, &error) != DCF_OK) return fail(error.message);
  dcf_file_close(file);
  return 0;
}
