// SPDX-License-Identifier: Apache-2.0
#include "kernels/entries.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/checked.h"
#include "base/float_convert.h"
#include "model/decode.h"
#include "model/expand.h"

namespace dcf::impl {
namespace {

class Loader {
 public:
  Loader(const Model& model, size_t data, const Tensor& shape)
      : model_(model),
        data_(data),
        tensor_(model.manifest().tensors[data]),
        coding_(tensor_, model.tables(), data) {
    out_.rows = shape.rows();
    out_.cols = shape.cols();
    if (tensor_.encoding.values == Values::kPalette &&
        out_.cols <= LayerEntries::kMostCodedColumns) {
      set_codebook();
    }
  }

  Result<LayerEntries> run(uint64_t held) {
    DCF_TRY(check_memory(held));
    out_.row_start.reserve(out_.rows + 1);
    out_.entries.reserve(most_entries() + out_.rows);
    if (!out_.has_codes()) out_.values.reserve(most_entries() + out_.rows);
    ChunkScratch scratch;
    out_.row_start.push_back(0);
    for (uint64_t chunk = 0; chunk < tensor_.chunks; ++chunk) {
      DecodedChunk decoded;
      DCF_TRY(model_.load_chunk(coding_, data_, chunk, &scratch, &decoded));
      if (tensor_.view.transposed) {
        scatter(decoded);
      } else if (decoded.codes.empty()) {
        append_words(decoded);
      } else {
        append_codes(decoded);
      }
    }
    if (tensor_.view.transposed) {
      sort_rows();
    } else {
      while (out_.row_start.size() <= out_.rows) end_row();
    }
    return std::move(out_);
  }

 private:
  struct Scattered {
    uint64_t at;  // row * cols + column
    uint32_t code;
    float value;
  };

  uint64_t most_entries() const {
    return tensor_.encoding.is_sparse() ? tensor_.entries : tensor_.elements;
  }

  Status check_memory(uint64_t held) const {
    const uint64_t each = (out_.has_codes() ? sizeof(uint32_t) : sizeof(uint32_t) + sizeof(float)) +
                          (tensor_.view.transposed ? sizeof(Scattered) : 0);
    uint64_t bytes = 0;
    uint64_t count = 0;
    if (!checked_add(most_entries(), out_.rows, &count) || !checked_mul(count, each, &bytes) ||
        !checked_add(bytes, (out_.rows + 1) * sizeof(uint64_t), &bytes) ||
        !checked_add(bytes, held, &bytes) ||
        (tensor_.chunks != 0 && model_.threads_for(model_.scratch_bytes(data_), bytes) == 0)) {
      return fail(Code::LimitMemory, "L-01",
                  "the entries of the layer need more memory than the limit");
    }
    return ok_status();
  }

  void set_codebook() {
    size_t code = tensor_.encoding.positions == Positions::kGap ? 1 : 0;
    for (const uint64_t word : coding_.codebook()) {
      const float weight = word_to_float(tensor_.dtype, word);
      code_of_[code++] = weight == 0 ? kAbsent : static_cast<uint32_t>(out_.codebook.size());
      if (weight != 0) out_.codebook.push_back(weight);
    }
    if (out_.codebook.empty()) out_.codebook.push_back(1);  // of no entry
  }

  void end_row() {
    out_.entries.push_back(LayerEntries::kRowEnd);
    if (!out_.has_codes()) out_.values.push_back(0);
    out_.row_start.push_back(out_.entries.size());
    row_begin_ += out_.cols;
  }

  // Ends rows until the element lies in the open one; returns its column.
  uint32_t column_of(uint64_t element) {
    while (element - row_begin_ >= out_.cols) end_row();
    return static_cast<uint32_t>(element - row_begin_);
  }

  void append_codes(const DecodedChunk& chunk) {
    const bool sparse = tensor_.encoding.is_sparse();
    const uint32_t* const positions = chunk.positions.data();
    const uint32_t n = chunk.shape.entries;
    for (uint32_t i = 0; i < n;) {
      // The entries of one row.
      const uint64_t base = chunk.shape.first;
      column_of(base + (sparse ? positions[i] : i));
      const uint64_t row_end = row_begin_ + out_.cols - base;
      const auto first = static_cast<uint32_t>(base - row_begin_);  // wraps: so does its sum
      const size_t start = out_.entries.size();
      uint32_t stop = n;
      if (sparse) {
        stop = static_cast<uint32_t>(std::lower_bound(positions + i, positions + n, row_end) -
                                     positions);
      } else if (row_end < n) {
        stop = static_cast<uint32_t>(row_end);
      }
      out_.entries.resize(start + (stop - i));
      uint32_t* to = out_.entries.data() + start;
      for (; i < stop; ++i) {
        const uint32_t code = code_of_[chunk.codes[i]];
        const uint32_t column = first + (sparse ? positions[i] : i);
        *to = column | code << LayerEntries::kColumnBits;
        to += code != kAbsent ? 1 : 0;
      }
      out_.entries.resize(static_cast<size_t>(to - out_.entries.data()));
    }
  }

  void append_words(const DecodedChunk& chunk) {
    for_each_entry(coding_, chunk, [&](uint32_t element, uint32_t entry) {
      const float weight = word_to_float(tensor_.dtype, entry_word(coding_, chunk, entry));
      if (weight == 0) return;
      out_.entries.push_back(column_of(chunk.shape.first + element));
      out_.values.push_back(weight);
    });
  }

  void scatter(const DecodedChunk& chunk) {
    for_each_entry(coding_, chunk, [&](uint32_t element, uint32_t entry) {
      const float weight = word_to_float(tensor_.dtype, entry_word(coding_, chunk, entry));
      if (weight == 0) return;
      const uint32_t code = out_.has_codes() ? code_of_[chunk.codes[entry]] : 0;
      scattered_.push_back({element_of_view(tensor_, chunk.shape.first + element), code, weight});
    });
  }

  void sort_rows() {
    std::sort(scattered_.begin(), scattered_.end(),
              [](const Scattered& a, const Scattered& b) { return a.at < b.at; });
    for (const Scattered& s : scattered_) {
      const uint32_t column = column_of(s.at);
      out_.entries.push_back(column | s.code << LayerEntries::kColumnBits);
      if (!out_.has_codes()) out_.values.push_back(s.value);
    }
    while (out_.row_start.size() <= out_.rows) end_row();
  }

  static constexpr uint32_t kAbsent = 256;

  const Model& model_;
  size_t data_;
  const Tensor& tensor_;
  TensorCoding coding_;
  LayerEntries out_;
  uint64_t row_begin_ = 0;  // the first element of the open row
  std::array<uint32_t, 257> code_of_ = [] {
    std::array<uint32_t, 257> none{};
    none.fill(kAbsent);
    return none;
  }();
  std::vector<Scattered> scattered_;
};

}  // namespace

Result<LayerEntries> load_entries(const Model& model, size_t tensor, uint64_t held) {
  const size_t data = model.data_tensor(tensor);
  const Tensor& shape = model.manifest().tensors[tensor];
  if (is_raw_only(shape.dtype))
    return fail(Code::UnsupportedDType, "", "the dtype has no arithmetic");
  if (shape.cols() > LayerEntries::kMostColumns) {
    return fail(Code::InvalidArgument, "", "the rows of the tensor are too long for a layer");
  }
  auto loaded = Loader(model, data, shape).run(held);
  if (!loaded.ok()) return model.in_data(data, loaded.status());
  return loaded;
}

}  // namespace dcf::impl
