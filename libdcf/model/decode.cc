// SPDX-License-Identifier: Apache-2.0
#include "model/decode.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/checked.h"
#include "base/float_convert.h"
#include "base/nt_store.h"
#include "model/expand.h"
#include "model/sweep.h"
#include "model/tensor_reader.h"

namespace dcf::impl::model {
namespace {

// Elements [first, first + count) of a tensor, which decode to dst.
class RangeDecoder {
 public:
  RangeDecoder(const TensorCoding& coding, DType as, uint64_t first, uint64_t count,
               MutableBytes dst)
      : tensor_(coding.tensor()),
        coding_(coding),
        convert_(as == DType::kF32 && tensor_.dtype != DType::kF32),
        first_(first),
        count_(count),
        dst_(dst) {}

  // Loads a chunk by `reader`, which is of this tensor, and writes what of it lies in the request.
  template <typename Reader>
  Result<DecodedChunk> decode(const Reader& reader, uint64_t chunk, ChunkScratch* scratch) const {
    const WordsTarget target = target_of(chunk);
    Result<DecodedChunk> decoded = reader.load(chunk, scratch, target);
    if (!decoded.ok()) return decoded;
    const Bytes words = decoded.value()->words;
    if (target.bytes.empty() || words.data() != target.bytes.data()) {
      place(decoded.value(), scratch);
    }
    return decoded;
  }

 private:
  // Where the words of a chunk go that is wanted whole and as it is.
  WordsTarget target_of(uint64_t chunk) const {
    const uint64_t first = chunk * tensor_.chunk_stride();
    const uint64_t elements = tensor_.chunk_elements(chunk);
    if (convert_ || tensor_.encoding.is_raw() || !is_whole(first, elements)) return {};
    const size_t width = coding_.word_bytes();
    return {dst_.subspan((first - first_) * width, elements * width), past_caches(dst_.size())};
  }

  // Whether the request has these elements of the view, one after another.
  bool is_whole(uint64_t first, uint64_t elements) const {
    return !tensor_.view.transposed && first_ <= first && first + elements <= first_ + count_;
  }

  // Writes the part of the chunk that lies in the request.
  void place(const DecodedChunk& chunk, ChunkScratch* scratch) const {
    const ChunkShape& shape = chunk->shape;
    if (is_whole(shape.first, shape.elements) &&
        (!convert_ || tensor_.encoding.values == format::Values::kPalette)) {
      const uint64_t bits = convert_ ? 8 * sizeof(float) : tensor_.bits;
      // A chunk of sub-byte elements starts on a byte (K-01), and so does the request.
      const uint64_t at = (shape.first - first_) * bits / 8;
      expand_chunk(coding_, chunk, {convert_, past_caches(dst_.size())},
                   dst_.subspan(at, ceil_div(uint64_t{shape.elements} * bits, 8)));
      return;
    }
    Bytes dense = chunk->words;
    if (!tensor_.encoding.is_raw()) {
      resize_scratch(&scratch->dense, size_t{shape.elements} * coding_.word_bytes());
      expand_chunk(coding_, chunk, {}, scratch->dense);
      dense = scratch->dense;
    }
    if (tensor_.view.transposed) return scatter(shape, dense);
    const uint64_t from = std::max(first_, shape.first);
    const uint64_t to = std::min(first_ + count_, shape.first + shape.elements);
    const uint64_t skip = (from - shape.first) * tensor_.bits / 8;
    copy(dense.subspan(skip, ceil_div((to - from) * tensor_.bits, 8)), from - first_, to - from);
  }

  // `count` consecutive elements to element `at` of the request.
  void copy(Bytes words, uint64_t at, uint64_t count) const {
    if (convert_) {
      uint8_t* dst = dst_.data() + at * sizeof(float);
      float block[1024];
      const size_t width = tensor_.bits / 8;
      for (uint64_t i = 0; i < count; i += std::size(block)) {
        const size_t n = std::min<uint64_t>(std::size(block), count - i);
        words_to_floats(tensor_.dtype, words.subspan(i * width, n * width), std::span(block, n));
        std::memcpy(dst + i * sizeof(float), block, n * sizeof(float));
      }
      return;
    }
    std::memcpy(dst_.data() + at * tensor_.bits / 8, words.data(), words.size());
  }

  // A transposed view: what stands in a column of the chunk is consecutive in the tensor. Tiles are
  // copied first, because the elements of a column may all lie in the same few lines of a cache.
  void scatter(const ChunkShape& shape, Bytes dense) const {
    constexpr uint32_t kTile = 64;
    const size_t width = coding_.word_bytes();
    std::array<uint8_t, kTile * kTile * sizeof(uint64_t)> tile;
    std::array<uint8_t, kTile * sizeof(uint64_t)> run;
    for (uint32_t row = 0; row < shape.rows; row += kTile) {
      const uint32_t n = std::min(kTile, shape.rows - row);
      for (uint32_t col = 0; col < shape.cols; col += kTile) {
        const uint32_t cols = std::min(kTile, shape.cols - col);
        const size_t at = size_t{row} * shape.cols + col;
        for (uint32_t r = 0; r < n; ++r) {
          std::memcpy(tile.data() + r * kTile * width,
                      dense.data() + (at + size_t{r} * shape.cols) * width, cols * width);
        }
        for (uint32_t c = 0; c < cols; ++c) {
          const uint64_t element = element_of_view(tensor_, shape.first + at + c);
          const uint64_t from = std::max(first_, element);
          const uint64_t to = std::min(first_ + count_, element + n);
          if (from >= to) continue;
          gather(Bytes(tile).subspan(c * width), kTile, width, {run.data(), n * width});
          copy(Bytes(run).subspan((from - element) * width, (to - from) * width), from - first_,
               to - from);
        }
      }
    }
  }

  // Every step-th word.
  static void gather(Bytes words, size_t step, size_t width, MutableBytes out) {
    switch (width) {
      case 1:
        return gather_words<uint8_t>(words, step, out);
      case 2:
        return gather_words<uint16_t>(words, step, out);
      case 4:
        return gather_words<uint32_t>(words, step, out);
      default:
        return gather_words<uint64_t>(words, step, out);
    }
  }
  template <typename T>
  static void gather_words(Bytes words, size_t step, MutableBytes out) {
    const uint8_t* const from = words.data();
    uint8_t* const to = out.data();
    const size_t n = out.size() / sizeof(T);
    for (size_t i = 0; i < n; ++i) {
      store_le(to + i * sizeof(T), load_le<T>(from + i * step * sizeof(T)));
    }
  }

  const format::Tensor& tensor_;
  const TensorCoding& coding_;
  bool convert_;
  uint64_t first_;
  uint64_t count_;
  MutableBytes dst_;
};

}  // namespace

Result<uint64_t> decoded_bytes(const format::Tensor& tensor, DType as, uint64_t count) {
  if (as == DType::kF32 && tensor.dtype != DType::kF32) {
    if (is_raw_only(tensor.dtype))
      return fail(Code::UnsupportedDType, "", "the dtype has no conversion to f32");
    return count * sizeof(float);
  }
  if (as != DType::kNone && as != tensor.dtype) {
    return fail(Code::InvalidArgument, "", "a tensor decodes to its own dtype or to f32");
  }
  return ceil_div(count * tensor.bits, 8);
}

Result<uint64_t> decode_memory(const Model& model, size_t tensor) {
  const size_t data = model.data_tensor(tensor);
  return TensorReader::memory(model, data, whole_tensor(model.manifest()->tensors[data]));
}

Status decode_elements(const Model& model, size_t tensor, DType as, uint64_t first, uint64_t count,
                       MutableBytes dst, ProgressStep step) {
  const size_t data = model.data_tensor(tensor);
  const format::Tensor& stored = model.manifest()->tensors[data];
  if (first * stored.bits % 8 != 0) {
    return fail(Code::InvalidArgument, "", "the rows of this dtype do not start on a byte");
  }
  if (count == 0) return ok_status();
  ReadPlan plan;
  plan.chunks = {0, stored.chunks};
  if (!stored.view.transposed) {
    plan.chunks = {first / stored.chunk_stride(), (first + count - 1) / stored.chunk_stride() + 1};
  }
  plan.whole = count == stored.elements;
  DecodeProgress progress(std::move(step), model.encoded_bytes(data, plan.chunks));
  plan.progress = &progress;
  DCF_ASSIGN(const auto reader, TensorReader::open(model, data, plan));
  const RangeDecoder decoder(reader->coding(), as, first, count, dst);
  return reader->for_each_chunk([&](uint64_t chunk, ChunkScratch* scratch) {
    return decoder.decode(*reader, chunk, scratch).status();
  });
}

Status decode_tensors(const Model& model, std::span<const DenseOutput> outputs, ProgressStep step) {
  constexpr uint64_t kSteps = 256;  // small tensors are many, and a step may be slow
  const auto data_of = [&](size_t i) { return model.data_tensor(outputs[i].tensor); };
  uint64_t total = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    total += model.manifest()->tensors[data_of(i)].encoded_bytes;
  }
  DecodeProgress progress(std::move(step), total, total / kSteps);
  Sweep sweep(model, outputs.size(), data_of, 0, &progress);
  DCF_TRY(sweep.take_memory());
  return sweep.run([&](size_t i, const ChunkReader& reader, uint64_t chunk, ChunkScratch* scratch) {
    const DenseOutput& to = outputs[i];
    const uint64_t elements = reader.coding().tensor().elements;
    return RangeDecoder(reader.coding(), to.as, 0, elements, to.dst).decode(reader, chunk, scratch);
  });
}

}  // namespace dcf::impl::model
