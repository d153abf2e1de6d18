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

namespace dcf::impl::kernels {

// Weights of zero are absent, whether they were stored or not.
struct LayerEntries {
  // A sentinel after the last entry of each row. Its column is above all others.
  static constexpr uint32_t kRowEnd = UINT32_MAX;
  // kPadding row-end sentinels follow the last entry of all: lanes without a row point at them, and
  // loads of four entries may read past the end.
  static constexpr uint64_t kPadding = 4;
  // With a codebook the low bits of an entry hold its column, the high bits its code.
  static constexpr unsigned kColumnBits = 24;
  static constexpr uint32_t kColumnMask = (uint32_t{1} << kColumnBits) - 1;
  // A number of columns that a packing rounds up to whole blocks stays below the sentinel.
  static constexpr uint32_t kMostColumns = kRowEnd - 256;
  static constexpr uint32_t kMostCodedColumns = kColumnMask - 256;

  uint64_t rows = 0;
  uint64_t cols = 0;
  uint64_t nonzeros = 0;
  std::vector<uint64_t> row_start;   // per row: index into `entries`; in any order, with gaps
  std::vector<uint32_t> row_length;  // per row: entries without the sentinel
  BigVector<uint32_t> entries;       // columns rise strictly within a row
  std::vector<float> codebook;       // up to 256 weights, by code; empty: `values` has the weights
  BigVector<float> values;           // one per element of `entries`; empty with a codebook
  std::shared_ptr<const MemoryShare> memory;  // what the entries take of the file's memory

  bool has_codes() const { return !codebook.empty(); }
  uint64_t row_end(uint64_t row) const { return row_start[row] + row_length[row]; }
  uint32_t column(uint64_t i) const { return has_codes() ? entries[i] & kColumnMask : entries[i]; }
  float weight(uint64_t i) const {
    return has_codes() ? codebook[entries[i] >> kColumnBits] : values[i];
  }
};

// How EntrySource::each() cuts the rows.
struct RowSteps {
  uint64_t step;  // rows of one call of pack()
  uint64_t run;   // rows of consecutive steps on one thread: a multiple of `step`
};

// Where packings get their entries from. Either all entries are in memory, or a slab of rows at a
// time is decoded and packed while the caches hold it.
class EntrySource {
 public:
  EntrySource() = default;
  EntrySource(const EntrySource&) = delete;
  EntrySource& operator=(const EntrySource&) = delete;
  virtual ~EntrySource() = default;

  // Sizes and codebook of the matrix; entries, row_start and row_length may be empty.
  virtual const LayerEntries& shape() const = 0;
  // Splits the rows into one run per thread. The packed output of a run is one contiguous list, so
  // it can use huge pages.
  RowSteps run_per_thread(uint64_t step) const {
    return {step, ceil_div(ceil_div(shape().rows, step), width()) * step};
  }
  // Calls pack(part, at, row, count) for rows [first, last), `step` rows at a time, on several
  // threads: rows [row, row + count) of the matrix are rows [at, at + count) of `part`. The steps
  // of a run follow each other on one thread. False if loading failed. Throws std::bad_alloc.
  using Pack =
      std::function<void(const LayerEntries& part, uint64_t at, uint64_t row, uint64_t count)>;
  virtual bool each(uint64_t first, uint64_t last, RowSteps steps, const Pack& pack) const = 0;

 private:
  // The most threads that each() uses.
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
  // `held`: bytes that the caller keeps meanwhile; they count toward the file's memory as long as
  // this exists. UnsupportedDType for dtypes without arithmetic. `progress` gets the encoded bytes.
  static Result<std::unique_ptr<TensorEntries>> open(const model::Model& model, size_t tensor,
                                                     uint64_t held,
                                                     model::ProgressStep progress = {});
  ~TensorEntries() override;

  const LayerEntries& shape() const override;
  // Decodes slabs on the file's threads if rows of the matrix are rows of the stored view and there
  // are slabs for all threads; otherwise decodes all entries at once.
  bool each(uint64_t first, uint64_t last, RowSteps steps, const Pack& pack) const override;
  // Why each() failed: LimitMemory, Cancelled, BadCount (K-05) if it was called for all rows, or
  // the failure of a chunk.
  const Status& failure() const { return failure_; }
  // All entries, or one of the same failures.
  Result<LayerEntries> all() const;

 private:
  explicit TensorEntries(std::unique_ptr<EntryLoader> loader);
  unsigned width() const override;

  std::unique_ptr<EntryLoader> loader_;
  mutable Status failure_;
};

// TensorEntries::all() for a caller that holds no other memory.
Result<LayerEntries> load_entries(const model::Model& model, size_t tensor);

}  // namespace dcf::impl::kernels
