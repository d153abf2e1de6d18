// SPDX-License-Identifier: Apache-2.0
// The first bytes choose a tensor's dtype, encoding, parameters, view, codes and codebook; the rest
// is the bytes of its one chunk, straight into decode_chunk(). What it accepts must be consistent,
// and as a file it must verify and decode alike in every form and in the reference decoder.
#include <algorithm>
#include <cstring>
#include <random>
#include <set>

#include "base/checked.h"
#include "codec/bit_reader.h"
#include "codec/codebook.h"
#include "exercise.h"
#include "model/decode.h"
#include "model/expand.h"
#include "support/file_parts.h"
#include "unit/encode/reference_decoder.h"

namespace {

using namespace dcf::impl;           // NOLINT(google-build-using-namespace)
using namespace dcf::impl::testing;  // NOLINT(google-build-using-namespace)
using dcf::fuzz::require;

constexpr size_t kParameters = 20;

class Parameters {
 public:
  explicit Parameters(const uint8_t* p) : p_(p) {}
  // The next byte, brought into [low, high].
  uint32_t pick(uint32_t low, uint32_t high) { return low + *p_++ % (high - low + 1); }
  uint32_t wide() {
    p_ += 2;
    return load_le<uint16_t>(p_ - 2);
  }

 private:
  const uint8_t* p_;
};

// A complete code over symbols below the alphabet, decided by the seed.
CodeLengths make_code(unsigned alphabet, std::mt19937& random) {
  std::vector<uint8_t> leaves = {1, 1};
  const unsigned wanted = 2 + random() % (alphabet - 1);
  for (int tries = 0; leaves.size() < wanted && tries < 4096; ++tries) {
    uint8_t& leaf = random() % 2 == 0 ? leaves.back() : leaves[random() % leaves.size()];
    if (leaf == kMaxCodeLength) continue;
    const auto deeper = static_cast<uint8_t>(++leaf);
    leaves.push_back(deeper);
  }
  std::vector<uint8_t> lengths(alphabet);
  std::copy(leaves.begin(), leaves.end(), lengths.begin());
  std::shuffle(lengths.begin(), lengths.end(), random);
  Result<CodeLengths> code = make_code_lengths(lengths);
  require(code.ok(), "a complete code is rejected");
  return code.take();
}

struct Case {
  Tensor tensor;
  Tables tables;
  uint32_t entries = 0;
};

Encoding read_encoding(Parameters* p, DType dtype) {
  const unsigned bits = dtype_bits(dtype);
  Encoding e;
  e.positions = static_cast<Positions>(p->pick(0, 3));
  const bool palette = p->pick(0, 1) == 0;
  const bool has_split = is_float(dtype) && !is_f8(dtype);
  e.values = palette ? Values::kPalette : has_split ? Values::kSplit : Values::kInt;
  const auto b = static_cast<uint8_t>(p->pick(0, 41));
  if (e.positions == Positions::kGap) e.gap_bits = static_cast<uint8_t>(2 + b % 7);
  if (e.positions == Positions::kGapBucket) {
    e.bucket_t = static_cast<uint8_t>(2 + b % 6);
    e.bucket_s = static_cast<uint8_t>(b / 14);
  }
  e.signs = p->pick(0, 1) == 1 && is_float(dtype) && e.is_sparse();
  const uint32_t k = p->pick(1, e.positions == Positions::kGap ? 255 : 256);
  const uint32_t t = p->pick(5, std::min(12u, bits < 16 ? 12u : bits - 1));
  const uint32_t z = p->pick(0, 63);
  const uint32_t base = p->wide();
  const uint32_t symbols = p->pick(1, 256);
  if (palette) e.palette_size = static_cast<uint16_t>(k);
  if (e.values == Values::kSplit) {
    e.split_t = static_cast<uint8_t>(t);
    e.split_z = static_cast<uint8_t>(z % (bits - t));
    e.split_symbols = static_cast<uint16_t>(std::min(symbols, 1u << t));
    e.split_base = static_cast<uint16_t>(base % ((1u << t) - e.split_symbols + 1));
  }
  return e;
}

Case read_case(const uint8_t* bytes) {
  Parameters p(bytes);
  Case c;
  Tensor& t = c.tensor;
  t.name = "t";
  t.dtype = static_cast<DType>(p.pick(1, 15));
  t.bits = dtype_bits(t.dtype);
  t.encoding = read_encoding(&p, t.dtype);
  t.view.cols = p.pick(1, 256);
  const uint32_t rows = p.pick(1, 64);
  const uint32_t missing = p.pick(0, 255);
  t.elements = uint64_t{rows} * t.view.cols -
               (rows > 1 || missing < t.view.cols ? missing % t.view.cols : 0);
  t.dims = {t.elements};
  t.rows_per_chunk = static_cast<uint32_t>(t.view_rows());
  t.chunks = 1;
  c.entries = t.encoding.is_sparse() ? p.wide() % static_cast<uint32_t>(t.elements + 1)
                                     : (p.wide(), static_cast<uint32_t>(t.elements));
  const uint32_t with_tables = p.pick(0, 15);
  t.view.transposed = p.pick(0, 1) == 1 && t.view_rows() >= 2 && t.view.cols >= 2 &&
                      t.view_rows() * t.view.cols == t.elements;
  std::mt19937 random(p.wide());
  const Roles roles = roles_of(t.encoding, t.dtype);
  for (size_t i = 0; i < roles.count; ++i) {
    if ((with_tables >> i & 1) == 0 || roles.list[i].alphabet < 2) continue;
    c.tables.codes.push_back(make_code(roles.list[i].alphabet, random));
    t.tables[i] = static_cast<uint32_t>(c.tables.codes.size());
  }
  c.tables.codebook_starts = {0};
  if (t.encoding.values == Values::kPalette) {
    std::set<uint64_t> keys;  // a small step from the key of zero, or anywhere
    const uint64_t zero = codebook_key(t.dtype, 0);
    while (keys.size() < t.encoding.palette_size) {
      const uint64_t any = uint64_t{random()} << 32 | random();
      keys.insert((random() % 2 == 0 ? zero + any % 512 - 256 : any) & low_mask(t.bits));
    }
    for (const uint64_t key : keys) c.tables.codebook_words.push_back(codebook_word(t.dtype, key));
  }
  return c;
}

void check_chunk(const TensorCoding& coding, const DecodedChunk& chunk) {
  const Tensor& t = coding.tensor();
  const ChunkShape& shape = chunk.shape;
  const bool palette = t.encoding.values == Values::kPalette;
  if (t.encoding.is_sparse()) {
    require(chunk.positions.size() == shape.entries, "positions are missing");
    for (size_t i = 0; i < chunk.positions.size(); ++i) {
      require(chunk.positions[i] < shape.elements, "a position is outside the chunk");
      require(i == 0 || chunk.positions[i - 1] < chunk.positions[i], "positions do not rise");
    }
    require(chunk.nonzeros + chunk.fillers == shape.entries,
            "entries are neither nonzeros nor fillers");
  }
  require(palette ? chunk.codes.size() == shape.entries || shape.entries == 0
                  : chunk.words.size() == shape.entries * coding.word_bytes(),
          "values are missing");
  for (const uint8_t code : chunk.codes)
    require(!palette || code < coding.alphabet(Role::kValues), "a code is too large");
  std::vector<uint8_t> dense(shape.elements * coding.word_bytes());
  expand_chunk(coding, chunk, dense);
  uint64_t nonzeros = 0;
  for (uint32_t i = 0; i < shape.elements; ++i) {
    nonzeros += (load_word(dense.data() + i * coding.word_bytes(), coding.word_bytes()) &
                 magnitude_mask(t.dtype)) != 0;
  }
  uint64_t zero_entries = 0;  // trained centroids that are zero
  uint64_t visited = 0;
  for_each_entry(coding, chunk, [&](uint32_t, uint32_t entry) {
    ++visited;
    zero_entries += (entry_word(coding, chunk, entry) & magnitude_mask(t.dtype)) == 0;
  });
  require(visited == shape.entries - chunk.fillers, "not every entry is visited");
  require(nonzeros + (t.encoding.is_sparse() ? zero_entries : 0) == chunk.nonzeros,
          "the nonzeros do not add up");
}

// The accepted chunk as a file.
void check_as_file(const Case& c, const DecodedChunk& chunk, Bytes bytes) {
  FileParts parts;
  Manifest manifest;
  manifest.tensors = {c.tensor};
  manifest.tensors[0].nonzeros = chunk.nonzeros;
  manifest.chunks = {{0, c.entries, 0}};
  manifest.table_count = static_cast<uint32_t>(c.tables.codes.size());
  parts.columns = manifest_columns(manifest);
  parts.chunks = {Blob(bytes.begin(), bytes.end())};
  for (const CodeLengths& code : c.tables.codes) append_code_lengths(code, &parts.tables);
  if (!c.tables.codebook_words.empty()) {
    const WordOrder order = is_float(c.tensor.dtype)            ? WordOrder::kFloat
                            : is_signed_integer(c.tensor.dtype) ? WordOrder::kSigned
                                                                : WordOrder::kUnsigned;
    require(append_codebook(c.tables.codebook_words, c.tensor.bits, order, &parts.tables).ok(),
            "a codebook is rejected");
  }
  const Blob file = assemble(parts);
  require(dcf::fuzz::exercise(file.data(), file.size(), {}) == DCF_OK,
          "a file of an accepted chunk is rejected");
  const ReferenceFile reference = reference_decode(file);
  require(reference.error.empty(), "the reference decoder rejects an accepted chunk");
  const auto model = open_bytes(file);
  Blob dense(c.tensor.dense_bytes());
  require(decode_elements(*model.value(), 0, DType::kNone, 0, c.tensor.elements, dense).ok(),
          "the file does not decode");
  require(dense == reference.dense[0], "the reference decoder has other values");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kParameters) return 0;
  const Case c = read_case(data);
  require(check_encoding(c.tensor.encoding, c.tensor.dtype, c.tensor.elements).ok() &&
              check_view(c.tensor).ok(),
          "the harness made an invalid tensor");
  const std::vector<uint8_t> bytes(data + kParameters, data + size);  // of exact size
  const TensorCoding coding(c.tensor, c.tables, 0);
  ChunkScratch scratch;
  DecodedChunk chunk;
  const Status s =
      decode_chunk(coding, chunk_shape(c.tensor, 0, c.entries), bytes, &scratch, &chunk);
  if (!s.ok()) {
    require(*s.rule != '\0' && s.code != Code::Internal && s.code != Code::InvalidArgument,
            "a failure names no rule");
    return 0;
  }
  check_chunk(coding, chunk);
  check_as_file(c, chunk, bytes);
  return 0;
}
