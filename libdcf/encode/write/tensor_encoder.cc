// SPDX-License-Identifier: Apache-2.0
#include "encode/write/tensor_encoder.h"

#include <map>

#include "base/checked.h"
#include "codec/codebook.h"
#include "encode/plan/dictionary_plan.h"
#include "format/header.h"

namespace dcf::impl::encode {
namespace {

constexpr size_t kMaxTrials = 4;

// Estimates within this much of the best are close. That of one chunk is exact, but for the packing
// of the manifest.
uint64_t close_to(uint64_t estimate, uint64_t chunks) {
  return estimate + std::max<uint64_t>(chunks == 1 ? 4 : 64, estimate / 200);
}
// The same for the best candidates of different positions, which are always compared exactly.
uint64_t near_to(uint64_t estimate) {
  return estimate + std::max<uint64_t>(256, estimate / 50);
}

// Positions that are larger by this much in a file with one tensor are larger in any file.
constexpr uint64_t kClearlyLarger = 256;

// Bytes of a file with this tensor alone, with the most padding that raw data can have: the padding
// in the file depends on the tensors before it.
Result<uint64_t> file_size(const EncodedTensor& encoded, DType dtype) {
  format::ManifestParts manifest;
  manifest.tensors.push_back(encoded.tensor);
  manifest.chunks = encoded.chunks;
  format::Tensor& tensor = manifest.tensors[0];
  const format::Roles roles = format::roles_of(tensor.encoding, dtype);
  for (size_t k = 0; k < roles.count; ++k) {
    if (encoded.tables[k].empty()) continue;
    tensor.tables[k] = ++manifest.table_count;
    manifest.table_bytes += encoded.tables[k].size();
  }
  manifest.table_bytes += encoded.codebook.size();
  // A hash is eight bytes that are not zero, nearly always.
  manifest.table_hash = manifest.table_bytes == 0 ? 0 : UINT64_MAX;
  DCF_ASSIGN(const std::vector<uint8_t> packed,
             format::serialise_manifest_columns(format::manifest_columns(manifest)));
  uint64_t size = format::kHeaderBytes + manifest.table_bytes + encoded.payload + packed.size();
  if (tensor.encoding.is_raw() && encoded.payload >= kRawAlignedFrom) size += kRawAlignment - 1;
  return size;
}

// Whether they are one but for the lengths of the prefixes of split values. In a tensor of one
// chunk the estimates of such candidates are exact but for two bytes of padding.
bool differ_by_split(const Candidate& a, const Candidate& b) {
  format::Encoding other = b.recipe.encoding;
  const format::Encoding& e = a.recipe.encoding;
  if (e.values != format::Values::kSplit || other.values != e.values) return false;
  if (!(a.recipe.grid.view == b.recipe.grid.view) || a.recipe.grid.chunks != 1) return false;
  other.split_t = e.split_t;
  other.split_z = e.split_z;
  other.split_base = e.split_base;
  other.split_symbols = e.split_symbols;
  return other == e;
}

class Chooser {
 public:
  Chooser(const CheckedInput& input, const std::vector<uint64_t>& dims, const Work& work)
      : input_(input), dims_(dims), work_(work) {}

  // Adds the candidates of one kind of positions, lightest first. Each gap width is a kind, as a
  // caller can force it.
  void add(std::vector<Candidate> candidates) {
    for (Candidate& candidate : candidates) {
      best_estimate_ = std::min(best_estimate_, candidate.estimate);
      const format::Encoding& e = candidate.recipe.encoding;
      kinds_[{e.positions, e.gap_bits}].push_back(std::move(candidate));
    }
  }

  uint64_t best_estimate() const { return best_estimate_; }

  Result<Choice> run() {
    std::erase_if(kinds_, [&](const auto& kind) {
      return kind.second[0].estimate > near_to(best_estimate_);
    });
    std::vector<std::pair<format::Positions, Trial>> trials;
    for (auto& [kind, candidates] : kinds_) {
      DCF_ASSIGN(Trial trial, lightest(std::move(candidates)));
      trials.emplace_back(kind.first, std::move(trial));
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

  // The best of one kind, by weight. Only between kinds does the size decide.
  Result<Trial> lightest(std::vector<Candidate> candidates) const {
    const bool smallest = input_.options().effort == Effort::kSmallest;
    const bool small =
        candidates[0].source->content.elements <= (smallest ? kTrialElements : kQuickTrialElements);
    const uint64_t close = close_to(candidates[0].estimate, candidates[0].recipe.grid.chunks);
    std::vector<Candidate*> tried = {&candidates[0]};
    for (size_t i = 1; i < candidates.size() && small && tried.size() < kMaxTrials; ++i) {
      if (candidates[i].estimate > close) break;
      const bool known = std::any_of(tried.begin(), tried.end(), [&](const Candidate* lighter) {
        return differ_by_split(*lighter, candidates[i]);
      });
      if (!known || smallest) tried.push_back(&candidates[i]);
    }
    Trial best;
    if (kinds_.size() == 1 && tried.size() == 1) {
      best.size = candidates[0].estimate;
      best.candidate = std::move(candidates[0]);
      return best;
    }
    for (Candidate* const candidate : tried) {
      DCF_ASSIGN(Trial trial, try_out(std::move(*candidate)));
      if (trial.weight < best.weight) best = std::move(trial);
    }
    return best;
  }

  Result<Trial> try_out(Candidate candidate) const {
    const auto discard = [](Bytes) { return ok_status(); };
    DCF_ASSIGN(const EncodedTensor encoded,
               encode_tensor(candidate, input_, dims_, work_, discard));
    Trial trial;
    DCF_ASSIGN(trial.size, file_size(encoded, input_.spec().dtype));
    trial.weight = candidate.weight(trial.size);
    trial.candidate = std::move(candidate);
    return trial;
  }

  const CheckedInput& input_;
  const std::vector<uint64_t>& dims_;
  const Work& work_;
  std::map<std::pair<format::Positions, uint8_t>, std::vector<Candidate>> kinds_;  // and gap width
  uint64_t best_estimate_ = UINT64_MAX;
};

Status add_candidates(Lowered& source, const CheckedInput& input, const std::vector<uint64_t>& dims,
                      const Work& work, Chooser* chooser) {
  DCF_ASSIGN(CandidateSource candidates,
             CandidateSource::create(source, dims, input.options(), work));
  const auto add = [&](format::Positions positions) -> Result<uint64_t> {
    DCF_ASSIGN(std::vector<Candidate> listed, candidates.list(positions));
    const uint64_t least = listed.empty() ? UINT64_MAX : listed[0].estimate;
    chooser->add(std::move(listed));
    return least;
  };
  if (input.options().positions) return add(*input.options().positions).status();
  DCF_ASSIGN(const uint64_t dense, add(format::Positions::kDense));
  DCF_ASSIGN(const bool sparse, candidates.seems_sparse(dense));
  if (!sparse) return ok_status();
  for (const format::Positions positions :
       {format::Positions::kBitmap, format::Positions::kGap, format::Positions::kGapBucket}) {
    DCF_TRY(add(positions).status());
  }
  return ok_status();
}

format::Tensor describe(const Candidate& candidate, const TensorSpec& spec,
                        const std::vector<uint64_t>& dims) {
  const Content& content = candidate.source->content;
  format::Tensor tensor;
  tensor.name = spec.name;
  tensor.dtype = spec.dtype;
  tensor.bits = content.bits;
  tensor.opaque_name = spec.opaque_name;
  tensor.dims = dims;
  tensor.elements = content.elements;
  tensor.encoding = candidate.recipe.encoding;
  tensor.view = candidate.recipe.grid.view;
  tensor.rows_per_chunk = candidate.recipe.grid.rows_per_chunk;
  tensor.fidelity = candidate.source->fidelity;
  tensor.error_bound = candidate.source->error_bound;
  return tensor;
}

// Bytes that one thread allocates to encode a chunk, its coded bytes included.
uint64_t chunk_bytes(const Candidate& candidate) {
  const Content& content = candidate.source->content;
  const Recipe& recipe = candidate.recipe;
  const uint64_t elements = recipe.grid.chunk_end(0);
  const uint64_t dense = ceil_div(elements * content.bits, 8);
  const uint64_t reader = content.pieces != nullptr ? PieceStore::kReaderBytes : 0;
  if (recipe.encoding.is_raw()) {
    const bool borrowed = content.is_plain() && content.pieces == nullptr;
    return borrowed ? dense : 2 * dense + reader;
  }
  // Symbols, and coded bytes that grow by doubling; differences as numbers, words by class, the
  // index of a dictionary.
  if (!recipe.encoding.is_sparse()) {
    const uint64_t numbers = recipe.encoding.values == format::Values::kDelta ? 8 * elements : 0;
    const uint64_t grouped = recipe.encoding.values == format::Values::kClassSplit ? dense : 0;
    const uint64_t index = recipe.dictionary ? dictionary_index_bytes() : 0;
    return 4 * dense + 4 * elements + numbers + grouped + index + reader;
  }
  return extraction_bytes(content, recipe.grid, candidate.most) +
         candidate.most.entries * (2 * content.width() + 4 * sizeof(uint32_t)) + elements / 4;
}

}  // namespace

Result<Choice> choose_encoding(std::vector<Lowered>& sources, const CheckedInput& input,
                               const std::vector<uint64_t>& dims, const Work& work) {
  const Content& first = sources[0].content;
  if (is_raw_only(first.dtype) || first.elements == 0) {
    return Choice{{{&sources[0], raw_recipe(first, dims)}}, {}};
  }
  std::vector<Chooser> choosers(1, Chooser(input, dims, work));
  double margin = 0;
  for (Lowered& source : sources) {
    DCF_TRY(add_candidates(source, input, dims, work, &choosers.back()));
    if (source.margin == 0) continue;
    margin = source.margin;
    choosers.emplace_back(input, dims, work);
  }
  const double accepted = static_cast<double>(choosers.back().best_estimate()) * (1 + margin);
  const bool larger = static_cast<double>(choosers.front().best_estimate()) > accepted;
  return (larger ? choosers.back() : choosers.front()).run();
}

Result<EncodedTensor> encode_tensor(const Candidate& candidate, const CheckedInput& input,
                                    const std::vector<uint64_t>& dims, const Work& work,
                                    const ConsumeBytes& consume, uint64_t progress_from,
                                    uint64_t progress_to) {
  const Content& content = candidate.source->content;
  const Recipe& recipe = candidate.recipe;
  EncodedTensor result;
  result.tensor = describe(candidate, input.spec(), dims);
  std::array<bool, format::kMaxRoles> huffman{};
  const uint64_t bytes = content.elements == 0 ? 0 : chunk_bytes(candidate);
  DCF_ASSIGN(const Parallel parallel, work.threads_for(bytes));
  // Several chunks per thread, and as many that are passed on while these are made.
  const uint64_t batch = std::clamp<uint64_t>(work.memory / std::max<uint64_t>(bytes, 1) / 2, 1,
                                              uint64_t{4} * parallel.width());
  std::vector<EncodedChunk> making;
  std::vector<EncodedChunk> made;
  const auto pass_on = [&]() -> Status {
    for (const EncodedChunk& chunk : made) {
      result.chunks.push_back(
          {static_cast<uint32_t>(chunk.bytes.size()), chunk.entries, chunk.hash});
      result.payload += chunk.bytes.size();
      result.tensor.nonzeros += chunk.nonzeros;
      for (size_t k = 0; k < huffman.size(); ++k) huffman[k] |= chunk.huffman[k];
      DCF_TRY(consume(chunk.bytes));
    }
    return ok_status();
  };
  for (uint64_t first = 0; first < recipe.grid.chunks; first += batch) {
    making.resize(static_cast<size_t>(std::min<uint64_t>(batch, recipe.grid.chunks - first)));
    const size_t passing = made.empty() ? 0 : 1;  // no thread is woken for a single chunk
    DCF_TRY(run_fallible(parallel, passing + making.size(), [&](size_t i) {
      if (i < passing) return pass_on();
      return encode_chunk(content, recipe, first + i - passing, &making[i - passing]);
    }));
    std::swap(making, made);
    const double share =
        static_cast<double>(first + made.size()) / static_cast<double>(recipe.grid.chunks);
    DCF_TRY(work.progress.update(
        progress_from +
        static_cast<uint64_t>(share * static_cast<double>(progress_to - progress_from))));
  }
  DCF_TRY(pass_on());
  append_scales(recipe.scales.scales, &result.codebook);
  const format::Roles roles = format::roles_of(recipe.encoding, content.dtype);
  for (const auto& [role, map] : {std::pair{format::Role::kPredictors, Bytes(recipe.predictors)},
                                  {format::Role::kClasses, Bytes(recipe.class_map)}}) {
    if (map.empty()) continue;
    const size_t k = roles.find(role);
    const size_t at = result.codebook.size();
    codec::encode_stream(map, roles.list[k].alphabet, recipe.codes[k] ? &*recipe.codes[k] : nullptr,
                         codec::HuffmanLayout::kAuto, &result.codebook);
    huffman[k] = codec::is_huffman(result.codebook[at]);
  }
  result.tables.resize(recipe.codes.size());
  for (size_t k = 0; k < recipe.codes.size(); ++k) {
    if (huffman[k]) codec::append_code_lengths(*recipe.codes[k], &result.tables[k]);
  }
  if (recipe.encoding.has_codebook()) {
    DCF_TRY(codec::append_codebook(recipe.codebook, content.dtype, &result.codebook));
  }
  return result;
}

}  // namespace dcf::impl::encode
