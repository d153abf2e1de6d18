// SPDX-License-Identifier: Apache-2.0
#include "kernels/batch.h"

#include <algorithm>

#include "kernels/aligned.h"
#include "kernels/matrix.h"
#include "kernels/tasks.h"
#include "kernels/transpose.h"

namespace dcf::impl::kernels {
namespace {

class BatchKernel final : public LayerKernel {
 public:
  BatchKernel(const EntrySource& source, bool dense, const TileLoops& loops)
      : matrix_(source, 0, source.shape().rows, dense), loops_(loops) {}

  bool is_whole() const { return matrix_.is_whole(); }

  const char* name() const override { return matrix_.is_dense() ? "dense" : "blocked"; }
  uint64_t packed_bytes() const override { return matrix_.bytes(); }
  uint64_t working_bytes(uint64_t batch, const Parallel& parallel) const override {
    const uint64_t tiles = std::min<uint64_t>(parallel.width(), matrix_.panels());
    return loops_.width_for(batch) * (matrix_.cols() + tiles * Blocked::kPanel) * sizeof(float);
  }

  void apply(const float* x, uint64_t batch, float* y, const Parallel& parallel,
             const Epilogue& epilogue) const override {
    const bool finite = !matrix_.is_dense() || all_finite(x, batch * matrix_.cols());
    if (batch == 1 && matrix_.is_dense() && finite) {
      multiply_one(x, y, parallel, epilogue);
      return;
    }
    const AlignedFloats tile(loops_.width_for(batch) * matrix_.cols());
    for (uint64_t first = 0; first < batch;) {
      const uint64_t wide = loops_.width_for(batch - first);
      const uint64_t count = std::min(wide, batch - first);
      if (count < wide) std::fill_n(tile.data(), wide * matrix_.cols(), 0.0f);
      const Samples samples{x + first * matrix_.cols(), count, matrix_.cols()};
      // The first panel fills the tile, if no other thread has to wait for it.
      const bool alone = parallel.width() == 1 || matrix_.panels() == 1;
      if (!alone) fill_tile(samples, wide, parallel, tile.data());
      run_tasks(parallel, matrix_.panels(), [&](size_t panel) {
        const uint64_t rows = matrix_.panel_rows(panel);
        const AlignedFloats sums(wide * rows);
        matrix_.multiply(loops_, wide, panel, finite, tile.data(), sums.data(),
                         alone && panel == 0 ? &samples : nullptr);
        finish(epilogue, panel, wide, sums.data());
        transpose(sums.data(), wide, rows, count,
                  y + first * matrix_.rows() + panel * Blocked::kPanel, matrix_.rows());
      });
      first += count;
    }
  }

 private:
  // The smallest tile that threads fill together: below it, waking them costs more than they save.
  static constexpr uint64_t kFloatsToShare = uint64_t{1} << 19;

  void fill_tile(const Samples& samples, uint64_t width, const Parallel& parallel,
                 float* tile) const {
    const bool small = matrix_.cols() * width < kFloatsToShare;
    const uint64_t parts = small ? 1 : std::min<uint64_t>(parallel.width(), matrix_.panels());
    parallel.run(parts, [&](size_t part) {
      samples.fill(matrix_.cols() * part / parts, matrix_.cols() * (part + 1) / parts, width, tile);
    });
  }

  // sums: [rows of the panel][width].
  void finish(const Epilogue& epilogue, uint64_t panel, uint64_t width, float* sums) const {
    if (epilogue.is_identity()) return;
    for (uint64_t row = 0; row < matrix_.panel_rows(panel); ++row) {
      epilogue.finish_row(sums + row * width, width, panel * Blocked::kPanel + row);
    }
  }

  void multiply_one(const float* x, float* y, const Parallel& parallel,
                    const Epilogue& epilogue) const {
    parallel.run(matrix_.panels(), [&](size_t panel) {
      const uint64_t first = panel * Blocked::kPanel;
      loops_.dense_one(matrix_.dense().data() + first * matrix_.cols(), matrix_.panel_rows(panel),
                       matrix_.cols(), x, y + first);
      epilogue.finish_rows(y + first, matrix_.panel_rows(panel), first);
    });
  }

  TileMatrix matrix_;
  const TileLoops& loops_;
};

}  // namespace

std::unique_ptr<LayerKernel> make_batch(const EntrySource& source, bool dense,
                                        const TileLoops& loops) {
  auto kernel = std::make_unique<BatchKernel>(source, dense, loops);
  return kernel->is_whole() ? std::move(kernel) : nullptr;
}

}  // namespace dcf::impl::kernels
