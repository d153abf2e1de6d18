// SPDX-License-Identifier: Apache-2.0
#include "cli/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <unordered_map>

#include "base/float_convert.h"
#include "base/rank_one.h"
#include "cli/display.h"
#include "cli/signals.h"
#include "formats/json.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr const char* kVersionKey = "dcf.calibration";
constexpr const char* kVersion = "1";
constexpr const char* kInputsFirstKey = "dcf.inputs_first";
constexpr const char* kVectorsKey = "dcf.vectors";

constexpr std::string_view kMatrix = ".moments";
constexpr std::string_view kMean = ".mean";
constexpr std::string_view kMeanSquare = ".mean_square";
constexpr std::string_view kSensitivity = ".sensitivity";
constexpr std::array kKinds = {kMatrix, kMean, kMeanSquare, kSensitivity};

constexpr size_t kMostUnknown = 20;  // names that are told one by one

// A matrix takes at most this part of the memory, as the library needs twice as much beside it.
constexpr uint64_t kPartOfMemory = 4;

bool is_float(dcf_dtype dtype) {
  return dtype == DCF_DTYPE_F64 || dtype == DCF_DTYPE_F32 || dtype == DCF_DTYPE_F16 ||
         dtype == DCF_DTYPE_BF16;
}

impl::DType dtype_of(const TensorMeta& meta) {
  return static_cast<impl::DType>(meta.dtype);
}

}  // namespace

Calibration::Calibration(const std::string& path, const ModelSource& model, uint64_t max_memory)
    : limit_(max_memory),
      source_(open_model(path, {.max_memory = max_memory})),
      entries_(model.tensors().size()) {
  if (source_->format() != "safetensors") throw_invalid(path, "not a safetensors file");
  const auto version = source_->metadata().find(kVersionKey);
  if (version == source_->metadata().end()) {
    throw_invalid(path, "no calibration: the metadata " + std::string(kVersionKey) + " is missing");
  }
  if (version->second != kVersion) {
    throw_failure(path, "calibration of the unknown version " + quote(version->second));
  }
  read_inputs_first();
  read_vectors();
  bind(model);
  for (size_t i = 0; i < entries_.size(); ++i) check(&entries_[i], model.tensors()[i]);
}

// False where there is no such metadata.
bool Calibration::read_json(const std::string& key, JsonDocument* document) const {
  const auto value = source_->metadata().find(key);
  if (value == source_->metadata().end()) return false;
  parse_json(path() + ": " + key,
             {reinterpret_cast<const uint8_t*>(value->second.data()), value->second.size()},
             document, limit_);
  return true;
}

void Calibration::read_inputs_first() {
  JsonDocument document;
  if (!read_json(kInputsFirstKey, &document)) return;
  const std::string where = path() + ": " + kInputsFirstKey;
  if (!document.root().is_array()) throw_invalid(where, "not an array of names");
  for (const auto& name : document.root()) {
    inputs_first_.insert(json_string(where, name, "a name"));
  }
}

void Calibration::read_vectors() {
  JsonDocument document;
  if (!read_json(kVectorsKey, &document)) return;
  const std::string where = path() + ": " + kVectorsKey;
  if (!document.root().is_object()) throw_invalid(where, "not an object of names and numbers");
  for (const auto& [name, number] : document.root().items()) {
    vectors_[name] = json_u64(where, number, quote(name));
  }
}

void Calibration::bind(const ModelSource& model) {
  std::unordered_map<std::string_view, size_t> by_name;
  for (size_t i = 0; i < model.tensors().size(); ++i) by_name.emplace(model.tensors()[i].name, i);
  size_t known = 0;
  std::vector<std::string> unknown;
  for (size_t i = 0; i < source_->tensors().size(); ++i) {
    const TensorMeta& statistic = source_->tensors()[i];
    const std::string_view name = statistic.name;
    const auto kind = std::find_if(kKinds.begin(), kKinds.end(),
                                   [&](std::string_view k) { return name.ends_with(k); });
    if (kind == kKinds.end()) {
      throw_invalid(path(), quote(name) +
                                " is no statistic: names end with .moments, .mean, "
                                ".mean_square or .sensitivity");
    }
    if (!is_float(statistic.dtype)) throw_invalid(path(), quote(name) + " holds no floats");
    const std::string of(name.substr(0, name.size() - kind->size()));
    const auto tensor = by_name.find(of);
    if (tensor == by_name.end()) {
      unknown.push_back(statistic.name);
      continue;
    }
    ++known;
    Entry& entry = entries_[tensor->second];
    entry.inputs_first = inputs_first_.contains(of);
    const auto vectors = vectors_.find(of);
    if (vectors != vectors_.end()) entry.inputs = vectors->second;
    if (*kind == kMatrix) entry.matrix = i;
    if (*kind == kMean) entry.mean = i;
    if (*kind == kMeanSquare) entry.mean_square = i;
    if (*kind == kSensitivity) entry.sensitivity = read_sensitivity(i);
  }
  if (known == 0) throw_invalid(path(), "no statistic is of a tensor of " + model.path());
  for (size_t i = 0; i < std::min(unknown.size(), kMostUnknown); ++i) {
    warnings_.push_back(
        fmt::format("{} of {} is of no tensor of the model", quote(unknown[i]), path()));
  }
  if (unknown.size() > kMostUnknown) {
    warnings_.push_back(fmt::format("{} more of {} are of no tensor of the model",
                                    unknown.size() - kMostUnknown, path()));
  }
}

void Calibration::check(Entry* entry, const TensorMeta& tensor) const {
  if ((entry->mean == kNone) != (entry->mean_square == kNone)) {
    throw_invalid(path(), "of " + quote(tensor.name) +
                              " there is one of .mean and .mean_square, without the other");
  }
  if (!entry->has_moments()) return;
  const uint64_t elements = tensor.elements();
  const uint64_t rows = tensor.dims.empty()   ? 1
                        : entry->inputs_first ? tensor.dims.back()
                                              : tensor.dims.front();
  if (elements == 0) throw_invalid(path(), quote(tensor.name) + " has no weights");
  entry->cols = elements / rows;
  const auto groups_of = [&](size_t i, size_t rank) {
    const std::vector<uint64_t>& dims = source_->tensors()[i].dims;
    return dims.size() == rank + 1 ? dims.front() : 1;
  };
  entry->groups = entry->matrix != kNone ? groups_of(entry->matrix, 2) : groups_of(entry->mean, 1);
  if (entry->groups == 0 || rows % entry->groups != 0) {
    throw_invalid(path(), fmt::format("{} groups of moments do not divide the {} outputs of {}",
                                      entry->groups, rows, quote(tensor.name)));
  }
  if (entry->matrix != kNone) check_shape(entry->matrix, *entry, tensor, 2);
  if (entry->mean != kNone) {
    check_shape(entry->mean, *entry, tensor, 1);
    check_shape(entry->mean_square, *entry, tensor, 1);
  }
}

// `rank` without the groups.
void Calibration::check_shape(size_t i, const Entry& entry, const TensorMeta& tensor,
                              size_t rank) const {
  const TensorMeta& statistic = source_->tensors()[i];
  std::vector<uint64_t> expected(rank, entry.cols);
  if (entry.groups > 1 || statistic.dims.size() > rank) {
    expected.insert(expected.begin(), entry.groups);
  }
  if (statistic.dims == expected) return;
  throw_invalid(
      path(), fmt::format("{} is {}, but {} ({}) has moments of {}", quote(statistic.name),
                          human_shape(statistic.dims), quote(tensor.name), human_shape(tensor.dims),
                          human_shape(expected)));
}

double Calibration::read_sensitivity(size_t i) const {
  const TensorMeta& meta = source_->tensors()[i];
  if (meta.elements() != 1) throw_invalid(path(), quote(meta.name) + " is not one number");
  const float value = read_floats(i)[0];
  if (!std::isfinite(value)) throw_invalid(path(), quote(meta.name) + " is NaN or infinite");
  if (value < 0) throw_invalid(path(), quote(meta.name) + " is less than 0");
  return value;
}

std::vector<float> Calibration::read_floats(size_t i) const {
  const TensorMeta& meta = source_->tensors()[i];
  limit_.check(path(), quote(meta.name), meta.elements() * sizeof(float));
  std::vector<float> values(static_cast<size_t>(meta.elements()));
  size_t done = 0;
  source_->read_pieces(i, [&](std::span<const uint8_t> piece) {
    throw_if_interrupted();
    const size_t n = piece.size() / (meta.bits / 8);
    impl::words_to_floats(dtype_of(meta), piece, std::span(values).subspan(done, n));
    done += n;
  });
  return values;
}

// The vectors nearest to a matrix, of which one row at a time is in memory.
void Calibration::reduce(size_t i, const Entry& entry, HeldMoments* held) const {
  const TensorMeta& meta = source_->tensors()[i];
  const auto cols = static_cast<size_t>(entry.cols);
  const auto n = static_cast<size_t>(entry.groups) * cols;
  limit_.check(path(), quote(meta.name), (n + cols) * 8 * sizeof(float));
  held->mean.resize(n);
  held->mean_square.resize(n);
  const size_t width = meta.bits / 8;
  std::vector<uint8_t> words(cols * width);
  for (size_t g = 0; g < entry.groups; ++g) {
    std::unique_ptr<TensorReader> reader;
    const auto read_row = [&](size_t row, std::span<float> values) {
      throw_if_interrupted();
      if (row == 0) reader = source_->open_tensor_at(i, uint64_t{g} * cols * cols * width);
      reader->read(words);
      impl::words_to_floats(dtype_of(meta), words, values);
      if (std::any_of(values.begin(), values.end(), [](float v) { return !std::isfinite(v); })) {
        throw_invalid(path(), quote(meta.name) + " holds NaN or Inf");
      }
    };
    impl::fit_rank_one(cols, read_row, std::span(held->mean).subspan(g * cols, cols),
                       std::span(held->mean_square).subspan(g * cols, cols));
  }
}

std::unique_ptr<HeldMoments> Calibration::read(size_t tensor) const {
  const Entry& entry = entries_[tensor];
  if (!entry.has_moments()) return nullptr;
  auto held = std::make_unique<HeldMoments>();
  const bool fits = entry.matrix != kNone && source_->tensors()[entry.matrix].elements() <=
                                                 limit_.bytes() / kPartOfMemory / sizeof(float);
  if (fits) held->matrix = read_floats(entry.matrix);
  if (entry.mean != kNone) {
    held->mean = read_floats(entry.mean);
    held->mean_square = read_floats(entry.mean_square);
  } else if (!fits) {
    reduce(entry.matrix, entry, held.get());
  }
  dcf_moments& moments = held->moments;
  moments.groups = entry.groups;
  moments.matrix = held->matrix.data();
  moments.matrix_size = held->matrix.size();
  moments.mean = held->mean.data();
  moments.mean_square = held->mean_square.data();
  moments.vector_size = held->mean.size();
  moments.inputs_first = entry.inputs_first ? 1 : 0;
  moments.inputs = entry.inputs;
  moments.use = &held->use;
  return held;
}

void Calibration::throw_if_refused(const DcfFailure& failure, const std::string& name) const {
  if (failure.status != DCF_STATUS_INVALID_ARGUMENT) return;
  throw_invalid(path(), "of " + quote(name) + ": " + failure.message);
}

}  // namespace dcf::tools
