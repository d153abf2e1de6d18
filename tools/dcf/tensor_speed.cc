// SPDX-License-Identifier: Apache-2.0
#include "dcf/tensor_speed.h"

#include <cstring>
#include <vector>

#include "dcf/stopwatch.h"

namespace dcf::tools {

std::optional<DecodeSpeed> measure_decoding(const DcfFile& file, size_t index) {
  const uint64_t bytes = file.tensor(index).dense_bytes;
  if (bytes == 0 || bytes > file.max_memory() / 2) return std::nullopt;
  std::vector<uint8_t> dense(bytes);
  std::vector<uint8_t> copy(bytes);
  DecodeSpeed speed{};
  speed.decode = median_seconds([&] {
    dcf_error error{};
    file.check(dcf_decode(file.handle(), index, DCF_DTYPE_NONE, dense.data(), dense.size(), &error),
               error);
  });
  speed.copy = median_seconds([&] { std::memcpy(copy.data(), dense.data(), bytes); });
  return speed;
}

}  // namespace dcf::tools
