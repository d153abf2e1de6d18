// SPDX-License-Identifier: Apache-2.0
#include "research/train/export.h"

#include "formats/dcf_writer.h"

namespace dcf::tools {
namespace {

void add(const std::string& name, const torch::Tensor& tensor, dcf_positions positions,
         DcfWriter* writer) {
  const torch::Tensor data = tensor.detach().contiguous();
  TensorMeta meta = float_meta(name, {data.sizes().begin(), data.sizes().end()});
  if (data.scalar_type() == torch::kFloat16) {
    meta.dtype = DCF_DTYPE_F16;
    meta.bits = dcf_dtype_bits(DCF_DTYPE_F16);
  }
  writer->add(meta, {static_cast<const uint8_t*>(data.data_ptr()), data.nbytes()},
              encode_options(positions));
}

}  // namespace

void export_dcf(const TorchNet& net, const Recipe& recipe, const std::string& path,
                bool overwrite) {
  dcf_writer_options options = dcf::writer_options();
  options.overwrite = overwrite ? 1 : 0;
  DcfWriter writer(path, options);
  for (const Parameters& p : net.layers()) {
    add(p.name + ".weight", p.weight, recipe.positions, &writer);
    add(p.name + ".bias", recipe.bias_bits > 0 ? p.bias.to(torch::kFloat16) : p.bias,
        DCF_POSITIONS_AUTO, &writer);
  }
  writer.add_metadata(kNetworkKey, network_text(net.network()));
  writer.finish();
}

}  // namespace dcf::tools
