// SPDX-License-Identifier: Apache-2.0
#include "research/paper/sparse_layer.h"

#include <dcf/dcf_encode.h>

#include "formats/dcf_error.h"

namespace dcf::tools {

void add_clustered(const TensorMeta& meta, const SparseLayer& layer, uint32_t clusters,
                   DcfWriter* writer) {
  dcf_share_options share;
  dcf_share_options_init(&share);
  share.clusters = clusters;
  std::vector<float> codebook(clusters);
  std::vector<uint8_t> codes(layer.values.size());
  uint32_t size = 0;
  dcf_error error = DCF_ERROR_INIT;
  const dcf_status status = dcf_share(layer.values.data(), nullptr, nullptr, codes.size(), &share,
                                      codebook.data(), &size, codes.data(), &error);
  if (status != DCF_OK) throw_dcf_error(meta.name, status, error, nullptr);
  for (uint8_t& code : codes) --code;  // 0 would be a pruned weight; here all are kept
  writer->add_codes(meta, {layer.row_ptr, layer.col, codes, codebook.data(), size},
                    encode_options(DCF_POSITIONS_GAP));
}

DcfWriter replace_dcf(const std::string& path) {
  dcf_writer_options options = dcf::writer_options();
  options.overwrite = 1;
  return DcfWriter(path, options);
}

}  // namespace dcf::tools
