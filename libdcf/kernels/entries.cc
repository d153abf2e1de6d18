// SPDX-License-Identifier: Apache-2.0
#include "kernels/entries.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "base/checked.h"
#include "base/float_convert.h"
#include "model/decode.h"
#include "model/expand.h"

namespace dcf::impl {
namespace {

// The entries of one row, none of which is left out. In a loop of its own, for vectors.
void join(const uint32_t* positions, const uint8_t* codes, uint32_t n, uint32_t begin,
          uint8_t first_code, uint32_t* to) {
  for (uint32_t i = 0; i < n; ++i) {
    to[i] = (positions[i] - begin) | static_cast<uint32_t>(codes[i] - first_code)
                                         << LayerEntries::kColumnBits;
  }
}

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
    uint64_t bytes = 0;
    DCF_TRY(count_memory(held, &bytes));
    out_.row_start.resize(out_.rows);
    out_.row_length.resize(out_.rows);
    out_.entries.resize(most_entries() + out_.rows + 1);
    if (!out_.has_codes()) out_.values.resize(out_.entries.size());
    // What a row without entries starts at, and gathers of no row.
    out_.entries.back() = LayerEntries::kRowEnd;
    std::fill(out_.row_start.begin(), out_.row_start.end(), out_.entries.size() - 1);
    DCF_TRY(rows_are_whole() ? place_chunks(bytes) : scatter_chunks());
    out_.nonzeros = std::accumulate(out_.row_length.begin(), out_.row_length.end(), uint64_t{0});
    return std::move(out_);
  }

 private:
  struct Scattered {
    uint64_t at;  // row * cols + column
    uint32_t code;
    float value;
  };

  // Whether the rows of the view are those of the matrix.
  bool rows_are_whole() const { return !tensor_.view.transposed && tensor_.view.cols == out_.cols; }

  // Of fillers.
  uint8_t reserved_codes() const { return tensor_.encoding.positions == Positions::kGap ? 1 : 0; }

  uint64_t most_entries() const {
    return tensor_.encoding.is_sparse() ? tensor_.entries : tensor_.elements;
  }

  Status count_memory(uint64_t held, uint64_t* bytes) const {
    const uint64_t each = (out_.has_codes() ? sizeof(uint32_t) : sizeof(uint32_t) + sizeof(float)) +
                          (rows_are_whole() ? 0 : sizeof(Scattered));
    uint64_t count = 0;
    uint64_t row_bytes = 0;
    if (!checked_add(most_entries(), out_.rows, &count) || !checked_mul(count, each, bytes) ||
        !checked_mul(out_.rows, sizeof(uint64_t) + sizeof(uint32_t), &row_bytes) ||
        !checked_add(*bytes, row_bytes, bytes) || !checked_add(*bytes, held, bytes) ||
        model_.threads_for(tensor_.chunks == 0 ? 1 : model_.scratch_bytes(data_), *bytes) == 0) {
      return fail(Code::LimitMemory, "L-01",
                  "the entries of the layer need more memory than the limit");
    }
    return ok_status();
  }

  void set_codebook() {
    size_t code = reserved_codes();
    for (const uint64_t word : coding_.codebook()) {
      const float weight = word_to_float(tensor_.dtype, word);
      code_of_[code++] = weight == 0 ? kAbsent : static_cast<uint32_t>(out_.codebook.size());
      if (weight != 0) out_.codebook.push_back(weight);
    }
    all_present_ = out_.codebook.size() == coding_.codebook().size();
    if (out_.codebook.empty()) out_.codebook.push_back(1);  // of no entry
  }

  // Each chunk has room for all its entries, so that none waits for the ones before it.
  Status place_chunks(uint64_t held) {
    std::vector<uint64_t> room(tensor_.chunks);
    uint64_t at = 0;
    for (uint64_t chunk = 0; chunk < tensor_.chunks; ++chunk) {
      room[chunk] = at;
      const uint64_t elements = tensor_.chunk_elements(chunk);
      at += elements / out_.cols + (tensor_.encoding.is_sparse() ? entries_of(chunk) : elements);
    }
    return model_.for_chunks(
        data_, 0, tensor_.chunks,
        [&](uint64_t chunk, ChunkScratch* scratch) -> Status {
          DecodedChunk decoded;
          DCF_TRY(model_.load_chunk(coding_, data_, chunk, scratch, &decoded));
          place_rows(decoded, room[chunk]);
          return ok_status();
        },
        held);
  }

  uint64_t entries_of(uint64_t chunk) const {
    return model_.manifest().chunks[tensor_.first_chunk + chunk].entries;
  }

  void place_rows(const DecodedChunk& chunk, uint64_t at) {
    const bool sparse = tensor_.encoding.is_sparse();
    const auto cols = static_cast<uint32_t>(out_.cols);
    const uint32_t* const positions = chunk.positions.data();
    const uint32_t n = chunk.shape.entries;
    uint64_t row = chunk.shape.first / cols;
    uint32_t i = 0;
    for (uint32_t begin = 0; begin < chunk.shape.elements; begin += cols, ++row) {
      uint32_t stop = begin + cols;  // of the entries of dense positions
      if (sparse) {
        stop = static_cast<uint32_t>(std::lower_bound(positions + i, positions + n, begin + cols) -
                                     positions);
      }
      out_.row_start[row] = at;
      at = out_.has_codes() ? place_codes(chunk, i, stop, begin, at)
                            : place_words(chunk, i, stop, begin, at);
      out_.row_length[row] = static_cast<uint32_t>(at - out_.row_start[row]);
      if (!out_.has_codes()) out_.values[at] = 0;
      out_.entries[at++] = LayerEntries::kRowEnd;
      i = stop;
    }
  }

  // Entries [i, stop) of the row that starts at element `begin`; returns where they end.
  uint64_t place_codes(const DecodedChunk& chunk, uint32_t i, uint32_t stop, uint32_t begin,
                       uint64_t at) {
    const uint32_t* const positions =
        tensor_.encoding.is_sparse() ? chunk.positions.data() : nullptr;
    uint32_t* to = out_.entries.data() + at;
    if (positions != nullptr && all_present_ &&
        (chunk.fillers == 0 || std::memchr(chunk.codes.data() + i, 0, stop - i) == nullptr)) {
      join(positions + i, chunk.codes.data() + i, stop - i, begin, reserved_codes(), to);
      return at + (stop - i);
    }
    for (; i < stop; ++i) {
      const uint32_t code = code_of_[chunk.codes[i]];
      *to = ((positions != nullptr ? positions[i] : i) - begin) | code << LayerEntries::kColumnBits;
      to += code != kAbsent ? 1 : 0;
    }
    return static_cast<uint64_t>(to - out_.entries.data());
  }

  uint64_t place_words(const DecodedChunk& chunk, uint32_t i, uint32_t stop, uint32_t begin,
                       uint64_t at) {
    const bool sparse = tensor_.encoding.is_sparse();
    for (; i < stop; ++i) {
      // A filler has the code, or the word, of zero.
      if (reserved_codes() != 0 && !chunk.codes.empty() && chunk.codes[i] == 0) continue;
      const float weight = word_to_float(tensor_.dtype, entry_word(coding_, chunk, i));
      if (weight == 0) continue;
      out_.entries[at] = (sparse ? chunk.positions[i] : i) - begin;
      out_.values[at++] = weight;
    }
    return at;
  }

  // Any other view: entries find their places by being sorted.
  Status scatter_chunks() {
    std::vector<Scattered> all;
    ChunkScratch scratch;
    for (uint64_t chunk = 0; chunk < tensor_.chunks; ++chunk) {
      DecodedChunk decoded;
      DCF_TRY(model_.load_chunk(coding_, data_, chunk, &scratch, &decoded));
      for_each_entry(coding_, decoded, [&](uint32_t element, uint32_t entry) {
        const float weight = word_to_float(tensor_.dtype, entry_word(coding_, decoded, entry));
        if (weight == 0) return;
        const uint32_t code = out_.has_codes() ? code_of_[decoded.codes[entry]] : 0;
        all.push_back({element_of_view(tensor_, decoded.shape.first + element), code, weight});
      });
    }
    std::sort(all.begin(), all.end(),
              [](const Scattered& a, const Scattered& b) { return a.at < b.at; });
    uint64_t at = 0;
    for (size_t i = 0; i < all.size();) {
      const uint64_t row = all[i].at / out_.cols;
      out_.row_start[row] = at;
      for (; i < all.size() && all[i].at / out_.cols == row; ++i) {
        const auto column = static_cast<uint32_t>(all[i].at % out_.cols);
        out_.entries[at] = column | all[i].code << LayerEntries::kColumnBits;
        if (!out_.has_codes()) out_.values[at] = all[i].value;
        ++at;
      }
      out_.row_length[row] = static_cast<uint32_t>(at - out_.row_start[row]);
      if (!out_.has_codes()) out_.values[at] = 0;
      out_.entries[at++] = LayerEntries::kRowEnd;
    }
    return ok_status();
  }

  static constexpr uint32_t kAbsent = 256;

  const Model& model_;
  size_t data_;
  const Tensor& tensor_;
  TensorCoding coding_;
  LayerEntries out_;
  bool all_present_ = false;  // no code of the codebook has a weight of zero
  std::array<uint32_t, 257> code_of_ = [] {
    std::array<uint32_t, 257> none{};
    none.fill(kAbsent);
    return none;
  }();
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
