// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/float_convert.h"
#include "kernels/transpose.h"
#include "model/decode.h"
#include "model/expand.h"
#include "model/tensor_reader.h"

namespace dcf::impl::kernels {
namespace {

// The memory for the sums and the transposed inputs of a product.
struct Plan {
  bool one_set = false;       // all chunks share one set of sums; else each has its own
  uint64_t part_doubles = 0;  // sums of a chunk that has its own
  MemoryNeed bytes;
};

class Product {
 public:
  Product(const model::Model& model, const model::TensorReader& reader, const format::Tensor& shape,
          const Plan& plan, std::span<const float> x, uint64_t batch)
      : model_(model),
        reader_(reader),
        tensor_(reader.tensor()),
        coding_(reader.coding()),
        plan_(plan),
        rows_(shape.rows()),
        cols_(shape.cols()),
        x_(x),
        batch_(batch) {
    size_t code = coding_.reserved_codes();
    for (const uint64_t word : coding_.codebook())
      by_code_[code++] = word_to_double(tensor_.dtype, word);
  }

  Status run(std::span<float> y) {
    // Transposed: the samples of a column lie side by side, to be multiplied by one entry.
    std::vector<float> columns(batch_ > 1 ? x_.size() : 0);
    if (batch_ > 1) {
      transpose(x_.data(), cols_, batch_, cols_, columns.data(), batch_);
      x_ = columns;
    }
    std::vector<double> sums(rows_ * batch_);
    DCF_TRY(plan_.one_set ? add_in_order(sums) : add_in_waves(sums));
    round(sums, y);
    return ok_status();
  }

 private:
  Status add_in_order(std::vector<double>& sums) const {
    return reader_.for_each_chunk_in_order([&](uint64_t chunk, model::ChunkScratch* scratch) {
      return multiply(chunk, scratch, sums);
    });
  }

  Status add_in_waves(std::vector<double>& sums) const {
    std::vector<std::vector<double>> parts(std::min(reader_.workers(), tensor_.chunks));
    for (auto& part : parts) part.resize(plan_.part_doubles);
    std::vector<model::ScratchLoan> scratch;
    for (size_t i = 0; i < parts.size(); ++i) scratch.push_back(model_.lend_scratch());
    Status s;
    for (uint64_t first = 0; first < tensor_.chunks && s.ok(); first += parts.size()) {
      const size_t count = std::min<uint64_t>(parts.size(), tensor_.chunks - first);
      s = model_.for_items(count, reader_.workers(), [&](size_t i) {
        std::fill(parts[i].begin(), parts[i].end(), 0.0);
        return multiply(first + i, scratch[i].get(), parts[i]);
      });
      for (size_t i = 0; i < count; ++i) add(first + i, parts[i], sums);
    }
    return reader_.finish(s);
  }

  void round(const std::vector<double>& sums, std::span<float> y) const {
    constexpr uint64_t kRows = 16;  // a cache line of y; the sums of as many rows are in the cache
    for (uint64_t first = 0; first < rows_; first += kRows) {
      const uint64_t end = std::min(rows_, first + kRows);
      for (uint64_t b = 0; b < batch_; ++b) {
        for (uint64_t r = first; r < end; ++r)
          y[b * rows_ + r] = static_cast<float>(sums[r * batch_ + b]);
      }
    }
  }
  uint64_t first_row(uint64_t chunk) const {
    return tensor_.view.transposed ? 0 : chunk * tensor_.chunk_stride() / cols_;
  }

  Status multiply(uint64_t chunk, model::ChunkScratch* scratch, std::vector<double>& part) const {
    DCF_ASSIGN(const model::DecodedChunk decoded, reader_.load(chunk, scratch));
    const uint64_t base = first_row(chunk);
    const bool palette = !decoded->codes.empty();
    // Entries come in rising order, so the row is found by stepping, not by division.
    uint64_t row = base;
    uint64_t row_start = base * cols_;
    model::for_each_entry(coding_, decoded, [&](uint32_t element, uint32_t entry) {
      const double w =
          palette ? by_code_[decoded->codes[entry]]
                  : word_to_double(tensor_.dtype, model::entry_word(coding_, decoded, entry));
      if (w == 0) return;  // a zero of a dense tensor is no weight either
      const uint64_t at = model::element_of_view(tensor_, decoded->shape.first + element);
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

  const model::Model& model_;
  const model::TensorReader& reader_;
  const format::Tensor& tensor_;
  const model::TensorCoding& coding_;
  const Plan& plan_;
  uint64_t rows_;
  uint64_t cols_;
  std::span<const float> x_;
  uint64_t batch_;
  std::array<double, 257> by_code_{};
};

// Chunks that run side by side have sums of their own, which are then added in order. If these sums
// would be larger than the chunks, as with a transposed view, adding them would dominate the work:
// then there is one set of sums for all chunks. False if the sizes do not fit 64 bits.
bool plan_sums(const format::Tensor& data, const format::Tensor& shape, uint64_t batch,
               Plan* plan) {
  uint64_t touched_rows = 0;  // the most rows that one chunk adds to
  if (data.chunks != 0) {
    touched_rows = data.view.transposed
                       ? shape.rows()
                       : std::min(shape.rows(), data.chunk_elements(0) / shape.cols() + 2);
    plan->one_set = touched_rows > data.chunk_elements(0) + 2;
  }
  plan->part_doubles = plan->one_set ? 0 : touched_rows * batch;
  uint64_t x_bytes = 0;  // bytes of the transposed inputs
  return checked_mul(shape.rows() * batch, sizeof(double), &plan->bytes.once) &&
         (batch <= 1 || checked_mul(shape.cols() * batch, sizeof(float), &x_bytes)) &&
         checked_add(plan->bytes.once, x_bytes, &plan->bytes.once) &&
         checked_mul(plan->part_doubles, sizeof(double), &plan->bytes.each);
}

}  // namespace

Status matmul(const model::Model& model, size_t tensor, std::span<const float> x, uint64_t batch,
              std::span<float> y, model::ProgressStep step) {
  const size_t data = model.data_tensor(tensor);
  const format::Tensor& shape = model.manifest()->tensors[tensor];
  if (is_raw_only(shape.dtype))
    return fail(Code::UnsupportedDType, "", "the dtype has no arithmetic");
  constexpr const char* kTooMuch = "the product takes more than max_memory";
  Plan sums;
  if (!plan_sums(model.manifest()->tensors[data], shape, batch, &sums))
    return model.in_data(data, fail(Code::LimitMemory, "L-01", kTooMuch));
  model::DecodeProgress progress(std::move(step), model.manifest()->tensors[data].encoded_bytes);
  model::ReadPlan plan = model::whole_tensor(model.manifest()->tensors[data], &progress);
  plan.beside = sums.bytes;
  plan.too_much = kTooMuch;
  DCF_ASSIGN(const auto reader, model::TensorReader::open(model, data, plan));
  return Product(model, *reader, shape, sums, x, batch).run(y);
}

}  // namespace dcf::impl::kernels
