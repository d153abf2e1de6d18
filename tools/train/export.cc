// SPDX-License-Identifier: Apache-2.0
#include "train/export.h"

#include <dcf/dcf_write.h>

#include <memory>

#include "model/dcf_error.h"

namespace dcf::tools {
namespace {

struct Closer {
  void operator()(dcf_writer* writer) const { dcf_writer_close(writer); }
};

class Writer {
 public:
  Writer(const std::string& path, bool overwrite) : path_(path) {
    dcf_writer_options options;
    dcf_writer_options_init(&options);
    options.overwrite = overwrite ? 1 : 0;
    dcf_writer* writer = nullptr;
    dcf_error error{};
    const dcf_status status = dcf_writer_open_path(path.c_str(), &options, &writer, &error);
    writer_.reset(writer);
    check(status, error);
  }

  void add(const std::string& name, const torch::Tensor& tensor, dcf_positions_choice positions) {
    const torch::Tensor data = tensor.detach().contiguous();
    std::vector<uint64_t> dims(data.sizes().begin(), data.sizes().end());
    const bool half = data.scalar_type() == torch::kFloat16;
    const dcf_tensor_spec spec{sizeof(dcf_tensor_spec), name.data(), name.size(),
                               half ? DCF_F16 : DCF_F32, 0, nullptr,
                               static_cast<uint32_t>(dims.size()), dims.data()};
    dcf_encode_options options;
    dcf_encode_options_init(&options);
    options.positions = positions;
    dcf_error error{};
    check(dcf_writer_add_dense(writer_.get(), &spec, data.data_ptr(), data.nbytes(), &options,
                               &error),
          error);
  }

  void finish(const std::string& network) {
    dcf_error error{};
    const std::string key = kNetworkKey;
    check(dcf_writer_add_metadata(writer_.get(), key.data(), key.size(), network.data(),
                                  network.size(), &error),
          error);
    check(dcf_writer_finish(writer_.get(), &error), error);
  }

 private:
  void check(dcf_status status, const dcf_error& error) const {
    if (status != DCF_OK) throw_dcf_error(path_, status, error, nullptr);
  }

  std::string path_;
  std::unique_ptr<dcf_writer, Closer> writer_;
};

}  // namespace

void export_dcf(const TorchNet& net, const Recipe& recipe, const std::string& path,
                bool overwrite) {
  Writer writer(path, overwrite);
  for (const Parameters& p : net.layers()) {
    writer.add(p.name + ".weight", p.weight, recipe.positions);
    writer.add(p.name + ".bias", recipe.bias_bits > 0 ? p.bias.to(torch::kFloat16) : p.bias,
               DCF_CHOOSE_AUTO);
  }
  writer.finish(network_text(net.network()));
}

}  // namespace dcf::tools
