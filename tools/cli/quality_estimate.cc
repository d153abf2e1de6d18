// SPDX-License-Identifier: Apache-2.0
#include "cli/quality_estimate.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "cli/quality_levels.h"

namespace dcf::tools {

uint64_t estimated_bytes(const ModelSource& source, const EncodePlan& plan,
                         const DcfFile& lossless) {
  std::unordered_map<std::string_view, double> rounded;
  for (const TensorMeta& tensor : source.tensors()) {
    const TensorChoice choice = plan.choice_for(tensor);
    if (choice.options.sqnr_db == 0) continue;
    rounded.emplace(tensor.name,
                    bits_of(choice.options.sqnr_db) / 8 * static_cast<double>(tensor.elements()));
  }
  double saved = 0;
  for (size_t i = 0; i < lossless.tensor_count(); ++i) {
    const dcf_tensor_info info = lossless.tensor(i);
    const auto bytes = rounded.find(std::string_view(info.name, info.name_size));
    if (bytes == rounded.end() || info.alias_of != DCF_NO_TENSOR) continue;
    saved += std::max(0.0, static_cast<double>(info.encoded_bytes) - bytes->second);
  }
  const uint64_t all = lossless.info().file_bytes;
  return all - std::min(all, static_cast<uint64_t>(saved));
}

}  // namespace dcf::tools
