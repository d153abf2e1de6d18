// SPDX-License-Identifier: Apache-2.0
#include "formats/scipy_csr.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "formats/error.h"
#include "formats/le_bytes.h"

namespace dcf::tools {
namespace {

// As the ratio of deflate, so that a sparse file costs no more time than a packed one may.
constexpr uint64_t kMaxRatio = 1024;
constexpr uint64_t kMaxElements = (uint64_t{1} << 48) - 1;

bool is_index(const NpyHeader& header) {
  return header.shape.size() == 1 &&
         (header.meta.dtype == DCF_DTYPE_I32 || header.meta.dtype == DCF_DTYPE_I64);
}

// The elements of an array, one after the other.
class ItemReader {
 public:
  ItemReader(std::unique_ptr<TensorReader> data, const NpyHeader& header)
      : data_(std::move(data)),
        width_(static_cast<size_t>(header.element.item_bytes)),
        left_(header.meta.bytes()) {
    if (left_ == 0) data_->read({});  // which checks the end
  }

  // There are as many as the array has, of 1 to 8 bytes each. Valid until the next call.
  std::span<const uint8_t> next() {
    if (at_ == filled_) {
      filled_ = static_cast<size_t>(std::min<uint64_t>(buffer_.size(), left_));
      data_->read(std::span(buffer_).first(filled_));
      left_ -= filled_;
      at_ = 0;
    }
    const std::span<const uint8_t> item = std::span(buffer_).subspan(at_, width_);
    at_ += width_;
    return item;
  }

  // UINT64_MAX for a negative number.
  uint64_t next_index() {
    const std::span<const uint8_t> item = next();
    const int64_t value = width_ == 4 ? static_cast<int32_t>(load_le<uint32_t>(item.data()))
                                      : static_cast<int64_t>(load_le<uint64_t>(item.data()));
    return value < 0 ? UINT64_MAX : static_cast<uint64_t>(value);
  }

 private:
  std::unique_ptr<TensorReader> data_;
  size_t width_;
  uint64_t left_;
  std::array<uint8_t, 8192> buffer_{};
  size_t at_ = 0;
  size_t filled_ = 0;
};

// The entries of a matrix in the order of their positions.
class EntryWalk {
 public:
  enum class Step : uint8_t { kEntry, kEnd, kInvalid };

  EntryWalk(ItemReader starts, ItemReader columns, std::span<const uint64_t> dims, uint64_t entries)
      : starts_(std::move(starts)),
        columns_(std::move(columns)),
        rows_(dims[0]),
        width_(dims[1]),
        entries_(entries) {}

  // Goes to the next entry, whose position in the dense tensor is position().
  Step next() {
    if (row_ == 0) {
      if (starts_.next_index() != 0) return Step::kInvalid;
      if (!next_row()) return Step::kInvalid;
    }
    while (entry_ == row_end_) {
      if (row_ > rows_) return entry_ == entries_ ? Step::kEnd : Step::kInvalid;
      if (!next_row()) return Step::kInvalid;
    }
    const uint64_t column = columns_.next_index();
    if (column >= width_ || (!first_in_row_ && column <= column_)) return Step::kInvalid;
    column_ = column;
    first_in_row_ = false;
    ++entry_;
    position_ = (row_ - 1) * width_ + column;
    return Step::kEntry;
  }

  uint64_t position() const { return position_; }

 private:
  // After the last row, row_ is rows_ + 1 and row_end_ stays.
  bool next_row() {
    if (++row_ > rows_) return true;
    row_end_ = starts_.next_index();
    first_in_row_ = true;
    return row_end_ >= entry_ && row_end_ <= entries_;
  }

  ItemReader starts_;
  ItemReader columns_;
  uint64_t rows_;
  uint64_t width_;
  uint64_t entries_;
  uint64_t row_ = 0;  // counted from 1
  uint64_t row_end_ = 0;
  uint64_t entry_ = 0;
  uint64_t column_ = 0;
  uint64_t position_ = 0;
  bool first_in_row_ = true;
};

class DenseReader final : public TensorReader {
 public:
  DenseReader(std::string path, EntryWalk walk, ItemReader values, uint32_t bits)
      : path_(std::move(path)),
        walk_(std::move(walk)),
        values_(std::move(values)),
        width_(bits / 8) {
    advance();
  }

  void read(std::span<uint8_t> out) override {
    std::fill(out.begin(), out.end(), uint8_t{0});
    const uint64_t end = position_ + out.size() / width_;
    for (; !ended_ && walk_.position() < end; advance()) {
      const auto at = static_cast<size_t>(walk_.position() - position_) * width_;
      const std::span<const uint8_t> value = values_.next();
      std::copy(value.begin(), value.end(), out.begin() + static_cast<ptrdiff_t>(at));
    }
    position_ = end;
  }

 private:
  void advance() {
    const EntryWalk::Step step = walk_.next();
    if (step == EntryWalk::Step::kInvalid) {
      throw_invalid(path_, "has indices of a csr matrix that changed while it was read");
    }
    ended_ = step == EntryWalk::Step::kEnd;
  }

  std::string path_;
  EntryWalk walk_;
  ItemReader values_;
  size_t width_;
  uint64_t position_ = 0;  // in elements
  bool ended_ = false;
};

}  // namespace

std::optional<ScipyCsr> ScipyCsr::find(const InputFile& file, std::span<const NpzArray> arrays,
                                       const MemoryLimit& limit) {
  ScipyCsr csr(file, limit);
  if (!csr.set_arrays(arrays) || !csr.fits() || !csr.is_canonical()) return std::nullopt;
  return csr;
}

bool ScipyCsr::set_arrays(std::span<const NpzArray> arrays) {
  const NpzArray* format = nullptr;
  const NpzArray* shape = nullptr;
  for (const NpzArray& array : arrays) {
    const std::string& name = array.header.meta.name;
    const NpzArray* unused = nullptr;  // '_is_array' tells two classes of Python apart
    const NpzArray** place = name == "format"    ? &format
                             : name == "shape"   ? &shape
                             : name == "indptr"  ? &rows_
                             : name == "indices" ? &columns_
                             : name == "data"    ? &values_
                                                 : nullptr;
    if (place == nullptr && name == "_is_array") place = &unused;
    if (place == nullptr || *place != nullptr) return false;
    *place = &array;
  }
  if (format == nullptr || shape == nullptr || rows_ == nullptr || columns_ == nullptr ||
      values_ == nullptr) {
    return false;
  }
  const NpyHeader& text = format->header;
  constexpr std::string_view kCsr = "csr";
  const size_t step = text.element.item_bytes == kCsr.size() ? 1 : 4;  // bytes or characters
  if (text.element.kind != NpyType::Kind::kBytes || !text.shape.empty() ||
      text.element.item_bytes != kCsr.size() * step) {
    return false;
  }
  std::array<uint8_t, 12> bytes{};
  open_npz_array(*file_, *format, limit_)->read(std::span(bytes).first(kCsr.size() * step));
  for (size_t i = 0; i < kCsr.size() * step; ++i) {
    if (bytes[i] != (i % step == 0 ? static_cast<uint8_t>(kCsr[i / step]) : 0)) return false;
  }
  return set_shape(*shape);
}

bool ScipyCsr::set_shape(const NpzArray& shape) {
  const NpyHeader& values = values_->header;
  if (!is_index(shape.header) || shape.header.shape[0] != 2 || !is_index(rows_->header) ||
      !is_index(columns_->header) || values.element.kind != NpyType::Kind::kNumbers ||
      values.shape != columns_->header.shape) {
    return false;
  }
  ItemReader reader(open_npz_array(*file_, shape, limit_), shape.header);
  meta_ = {.name = {},
           .dtype = values.meta.dtype,
           .bits = values.meta.bits,
           .opaque_name = {},
           .dims = {}};
  for (int i = 0; i < 2; ++i) meta_.dims.push_back(reader.next_index());
  return true;
}

bool ScipyCsr::fits() const {
  const std::optional<uint64_t> bits = checked_bits(meta_.dims, meta_.bits);
  return bits && *bits / meta_.bits <= kMaxElements && *bits / 8 / kMaxRatio <= file_->size() &&
         std::max(meta_.dims[0], meta_.dims[1]) <= kMaxElements &&
         rows_->header.shape[0] == meta_.dims[0] + 1;
}

bool ScipyCsr::is_canonical() const {
  const auto items = [this](const NpzArray& array) {
    return ItemReader(open_npz_array(*file_, array, limit_), array.header);
  };
  EntryWalk walk(items(*rows_), items(*columns_), meta_.dims, values_->header.shape[0]);
  EntryWalk::Step step = EntryWalk::Step::kEntry;
  while (step == EntryWalk::Step::kEntry) step = walk.next();
  return step == EntryWalk::Step::kEnd;
}

std::unique_ptr<TensorReader> ScipyCsr::open() const {
  const auto items = [this](const NpzArray& array) {
    return ItemReader(open_npz_array(*file_, array, limit_), array.header);
  };
  EntryWalk walk(items(*rows_), items(*columns_), meta_.dims, values_->header.shape[0]);
  return std::make_unique<DenseReader>(file_->path(), std::move(walk), items(*values_), meta_.bits);
}

}  // namespace dcf::tools
