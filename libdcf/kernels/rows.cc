// SPDX-License-Identifier: Apache-2.0
#include "kernels/rows.h"

#include <algorithm>

#include "base/checked.h"

namespace dcf::impl::kernels {
namespace {

class RowsKernel final : public LayerKernel {
 public:
  RowsKernel(uint64_t rows, uint64_t cols) : cols_(cols) { row_end_.reserve(rows); }

  void add(const LayerEntries& e, uint64_t first, uint64_t rows) {
    columns_.reserve(e.nonzeros);
    weights_.reserve(e.nonzeros);
    for (uint64_t row = first; row < first + rows; ++row) {
      for (uint64_t i = e.row_start[row]; i < e.row_end(row); ++i) {
        columns_.push_back(e.column(i));
        weights_.push_back(e.weight(i));
      }
      row_end_.push_back(columns_.size());
    }
  }

  const char* name() const override { return "rows"; }
  uint64_t packed_bytes() const override {
    return row_end_.capacity() * sizeof(uint64_t) + columns_.capacity() * sizeof(uint32_t) +
           weights_.capacity() * sizeof(float);
  }
  uint64_t working_bytes(uint64_t, const Parallel&) const override { return 0; }

  void apply(const float* x, uint64_t batch, float* y, const Parallel& parallel,
             const Epilogue& epilogue) const override {
    const uint64_t rows = row_end_.size();
    parallel.run(batch * ceil_div(rows, kRowsAtOnce), [&](size_t item) {
      const uint64_t b = item % batch;
      const uint64_t first = item / batch * kRowsAtOnce;
      multiply(first, std::min(first + kRowsAtOnce, rows), x + b * cols_, epilogue, y + b * rows);
    });
  }

 private:
  static constexpr uint64_t kRowsAtOnce = 512;

  void multiply(uint64_t first, uint64_t last, const float* x, const Epilogue& epilogue,
                float* y) const {
    uint64_t i = first == 0 ? 0 : row_end_[first - 1];
    for (uint64_t row = first; row < last; ++row) {
      const uint64_t end = row_end_[row];
      float sums[4] = {};  // four sums, so that additions need not wait for each other
      for (; i + 4 <= end; i += 4) {
        for (uint64_t j = 0; j < 4; ++j) sums[j] += weights_[i + j] * x[columns_[i + j]];
      }
      for (; i < end; ++i) sums[0] += weights_[i] * x[columns_[i]];
      y[row] = epilogue.finish((sums[0] + sums[1]) + (sums[2] + sums[3]), row);
    }
  }

  uint64_t cols_;
  std::vector<uint64_t> row_end_;
  std::vector<uint32_t> columns_;
  std::vector<float> weights_;
};

}  // namespace

std::unique_ptr<LayerKernel> make_rows(const EntrySource& source) {
  const LayerEntries& shape = source.shape();
  auto kernel = std::make_unique<RowsKernel>(shape.rows, shape.cols);
  // A single run, because rows follow each other in one list.
  constexpr uint64_t kStep = 512;
  const RowSteps steps{kStep, std::max<uint64_t>(ceil_div(shape.rows, kStep), 1) * kStep};
  const bool loaded = source.each(0, shape.rows, steps,
                                  [&](const LayerEntries& e, uint64_t at, uint64_t, uint64_t rows) {
                                    kernel->add(e, at, rows);
                                  });
  return loaded ? std::move(kernel) : nullptr;
}

}  // namespace dcf::impl::kernels
