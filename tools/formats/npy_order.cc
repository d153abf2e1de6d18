// SPDX-License-Identifier: Apache-2.0
#include "formats/npy_order.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr uint64_t kBlockBytes = uint64_t{256} << 10;

class ByteSwapper final : public TensorReader {
 public:
  ByteSwapper(std::unique_ptr<TensorReader> data, size_t unit)
      : data_(std::move(data)), unit_(unit) {}

  void read(std::span<uint8_t> out) override {
    data_->read(out);
    for (size_t at = 0; at < out.size(); at += unit_) {
      std::reverse(out.data() + at, out.data() + at + unit_);
    }
  }

 private:
  std::unique_ptr<TensorReader> data_;
  size_t unit_;
};

// Copies `width` bytes; the usual widths as one load and store.
void copy_element(uint8_t* to, const uint8_t* from, size_t width) {
  switch (width) {
    case 1:
      *to = *from;
      return;
    case 2:
      std::memcpy(to, from, 2);
      return;
    case 4:
      std::memcpy(to, from, 4);
      return;
    default:
      std::memcpy(to, from, width);
  }
}

// Fortran order: the first dimension is the densest. Holds the array in row-major order, and the
// source a few of its runs along the first dimension at a time, so that neighbours in the last
// dimension are written together.
class Transposer final : public TensorReader {
 public:
  Transposer(const std::string& file, const NpyHeader& header, std::unique_ptr<TensorReader> data,
             const MemoryLimit& limit)
      : dims_(header.shape),
        width_(static_cast<size_t>(header.element.item_bytes)),
        data_(std::move(data)),
        target_(limit.buffer(file, "array " + quote(header.meta.name) + " in Fortran order",
                             header.meta.bytes())) {}

  void read(std::span<uint8_t> out) override {
    if (data_) transpose();
    std::copy_n(target_.begin() + static_cast<ptrdiff_t>(done_), out.size(), out.begin());
    done_ += out.size();
  }

 private:
  void transpose() {
    const size_t rank = dims_.size();
    std::vector<uint64_t> strides(rank);  // of the target, in bytes
    uint64_t stride = width_;
    for (size_t d = rank; d-- > 0;) {
      strides[d] = stride;
      stride *= dims_[d];
    }
    const uint64_t run = dims_[0];
    const uint64_t most = std::max<uint64_t>(1, kBlockBytes / (run * width_));
    std::vector<uint64_t> index(rank, 0);
    std::vector<uint8_t> block;
    uint64_t to = 0;  // of the current run's first element
    for (uint64_t left = target_.size() / (run * width_); left > 0;) {
      // Runs that follow one another along the second dimension.
      const uint64_t runs = std::min(most, dims_[1] - index[1]);
      const uint64_t step = runs > 1 ? run : std::clamp<uint64_t>(kBlockBytes / width_, 1, run);
      for (uint64_t first = 0; first < run; first += step) {
        const uint64_t count = std::min(step, run - first);
        block.resize(static_cast<size_t>(runs * count * width_));
        data_->read(block);
        for (uint64_t i = 0; i < count; ++i) {
          uint8_t* const row = &target_[to + (first + i) * strides[0]];
          for (uint64_t r = 0; r < runs; ++r) {
            copy_element(row + r * strides[1], &block[(r * count + i) * width_], width_);
          }
        }
      }
      left -= runs;
      index[1] += runs;
      to += runs * strides[1];
      for (size_t d = 1; d + 1 < rank && index[d] == dims_[d]; ++d) {
        to -= strides[d] * dims_[d];
        index[d] = 0;
        ++index[d + 1];
        to += strides[d + 1];
      }
    }
    data_.reset();
  }

  std::vector<uint64_t> dims_;
  size_t width_;
  std::unique_ptr<TensorReader> data_;  // null once it is read
  std::vector<uint8_t> target_;
  uint64_t done_ = 0;
};

}  // namespace

std::unique_ptr<TensorReader> npy_to_row_major(const std::string& file, const NpyHeader& header,
                                               std::unique_ptr<TensorReader> data,
                                               const MemoryLimit& limit) {
  const size_t unit = header.element.swap_unit;
  if (unit > 1) data = std::make_unique<ByteSwapper>(std::move(data), unit);
  if (!header.is_column_major()) return data;
  if (header.element.item_bytes > kBlockBytes) {  // one more is held while it is moved
    limit.check(file, "array " + quote(header.meta.name) + " in Fortran order",
                header.meta.bytes() + header.element.item_bytes);
  }
  return std::make_unique<Transposer>(file, header, std::move(data), limit);
}

}  // namespace dcf::tools
