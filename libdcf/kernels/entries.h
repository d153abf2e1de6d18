// SPDX-License-Identifier: Apache-2.0
// The entries of a compressed matrix in memory, row by row: what layers are packed from.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/big_vector.h"
#include "base/checked.h"
#include "model/decode_progress.h"
#include "model/model.h"

namespace dcf::impl {

// Weights of zero are absent, whether they were stored or not.
struct LayerEntries {
  // Behind the last entry of each row. Its column is above all others.
  static constexpr uint32_t kRowEnd = UINT32_MAX;
  // So many ends of rows stand behind all entries: the rows of lanes without one, and for loads of
  // four entries at any of them.
  static constexpr uint64_t kPadding = 4;
  // With a codebook an entry holds its column in the low bits, and its code above.
  static constexpr unsigned kColumnBits = 24;
  static constexpr uint32_t kColumnMask = (uint32_t{1} << kColumnBits) - 1;
  // What packings round up to a block of columns stays below the end of a row.
  static constexpr uint32_t kMostColumns = kRowEnd - 256;
  static constexpr uint32_t kMostCodedColumns = kColumnMask - 256;

  uint64_t rows = 0;
  uint64_t cols = 0;
  uint64_t nonzeros = 0;
  std::vector<uint64_t> row_start;   // of `entries`, per row; rows need not follow each other
  std::vector<uint32_t> row_length;  // without the end
  BigVector<uint32_t> entries;       // columns rise strictly within a row
  std::vector<float> codebook;       // up to 256 weights, by code; empty: `values` has the weights
  BigVector<float> values;           // one per element of `entries`; empty with a codebook
  std::shared_ptr<const MemoryShare> memory;  // that the entries take of their file's

  bool has_codes() const { return !codebook.empty(); }
  uint64_t row_end(uint64_t row) const { return row_start[row] + row_length[row]; }
  uint32_t column(uint64_t i) const { return has_codes() ? entries[i] & kColumnMask : entries[i]; }
  float weight(uint64_t i) const {
    return has_codes() ? codebook[entries[i] >> kColumnBits] : values[i];
  }
};

struct RowSteps {
  uint64_t step;  // rows
  uint64_t run;   // a multiple
};

// Where packings take entries from: all are there, or they are decoded a slab of rows at a time,
// and packed while the caches hold them.
class EntrySource {
 public:
  EntrySource() = default;
  EntrySource(const EntrySource&) = delete;
  EntrySource& operator=(const EntrySource&) = delete;
  virtual ~EntrySource() = default;

  // Of the matrix; `entries` and what says where they are may be empty.
  virtual const LayerEntries& shape() const = 0;
  // Of all rows, as many runs as there are threads: those of a thread share one list, which fills
  // huge pages.
  RowSteps run_per_thread(uint64_t step) const {
    return {step, ceil_div(ceil_div(shape().rows, step), width()) * step};
  }
  // pack(part, at, row, count) for all of rows [first, last), `step` at a time, on several threads:
  // rows [row, row + count) of the matrix are those from `at` on in `part`. Steps of the same run
  // follow each other on one thread. False where loading failed. Throws std::bad_alloc.
  using Pack =
      std::function<void(const LayerEntries& part, uint64_t at, uint64_t row, uint64_t count)>;
  virtual bool each(uint64_t first, uint64_t last, RowSteps steps, const Pack& pack) const = 0;

 private:
  // Threads that each() uses at most.
  virtual unsigned width() const = 0;
};

class AllEntries final : public EntrySource {
 public:
  // `all` outlives this.
  AllEntries(const LayerEntries& all, const Parallel& parallel) : all_(all), parallel_(parallel) {}
  const LayerEntries& shape() const override { return all_; }
  bool each(uint64_t first, uint64_t last, RowSteps steps, const Pack& pack) const override;

 private:
  unsigned width() const override { return parallel_.width(); }

  const LayerEntries& all_;
  Parallel parallel_;
};

class EntryLoader;

// The entries of a tensor as rows x cols of its first dimension.
class TensorEntries final : public EntrySource {
 public:
  // `held` is what the caller keeps meanwhile: it is taken of the file's memory as long as this
  // exists. UnsupportedDType for dtypes without arithmetic. `progress` gets the encoded bytes.
  static Result<std::unique_ptr<TensorEntries>> open(const Model& model, size_t tensor,
                                                     uint64_t held, ProgressStep progress = {});
  ~TensorEntries() override;

  const LayerEntries& shape() const override;
  // Decodes slabs, on the file's threads, where rows of the matrix are rows of the stored view and
  // all threads get slabs; else all at once.
  bool each(uint64_t first, uint64_t last, RowSteps steps, const Pack& pack) const override;
  // Why each() failed: LimitMemory, Cancelled, BadCount (K-05) where it was for all rows, or what
  // is wrong with a chunk.
  const Status& failure() const { return failure_; }
  // All entries, or one of the same failures.
  Result<LayerEntries> all() const;

 private:
  explicit TensorEntries(std::unique_ptr<EntryLoader> loader);
  unsigned width() const override;

  std::unique_ptr<EntryLoader> loader_;
  mutable Status failure_;
};

// TensorEntries::all() of a caller that keeps nothing else.
Result<LayerEntries> load_entries(const Model& model, size_t tensor);

}  // namespace dcf::impl
