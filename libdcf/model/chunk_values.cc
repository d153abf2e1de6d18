// SPDX-License-Identifier: Apache-2.0
// Values of a chunk (spec/dcf-format.md, section 8), and which entries are fillers (7.3).
#include "model/chunk_values.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/checked.h"
#include "base/count.h"
#include "base/nt_store.h"
#include "codec/bit_reader.h"
#include "codec/stream.h"
#include "model/grid_values.h"
#include "model/split_kernels.h"

namespace dcf::impl::model {

using format::Values;

namespace {

// With classes, one stream for each class that the chunk has (7.6): their symbols, by class.
Status grouped_symbols(const TensorCoding& coding, const ClassOrder::Counts& counts, ByteReader* in,
                       ChunkScratch* scratch, MutableBytes out) {
  MutableBytes left = out;
  for (size_t c = 0; c < coding.tensor().encoding.classes; ++c) {
    if (counts[c] == 0) continue;
    DCF_TRY(codec::decode_stream(in, coding.alphabet(format::Role::kValues),
                                 coding.table(format::Role::kValues, c), left.first(counts[c]),
                                 scratch->codec(codec::stream_scratch_size(out.size()))));
    left = left.subspan(counts[c]);
  }
  return ok_status();
}

Status symbols_of_classes(const TensorCoding& coding, uint64_t first, ByteReader* in,
                          ChunkScratch* scratch, MutableBytes out) {
  const ClassOrder::Counts counts =
      coding.classes().count(first, static_cast<uint32_t>(out.size()));
  resize_scratch(&scratch->symbols, out.size() + kSpreadSlack);
  DCF_TRY(grouped_symbols(coding, counts, in, scratch,
                          MutableBytes(scratch->symbols).first(out.size())));
  coding.classes().spread(first, 1, scratch->symbols, out);
  return ok_status();
}

Status symbols(const TensorCoding& coding, const ChunkShape& shape, ByteReader* in,
               ChunkScratch* scratch, MutableBytes out) {
  if (coding.tensor().encoding.has_classes()) {
    return symbols_of_classes(coding, shape.first, in, scratch, out);
  }
  return codec::decode_stream(in, coding.alphabet(format::Role::kValues),
                              coding.table(format::Role::kValues), out,
                              scratch->codec(codec::stream_scratch_size(out.size())));
}

// Fields of 8.2 and how they become words with their symbols.
struct Fields {
  Bytes tail;
  SplitFields form;
  JoinSplit join;
};

// The fields of n elements, which stand behind their symbols.
Result<Fields> take_fields(const TensorCoding& coding, size_t n, unsigned zeros, ByteReader* in) {
  const format::Encoding& e = coding.tensor().encoding;
  const unsigned rest_bits = coding.tensor().bits - e.split_t - zeros;
  Bytes tail;
  if (!in->read_bytes(codec::packed_size(n, rest_bits), &tail)) {
    return fail(Code::BadBitstream, "S-02", "packed values run past the end of their chunk");
  }
  if (const unsigned used = static_cast<unsigned>(uint64_t{n} * rest_bits % 8);
      used != 0 && (tail.back() >> used) != 0) {
    return fail(Code::BadBitstream, "S-02", "the padding of packed values is not zero");
  }
  const SplitKernels& kernels = active_split_kernels();
  const JoinSplit join = coding.word_bytes() == 2   ? kernels.join_16
                         : coding.word_bytes() == 4 ? kernels.join_32
                                                    : kernels.join_64;
  return Fields{tail, {e.split_t, zeros, e.split_base, rest_bits}, join};
}

// Joins the words of `codes` and of the fields that `tail` begins with. Past the caches they are
// copied while they are in the first-level cache. Returns the number of nonzeros.
size_t join_words(const Fields& fields, Bytes codes, Bytes tail, size_t width,
                  const WordsTarget& to) {
  constexpr size_t kBlock = 2048;  // elements; a multiple of 8, so that fields start on bytes
  if (!to.stream) return fields.join(codes, tail, fields.form, to.bytes.data());
  alignas(kLineBytes) std::array<uint8_t, kBlock * sizeof(uint64_t)> buffer;
  size_t nonzeros = 0;
  for (size_t at = 0; !codes.empty();) {
    const size_t n = std::min(kBlock, codes.size());
    nonzeros += fields.join(codes.first(n), tail, fields.form, buffer.data());
    stream_copy(Bytes(buffer).first(n * width), to.bytes.data() + at);
    codes = codes.subspan(n);
    tail = tail.subspan(codec::packed_size(n, fields.form.bits));
    at += n * width;
  }
  return nonzeros;
}

Status decode_split(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                    const WordsTarget& to, ChunkParts* out) {
  resize_scratch(&scratch->codes, out->shape.entries);
  DCF_TRY(symbols(coding, out->shape, in, scratch, scratch->codes));
  DCF_ASSIGN(const Fields fields,
             take_fields(coding, out->shape.entries, coding.tensor().encoding.split_z, in));
  out->nonzeros = join_words(fields, scratch->codes, fields.tail, coding.word_bytes(), to);
  return ok_status();
}

// Symbols and fields of the classes of a chunk, each class by itself.
struct ClassFields {
  std::array<Bytes, kMaxClasses> codes;
  std::array<Fields, kMaxClasses> fields;
};

Result<ClassFields> take_classes(const TensorCoding& coding, const ClassOrder::Counts& counts,
                                 ByteReader* in, Bytes codes) {
  ClassFields all;
  for (size_t c = 0; c < coding.tensor().encoding.classes; ++c) {
    if (counts[c] == 0) continue;
    DCF_ASSIGN(all.fields[c],
               take_fields(coding, counts[c], coding.tensor().encoding.zero_bits(c), in));
    all.codes[c] = codes.first(counts[c]);
    codes = codes.subspan(counts[c]);
  }
  return all;
}

// Fields of runs of whole bytes start on bytes: each run is joined in its place.
bool has_runs_of_bytes(const ClassOrder& classes, const ChunkShape& shape) {
  constexpr uint64_t kLong = 64;
  return classes.run() >= kLong && classes.run() % 8 == 0 && shape.first % classes.run() == 0;
}

// 8.2, class-split. Returns with the nonzeros counted.
Status decode_class_split(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                          const WordsTarget& to, ChunkParts* out) {
  const ChunkShape& shape = out->shape;
  const size_t width = coding.word_bytes();
  const ClassOrder& classes = coding.classes();
  const ClassOrder::Counts counts = classes.count(shape.first, shape.entries);
  resize_scratch(&scratch->symbols, shape.entries);
  DCF_TRY(grouped_symbols(coding, counts, in, scratch, scratch->symbols));
  DCF_ASSIGN(ClassFields left, take_classes(coding, counts, in, scratch->symbols));
  if (has_runs_of_bytes(classes, shape)) {
    classes.for_each_run(shape.first, shape.entries, [&](uint64_t done, uint64_t n, uint8_t c) {
      Fields& fields = left.fields[c];
      out->nonzeros += join_words(fields, left.codes[c].first(n), fields.tail, width,
                                  {to.bytes.subspan(done * width, n * width), to.stream});
      left.codes[c] = left.codes[c].subspan(n);
      fields.tail = fields.tail.subspan(codec::packed_size(n, fields.form.bits));
    });
    return ok_status();
  }
  resize_scratch(&scratch->grouped, shape.entries * width + kSpreadSlack);
  uint8_t* words = scratch->grouped.data();
  for (size_t c = 0; c < coding.tensor().encoding.classes; ++c) {
    if (counts[c] == 0) continue;
    const Fields& fields = left.fields[c];
    out->nonzeros += fields.join(left.codes[c], fields.tail, fields.form, words);
    words += counts[c] * width;
  }
  classes.spread(shape.first, width, scratch->grouped, to.bytes);
  return ok_status();
}

template <typename Word>
void look_up(std::span<const uint64_t> dictionary, std::span<const uint16_t> indices,
             uint8_t* words) {
  for (size_t i = 0; i < indices.size(); ++i) {
    store_le(words + i * sizeof(Word), static_cast<Word>(dictionary[indices[i]]));
  }
}

// 8.1, dictionary.
Status decode_dictionary(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                         uint8_t* words, ChunkParts* out) {
  const size_t n = out->shape.entries;
  const unsigned low_bits = coding.tensor().encoding.index_bits();
  resize_scratch(&scratch->codes, n);
  DCF_TRY(symbols(coding, out->shape, in, scratch, scratch->codes));
  Bytes tail;
  if (!in->read_bytes(codec::packed_size(n, low_bits), &tail)) {
    return fail(Code::BadBitstream, "S-02", "packed indices run past the end of their chunk");
  }
  resize_scratch(&scratch->indices, n);
  const std::span<uint16_t> indices(scratch->indices);
  if (!codec::unpack_bits<uint16_t>(tail, low_bits, indices)) {
    return fail(Code::BadBitstream, "S-02", "the padding of packed indices is not zero");
  }
  uint16_t most = 0;
  for (size_t i = 0; i < n; ++i) {
    indices[i] = static_cast<uint16_t>(indices[i] | scratch->codes[i] << low_bits);
    most = std::max(most, indices[i]);
  }
  const std::span<const uint64_t> dictionary = coding.dictionary();
  if (most >= dictionary.size()) {
    return fail(Code::BadIndex, "V-06", "an index is outside its dictionary");
  }
  out->indices = indices;
  switch (coding.word_bytes()) {
    case 2:
      look_up<uint16_t>(dictionary, indices, words);
      break;
    case 4:
      look_up<uint32_t>(dictionary, indices, words);
      break;
    default:
      look_up<uint64_t>(dictionary, indices, words);
      break;
  }
  return ok_status();
}

// Numbers of a bucket stream become words.
template <typename T, typename N>
void store_numbers(std::span<const N> numbers, bool zigzag, uint8_t* words) {
  const N* const from = numbers.data();
  for (size_t i = 0; i < numbers.size(); ++i) {
    const N n = from[i];
    const N word = zigzag ? (n >> 1) ^ (~(n & 1) + 1) : n;
    store_le(words + i * sizeof(T), static_cast<T>(word));
  }
}

// The bucket stream of the values (7.4).
template <typename N>
Status decode_numbers(const TensorCoding& coding, const ChunkShape& shape, ByteReader* in,
                      ChunkScratch* scratch, BucketCode bucket, std::span<N> numbers) {
  resize_scratch(&scratch->codes, numbers.size());
  DCF_TRY(symbols(coding, shape, in, scratch, scratch->codes));
  return codec::decode_bucket_numbers<N>(in, bucket, coding.alphabet(format::Role::kValues),
                                         scratch->codes, numbers);
}

template <typename N>
Status decode_wide_int(const TensorCoding& coding, const ChunkShape& shape, ByteReader* in,
                       ChunkScratch* scratch, BucketCode bucket, std::span<N> numbers,
                       uint8_t* words) {
  DCF_TRY(decode_numbers(coding, shape, in, scratch, bucket, numbers));
  const bool zigzag =
      coding.tensor().encoding.values == Values::kDelta || is_signed_integer(coding.tensor().dtype);
  switch (coding.word_bytes()) {
    case 2:
      store_numbers<uint16_t, N>(numbers, zigzag, words);
      break;
    case 4:
      store_numbers<uint32_t, N>(numbers, zigzag, words);
      break;
    default:
      store_numbers<uint64_t, N>(numbers, zigzag, words);
      break;
  }
  return ok_status();
}

Status decode_int(const TensorCoding& coding, const ChunkShape& shape, ByteReader* in,
                  ChunkScratch* scratch, MutableBytes words) {
  const size_t n = shape.entries;
  switch (coding.word_bytes()) {
    case 1:
      return symbols(coding, shape, in, scratch, words);
    case 8: {
      std::vector<uint64_t> numbers(n);
      return decode_wide_int<uint64_t>(coding, shape, in, scratch, kInt64Buckets, numbers,
                                       words.data());
    }
    default:
      resize_scratch(&scratch->numbers, n);
      return decode_wide_int<uint32_t>(coding, shape, in, scratch, kIntBuckets, scratch->numbers,
                                       words.data());
  }
}

Status decode_grid(const TensorCoding& coding, const ChunkShape& shape, ByteReader* in,
                   ChunkScratch* scratch, uint8_t* words) {
  resize_scratch(&scratch->numbers, shape.entries);
  const std::span<uint32_t> numbers = scratch->numbers;
  DCF_TRY(decode_numbers<uint32_t>(coding, shape, in, scratch, kIntBuckets, numbers));
  if (coding.tensor().encoding.values == Values::kTrellis) trellis_integers(shape.cols, numbers);
  grid_words(coding.tensor(), coding.scales(), shape.first, numbers, words);
  return ok_status();
}

// A filler has the greatest gap and stands before another entry of its row (P-04). next_filler(i)
// is the first one from entry i on, or the number of entries.
template <typename NextFiller>
Status check_fillers(const ChunkScratch& scratch, unsigned gap_bits, const ChunkShape& shape,
                     NextFiller next_filler, uint32_t* fillers) {
  const uint8_t max_gap = static_cast<uint8_t>((1u << gap_bits) - 1);
  size_t row = 0;
  size_t row_end = scratch.counts[0];
  for (size_t i = next_filler(0); i < shape.entries; i = next_filler(i + 1)) {
    while (row_end <= i) row_end += scratch.counts[++row];
    if (scratch.symbols[i] != max_gap || i + 1 == row_end) {
      return fail(Code::BadPositions, "P-04", "a filler zero stands where none is allowed");
    }
    ++*fillers;
  }
  return ok_status();
}

// The first zero byte from i on, or the size.
size_t next_zero(Bytes bytes, size_t i) {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  for (; i + 8 <= bytes.size(); i += 8) {
    const auto word = load_le<uint64_t>(bytes.data() + i);
    const uint64_t zeros = (word - kOnes) & ~word & 0x80 * kOnes;  // the lowest bit is right
    if (zeros != 0) return i + static_cast<size_t>(std::countr_zero(zeros)) / 8;
  }
  while (i < bytes.size() && bytes[i] != 0) ++i;
  return i;
}

// Whether each codebook entry is zero, by code.
std::array<bool, 257> zero_codes(const TensorCoding& coding) {
  std::array<bool, 257> zero{};
  const uint64_t mask = magnitude_mask(coding.tensor().dtype);
  for (size_t i = 0; i < coding.codebook().size(); ++i)
    zero[i] = (coding.codebook()[i] & mask) == 0;
  return zero;
}

Status finish_palette(const TensorCoding& coding, const ChunkScratch& scratch, ChunkParts* out) {
  out->codes = scratch.codes;
  const format::Encoding& e = coding.tensor().encoding;
  if (e.positions == format::Positions::kGap) {
    DCF_TRY(check_fillers(
        scratch, e.gap_bits, out->shape, [&](size_t i) { return next_zero(scratch.codes, i); },
        &out->fillers));
  }
  if (e.is_sparse()) {
    out->nonzeros = out->shape.entries - out->fillers;
    return ok_status();
  }
  const std::array<bool, 257> zero = zero_codes(coding);
  for (const uint8_t code : out->codes) out->nonzeros += !zero[code];
  return ok_status();
}

// Fillers among the words of gap positions.
template <typename T>
Status check_filler_words(const TensorCoding& coding, const ChunkScratch& scratch,
                          ChunkParts* out) {
  const auto next_filler = [&](size_t i) {
    while (i < out->shape.entries && load_le<T>(scratch.words.data() + i * sizeof(T)) != 0) ++i;
    return i;
  };
  return check_fillers(scratch, coding.tensor().encoding.gap_bits, out->shape, next_filler,
                       &out->fillers);
}

// Zeros of sparse values, all of which lie in the scratch.
Status finish_sparse(const TensorCoding& coding, const ChunkScratch& scratch, ChunkParts* out) {
  if (coding.tensor().encoding.positions == format::Positions::kGap) {
    switch (coding.word_bytes()) {
      case 1:
        DCF_TRY(check_filler_words<uint8_t>(coding, scratch, out));
        break;
      case 2:
        DCF_TRY(check_filler_words<uint16_t>(coding, scratch, out));
        break;
      case 4:
        DCF_TRY(check_filler_words<uint32_t>(coding, scratch, out));
        break;
      default:
        DCF_TRY(check_filler_words<uint64_t>(coding, scratch, out));
        break;
    }
  }
  if (out->nonzeros + out->fillers != out->shape.entries) {
    return fail(Code::BadIndex, "V-02", "a stored value is zero");
  }
  return ok_status();
}

// All values but palettes. Counts their nonzeros.
Status decode_words(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                    const WordsTarget& to, ChunkParts* out) {
  const ChunkShape& shape = out->shape;
  const MutableBytes words = to.bytes;
  switch (coding.tensor().encoding.values) {
    case Values::kSplit:
      return decode_split(coding, in, scratch, to, out);
    case Values::kGrid:
    case Values::kTrellis:
      DCF_TRY(decode_grid(coding, shape, in, scratch, words.data()));
      break;
    case Values::kDelta:
      DCF_TRY(decode_int(coding, shape, in, scratch, words));
      coding.delta().undo(coding.tensor().dtype, shape.first, shape.cols, words);
      break;
    case Values::kClassSplit:
      return decode_class_split(coding, in, scratch, to, out);
    case Values::kDictionary:
      DCF_TRY(decode_dictionary(coding, in, scratch, words.data(), out));
      break;
    default:
      DCF_TRY(decode_int(coding, shape, in, scratch, words));
      break;
  }
  out->nonzeros =
      count_masked_words(words, coding.word_bytes(), magnitude_mask(coding.tensor().dtype));
  return ok_status();
}

}  // namespace

uint64_t value_scratch_bytes(const format::Tensor& t) {
  const uint64_t width = t.bits / 8;
  const uint64_t numbers = t.bits == 64 ? 8 : 4;
  const uint64_t grouped = t.encoding.values == Values::kClassSplit ? width : 0;
  const uint64_t indices = t.encoding.values == Values::kDictionary ? sizeof(uint16_t) : 0;
  return 1 + 1 + numbers + width + grouped + indices;
}

Status decode_values(const TensorCoding& coding, ByteReader* in, ChunkScratch* scratch,
                     const WordsTarget& target, ChunkParts* out) {
  const size_t n = out->shape.entries;
  if (n == 0) return ok_status();
  const format::Encoding& e = coding.tensor().encoding;
  if (e.values == Values::kPalette) {
    resize_scratch(&scratch->codes, n);
    DCF_TRY(symbols(coding, out->shape, in, scratch, scratch->codes));
    return finish_palette(coding, *scratch, out);
  }
  // Past the caches only what is made block by block goes straight to its place.
  const bool in_blocks = e.values == Values::kSplit || e.values == Values::kClassSplit;
  WordsTarget to = target;
  if (e.is_sparse() || to.bytes.empty() || (to.stream && !in_blocks)) {
    resize_scratch(&scratch->words, n * coding.word_bytes());
    to = {scratch->words, false};
  }
  out->words = to.bytes;
  DCF_TRY(decode_words(coding, in, scratch, to, out));
  if (to.stream) stream_fence();
  return e.is_sparse() ? finish_sparse(coding, *scratch, out) : ok_status();
}

}  // namespace dcf::impl::model
