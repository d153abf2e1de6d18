// SPDX-License-Identifier: Apache-2.0
// Large sparse layers into a .dcf file, clustered on the way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/dcf_writer.h"

namespace dcf::tools {

struct SparseLayer {
  std::vector<uint64_t> row_ptr;
  std::vector<uint32_t> col;
  std::vector<float> values;  // none of them 0
};

// Shares the values among `clusters` centroids (linear initialisation), and stores codes at gap
// positions of the best width. Throws DcfError.
void add_clustered(const TensorMeta& meta, const SparseLayer& layer, uint32_t clusters,
                   DcfWriter* writer);

// A writer that replaces a file of the same name.
DcfWriter replace_dcf(const std::string& path);

}  // namespace dcf::tools
