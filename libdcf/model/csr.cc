// SPDX-License-Identifier: Apache-2.0
// One pass over the chunks: in row-major views their entries are consecutive in the output, and
// each chunk starts where those before it end.
#include <algorithm>
#include <array>
#include <atomic>
#include <numeric>

#include "base/running_sum.h"
#include "codec/stream_copy.h"
#include "model/csr_transposed.h"
#include "model/csr_words.h"
#include "model/expand.h"

namespace dcf::impl {
namespace {

// Consecutive entries on their way to the output, gathered in the first cache and written in
// blocks, past the caches if the output is large. T: as wide as a value.
template <typename T>
class EntryWriter {
 public:
  EntryWriter(const Csr& out, uint64_t at)
      : out_(out), at_(at), stream_(past_caches(out.col.size() * (sizeof(uint32_t) + sizeof(T)))) {
    // After the first, blocks start on lines as far as elements can.
    const auto first = reinterpret_cast<uintptr_t>(out.col.data() + at);
    size_ = kBlock - first % kLineBytes / sizeof(uint32_t);
  }
  ~EntryWriter() {
    flush();
    if (stream_) stream_fence();
  }
  EntryWriter(const EntryWriter&) = delete;
  EntryWriter& operator=(const EntryWriter&) = delete;

  uint64_t next() const { return at_ + used_; }

  // Appends entry i = col(i), word(i) for i in [first, stop) where keep(i). All three are called by
  // value, because to a compiler the bytes that are written may be anything's.
  template <typename Col, typename Word, typename Keep>
  void put(size_t first, size_t stop, Col col, Word word, Keep keep) {
    while (first < stop) {
      const size_t end = std::min(stop, first + (size_ - used_));
      uint32_t* const cols = cols_.data() + used_;
      uint8_t* const values = values_.data() + used_ * sizeof(T);
      size_t k = 0;
      for (size_t i = first; i < end; ++i) {
        cols[k] = col(i);
        store_le(values + k * sizeof(T), static_cast<T>(word(i)));
        k += keep(i) ? 1 : 0;
      }
      used_ += k;
      first = end;
      if (used_ == size_) flush();
    }
  }

 private:
  static constexpr size_t kBlock = 2048;

  void flush() {
    auto* const cols = reinterpret_cast<uint8_t*>(out_.col.data() + at_);
    write(bytes_of(std::span<const uint32_t>(cols_)).first(used_ * sizeof(uint32_t)), cols);
    write(Bytes(values_).first(used_ * sizeof(T)), out_.values.data() + at_ * sizeof(T));
    at_ += used_;
    used_ = 0;
    size_ = kBlock;
  }
  void write(Bytes from, uint8_t* to) const {
    if (stream_)
      stream_copy(from, to);
    else
      std::copy(from.begin(), from.end(), to);
  }

  const Csr& out_;
  uint64_t at_;
  bool stream_;
  size_t size_;  // of this block
  size_t used_ = 0;
  alignas(kLineBytes) std::array<uint32_t, kBlock> cols_;
  alignas(kLineBytes) std::array<uint8_t, kBlock * sizeof(T)> values_;
};

template <typename T>
class RowMajorCsr {
 public:
  RowMajorCsr(const Model& model, size_t data, const TensorCoding& coding, const CsrWords& words,
              uint64_t cols, const Csr& out)
      : model_(model), data_(data), coding_(coding), words_(words), cols_(cols), out_(out) {
    std::copy(words.by_code().begin(), words.by_code().end(), by_code_.begin());
  }

  Status run() {
    DCF_TRY(model_.for_chunks(
        data_, 0, coding_.tensor().chunks,
        [&](uint64_t chunk, ChunkScratch* scratch) { return place(chunk, scratch); }, out_.held));
    std::partial_sum(out_.row_ptr.begin(), out_.row_ptr.end(), out_.row_ptr.begin());
    return out_.row_ptr.back() == out_.col.size() ? ok_status() : wrong_count();
  }

 private:
  static Status wrong_count() {
    return fail(Code::BadCount, "K-05",
                "the nonzeros of the tensor differ from the declared number");
  }

  Status place(uint64_t chunk, ChunkScratch* scratch) {
    RunningSum::Turn turn(&placed_, chunk);
    DecodedChunk decoded;
    DCF_TRY(model_.load_chunk(coding_, data_, chunk, scratch, &decoded));
    uint64_t at = 0;
    if (!turn.add(decoded.nonzeros, &at)) return ok_status();  // the chunk that failed tells why
    const uint64_t room = out_.col.size();
    if (at > room || decoded.nonzeros > room - at) return wrong_count();
    EntryWriter<T> writer(out_, at);
    if (coding_.tensor().encoding.is_sparse()) {
      const auto element = [positions = decoded.positions.data()](size_t i) {
        return positions[i];
      };
      place_values(decoded, element, &writer);
    } else {
      place_values(
          decoded, [](size_t i) { return static_cast<uint32_t>(i); }, &writer);
    }
    return ok_status();
  }

  // element(i): where in the chunk entry i lies.
  template <typename Element>
  void place_values(const DecodedChunk& chunk, Element element, EntryWriter<T>* writer) {
    if (chunk.codes.empty()) {
      const size_t width = coding_.word_bytes();
      const auto stored = [words = chunk.words.data(), width](size_t i) {
        return load_word(words + i * width, width);
      };
      const auto word = [stored, &words = words_](size_t i) { return words.converted(stored(i)); };
      const auto keep = [stored, &words = words_](size_t i) { return !words.is_zero(stored(i)); };
      return place_rows(chunk, element, word, keep, writer);
    }
    const auto word = [by_code = by_code_.data(), codes = chunk.codes.data()](size_t i) {
      return by_code[codes[i]];
    };
    if (chunk.nonzeros == chunk.shape.entries) {
      return place_rows(
          chunk, element, word, [](size_t) { return true; }, writer);
    }
    const auto keep = [kept = words_.kept().data(), codes = chunk.codes.data()](size_t i) {
      return kept[codes[i]];
    };
    place_rows(chunk, element, word, keep, writer);
  }

  template <typename Element, typename Word, typename Keep>
  void place_rows(const DecodedChunk& chunk, Element element, Word word, Keep keep,
                  EntryWriter<T>* writer) {
    const uint64_t first = chunk.shape.first;
    const uint64_t end = first + chunk.shape.elements;
    const size_t entries = chunk.shape.entries;
    uint64_t row = first / cols_;
    for (size_t i = 0; i < entries; ++row) {
      const uint64_t row_start = row * cols_;
      const size_t stop = end_of_row(element, i, entries, row_start + cols_ - first);
      const uint64_t before = writer->next();
      const auto shift = static_cast<uint32_t>(first - row_start);  // modulo 2^32, as the sum is
      writer->put(
          i, stop, [element, shift](size_t k) { return element(k) + shift; }, word, keep);
      const uint64_t count = writer->next() - before;
      // Chunks may share their first and last rows.
      if (row_start >= first && row_start + cols_ <= end) {
        out_.row_ptr[row + 1] = count;
      } else {
        std::atomic_ref(out_.row_ptr[row + 1]).fetch_add(count, std::memory_order_relaxed);
      }
      i = stop;
    }
  }

  // The first entry from i on that lies at `limit` or behind it: not more than a row away.
  template <typename Element>
  size_t end_of_row(Element element, size_t i, size_t entries, uint64_t limit) const {
    size_t stop = static_cast<size_t>(std::min<uint64_t>(entries - i, cols_)) + i;
    while (i < stop) {
      const size_t middle = i + (stop - i) / 2;
      if (element(middle) < limit)
        i = middle + 1;
      else
        stop = middle;
    }
    return i;
  }

  const Model& model_;
  size_t data_;
  const TensorCoding& coding_;
  const CsrWords& words_;
  uint64_t cols_;
  const Csr& out_;
  RunningSum placed_;
  std::array<T, 257> by_code_;
};

Status decode(const Model& model, size_t data, uint64_t cols, DType as, const Csr& out) {
  const TensorCoding coding(model.manifest().tensors[data], model.tables(), data);
  const CsrWords words(coding, as);
  switch (words.bytes()) {
    case 1:
      return RowMajorCsr<uint8_t>(model, data, coding, words, cols, out).run();
    case 2:
      return RowMajorCsr<uint16_t>(model, data, coding, words, cols, out).run();
    case 4:
      return RowMajorCsr<uint32_t>(model, data, coding, words, cols, out).run();
    default:
      return RowMajorCsr<uint64_t>(model, data, coding, words, cols, out).run();
  }
}

}  // namespace

Status decode_csr(const Model& model, size_t tensor, DType as, const Csr& out) {
  const size_t data = model.data_tensor(tensor);
  const Tensor& stored = model.manifest().tensors[data];
  if (is_raw_only(stored.dtype)) {
    return fail(Code::UnsupportedDType, "", "the dtype has no sparse form");
  }
  std::fill(out.row_ptr.begin(), out.row_ptr.end(), uint64_t{0});
  const uint64_t cols = model.manifest().tensors[tensor].cols();
  const auto decode_view = stored.view.transposed ? decode_csr_transposed : decode;
  return model.in_data(data, decode_view(model, data, cols, as, out));
}

}  // namespace dcf::impl
