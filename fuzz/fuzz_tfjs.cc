// SPDX-License-Identifier: Apache-2.0
// model.json up to the first NUL byte, then a byte with the size of the weight file "a", its bytes,
// and those of the weight file "b". Read with the weights as they are stored and as numbers.
#include <algorithm>

#include "memory_folder.h"
#include "model_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const dcf::fuzz::MemoryFolder folder;
  auto [manifest, shards] = dcf::fuzz::split_at_nul({data, size});
  const size_t first = shards.empty() ? 0 : std::min<size_t>(shards[0], shards.size() - 1);
  if (!shards.empty()) shards = shards.subspan(1);
  folder.write("model.json", manifest);
  folder.write("a", shards.first(first));
  folder.write("b", shards.subspan(first));
  for (const bool dequantize : {false, true}) {
    dcf::fuzz::read_model([&](const dcf::tools::MemoryLimit& limit) {
      dcf::tools::OpenHints hints;
      hints.max_memory = limit.bytes();
      hints.dequantize = dequantize;
      return dcf::tools::open_model(folder.file("model.json"), hints);
    });
  }
  return 0;
}
