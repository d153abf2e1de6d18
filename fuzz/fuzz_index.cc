// SPDX-License-Identifier: Apache-2.0
// An index of sharded safetensors up to the first NUL byte, then a byte with the size of the shard
// "a.safetensors", its bytes, and those of the shard "b.safetensors". Read as such and as a folder.
#include <algorithm>

#include "memory_folder.h"
#include "model_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const dcf::fuzz::MemoryFolder folder;
  auto [index, shards] = dcf::fuzz::split_at_nul({data, size});
  const size_t first = shards.empty() ? 0 : std::min<size_t>(shards[0], shards.size() - 1);
  if (!shards.empty()) shards = shards.subspan(1);
  folder.write("m.safetensors.index.json", index);
  folder.write("a.safetensors", shards.first(first));
  folder.write("b.safetensors", shards.subspan(first));
  for (const char* name : {"m.safetensors.index.json", ""}) {
    dcf::fuzz::read_model([&](const dcf::tools::MemoryLimit& limit) {
      dcf::tools::OpenHints hints;
      hints.max_memory = limit.bytes();
      return dcf::tools::open_model(folder.file(name), hints);
    });
  }
  return 0;
}
