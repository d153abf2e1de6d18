// SPDX-License-Identifier: Apache-2.0
#include "cli/report/model_report.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>

#include "cli/display.h"
#include "cli/model_diff.h"
#include "cli/progress.h"
#include "cli/report/value_sample.h"
#include "cli/signals.h"
#include "cli/tensor_report.h"
#include "formats/original_files.h"

namespace dcf::tools {
namespace {

constexpr size_t kMostPlots = 8;
constexpr size_t kSampleSize = 200'000;

std::string name_of(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

class Maker {
 public:
  Maker(const std::string& path, const std::string& original, const CommonOptions& common)
      : common_(common), file_(path, common.hints()) {
    report_.file = name_of(path);
    report_.info = file_.info();
    if (!original.empty()) {
      report_.original = name_of(original);
      diff_ = diff_models({.a = original, .b = path, .bounds = true}, common);
    } else {
      source_ = open_model(path, common.hints());
    }
  }

  ModelReport run() {
    if (const auto files = OriginalFiles::read(file_)) {
      report_.made_from = files->files()[0].name + " (" + files->format() + ")";
    }
    file_.each_metadata([&](std::string_view key, std::string_view value) {
      report_.metadata.emplace_back(key, value);
    });
    measure();
    compare();
    draw_samples();
    return std::move(report_);
  }

 private:
  const ModelSource& decoded() const { return source_ ? *source_ : *diff_->b; }

  void measure() {
    std::vector<dcf_tensor_bytes> bytes;
    Progress progress("measuring", file_.tensor_count(), common_.progress(),
                      Progress::Unit::kSteps);
    for (size_t i = 0; i < file_.tensor_count(); ++i) {
      throw_if_interrupted();
      bytes.push_back(file_.measure(i));
      report_.elements += file_.tensor(i).elements;
      progress.update(i + 1);
    }
    order_.resize(bytes.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::stable_sort(order_.begin(), order_.end(),
                     [&](size_t a, size_t b) { return bytes[a].total > bytes[b].total; });
    for (size_t at = ModelReport::kMostRows; at < order_.size(); ++at) {
      const dcf_tensor_bytes& b = bytes[order_[at]];
      ++report_.others;
      report_.other_bytes.positions += b.positions;
      report_.other_bytes.values += b.values;
      report_.other_bytes.codebook += b.codebook;
      report_.other_bytes.tables += b.tables;
      report_.other_bytes.other += b.other;
      report_.other_bytes.total += b.total;
    }
    order_.resize(std::min(order_.size(), ModelReport::kMostRows));
    for (const size_t i : order_) report_.tensors.push_back(describe(i, bytes[i]));
  }

  ReportedTensor describe(size_t i, const dcf_tensor_bytes& bytes) const {
    const dcf_tensor_info t = file_.tensor(i);
    ReportedTensor out;
    out.name.assign(t.name, t.name_size);
    out.dtype = dcf_dtype_name(t.dtype);
    out.shape = human_shape({t.dims, t.rank});
    out.encoding = encoding_text(t);
    out.elements = t.elements;
    out.nonzeros = t.nonzeros;
    out.dense_bytes = t.dense_bytes;
    out.codebook_size = t.codebook_size;
    out.bytes = bytes;
    out.fidelity = dcf_fidelity_name(t.fidelity);
    out.error_bound = t.error_bound;
    return out;
  }

  void compare() {
    if (!diff_) return;
    std::map<std::string_view, const TensorDiff*> by_name;
    for (const TensorDiff& tensor : diff_->tensors) {
      by_name[tensor.name] = &tensor;
      report_.compared += tensor.difference.has_value();
      report_.missing += !tensor.difference.has_value();
      report_.beyond += tensor.difference.has_value() && !tensor.ok;
    }
    for (ReportedTensor& tensor : report_.tensors) {
      const auto found = by_name.find(tensor.name);
      if (found == by_name.end()) continue;
      tensor.difference = found->second->difference;
      tensor.verdict = found->second->result;
    }
  }

  void draw_samples() {
    std::map<std::string_view, size_t> in_original;
    if (diff_) {
      const auto& tensors = diff_->a->tensors();
      for (size_t i = 0; i < tensors.size(); ++i) in_original[tensors[i].name] = i;
    }
    // The order of a model of a .dcf file is that of the file.
    const size_t plots = std::min(order_.size(), ModelReport::kMostRows);
    Progress progress("drawing", plots, common_.progress(), Progress::Unit::kSteps);
    for (size_t at = 0; at < plots; ++at) {
      const size_t i = order_[at];
      const dcf_tensor_info t = file_.tensor(i);
      const std::string name(t.name, t.name_size);
      if (report_.weights.size() < kMostPlots && t.rank > 1 && t.alias_of == DCF_NO_TENSOR) {
        WeightSample sample{name, sample_values(decoded(), i, kSampleSize), {}};
        const auto found = in_original.find(name);
        if (found != in_original.end()) {
          sample.original = sample_values(*diff_->a, found->second, kSampleSize);
        }
        if (!sample.decoded.empty()) report_.weights.push_back(std::move(sample));
      }
      if (report_.symbols.size() < kMostPlots && t.values == DCF_VALUES_PALETTE &&
          t.alias_of == DCF_NO_TENSOR &&
          t.elements <= MemoryLimit(common_.max_memory).bytes() / (4 * sizeof(uint16_t))) {
        report_.symbols.push_back({name, count_symbols(file_, i)});
      }
      progress.update(at + 1);
    }
  }

  const CommonOptions& common_;
  DcfFile file_;
  std::optional<ModelDiff> diff_;        // with the original
  std::unique_ptr<ModelSource> source_;  // without
  std::vector<size_t> order_;            // the tensors of the report
  ModelReport report_;
};

}  // namespace

ModelReport make_report(const std::string& path, const std::string& original,
                        const CommonOptions& common) {
  return Maker(path, original, common).run();
}

}  // namespace dcf::tools
