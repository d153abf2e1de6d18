// SPDX-License-Identifier: Apache-2.0
#include "kernels/entries.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <numeric>

#include "base/checked.h"
#include "base/float_convert.h"
#include "kernels/tasks.h"
#include "model/decode.h"
#include "model/expand.h"
#include "model/tensor_reader.h"

namespace dcf::impl::kernels {
namespace {

// Joins positions and codes of a row from which no entry is left out. A separate loop, so that the
// compiler uses vectors.
void join(const uint32_t* positions, const uint8_t* codes, uint32_t n, uint32_t begin,
          uint8_t first_code, uint32_t* to) {
  for (uint32_t i = 0; i < n; ++i) {
    to[i] = (positions[i] - begin) | static_cast<uint32_t>(codes[i] - first_code)
                                         << LayerEntries::kColumnBits;
  }
}

}  // namespace

class EntryLoader {
 public:
  static constexpr const char* kTooMuch = "packing the layer takes more than max_memory";

  EntryLoader(const model::Model& model, size_t data, const format::Tensor& shape, MemoryShare held,
              model::ProgressStep progress)
      : model_(model),
        data_(data),
        held_(std::move(held)),
        tensor_(model.manifest()->tensors[data]),
        progress_(std::move(progress), tensor_.encoded_bytes),
        chunks_(model, data, &progress_),
        coding_(chunks_.coding()) {
    shape_.rows = shape.rows();
    shape_.nonzeros = tensor_.nonzeros;
    shape_.cols = shape.cols();
    if (tensor_.encoding.values == format::Values::kPalette &&
        shape_.cols <= LayerEntries::kMostCodedColumns) {
      set_codebook();
    }
  }

  const LayerEntries& shape() const { return shape_; }
  const Parallel& parallel() const { return model_.parallel(); }
  // Whether the rows can be cut into slabs, and into enough of them for all threads.
  bool has_slabs(uint64_t rows, RowSteps steps) const {
    const uint64_t slab = rows_of_slab(steps);
    return rows_are_whole() && tensor_.chunks != 0 && slab < rows &&
           ceil_div(rows, std::max(slab, steps.run)) >= model_.parallel().width();
  }
  // Whether the rows of the view are those of the matrix.
  bool rows_are_whole() const {
    return !tensor_.view.transposed && tensor_.view.cols == shape_.cols;
  }

  Result<LayerEntries> all() const {
    model::ReadPlan plan = model::whole_tensor(tensor_, &progress_);
    plan.too_much = kTooMuch;
    if (!count_memory(&plan.beside.once)) return too_large();
    DCF_ASSIGN(const auto reader, model::TensorReader::open(model_, data_, plan));
    LayerEntries out = shape_;
    out.row_start.resize(out.rows);
    out.row_length.resize(out.rows);
    make_room(most_entries() + out.rows, &out);
    // A row without entries starts at the sentinels.
    std::fill(out.row_start.begin(), out.row_start.end(),
              out.entries.size() - LayerEntries::kPadding);
    DCF_TRY(rows_are_whole() ? place_chunks(*reader, &out) : scatter_chunks(*reader, &out));
    out.nonzeros = std::accumulate(out.row_length.begin(), out.row_length.end(), uint64_t{0});
    out.memory = std::make_shared<const MemoryShare>(reader->release_once());
    return out;
  }

  // Decodes and packs rows [first, last) in slabs of a multiple of `steps.step`.
  Status each(uint64_t first, uint64_t last, RowSteps steps, const EntrySource::Pack& pack) const {
    const uint64_t step = steps.step;
    const uint64_t slab_rows = rows_of_slab(steps);
    const uint64_t item_rows = std::max(slab_rows, steps.run);
    uint64_t room = 0;
    for (uint64_t item = first; item < last; item += item_rows) {
      const uint64_t item_end = std::min(item + item_rows, last);
      for (uint64_t row = item; row < item_end; row += slab_rows) {
        room = std::max(room, slab_room(row, std::min(row + slab_rows, item_end)));
      }
    }
    uint64_t bytes = 0;
    uint64_t row_bytes = 0;
    if (!checked_mul(room, entry_bytes(), &bytes) ||
        !checked_mul(slab_rows + 2 * chunk_rows(), kRowBytes, &row_bytes) ||
        !checked_add(bytes, row_bytes, &bytes) ||
        !checked_add(bytes, model_.scratch_bytes(data_), &bytes)) {
      return too_large();
    }
    const uint64_t items = ceil_div(last - first, item_rows);
    const MemoryShare share =
        model_.take_memory({0, bytes}, std::min<uint64_t>(items, model_.parallel().width()));
    if (!share) return too_large();
    std::atomic<uint64_t> counted{0};
    std::mutex mutex;
    std::vector<std::unique_ptr<Slab>> idle;
    const auto take = [&] {
      const std::lock_guard lock(mutex);
      if (idle.empty()) return std::make_unique<Slab>();
      std::unique_ptr<Slab> slab = std::move(idle.back());
      idle.pop_back();
      return slab;
    };
    const auto load = [&](size_t item) {
      const uint64_t item_end = std::min(first + (item + 1) * item_rows, last);
      std::unique_ptr<Slab> slab = take();
      for (uint64_t row = first + item * item_rows; row < item_end; row += slab_rows) {
        const uint64_t end = std::min(row + slab_rows, item_end);
        uint64_t nonzeros = 0;
        DCF_TRY(load_slab(row, end, room, slab.get(), &nonzeros));
        counted += nonzeros;
        for (uint64_t at = row; at < end; at += step) {
          pack(slab->part, at - slab->first, at, std::min(step, end - at));
        }
      }
      const std::lock_guard lock(mutex);
      idle.push_back(std::move(slab));
      return ok_status();
    };
    DCF_TRY(model_.in_data(data_, model_.for_items(items, share.workers(), load)));
    const bool whole = first == 0 && last == shape_.rows;
    return whole ? model_.check_nonzeros(data_, counted) : ok_status();
  }

 private:
  struct Scattered {
    uint64_t at;  // row * cols + column
    uint32_t code;
    float value;
  };

  // Rows [first, end) of the matrix, and the scratch to decode them. A thread keeps its Slab: rows
  // of a chunk that reach into the next slab are there already when that one is loaded.
  struct Slab {
    LayerEntries part;
    uint64_t first = 0;
    uint64_t end = 0;
    uint64_t used = 0;  // elements of part.entries
    model::ChunkScratch scratch;
  };
  // Entries of a slab: about as many as a thread's caches hold.
  static constexpr uint64_t kSlabEntries = uint64_t{1} << 19;
  // Chunks of a slab. A chunk that two slabs share is decoded twice; among four that costs little.
  static constexpr uint64_t kSlabChunks = 4;

  uint64_t chunk_rows() const { return tensor_.rows_per_chunk; }
  uint64_t rows_of_slab(RowSteps steps) const {
    const uint64_t slabs = std::max<uint64_t>(most_entries() / kSlabEntries, 1);
    const uint64_t rows = std::max(shape_.rows / slabs, kSlabChunks * chunk_rows());
    const uint64_t whole = std::max<uint64_t>(rows / steps.step, 1) * steps.step;
    return steps.run > steps.step ? std::min(whole, steps.run) : whole;
  }
  uint64_t chunk_room(uint64_t chunk) const {
    const uint64_t elements = tensor_.chunk_elements(chunk);
    return elements / shape_.cols + (tensor_.encoding.is_sparse() ? entries_of(chunk) : elements);
  }
  uint64_t slab_room(uint64_t first, uint64_t last) const {
    uint64_t room = 0;
    for (uint64_t c = first / chunk_rows(); c * chunk_rows() < last; ++c) room += chunk_room(c);
    return room;
  }

  // Adds up the nonzeros of the chunks that start in the slab.
  Status load_slab(uint64_t first, uint64_t last, uint64_t room, Slab* slab,
                   uint64_t* nonzeros) const {
    LayerEntries& part = slab->part;
    if (part.entries.empty()) {
      part = shape_;
      make_room(room, &part);
    }
    const bool goes_on = slab->first <= first && first < slab->end;
    const uint64_t gone = goes_on ? first - slab->first : slab->end - slab->first;
    const uint64_t begin = goes_on ? part.row_start[gone] : slab->used;
    std::copy(part.entries.data() + begin, part.entries.data() + slab->used, part.entries.data());
    if (!part.has_codes()) {
      std::copy(part.values.data() + begin, part.values.data() + slab->used, part.values.data());
    }
    slab->used -= begin;
    const auto rows = static_cast<std::ptrdiff_t>(gone);
    part.row_start.erase(part.row_start.begin(), part.row_start.begin() + rows);
    part.row_length.erase(part.row_length.begin(), part.row_length.begin() + rows);
    for (uint64_t& start : part.row_start) start -= begin;
    if (!goes_on) slab->end = first / chunk_rows() * chunk_rows();
    slab->first = slab->end - part.row_start.size();
    while (slab->end < last) {
      const uint64_t chunk = slab->end / chunk_rows();
      DCF_ASSIGN(const model::DecodedChunk decoded, chunks_.load(chunk, &slab->scratch));
      if (slab->end >= first) *nonzeros += decoded->nonzeros;
      const uint64_t end = slab->end + decoded->shape.elements / shape_.cols;
      part.row_start.resize(end - slab->first);
      part.row_length.resize(end - slab->first);
      slab->used = place_rows(decoded, slab->end - slab->first, slab->used, &part);
      slab->end = end;
    }
    return ok_status();
  }

  void make_room(uint64_t entries, LayerEntries* out) const {
    out->entries.resize(entries + LayerEntries::kPadding);
    if (!out->has_codes()) out->values.resize(entries + LayerEntries::kPadding);
    std::fill(out->entries.end() - LayerEntries::kPadding, out->entries.end(),
              LayerEntries::kRowEnd);
  }

  uint64_t most_entries() const {
    return tensor_.encoding.is_sparse() ? tensor_.entries : tensor_.elements;
  }

  static constexpr uint64_t kRowBytes = sizeof(uint64_t) + sizeof(uint32_t);
  uint64_t entry_bytes() const {
    return shape_.has_codes() ? sizeof(uint32_t) : sizeof(uint32_t) + sizeof(float);
  }
  Status too_large() const {
    return model_.in_data(data_, fail(Code::LimitMemory, "L-01", kTooMuch));
  }

  // The memory of all entries; false if it does not fit 64 bits.
  bool count_memory(uint64_t* bytes) const {
    const uint64_t each = entry_bytes() + (rows_are_whole() ? 0 : sizeof(Scattered));
    uint64_t count = 0;
    uint64_t row_bytes = 0;
    return checked_add(most_entries(), shape_.rows, &count) && checked_mul(count, each, bytes) &&
           checked_mul(shape_.rows, kRowBytes, &row_bytes) &&
           checked_add(*bytes, row_bytes, bytes) &&
           checked_add(*bytes, tensor_.chunks * sizeof(uint64_t), bytes);  // for place_chunks()
  }

  void set_codebook() {
    size_t code = coding_.reserved_codes();
    for (const uint64_t word : coding_.codebook()) {
      const float weight = word_to_float(tensor_.dtype, word);
      code_of_[code++] = weight == 0 ? kAbsent : static_cast<uint32_t>(shape_.codebook.size());
      if (weight != 0) shape_.codebook.push_back(weight);
    }
    all_present_ = shape_.codebook.size() == coding_.codebook().size();
    if (shape_.codebook.empty()) shape_.codebook.push_back(1);  // no entry uses it
  }

  // Each chunk gets room for all its entries, so that no chunk waits for those before it.
  Status place_chunks(const model::TensorReader& reader, LayerEntries* out) const {
    std::vector<uint64_t> room(tensor_.chunks);
    uint64_t at = 0;
    for (uint64_t chunk = 0; chunk < tensor_.chunks; ++chunk) {
      room[chunk] = at;
      at += chunk_room(chunk);
    }
    return reader.for_each_chunk([&](uint64_t chunk, model::ChunkScratch* scratch) -> Status {
      DCF_ASSIGN(const model::DecodedChunk decoded, reader.load(chunk, scratch));
      place_rows(decoded, chunk * chunk_rows(), room[chunk], out);
      return ok_status();
    });
  }

  uint64_t entries_of(uint64_t chunk) const {
    return model_.manifest()->chunks[tensor_.first_chunk + chunk].entries;
  }

  // Writes the rows of a chunk to *out as its rows from `row` on, and their entries from `at` on.
  // Returns where the entries end.
  uint64_t place_rows(const model::DecodedChunk& chunk, uint64_t row, uint64_t at,
                      LayerEntries* out) const {
    const bool sparse = tensor_.encoding.is_sparse();
    const auto cols = static_cast<uint32_t>(shape_.cols);
    const uint32_t* const positions = chunk->positions.data();
    const uint32_t n = chunk->shape.entries;
    uint32_t i = 0;
    for (uint32_t begin = 0; begin < chunk->shape.elements; begin += cols, ++row) {
      uint32_t stop = begin + cols;  // where the entries of the row end, if positions are dense
      if (sparse) {
        stop = static_cast<uint32_t>(std::lower_bound(positions + i, positions + n, begin + cols) -
                                     positions);
      }
      out->row_start[row] = at;
      at = shape_.has_codes() ? place_codes(chunk, i, stop, begin, at, out)
                              : place_words(chunk, i, stop, begin, at, out);
      out->row_length[row] = static_cast<uint32_t>(at - out->row_start[row]);
      if (!shape_.has_codes()) out->values[at] = 0;
      out->entries[at++] = LayerEntries::kRowEnd;
      i = stop;
    }
    return at;
  }

  // Writes entries [i, stop) of the row that starts at element `begin`. Returns where they end.
  uint64_t place_codes(const model::DecodedChunk& chunk, uint32_t i, uint32_t stop, uint32_t begin,
                       uint64_t at, LayerEntries* out) const {
    const uint32_t* const positions =
        tensor_.encoding.is_sparse() ? chunk->positions.data() : nullptr;
    uint32_t* to = out->entries.data() + at;
    if (positions != nullptr && all_present_ &&
        (chunk->fillers == 0 || std::memchr(chunk->codes.data() + i, 0, stop - i) == nullptr)) {
      join(positions + i, chunk->codes.data() + i, stop - i, begin, coding_.reserved_codes(), to);
      return at + (stop - i);
    }
    for (; i < stop; ++i) {
      const uint32_t code = code_of_[chunk->codes[i]];
      *to = ((positions != nullptr ? positions[i] : i) - begin) | code << LayerEntries::kColumnBits;
      to += code != kAbsent ? 1 : 0;
    }
    return static_cast<uint64_t>(to - out->entries.data());
  }

  uint64_t place_words(const model::DecodedChunk& chunk, uint32_t i, uint32_t stop, uint32_t begin,
                       uint64_t at, LayerEntries* out) const {
    const bool sparse = tensor_.encoding.is_sparse();
    for (; i < stop; ++i) {
      // A filler has the code, or the word, of zero.
      if (coding_.reserved_codes() != 0 && !chunk->codes.empty() && chunk->codes[i] == 0) continue;
      const float weight = word_to_float(tensor_.dtype, model::entry_word(coding_, chunk, i));
      if (weight == 0) continue;
      out->entries[at] = (sparse ? chunk->positions[i] : i) - begin;
      out->values[at++] = weight;
    }
    return at;
  }

  // For any other view: sorts the entries of all chunks.
  Status scatter_chunks(const model::TensorReader& reader, LayerEntries* out) const {
    std::vector<Scattered> all;
    all.reserve(most_entries());
    DCF_TRY(
        reader.for_each_chunk_in_order([&](uint64_t chunk, model::ChunkScratch* scratch) -> Status {
          DCF_ASSIGN(const model::DecodedChunk decoded, reader.load(chunk, scratch));
          model::for_each_entry(coding_, decoded, [&](uint32_t element, uint32_t entry) {
            const float weight =
                word_to_float(tensor_.dtype, model::entry_word(coding_, decoded, entry));
            if (weight == 0) return;
            const uint32_t code = shape_.has_codes() ? code_of_[decoded->codes[entry]] : 0;
            all.push_back(
                {model::element_of_view(tensor_, decoded->shape.first + element), code, weight});
          });
          return ok_status();
        }));
    std::sort(all.begin(), all.end(),
              [](const Scattered& a, const Scattered& b) { return a.at < b.at; });
    uint64_t at = 0;
    for (size_t i = 0; i < all.size();) {
      const uint64_t row = all[i].at / shape_.cols;
      out->row_start[row] = at;
      for (; i < all.size() && all[i].at / shape_.cols == row; ++i) {
        const auto column = static_cast<uint32_t>(all[i].at % shape_.cols);
        out->entries[at] = column | all[i].code << LayerEntries::kColumnBits;
        if (!shape_.has_codes()) out->values[at] = all[i].value;
        ++at;
      }
      out->row_length[row] = static_cast<uint32_t>(at - out->row_start[row]);
      if (!shape_.has_codes()) out->values[at] = 0;
      out->entries[at++] = LayerEntries::kRowEnd;
    }
    return ok_status();
  }

  static constexpr uint32_t kAbsent = 256;

  const model::Model& model_;
  size_t data_;
  MemoryShare held_;
  const format::Tensor& tensor_;
  mutable model::DecodeProgress progress_;
  const model::ChunkReader chunks_;  // for loops that TensorReader has not
  const model::TensorCoding& coding_;
  LayerEntries shape_;
  bool all_present_ = false;  // no code of the codebook has a weight of zero
  std::array<uint32_t, 257> code_of_ = [] {
    std::array<uint32_t, 257> none{};
    none.fill(kAbsent);
    return none;
  }();
};

bool AllEntries::each(uint64_t first, uint64_t last, RowSteps steps, const Pack& pack) const {
  run_tasks(parallel_, ceil_div(last - first, steps.run), [&](size_t i) {
    const uint64_t end = std::min(first + (i + 1) * steps.run, last);
    for (uint64_t row = first + i * steps.run; row < end; row += steps.step) {
      pack(all_, row, row, std::min(steps.step, end - row));
    }
  });
  return true;
}

TensorEntries::TensorEntries(std::unique_ptr<EntryLoader> loader) : loader_(std::move(loader)) {}
TensorEntries::~TensorEntries() = default;

Result<std::unique_ptr<TensorEntries>> TensorEntries::open(const model::Model& model, size_t tensor,
                                                           uint64_t held,
                                                           model::ProgressStep progress) {
  const size_t data = model.data_tensor(tensor);
  const format::Tensor& shape = model.manifest()->tensors[tensor];
  if (is_raw_only(shape.dtype))
    return fail(Code::UnsupportedDType, "", "the dtype has no arithmetic");
  if (shape.cols() > LayerEntries::kMostColumns) {
    return fail(Code::InvalidArgument, "", "the rows of the tensor are too long for a layer");
  }
  uint64_t bytes = 0;
  MemoryShare share;
  if (checked_add(held, model.table_memory(data), &bytes)) share = model.take_memory({bytes, 0});
  if (!share) return model.in_data(data, fail(Code::LimitMemory, "L-01", EntryLoader::kTooMuch));
  return std::unique_ptr<TensorEntries>(new TensorEntries(
      std::make_unique<EntryLoader>(model, data, shape, std::move(share), std::move(progress))));
}

const LayerEntries& TensorEntries::shape() const {
  return loader_->shape();
}

unsigned TensorEntries::width() const {
  return loader_->parallel().width();
}

bool TensorEntries::each(uint64_t first, uint64_t last, RowSteps steps, const Pack& pack) const {
  if (!failure_.ok()) return false;
  if (loader_->has_slabs(last - first, steps)) {
    failure_ = loader_->each(first, last, steps, pack);
    return failure_.ok();
  }
  const Result<LayerEntries> entries = all();
  failure_ = entries.status();
  return failure_.ok() &&
         AllEntries(entries.value(), loader_->parallel()).each(first, last, steps, pack);
}

Result<LayerEntries> TensorEntries::all() const {
  return loader_->all();
}

Result<LayerEntries> load_entries(const model::Model& model, size_t tensor) {
  DCF_ASSIGN(const auto entries, TensorEntries::open(model, tensor, 0));
  return entries->all();
}

}  // namespace dcf::impl::kernels
