// SPDX-License-Identifier: Apache-2.0
#include <torch/serialize.h>

#include <cstring>
#include <filesystem>
#include <sstream>

#include "formats/error.h"
#include "formats/output_file.h"
#include "research/train/session.h"

namespace dcf::tools {
namespace {

template <typename T>
torch::Tensor tensor_of(const std::vector<T>& values, torch::ScalarType type) {
  torch::Tensor t = torch::empty({static_cast<int64_t>(values.size())}, type);
  if (!values.empty()) std::memcpy(t.data_ptr(), values.data(), values.size() * sizeof(T));
  return t;
}

template <typename T>
void values_of(const torch::Tensor& t, std::vector<T>* values) {
  values->resize(static_cast<size_t>(t.numel()));
  if (!values->empty()) std::memcpy(values->data(), t.data_ptr(), values->size() * sizeof(T));
}

}  // namespace

void save_state(const std::string& path, const TorchNet& net,
                const std::vector<torch::Tensor>& more) {
  std::vector<torch::Tensor> all;
  for (const Parameters& p : net.layers()) {
    all.insert(all.end(),
               {p.weight.detach(), p.bias.detach(), tensor_of(p.mask, torch::kUInt8),
                tensor_of(p.codes, torch::kUInt8), tensor_of(p.codebook, torch::kFloat32)});
  }
  all.insert(all.end(), more.begin(), more.end());
  // In memory first: LibTorch's own writing to a file ends the process where the disk is full.
  std::ostringstream state;
  torch::save(all, state);
  const std::string bytes = state.str();
  OutputFile file(path, true);
  file.write({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  file.commit();
}

bool load_state(const std::string& path, TorchNet* net, std::vector<torch::Tensor>* more) {
  if (!std::filesystem::exists(path)) return false;
  std::vector<torch::Tensor> all;
  try {
    torch::load(all, path);
  } catch (const c10::Error&) {
    throw_invalid(path, "is not the state of a training run: remove it to start afresh");
  }
  const torch::NoGradGuard no_grad;
  size_t next = 0;
  for (Parameters& p : net->layers()) {
    if (all.size() < next + 5 || all[next].sizes() != p.weight.sizes()) {
      throw_invalid(path, "is the state of another run: remove it to start afresh");
    }
    p.weight.copy_(all[next]);
    p.bias.copy_(all[next + 1]);
    values_of(all[next + 2], &p.mask);
    values_of(all[next + 3], &p.codes);
    values_of(all[next + 4], &p.codebook);
    next += 5;
  }
  if (more != nullptr) more->assign(all.begin() + static_cast<std::ptrdiff_t>(next), all.end());
  return true;
}

}  // namespace dcf::tools
