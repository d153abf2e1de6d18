// SPDX-License-Identifier: Apache-2.0
#include "encode/write/tensor_adder.h"

#include "encode/round/grid_round.h"
#include "encode/write/tensor_equality.h"

namespace dcf::impl::encode {
namespace {

// The memory of pruning does not grow with the tensor.
uint64_t clustering_bytes(const EncodeOptions& options, const TensorSize& size) {
  const double kept = (1 - options.sparsity) * static_cast<double>(size.elements);
  const uint64_t optimum = options.init == compress::ClusterInit::kOptimal ? uint64_t{40} << 20 : 0;
  return size.elements + static_cast<uint64_t>(kept * 3 * size.bits / 8) + optimum;
}

// Takes the memory of what it makes from that of `work`.
Result<std::vector<Lowered>> lower_within(const CheckedInput& input, Work* work) {
  if (input.options().bits > 0 && input.may_be_lossy() &&
      clustering_bytes(input.options(), input.size()) > work->memory) {
    return too_large_to_cluster();
  }
  DCF_ASSIGN(std::vector<Lowered> sources, lower(input, *work));
  if (sources.back().content.rounded) {
    work->memory -= rounded_bytes(input.size().elements, input.size().bits);
  }
  return sources;
}

// Offsets count from 0.
Result<StoredTensor> encode_choice(std::vector<Lowered>& sources, const CheckedInput& input,
                                   const Work& work, const ConsumeBytes& consume) {
  StoredTensor result;
  result.owner = input.spec().name;
  result.dims.assign(input.spec().dims.begin(), input.spec().dims.end());
  DCF_ASSIGN(const Choice choice, choose_encoding(sources, input, result.dims, work));
  result.by_positions = choice.by_positions;
  // Rounding was a part of the way.
  const uint64_t begun = work.progress.done();
  const uint64_t share = (work.progress.total() - begun) / choice.candidates.size();
  uint64_t payload = 0;
  for (const Candidate& candidate : choice.candidates) {
    const uint64_t done = begun + share * result.encodings.size();
    StoredEncoding& encoding = result.encodings.emplace_back();
    encoding.offset = payload;
    DCF_ASSIGN(encoding.encoded,
               encode_tensor(candidate, input, result.dims, work, consume, done, done + share));
    payload += encoding.encoded.payload;
  }
  return result;
}

void move_to(uint64_t offset, StoredTensor* tensor) {
  for (StoredEncoding& encoding : tensor->encodings) encoding.offset += offset;
}

}  // namespace

uint64_t lossy_bytes(const TensorSpec& spec, const EncodeOptions& options, const TensorSize& size) {
  if (may_be_rounded(spec, options, size.elements)) {
    return rounded_bytes(size.elements, size.bits);
  }
  if (options.bits > 0 && may_be_lossy(spec, size.elements)) return clustering_bytes(options, size);
  return 0;
}

Status too_large_to_cluster() {
  return fail(Code::LimitMemory, "",
              "clustering or rounding the tensor needs more memory than the limit");
}

Result<StoredTensor> prepare_tensor(const CheckedInput& input, const Work& work,
                                    const ConsumeBytes& consume) {
  Work left = work;
  DCF_ASSIGN(std::vector<Lowered> sources, lower_within(input, &left));
  return encode_choice(sources, input, left, consume);
}

Status TensorAdder::add(const CheckedInput& input, const Work& work) {
  const TensorSpec& spec = input.spec();
  DCF_TRY(state_.check_new(spec.name));
  DCF_TRY(work.progress.begin(input.size().bytes()));
  Work left = work;
  DCF_ASSIGN(std::vector<Lowered> sources, lower_within(input, &left));
  AddedTensor added = WriterState::describe(spec);
  const uint64_t key = content_key(input);
  DCF_ASSIGN(added.stored, find_equal(key, sources, input, left));
  if (added.stored == kNone ||
      (spec.name < state_.stored(added).owner && state_.stored(added).dims != added.dims)) {
    // It gets an encoding of its own: its data are new, or it has now the lowest name of those
    // that share them, so that its shape decides.
    io::Spool& spool = state_.spool();
    const uint64_t start = spool.size();
    DCF_ASSIGN(StoredTensor encoded, encode_choice(sources, input, left, [&](Bytes bytes) {
                 return spool.append(bytes);
               }));
    move_to(start, &encoded);
    DCF_TRY(state_.hold(encoded));
    if (added.stored == kNone) {
      added.stored = state_.keep({});
      by_key_.emplace(key, added.stored);
    }
    state_.stored(added) = std::move(encoded);
  } else if (spec.name < state_.stored(added).owner) {
    state_.stored(added).owner = spec.name;
  }
  DCF_TRY(state_.insert(spec.name, std::move(added)));
  return work.progress.update(work.progress.total());
}

Status TensorAdder::add_prepared(const TensorSpec& spec, uint64_t key, StoredTensor tensor,
                                 BigVector<uint8_t>&& payload) {
  DCF_TRY(state_.check_new(spec.name));
  move_to(state_.spool().size(), &tensor);
  DCF_TRY(state_.spool().append(std::move(payload)));
  DCF_TRY(state_.hold(tensor));
  AddedTensor added = WriterState::describe(spec);
  added.stored = state_.keep(std::move(tensor));
  by_key_.emplace(key, added.stored);
  return state_.insert(spec.name, std::move(added));
}

// The stored tensor that decodes to the same elements, or kNone. A hash is no proof, because
// tensors can be made to collide. Equal encodings are a proof.
Result<size_t> TensorAdder::find_equal(uint64_t key, std::vector<Lowered>& sources,
                                       const CheckedInput& input, const Work& work) {
  if (input.size().elements == 0) return size_t{kNone};
  const auto [first, last] = by_key_.equal_range(key);
  for (auto it = first; it != last; ++it) {
    const StoredTensor& other = state_.contents().stored[it->second];
    const StoredEncoding& encoding = other.encodings[0];
    DCF_ASSIGN(const Choice choice, choose_encoding(sources, input, other.dims, work));
    SpoolComparison comparison(state_.spool(), encoding);
    DCF_ASSIGN(const EncodedTensor encoded,
               encode_tensor(choice.candidates[0], input, other.dims, work,
                             [&](Bytes bytes) { return comparison.consume(bytes); }));
    if (comparison.same() && same_encoding(encoded, encoding.encoded)) return size_t{it->second};
  }
  return size_t{kNone};
}

}  // namespace dcf::impl::encode
