// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/float_convert.h"
#include "model/decode.h"
#include "model/expand.h"

namespace dcf::impl {
namespace {

class Product {
 public:
  Product(const Model& model, size_t data, const Tensor& shape, std::span<const float> x,
          uint64_t batch)
      : model_(model),
        data_(data),
        tensor_(model.manifest().tensors[data]),
        coding_(tensor_, model.tables(), data),
        rows_(shape.rows()),
        cols_(shape.cols()),
        x_(x),
        batch_(batch) {
    size_t code = coding_.reserved_codes();
    for (const uint64_t word : coding_.codebook())
      by_code_[code++] = word_to_double(tensor_.dtype, word);
  }

  Status run(std::span<float> y) {
    // Chunks run side by side into sums of their own, which are then added in order. Where those
    // would be larger than the chunks, as a transposed view can make them, the work would no longer
    // be in proportion to the elements: then there is one set of sums for all.
    const bool one_set = tensor_.chunks != 0 && touched_rows() > tensor_.chunk_elements(0) + 2;
    const uint64_t part_doubles = one_set ? 0 : touched_rows() * batch_;
    uint64_t sum_bytes = 0;
    uint64_t part_bytes = 0;
    if (!checked_mul(rows_ * batch_, sizeof(double), &sum_bytes) ||
        !checked_mul(part_doubles, sizeof(double), &part_bytes) ||
        sum_bytes > model_.working_memory() || part_bytes > model_.working_memory() - sum_bytes) {
      return too_large();
    }
    const uint64_t item_bytes = model_.scratch_bytes(data_) + part_bytes;
    const uint64_t wave = model_.threads_for(item_bytes + sum_bytes);
    if (wave == 0) return too_large();
    std::vector<double> sums(rows_ * batch_);
    if (one_set) {
      DCF_TRY(run_in_order(item_bytes, sums));
      round(sums, y);
      return ok_status();
    }
    std::vector<std::vector<double>> parts(std::min(wave, tensor_.chunks));
    for (auto& part : parts) part.resize(part_doubles);
    std::vector<ChunkScratch> scratch(parts.size());
    for (uint64_t first = 0; first < tensor_.chunks; first += parts.size()) {
      const size_t count = std::min<uint64_t>(parts.size(), tensor_.chunks - first);
      DCF_TRY(model_.for_items(count, item_bytes, [&](size_t i) {
        std::fill(parts[i].begin(), parts[i].end(), 0.0);
        return multiply(first + i, &scratch[i], parts[i]);
      }));
      for (size_t i = 0; i < count; ++i) add(first + i, parts[i], sums);
    }
    round(sums, y);
    return ok_status();
  }

 private:
  Status run_in_order(uint64_t item_bytes, std::vector<double>& sums) const {
    return model_.for_items(1, item_bytes, [&](size_t) -> Status {
      ChunkScratch scratch;
      for (uint64_t chunk = 0; chunk < tensor_.chunks; ++chunk)
        DCF_TRY(multiply(chunk, &scratch, sums));
      return ok_status();
    });
  }
  static void round(const std::vector<double>& sums, std::span<float> y) {
    std::transform(sums.begin(), sums.end(), y.begin(),
                   [](double sum) { return static_cast<float>(sum); });
  }
  static Status too_large() {
    return fail(Code::LimitMemory, "L-01", "the product needs more memory than the limit");
  }

  // Rows of the matrix that one chunk may touch, at most.
  uint64_t touched_rows() const {
    if (tensor_.chunks == 0) return 0;
    return tensor_.view.transposed ? rows_ : std::min(rows_, tensor_.chunk_elements(0) / cols_ + 2);
  }
  uint64_t first_row(uint64_t chunk) const {
    return tensor_.view.transposed ? 0 : chunk * tensor_.chunk_stride() / cols_;
  }

  Status multiply(uint64_t chunk, ChunkScratch* scratch, std::vector<double>& part) const {
    DecodedChunk decoded;
    DCF_TRY(model_.load_chunk(coding_, data_, chunk, scratch, &decoded));
    const uint64_t base = first_row(chunk);
    const bool palette = !decoded.codes.empty();
    // Entries come in rising order, so that the row is found by stepping, not by division.
    uint64_t row = base;
    uint64_t row_start = base * cols_;
    for_each_entry(coding_, decoded, [&](uint32_t element, uint32_t entry) {
      const double w = palette ? by_code_[decoded.codes[entry]]
                               : word_to_double(tensor_.dtype, entry_word(coding_, decoded, entry));
      if (w == 0) return;  // a zero of a dense tensor is no weight either
      const uint64_t at = element_of_view(tensor_, decoded.shape.first + element);
      if (at < row_start || at - row_start >= cols_) {
        row = at / cols_;
        row_start = row * cols_;
      }
      const float* x = x_.data() + (at - row_start) * batch_;
      double* sum = part.data() + (row - base) * batch_;
      for (uint64_t b = 0; b < batch_; ++b) sum[b] += w * x[b];
    });
    return ok_status();
  }

  void add(uint64_t chunk, const std::vector<double>& part, std::vector<double>& sums) const {
    const uint64_t base = first_row(chunk) * batch_;
    const uint64_t n = std::min<uint64_t>(part.size(), sums.size() - base);
    for (uint64_t i = 0; i < n; ++i) sums[base + i] += part[i];
  }

  const Model& model_;
  size_t data_;
  const Tensor& tensor_;
  TensorCoding coding_;
  uint64_t rows_;
  uint64_t cols_;
  std::span<const float> x_;
  uint64_t batch_;
  std::array<double, 257> by_code_{};
};

}  // namespace

Status matmul(const Model& model, size_t tensor, std::span<const float> x, uint64_t batch,
              std::span<float> y) {
  const size_t data = model.data_tensor(tensor);
  const Tensor& shape = model.manifest().tensors[tensor];
  if (is_raw_only(shape.dtype))
    return fail(Code::UnsupportedDType, "", "the dtype has no arithmetic");
  return model.in_data(data, Product(model, data, shape, x, batch).run(y));
}

}  // namespace dcf::impl
