// SPDX-License-Identifier: Apache-2.0
// One pass over the chunks: in row-major views their entries are consecutive in the output, and
// each chunk starts where those before it end.
#include "model/csr.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <numeric>

#include "base/nt_store.h"
#include "base/running_sum.h"
#include "model/csr_transposed.h"
#include "model/csr_words.h"
#include "model/decode.h"
#include "model/line_writer.h"
#include "model/tensor_reader.h"
#include "model/word_kernels.h"

namespace dcf::impl::model {
namespace {

// If at most one entry in kEntriesOfARun is dropped, the runs between dropped entries are copied.
// If more are, the kept entries are first compacted in blocks of kEntryBlock.
constexpr size_t kEntriesOfARun = 32;
constexpr size_t kEntryBlock = 256;

// T: an unsigned integer of the width of a value.
template <typename T>
class RowMajorCsr {
 public:
  RowMajorCsr(const TensorReader& reader, const CsrWords& words, uint64_t cols, const Csr& out)
      : reader_(reader),
        coding_(reader.coding()),
        words_(words),
        cols_(cols),
        out_(out),
        stream_(past_caches(out.col.size_bytes() + out.values.size())),
        kernels_(active_word_kernels()),
        by_code_(words_by_code<T>(coding_, words.converts())) {}

  Status run() {
    DCF_TRY(reader_.for_each_chunk(
        [&](uint64_t chunk, ChunkScratch* scratch) { return place(chunk, scratch); }));
    std::partial_sum(out_.row_ptr.begin(), out_.row_ptr.end(), out_.row_ptr.begin());
    return ok_status();
  }

 private:
  struct Entries {
    LineWriter<sizeof(uint32_t)> cols;
    LineWriter<sizeof(T)> values;
    uint64_t count = 0;
  };

  Status place(uint64_t chunk, ChunkScratch* scratch) {
    RunningSum::Turn turn(&placed_, chunk);
    DCF_ASSIGN(const DecodedChunk decoded, reader_.load(chunk, scratch));
    uint64_t at = 0;
    if (!turn.add(decoded->nonzeros, &at)) return ok_status();  // the chunk that failed reports it
    const uint64_t room = out_.col.size();
    // More than the tensor declares: the reader reports that once all chunks are known to be sound.
    if (at > room || decoded->nonzeros > room - at) return ok_status();
    auto* const cols = reinterpret_cast<uint8_t*>(out_.col.data());
    const size_t n = decoded->nonzeros;
    Entries entries{{{cols + at * sizeof(uint32_t), n * sizeof(uint32_t)}, stream_},
                    {out_.values.subspan(at * sizeof(T), n * sizeof(T)), stream_}};
    place_values(decoded, &entries);
    return ok_status();
  }

  // Arguments of the functions below: values(i, count, dst) writes the values of `count` entries
  // from i on. kept(i) tells whether entry i belongs to the output. next_dropped(i, stop) is the
  // first entry of [i, stop) that does not, or `stop`.
  void place_values(const DecodedChunk& chunk, Entries* out) const {
    if (!chunk->codes.empty()) {
      const uint8_t* const codes = chunk->codes.data();
      // Where fillers are looked up, they are a code like others.
      const unsigned base = in_runs(chunk) ? coding_.reserved_codes() : 0;
      const auto values = [this, codes, base](size_t i, size_t count, uint8_t* dst) {
        write_words(codes + i, count, base, dst);
      };
      const auto kept = [&, codes](size_t i) { return words_.kept()[codes[i]]; };
      if (!coding_.tensor().encoding.is_sparse()) {
        return place_rows(chunk, values, kept, first_that_is_not(kept), out);
      }
      const auto next_filler = [codes](size_t i, size_t stop) {
        const void* const at = std::memchr(codes + i, 0, stop - i);
        return at == nullptr ? stop : static_cast<size_t>(static_cast<const uint8_t*>(at) - codes);
      };
      return place_rows(chunk, values, kept, next_filler, out);
    }
    const uint8_t* const words = chunk->words.data();
    const size_t width = coding_.word_bytes();
    const auto stored = [words, width](size_t i) { return load_word(words + i * width, width); };
    const auto values = [&, stored](size_t i, size_t count, uint8_t* dst) {
      if (!words_.converts()) {
        std::memcpy(dst, words + i * sizeof(T), count * sizeof(T));
        return;
      }
      for (size_t k = 0; k < count; ++k)
        store_le(dst + k * sizeof(T), static_cast<T>(words_.converted(stored(i + k))));
    };
    const auto kept = [&, stored](size_t i) { return !words_.is_zero(stored(i)); };
    place_rows(chunk, values, kept, first_that_is_not(kept), out);
  }

  template <typename Kept>
  static auto first_that_is_not(Kept kept) {
    return [kept](size_t i, size_t stop) {
      while (i < stop && kept(i)) ++i;
      return i;
    };
  }

  static bool in_runs(const DecodedChunk& chunk) {
    return chunk->shape.entries - chunk->nonzeros <= chunk->shape.entries / kEntriesOfARun;
  }

  // No code is below `base`.
  void write_words(const uint8_t* codes, size_t count, unsigned base, uint8_t* dst) const {
    const T* const words = by_code_.data();
    if constexpr (sizeof(T) == sizeof(uint32_t)) {
      const size_t size = coding_.reserved_codes() + coding_.codebook().size();
      kernels_.map(codes, count, {words + base, size - base, base}, dst);
    } else {
      for (size_t k = 0; k < count; ++k) store_le(dst + k * sizeof(T), words[codes[k]]);
    }
  }

  template <typename Values, typename Kept, typename Next>
  void place_rows(const DecodedChunk& chunk, Values values, Kept kept, Next next_dropped,
                  Entries* out) const {
    const uint64_t first = chunk->shape.first;
    const uint64_t end = first + chunk->shape.elements;
    const size_t entries = chunk->shape.entries;
    const bool all = chunk->nonzeros == entries;
    const bool runs = in_runs(chunk);
    uint64_t row = first / cols_;
    for (size_t i = 0; i < entries; ++row) {
      const uint64_t row_start = row * cols_;
      const size_t stop = end_of_row(chunk, i, row_start + cols_ - first);
      const uint64_t before = out->count;
      const auto shift = static_cast<uint32_t>(first - row_start);  // modulo 2^32, as the sum is
      const auto cols = [&](size_t k, size_t count, uint8_t* dst) {
        write_cols(chunk, k, count, shift, dst);
      };
      if (all) {
        put(i, stop, cols, values, out);
      } else if (runs) {
        put_runs(i, stop, cols, values, next_dropped, out);
      } else {
        put_kept(i, stop, cols, values, kept, out);
      }
      const uint64_t count = out->count - before;
      // Chunks may share their first and last rows.
      if (row_start >= first && row_start + cols_ <= end) {
        out_.row_ptr[row + 1] = count;
      } else {
        std::atomic_ref(out_.row_ptr[row + 1]).fetch_add(count, std::memory_order_relaxed);
      }
      i = stop;
    }
  }

  void write_cols(const DecodedChunk& chunk, size_t i, size_t count, uint32_t shift,
                  uint8_t* dst) const {
    if (!chunk->positions.empty())
      return kernels_.add(chunk->positions.data() + i, count, shift, dst);
    for (size_t k = 0; k < count; ++k) {
      const uint32_t col = static_cast<uint32_t>(i + k) + shift;
      std::memcpy(dst + k * sizeof col, &col, sizeof col);
    }
  }

  // Appends entries [i, stop), all of them.
  template <typename Cols, typename Values>
  static void put(size_t i, size_t stop, Cols cols, Values values, Entries* out) {
    out->cols.append(stop - i,
                     [&](size_t k, size_t count, uint8_t* dst) { cols(i + k, count, dst); });
    out->values.append(stop - i,
                       [&](size_t k, size_t count, uint8_t* dst) { values(i + k, count, dst); });
    out->count += stop - i;
  }

  // Appends the kept ones of entries [i, stop), as runs between dropped ones.
  template <typename Cols, typename Values, typename Next>
  static void put_runs(size_t i, size_t stop, Cols cols, Values values, Next next_dropped,
                       Entries* out) {
    while (i < stop) {
      const size_t end = next_dropped(i, stop);
      put(i, end, cols, values, out);
      i = end + 1;
    }
  }

  // Appends the kept ones of entries [i, stop), compacted first.
  template <typename Cols, typename Values, typename Kept>
  static void put_kept(size_t i, size_t stop, Cols cols, Values values, Kept kept, Entries* out) {
    std::array<uint8_t, kEntryBlock * sizeof(uint32_t)> some_cols;
    std::array<uint8_t, kEntryBlock * sizeof(T)> some_values;
    const auto take = [](auto* bytes, size_t width, size_t from, size_t to) {
      std::memmove(bytes->data() + to * width, bytes->data() + from * width, width);
    };
    const auto copy = [](const auto& bytes, size_t width) {
      return [&bytes, width](size_t k, size_t count, uint8_t* dst) {
        std::memcpy(dst, bytes.data() + k * width, count * width);
      };
    };
    for (size_t end = 0; i < stop; i = end) {
      end = std::min(stop, i + kEntryBlock);
      cols(i, end - i, some_cols.data());
      values(i, end - i, some_values.data());
      size_t count = 0;
      for (size_t k = 0; k < end - i; ++k) {
        take(&some_cols, sizeof(uint32_t), k, count);
        take(&some_values, sizeof(T), k, count);
        count += kept(i + k) ? 1 : 0;
      }
      out->cols.append(count, copy(some_cols, sizeof(uint32_t)));
      out->values.append(count, copy(some_values, sizeof(T)));
      out->count += count;
    }
  }

  // The first entry from i on whose position is `limit` or higher. It is at most a row away.
  size_t end_of_row(const DecodedChunk& chunk, size_t i, uint64_t limit) const {
    const size_t entries = chunk->shape.entries;
    if (chunk->positions.empty()) return std::min<uint64_t>(entries, limit);
    const uint32_t* at = chunk->positions.data() + i;
    // No branches: they would be unpredictable.
    for (size_t n = std::min<uint64_t>(entries - i, cols_); n > 0;) {
      const size_t half = (n + 1) / 2;
      at += at[half - 1] < limit ? half : 0;
      n -= half;
    }
    return static_cast<size_t>(at - chunk->positions.data());
  }

  const TensorReader& reader_;
  const TensorCoding& coding_;
  const CsrWords& words_;
  uint64_t cols_;
  const Csr& out_;
  bool stream_;
  const WordKernels& kernels_;
  std::array<T, 257> by_code_;
  RunningSum placed_;
};

Status decode(const Model& model, size_t data, uint64_t cols, DType as, const Csr& out,
              ProgressStep step) {
  const format::Tensor& t = model.manifest()->tensors[data];
  DecodeProgress progress(std::move(step), t.encoded_bytes);
  DCF_ASSIGN(const auto reader, TensorReader::open(model, data, whole_tensor(t, &progress)));
  const CsrWords words(reader->coding(), as);
  switch (words.bytes()) {
    case 1:
      return RowMajorCsr<uint8_t>(*reader, words, cols, out).run();
    case 2:
      return RowMajorCsr<uint16_t>(*reader, words, cols, out).run();
    case 4:
      return RowMajorCsr<uint32_t>(*reader, words, cols, out).run();
    default:
      return RowMajorCsr<uint64_t>(*reader, words, cols, out).run();
  }
}

}  // namespace

Status decode_csr(const Model& model, size_t tensor, DType as, const Csr& out,
                  ProgressStep progress) {
  const size_t data = model.data_tensor(tensor);
  const format::Tensor& stored = model.manifest()->tensors[data];
  if (is_raw_only(stored.dtype)) {
    return fail(Code::UnsupportedDType, "", "the dtype has no sparse form");
  }
  std::fill(out.row_ptr.begin(), out.row_ptr.end(), uint64_t{0});
  const uint64_t cols = model.manifest()->tensors[tensor].cols();
  const auto decode_view = stored.view.transposed ? decode_csr_transposed : decode;
  return model.in_data(data, decode_view(model, data, cols, as, out, std::move(progress)));
}

}  // namespace dcf::impl::model
