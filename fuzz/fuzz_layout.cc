// SPDX-License-Identifier: Apache-2.0
// The layout of original files: one byte that says whether the rest is a zstd frame of it or the
// layout itself.
#include <stdlib.h>

#include "formats/file_layout.h"
#include "formats/zstd_stream.h"
#include "model_case.h"

namespace {

using namespace dcf::tools;  // NOLINT(google-build-using-namespace)

void read_all(std::span<const uint8_t> encoded) {
  LayoutReader reader("layout", encoded);
  LayoutFile file;
  while (reader.next_file(&file)) {
    uint64_t bytes = 0;
    for (Segment segment; reader.next_segment(&segment);) bytes += segment.bytes;
    if (bytes != file.bytes || file.name.empty() || file.name[0] == '/') abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::span<const uint8_t> bytes(data + 1, size - 1);
  dcf::fuzz::expect_tool_error_at_worst([&] {
    if (data[0] == 0) {
      read_all(bytes);
    } else {
      read_all(zstd_unpack("layout", "the frame", bytes, MemoryLimit(uint64_t{1} << 20)));
    }
  });
  return 0;
}
