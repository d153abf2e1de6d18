// SPDX-License-Identifier: Apache-2.0
#include "research/paper/user_weights.h"

#include <dcf/dcf_encode.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <memory>

#include "formats/dcf_source.h"
#include "formats/model_sink.h"
#include "formats/output_file.h"
#include "research/paper/large_layers.h"
#include "research/paper/sparse_layer.h"

namespace dcf::tools {
namespace {

// Digits compare as numbers.
bool natural_less(const std::string& a, const std::string& b) {
  const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  size_t i = 0;
  size_t k = 0;
  while (i < a.size() && k < b.size()) {
    if (digit(a[i]) && digit(b[k])) {
      const auto number = [&](const std::string& s, size_t* at) {
        size_t end = *at;
        while (end < s.size() && digit(s[end])) ++end;
        std::string text = s.substr(*at, end - *at);
        text.erase(0, std::min(text.find_first_not_of('0'), text.size() - 1));
        *at = end;
        return text;
      };
      const std::string x = number(a, &i);
      const std::string y = number(b, &k);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else {
      if (a[i] != b[k]) return a[i] < b[k];
      ++i;
      ++k;
    }
  }
  return a.size() - i < b.size() - k;
}

std::vector<size_t> weights_of_rank(const ModelSource& model, size_t rank) {
  std::vector<size_t> found;
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    if (model.tensors()[i].dims.size() == rank) found.push_back(i);
  }
  std::sort(found.begin(), found.end(), [&](size_t a, size_t b) {
    return natural_less(model.tensors()[a].name, model.tensors()[b].name);
  });
  return found;
}

SparseLayer prune(const std::vector<float>& w, uint64_t cols, double density) {
  std::vector<uint8_t> mask(w.size());
  dcf_error error = DCF_ERROR_INIT;
  if (dcf_prune(w.data(), w.size(), 1 - density, mask.data(), &error) != DCF_OK) {
    throw Error(kExitInvalid, std::string("pruning: ") + error.message);
  }
  SparseLayer layer;
  layer.row_ptr.push_back(0);
  for (uint64_t i = 0; i < w.size(); ++i) {
    if (mask[i] != 0) {
      layer.col.push_back(static_cast<uint32_t>(i % cols));
      layer.values.push_back(w[i]);
    }
    if ((i + 1) % cols == 0) layer.row_ptr.push_back(layer.col.size());
  }
  return layer;
}

}  // namespace

UserNet match_layers(const ModelSource& model, const std::string& path) {
  UserNet net;
  net.tensors = weights_of_rank(model, 4);
  const std::vector<size_t> linear = weights_of_rank(model, 2);
  for (const PaperNet* const paper : {&paper_alexnet(), &paper_vgg16()}) {
    if (net.tensors.size() + linear.size() == paper->layers.size() && linear.size() == 3) {
      net.paper = paper;
    }
  }
  if (net.paper == nullptr) {
    throw_invalid(path,
                  "is neither AlexNet (5 convolutions, 3 linear layers) nor VGG-16 (13 and 3)");
  }
  net.tensors.insert(net.tensors.end(), linear.begin(), linear.end());
  for (const size_t i : net.tensors) {
    const TensorMeta& t = model.tensors()[i];
    if (t.dtype != DCF_DTYPE_F32 || t.elements() == 0) {
      throw_failure(path, "has weights that are not float32, which cannot be pruned here");
    }
  }
  return net;
}

std::vector<std::string> layer_names(const ModelSource& model, const UserNet& net) {
  std::vector<std::string> names;
  for (const size_t i : net.tensors) {
    std::string name = model.tensors()[i].name;
    if (name.ends_with(".weight")) name.resize(name.rfind('.'));
    names.push_back(name);
  }
  return names;
}

void write_compressed(const ModelSource& model, const UserNet& net, const std::string& path) {
  DcfWriter writer = replace_dcf(path);
  for (size_t i = 0; i < model.tensors().size(); ++i) {
    const TensorMeta& t = model.tensors()[i];
    const std::vector<uint8_t> bytes = model.read(i);
    const auto at = std::find(net.tensors.begin(), net.tensors.end(), i);
    if (at == net.tensors.end()) {
      writer.add(t, bytes, encode_options(DCF_POSITIONS_AUTO));
      continue;
    }
    const PaperLayer& layer = net.paper->layers[static_cast<size_t>(at - net.tensors.begin())];
    std::vector<float> w(t.elements());
    std::memcpy(w.data(), bytes.data(), bytes.size());
    add_clustered(t, prune(w, w.size() / t.dims[0], layer.kept / 100), clusters_of(layer), &writer);
  }
  writer.finish();
}

void restore(const std::string& dcf_path, const std::string& safetensors_path) {
  const auto model = open_dcf_model(dcf_path, {});
  const auto sink =
      create_model_sink(std::make_unique<OutputFile>(safetensors_path, /*overwrite=*/false),
                        SinkFormat::kSafetensors, model->tensors(), model->metadata());
  for (const size_t i : sink->order()) sink->add(model->tensors()[i], model->read(i));
  sink->finish();
}

}  // namespace dcf::tools
