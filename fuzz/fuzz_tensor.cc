// SPDX-License-Identifier: Apache-2.0
// The first bytes choose a tensor's dtype, encoding, parameters, view, codes and codebook; the rest
// is the bytes of its one chunk, straight into decode_chunk(). What it accepts must be consistent,
// and as a file it must verify and decode alike in every form and in the reference decoder.
#include <algorithm>
#include <bit>

#include "base/checked.h"
#include "codec/bit_reader.h"
#include "codec/codebook.h"
#include "codec/stream.h"
#include "exercise.h"
#include "model/decode.h"
#include "model/expand.h"
#include "support/file_parts.h"
#include "tensor_case.h"
#include "unit/encode/reference_decoder.h"

namespace {

using namespace dcf::impl;           // NOLINT(google-build-using-namespace)
using namespace dcf::impl::testing;  // NOLINT(google-build-using-namespace)
using dcf::fuzz::Case;
using dcf::fuzz::kParameters;
using dcf::fuzz::require;

void check_chunk(const model::TensorCoding& coding, const model::DecodedChunk& chunk) {
  const format::Tensor& t = coding.tensor();
  const model::ChunkShape& shape = chunk->shape;
  const bool palette = t.encoding.values == format::Values::kPalette;
  if (t.encoding.is_sparse()) {
    require(chunk->positions.size() == shape.entries, "positions are missing");
    for (size_t i = 0; i < chunk->positions.size(); ++i) {
      require(chunk->positions[i] < shape.elements, "a position is outside the chunk");
      require(i == 0 || chunk->positions[i - 1] < chunk->positions[i], "positions do not rise");
    }
    require(chunk->nonzeros + chunk->fillers == shape.entries,
            "entries are neither nonzeros nor fillers");
  }
  require(palette ? chunk->codes.size() == shape.entries || shape.entries == 0
                  : chunk->words.size() == shape.entries * coding.word_bytes(),
          "values are missing");
  const bool dictionary = t.encoding.values == format::Values::kDictionary;
  require(chunk->indices.size() == (dictionary ? shape.entries : 0), "indices are missing");
  for (const uint16_t index : chunk->indices)
    require(index < t.encoding.palette_size, "an index is too large");
  for (const uint8_t code : chunk->codes)
    require(!palette || code < coding.alphabet(format::Role::kValues), "a code is too large");
  std::vector<uint8_t> dense(shape.elements * coding.word_bytes());
  model::expand_chunk(coding, chunk, {}, dense);
  std::vector<uint8_t> streamed(dense.size());
  model::expand_chunk(coding, chunk, {.stream = true}, streamed);
  require(dense == streamed, "elements differ past the caches");
  uint64_t nonzeros = 0;
  for (uint32_t i = 0; i < shape.elements; ++i) {
    nonzeros += (load_word(dense.data() + i * coding.word_bytes(), coding.word_bytes()) &
                 magnitude_mask(t.dtype)) != 0;
  }
  uint64_t zero_entries = 0;  // trained centroids that are zero
  uint64_t visited = 0;
  model::for_each_entry(coding, chunk, [&](uint32_t, uint32_t entry) {
    ++visited;
    zero_entries += (model::entry_word(coding, chunk, entry) & magnitude_mask(t.dtype)) == 0;
  });
  require(visited == shape.entries - chunk->fillers, "not every entry is visited");
  require(nonzeros + (t.encoding.is_sparse() ? zero_entries : 0) == chunk->nonzeros,
          "the nonzeros do not add up");
}

// The accepted chunk as a file.
void check_as_file(const Case& c, const model::DecodedChunk& chunk, Bytes bytes) {
  FileParts parts;
  parts.header.features = format::features_of(c.tensor.encoding, c.tensor.dtype);
  format::ManifestParts manifest;
  manifest.tensors = {c.tensor};
  manifest.tensors[0].nonzeros = chunk->nonzeros;
  manifest.chunks = {{0, c.entries, 0}};
  manifest.table_count = static_cast<uint32_t>(c.tables.codes.size());
  parts.columns = format::manifest_columns(manifest);
  parts.chunks = {Blob(bytes.begin(), bytes.end())};
  for (const codec::CodeLengths& code : c.tables.codes)
    codec::append_code_lengths(code, &parts.tables);
  if (!c.tables.codebook_words.empty()) {
    require(codec::append_codebook(c.tables.codebook_words, c.tensor.dtype, &parts.tables).ok(),
            "a codebook is rejected");
  }
  for (const float scale : c.tables.scales) {
    parts.tables.resize(parts.tables.size() + sizeof scale);
    store_le(&parts.tables[parts.tables.size() - sizeof scale], std::bit_cast<uint32_t>(scale));
  }
  const format::Roles roles = format::roles_of(c.tensor.encoding, c.tensor.dtype);
  Bytes left = c.tables.unit_maps;
  for (const auto& [role, units] :
       {std::pair{format::Role::kPredictors, c.tensor.encoding.delta_units},
        {format::Role::kClasses, c.tensor.encoding.class_units}}) {
    if (units == 0) continue;
    const size_t k = roles.find(role);
    const uint32_t id = c.tensor.tables[k];
    codec::encode_stream(left.first(units), roles.list[k].alphabet,
                         id == 0 ? nullptr : &c.tables.codes[id - 1], codec::HuffmanLayout::kAuto,
                         &parts.tables);
    left = left.subspan(units);
  }
  const Blob file = assemble(parts);
  require(dcf::fuzz::exercise(file.data(), file.size(), {}) == DCF_OK,
          "a file of an accepted chunk is rejected");
  const encode::ReferenceFile reference = encode::reference_decode(file);
  require(reference.error.empty(), "the reference decoder rejects an accepted chunk");
  const auto model = open_bytes(file);
  Blob dense(c.tensor.dense_bytes());
  require(model::decode_elements(*model.value(), 0, DType::kNone, 0, c.tensor.elements, dense).ok(),
          "the file does not decode");
  require(dense == reference.dense[0], "the reference decoder has other values");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kParameters) return 0;
  const Case c = dcf::fuzz::read_case(data);
  require(format::check_encoding(c.tensor.encoding, c.tensor.dtype, c.tensor.elements).ok() &&
              format::check_view(c.tensor).ok(),
          "the harness made an invalid tensor");
  const std::vector<uint8_t> bytes(data + kParameters, data + size);  // of exact size
  const model::TensorCoding coding(c.tensor, c.tables, 0);
  model::ChunkScratch scratch;
  const Result<model::DecodedChunk> chunk =
      model::decode_chunk(coding, model::chunk_shape(c.tensor, 0, c.entries), bytes, &scratch);
  if (!chunk.ok()) {
    const Status& s = chunk.status();
    require(*s.rule != '\0' && s.code != Code::Internal && s.code != Code::InvalidArgument,
            "a failure names no rule");
    return 0;
  }
  check_chunk(coding, chunk.value());
  check_as_file(c, chunk.value(), bytes);
  return 0;
}
