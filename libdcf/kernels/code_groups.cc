// SPDX-License-Identifier: Apache-2.0
#include "kernels/code_groups.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "kernels/part_kernel.h"

namespace dcf::impl::kernels {
namespace {

constexpr uint64_t kGroup = CodeGroups::kGroup;
// The most places in groups per entry: a packing that would need more does not pay.
constexpr uint64_t kMostColumns = 2;

// Columns cut into blocks of about the same size.
struct Blocks {
  explicit Blocks(uint64_t all)
      : cols(all), count(ceil_div(all, CodeGroups::kMostBlock)), size(ceil_div(all, count)) {}
  uint64_t cols;
  uint64_t count;
  uint64_t size;  // columns of each block but the last; also the index of the zero after its x
};

// Appends a part. The entries of a row in a block are sorted by code, by counting.
class Packer {
 public:
  Packer(const LayerEntries& e, uint64_t at, const Blocks& blocks, CodeGroups* g)
      : e_(e),
        at_(at),
        blocks_(blocks),
        g_(*g),
        groups_(g->codes.size()),
        lists_(e.codebook.size() * CodeGroups::kListSize) {}

  void pack(uint64_t first_row, uint64_t rows) {
    cursor_.assign(e_.row_start.data() + at_, e_.row_start.data() + at_ + rows);
    uint64_t nonzeros = 0;
    for (uint64_t row = at_; row < at_ + rows; ++row) nonzeros += e_.row_length[row];
    resize(groups_ + most_groups(nonzeros, rows, blocks_, e_.codebook.size()) + kAtOnce);
    CodeGroups::Part& part = g_.parts.emplace_back(CodeGroups::Part{first_row, rows, {}});
    part.group_end.reserve(blocks_.count * rows);
    for (uint64_t first = 0; first < e_.cols; first += blocks_.size) {
      const uint64_t end = std::min(first + blocks_.size, e_.cols);
      for (uint64_t row = 0; row < rows; ++row) {
        pack_row(row, static_cast<uint32_t>(first), end);
        part.group_end.push_back(static_cast<uint32_t>(groups_));
      }
    }
    resize(groups_);
  }

  // An upper bound on the groups: no code of a row has more than one group that is not full.
  static uint64_t most_groups(uint64_t nonzeros, uint64_t rows, const Blocks& blocks,
                              uint64_t codes) {
    return std::min(nonzeros, nonzeros / kGroup + blocks.count * rows * codes);
  }
  // Groups that are written at once. Those beyond the last one are overwritten by the next code.
  static constexpr uint64_t kAtOnce = 4;

 private:
  void resize(uint64_t groups) {
    g_.columns.resize(groups * kGroup);
    g_.codes.resize(groups);
  }

  // Packs the entries of a row in columns [first, limit). `limit` is at most the column of the
  // row-end sentinel.
  void pack_row(uint64_t row, uint32_t first, uint64_t limit) {
    uint32_t count[CodeGroups::kCodes] = {};
    const uint32_t* entry = e_.entries.data() + cursor_[row];
    for (; (*entry & LayerEntries::kColumnMask) < limit; ++entry) {
      const uint32_t code = *entry >> LayerEntries::kColumnBits;
      list(code)[count[code]++] =
          static_cast<uint16_t>((*entry & LayerEntries::kColumnMask) - first);
    }
    cursor_[row] = static_cast<uint64_t>(entry - e_.entries.data());
    const uint64_t none = blocks_.size * 0x0001000100010001u;
    for (uint32_t code = 0; code < e_.codebook.size(); ++code) {
      std::memcpy(list(code) + count[code], &none, sizeof none);
      append(code, ceil_div(count[code], kGroup));
    }
  }

  void append(uint32_t code, uint64_t groups) {
    const uint16_t* const from = list(code);
    uint16_t* const columns = g_.columns.data() + groups_ * kGroup;
    uint8_t* const codes = g_.codes.data() + groups_;
    const uint32_t four = code * 0x01010101u;
    for (uint64_t i = 0; i < groups; i += kAtOnce) {
      std::memcpy(columns + i * kGroup, from + i * kGroup, kAtOnce * kGroup * sizeof *from);
      std::memcpy(codes + i, &four, kAtOnce);
    }
    groups_ += groups;
  }

  // The columns of one row in one block that share this code, with room for one group more.
  uint16_t* list(uint32_t code) { return lists_.data() + code * CodeGroups::kListSize; }

  const LayerEntries& e_;
  uint64_t at_;
  const Blocks& blocks_;
  CodeGroups& g_;
  std::vector<uint64_t> cursor_;  // per row: its first entry after the blocks so far
  uint64_t groups_;
  BigVector<uint16_t> lists_;
};

// The sum of one group's four inputs.
inline float inputs_of(const uint16_t* columns, const float* x) {
  uint64_t four;
  std::memcpy(&four, columns, sizeof four);
#if defined(__GNUC__)
  __asm__("" : "+r"(four));  // without this each column is read from memory again: a fifth slower
#endif
  return (x[four & 0xffff] + x[four >> 16 & 0xffff]) + (x[four >> 32 & 0xffff] + x[four >> 48]);
}

class CodeGroupsKernel final : public PartKernel {
 public:
  CodeGroupsKernel(const LayerEntries& e, const Blocks& blocks, std::vector<CodeGroups> runs)
      : PartKernel(e.rows, e.cols, blocks.count * (blocks.size + 1)),
        blocks_(blocks),
        runs_(std::move(runs)) {
    std::copy(e.codebook.begin(), e.codebook.end(), codebook_);
    for (size_t i = 0; i < runs_.size(); ++i) {
      for (size_t k = 0; k < runs_[i].parts.size(); ++k) pieces_.push_back({i, k});
    }
  }

  const char* name() const override { return "code-groups"; }
  uint64_t packed_bytes() const override {
    uint64_t bytes = 0;
    for (const CodeGroups& g : runs_) {
      bytes += g.columns.capacity() * sizeof(uint16_t) + g.codes.capacity() +
               g.parts.capacity() * sizeof(CodeGroups::Part);
      for (const CodeGroups::Part& part : g.parts)
        bytes += part.group_end.capacity() * sizeof(uint32_t);
    }
    return bytes;
  }

 private:
  size_t parts() const override { return pieces_.size(); }
  // The copy has a zero after each block of x.
  void copy_sample(const float* x, float* copy) const override {
    for (uint64_t first = 0; first < blocks_.cols; first += blocks_.size) {
      const uint64_t count = std::min(blocks_.size, blocks_.cols - first);
      std::copy_n(x + first, count, copy);
      std::fill_n(copy + count, blocks_.size + 1 - count, 0.0f);
      copy += blocks_.size + 1;
    }
  }
  void multiply(size_t part, const float* copy, const Epilogue& epilogue, float* y) const override {
    const Piece piece = pieces_[part];
    const CodeGroups& run = runs_[piece.run];
    uint64_t begin = piece.part == 0 ? 0 : run.parts[piece.part - 1].group_end.back();
    for (uint64_t block = 0; block < blocks_.count; ++block) {
      begin = multiply_block(run, run.parts[piece.part], block, begin,
                             copy + block * (blocks_.size + 1), y);
    }
    const CodeGroups::Part& rows = run.parts[piece.part];
    epilogue.finish_rows(y + rows.first_row, rows.rows, rows.first_row);
  }

  // Multiplies the groups of a block, which begin at `i`. Returns where they end.
  uint64_t multiply_block(const CodeGroups& run, const CodeGroups::Part& part, uint64_t block,
                          uint64_t i, const float* x, float* y) const {
    const uint32_t* const ends = &part.group_end[block * part.rows];
    const uint16_t* const columns = run.columns.data();
    const uint8_t* const codes = run.codes.data();
    y += part.first_row;
    for (uint64_t row = 0; row < part.rows; ++row) {
      const uint64_t end = ends[row];
      float sums[4] = {};  // four sums, so that additions need not wait for each other
      for (; i + 4 <= end; i += 4) {
        for (uint64_t j = 0; j < 4; ++j) {
          sums[j] += codebook_[codes[i + j]] * inputs_of(columns + (i + j) * kGroup, x);
        }
      }
      for (; i < end; ++i) sums[0] += codebook_[codes[i]] * inputs_of(columns + i * kGroup, x);
      const float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
      y[row] = block == 0 ? sum : y[row] + sum;
    }
    return i;
  }

  struct Piece {
    size_t run;
    size_t part;
  };

  Blocks blocks_;
  std::vector<CodeGroups> runs_;
  std::vector<Piece> pieces_;
  float codebook_[CodeGroups::kCodes] = {};
};

}  // namespace

bool code_groups_possible(const LayerEntries& shape) {
  if (!shape.has_codes() || shape.codebook.size() > CodeGroups::kCodes) return false;
  if (shape.nonzeros == 0 || shape.nonzeros > UINT32_MAX) return false;
  const Blocks blocks(shape.cols);
  // There are at most as many ends of rows in blocks as entries, so that the entries bound the
  // memory.
  uint64_t ends = 0;
  return checked_mul(blocks.count, shape.rows, &ends) &&
         (blocks.count == 1 || ends <= shape.nonzeros);
}

std::unique_ptr<LayerKernel> make_code_groups(const EntrySource& source) {
  const LayerEntries& e = source.shape();
  if (!code_groups_possible(e)) return nullptr;
  const Blocks blocks(e.cols);
  const RowSteps steps = source.run_per_thread(CodeGroups::kPartRows);
  std::vector<CodeGroups> runs(ceil_div(e.rows, steps.run));
  const bool loaded =
      source.each(0, e.rows, steps,
                  [&](const LayerEntries& entries, uint64_t at, uint64_t first, uint64_t count) {
                    CodeGroups& run = runs[first / steps.run];
                    if (run.parts.empty()) {
                      const uint64_t most = Packer::most_groups(
                          ceil_div(e.nonzeros, runs.size()), steps.run, blocks, e.codebook.size());
                      run.columns.reserve((most + Packer::kAtOnce) * kGroup);
                      run.codes.reserve(most + Packer::kAtOnce);
                    }
                    Packer(entries, at, blocks, &run).pack(first, count);
                  });
  if (!loaded) return nullptr;
  uint64_t groups = 0;
  for (const CodeGroups& g : runs) groups += g.codes.size();
  if (groups * kGroup > kMostColumns * e.nonzeros) return nullptr;
  return std::make_unique<CodeGroupsKernel>(e, blocks, std::move(runs));
}

}  // namespace dcf::impl::kernels
