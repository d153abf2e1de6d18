// SPDX-License-Identifier: Apache-2.0
// `--calibration`: what is known of the inputs of a model's weights, a safetensors file.
//
// Of the tensor NAME, seen as a matrix of rows (outputs) x cols (inputs), it holds NAME.moments
// [cols, cols], or NAME.mean and NAME.mean_square [cols], or all three; with one more dimension in
// front where groups of rows have moments of their own; and NAME.sensitivity, one number. Metadata:
// dcf.calibration = "1"; dcf.inputs_first, a JSON array of the names of tensors whose last
// dimension is the outputs; dcf.vectors, a JSON object of names and of how many inputs their
// moments are the mean.
#pragma once

#include <dcf/dcf_write.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "formats/dcf_error.h"
#include "formats/json.h"
#include "formats/model_source.h"

namespace dcf::tools {

// The moments of one tensor, in memory.
struct HeldMoments {
  std::vector<float> matrix, mean, mean_square;
  dcf_moments moments = DCF_MOMENTS_INIT;
  dcf_moments_use use = DCF_MOMENTS_NOT_USED;
};

class Calibration {
 public:
  // Opens the file for a model; reads names, shapes and sensitivities. Throws Error for a file that
  // is none, for a shape that is not that of the tensor, for a sensitivity that is not finite and
  // where no name is one of the model's. `max_memory` as in OpenHints.
  Calibration(const std::string& path, const ModelSource& model, uint64_t max_memory);

  const std::string& path() const { return source_->path(); }
  // A sentence each: names that are not the model's.
  const std::vector<std::string>& warnings() const { return warnings_; }

  bool has_moments(size_t tensor) const { return entries_[tensor].has_moments(); }
  bool has_matrix(size_t tensor) const { return entries_[tensor].matrix != kNone; }
  std::optional<double> sensitivity(size_t tensor) const { return entries_[tensor].sensitivity; }
  // The moments of tensor i of the model; NULL where there are none. A matrix of more than a
  // quarter of the memory becomes the vectors nearest to it, or those beside it. Throws Error.
  std::unique_ptr<HeldMoments> read(size_t tensor) const;

  // How the moments of tensor i were used when it was last written.
  void note_use(size_t tensor, dcf_moments_use use) { entries_[tensor].use = use; }
  dcf_moments_use use(size_t tensor) const { return entries_[tensor].use; }

  // Throws an error of this file where the library refused the moments of a tensor of this name;
  // returns for any other failure.
  void throw_if_refused(const DcfFailure& failure, const std::string& name) const;

 private:
  static constexpr size_t kNone = SIZE_MAX;
  struct Entry {
    size_t matrix = kNone, mean = kNone, mean_square = kNone;  // tensors of the file
    std::optional<double> sensitivity;
    uint64_t groups = 1;
    uint64_t cols = 0;
    uint64_t inputs = 0;  // that were averaged; 0: not told
    bool inputs_first = false;
    dcf_moments_use use = DCF_MOMENTS_NOT_USED;

    bool has_moments() const { return matrix != kNone || mean != kNone; }
  };

  bool read_json(const std::string& key, JsonDocument* document) const;
  void read_inputs_first();
  void read_vectors();
  void bind(const ModelSource& model);
  void check(Entry* entry, const TensorMeta& tensor) const;
  void check_shape(size_t i, const Entry& entry, const TensorMeta& tensor, size_t rank) const;
  double read_sensitivity(size_t i) const;
  std::vector<float> read_floats(size_t i) const;
  void reduce(size_t i, const Entry& entry, HeldMoments* held) const;

  const MemoryLimit limit_;
  std::unique_ptr<ModelSource> source_;
  std::vector<Entry> entries_;  // of the model's tensors
  std::unordered_set<std::string> inputs_first_;
  std::unordered_map<std::string, uint64_t> vectors_;
  std::vector<std::string> warnings_;
};

}  // namespace dcf::tools
