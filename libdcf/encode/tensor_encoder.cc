// SPDX-License-Identifier: Apache-2.0
#include "encode/tensor_encoder.h"

#include <map>

#include "base/hash.h"
#include "codec/codebook.h"
#include "format/header.h"

namespace dcf::impl {
namespace {

// Up to this size candidates that are close by estimate are encoded to compare them.
constexpr uint64_t kTrialElements = uint64_t{1} << 20;
constexpr size_t kMaxTrials = 4;

// Estimates within this much of the best are close.
uint64_t close_to(uint64_t estimate) {
  return estimate + std::max<uint64_t>(64, estimate / 200);
}
// The same for the best of different positions, which are always compared exactly.
uint64_t near_to(uint64_t estimate) {
  return estimate + std::max<uint64_t>(256, estimate / 50);
}

// Positions that take this much more in a file with one tensor do so in any.
constexpr uint64_t kClearlyLarger = 256;

std::vector<uint64_t> dims_of(const TensorSpec& spec) {
  return {spec.dims.begin(), spec.dims.end()};
}

// Bytes of a file with this tensor alone, but that the padding of raw data is at its worst: what it
// is in the end depends on the tensors before.
uint64_t file_size(const EncodedTensor& encoded, DType dtype) {
  Manifest manifest;
  manifest.tensors.push_back(encoded.tensor);
  manifest.chunks = encoded.chunks;
  Tensor& tensor = manifest.tensors[0];
  const Roles roles = roles_of(tensor.encoding, dtype);
  for (size_t k = 0; k < roles.count; ++k) {
    if (encoded.tables[k].empty()) continue;
    tensor.tables[k] = ++manifest.table_count;
    manifest.table_bytes += encoded.tables[k].size();
  }
  manifest.table_bytes += encoded.codebook.size();
  // A hash is eight bytes that are not zero, nearly always.
  manifest.table_hash = manifest.table_bytes == 0 ? 0 : UINT64_MAX;
  const Result<std::vector<uint8_t>> packed =
      serialise_manifest_columns(manifest_columns(manifest));
  uint64_t size = kHeaderBytes + manifest.table_bytes + encoded.payload;
  if (packed.ok()) size += packed.value().size();
  if (tensor.encoding.is_raw() && encoded.payload >= kRawAlignedFrom) size += kRawAlignment - 1;
  return size;
}

class Chooser {
 public:
  Chooser(const TensorSpec& spec, const Parallel& parallel) : spec_(spec), parallel_(parallel) {}

  // Adds the candidates of one kind of positions, lightest first. What a caller can force is a
  // kind: each gap width.
  void add(std::vector<Candidate> candidates) {
    for (Candidate& candidate : candidates) {
      best_estimate_ = std::min(best_estimate_, candidate.estimate);
      const Encoding& e = candidate.recipe.encoding;
      kinds_[{e.positions, e.gap_bits}].push_back(std::move(candidate));
    }
  }

  Choice run() {
    std::erase_if(kinds_, [&](const auto& kind) {
      return kind.second[0].estimate > near_to(best_estimate_);
    });
    std::vector<std::pair<Positions, Trial>> trials;
    for (auto& [kind, candidates] : kinds_) {
      trials.emplace_back(kind.first, lightest(std::move(candidates)));
    }
    std::stable_sort(trials.begin(), trials.end(),
                     [](const auto& a, const auto& b) { return a.second.size < b.second.size; });
    Choice choice;
    std::array<bool, 4> seen{};
    for (auto& [positions, trial] : trials) {
      const auto p = static_cast<size_t>(positions);
      if (trial.size > trials[0].second.size + kClearlyLarger) break;
      if (std::exchange(seen[p], true)) continue;
      choice.by_positions[p] = static_cast<uint8_t>(choice.candidates.size());
      choice.candidates.push_back(std::move(trial.candidate));
    }
    return choice;
  }

 private:
  struct Trial {
    Candidate candidate;
    uint64_t size = UINT64_MAX;
    uint64_t weight = UINT64_MAX;
  };

  // Of one kind. By weight: only between kinds size decides.
  Trial lightest(std::vector<Candidate> candidates) const {
    const bool small = candidates[0].source->content.elements <= kTrialElements;
    size_t count = 1;
    while (small && count < std::min(candidates.size(), kMaxTrials) &&
           candidates[count].estimate <= close_to(candidates[0].estimate)) {
      ++count;
    }
    Trial best;
    if (kinds_.size() == 1 && count == 1) {
      best.size = candidates[0].estimate;
      best.candidate = std::move(candidates[0]);
      return best;
    }
    for (size_t i = 0; i < count; ++i) {
      Trial trial = try_out(std::move(candidates[i]));
      if (trial.weight < best.weight) best = std::move(trial);
    }
    return best;
  }

  Trial try_out(Candidate candidate) const {
    const auto discard = [](Bytes) { return ok_status(); };
    // Fails only where `discard` does.
    const EncodedTensor encoded = encode_tensor(candidate, spec_, parallel_, discard).take();
    Trial trial;
    trial.size = file_size(encoded, spec_.dtype);
    trial.weight = candidate.weight(trial.size);
    trial.candidate = std::move(candidate);
    return trial;
  }

  const TensorSpec& spec_;
  const Parallel& parallel_;
  std::map<std::pair<Positions, uint8_t>, std::vector<Candidate>> kinds_;  // and gap width
  uint64_t best_estimate_ = UINT64_MAX;
};

Tensor describe(const Candidate& candidate, const TensorSpec& spec) {
  const Content& content = candidate.source->content;
  Tensor tensor;
  tensor.name = spec.name;
  tensor.dtype = spec.dtype;
  tensor.bits = content.bits;
  tensor.opaque_name = spec.opaque_name;
  tensor.dims = dims_of(spec);
  tensor.elements = content.elements;
  tensor.encoding = candidate.recipe.encoding;
  tensor.view = candidate.recipe.grid.view;
  tensor.rows_per_chunk = candidate.recipe.grid.rows_per_chunk;
  tensor.fidelity = candidate.source->fidelity;
  tensor.error_bound = candidate.source->error_bound;
  return tensor;
}

}  // namespace

Choice choose_encoding(const std::vector<Lowered>& sources, const TensorSpec& spec,
                       const EncodeOptions& options, const Parallel& parallel) {
  const std::vector<uint64_t> dims = dims_of(spec);
  const Content& first = sources[0].content;
  if (is_raw_only(spec.dtype) || first.elements == 0) {
    return {{{&sources[0], raw_recipe(first, dims)}}};
  }
  Chooser chooser(spec, parallel);
  for (const Lowered& source : sources) {
    CandidateSource candidates(source, dims, options, parallel);
    for (const Positions positions :
         {Positions::kDense, Positions::kBitmap, Positions::kGap, Positions::kGapBucket}) {
      if (options.positions && *options.positions != positions) continue;
      chooser.add(candidates.list(positions));
    }
  }
  return chooser.run();
}

Result<EncodedTensor> encode_tensor(const Candidate& candidate, const TensorSpec& spec,
                                    const Parallel& parallel, const ConsumeBytes& consume) {
  const Content& content = candidate.source->content;
  const Recipe& recipe = candidate.recipe;
  EncodedTensor result;
  result.tensor = describe(candidate, spec);
  std::array<bool, 4> huffman{};
  const size_t batch = size_t{2} * parallel.width();
  std::vector<EncodedChunk> encoded;
  for (uint64_t first = 0; first < recipe.grid.chunks; first += batch) {
    encoded.clear();
    encoded.resize(std::min<uint64_t>(batch, recipe.grid.chunks - first));
    parallel.run(encoded.size(),
                 [&](size_t i) { encoded[i] = encode_chunk(content, recipe, first + i); });
    for (const EncodedChunk& chunk : encoded) {
      result.chunks.push_back(
          {static_cast<uint32_t>(chunk.bytes.size()), chunk.entries, hash_bytes(chunk.bytes)});
      result.payload += chunk.bytes.size();
      result.tensor.nonzeros += chunk.nonzeros;
      for (size_t k = 0; k < huffman.size(); ++k) huffman[k] |= chunk.huffman[k];
      DCF_TRY(consume(chunk.bytes));
    }
  }
  for (size_t k = 0; k < huffman.size(); ++k) {
    if (huffman[k]) append_code_lengths(*recipe.codes[k], &result.tables[k]);
  }
  if (recipe.encoding.values == Values::kPalette) {
    DCF_TRY(append_codebook(recipe.codebook, spec.dtype, &result.codebook));
  }
  return result;
}

}  // namespace dcf::impl
