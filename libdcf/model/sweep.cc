// SPDX-License-Identifier: Apache-2.0
#include "model/sweep.h"

#include <algorithm>

namespace dcf::impl::model {
namespace {

constexpr size_t kGroup = 256;   // runs that are listed at a time
constexpr uint64_t kInRun = 16;  // chunks of a tensor that share decode tables and scratch

// The chunks of a run. To read its maps of units takes no longer than the elements of its run.
uint64_t run_of(const format::Tensor& t) {
  return std::max(kInRun, t.encoding.unit_map_size() / t.chunk_stride());
}

}  // namespace

Sweep::Sweep(const Model& model, size_t count, DataOf data_of, uint64_t least,
             DecodeProgress* progress)
    : model_(model),
      count_(count),
      data_of_(std::move(data_of)),
      progress_(progress),
      base_(std::min(least, model.working_memory())) {}

uint64_t Sweep::workers_within_all(uint64_t bytes) const {
  return workers_within(model_.working_memory(), {0, bytes}, model_.parallel().width());
}

Status Sweep::take_memory() {
  uint64_t offset = format::kHeaderBytes;  // of the tensor that needs most
  for (size_t i = 0; i < count_; ++i) {
    const uint64_t need = model_.scratch_bytes(data_of_(i));
    if (need <= base_) continue;
    base_ = need;
    offset = model_.layout().chunk_offsets[tensor(i).first_chunk];
  }
  base_share_ = model_.take_memory({base_, 0});
  if (base_share_) return ok_status();
  return fail(Code::LimitMemory, "L-01", "decoding a tensor takes more than max_memory").at(offset);
}

// Tensors differ in size by orders of magnitude: runs of a large one must not starve for memory
// because of it, so that runs are taken in groups of like need. More workers than one take their
// shares while they are needed.
Status Sweep::run(const Body& body) {
  std::vector<Run> runs;
  runs.reserve(kGroup);
  uint64_t bytes = 0;
  for (size_t i = 0; i < count_; ++i) {
    const format::Tensor& t = tensor(i);
    if (t.chunks == 0) continue;
    const uint64_t need = model_.scratch_bytes(data_of_(i));
    if (workers_within_all(std::max(bytes, need)) < workers_within_all(bytes)) {
      DCF_TRY(decode(&runs, bytes, body));
      bytes = 0;
    }
    bytes = std::max(bytes, need);
    const uint64_t length = run_of(t);
    for (uint64_t chunk = 0; chunk < t.chunks; chunk += length) {
      if (runs.size() == kGroup) DCF_TRY(decode(&runs, bytes, body));
      runs.push_back({i, chunk, std::min(chunk + length, t.chunks), 0});
    }
  }
  DCF_TRY(decode(&runs, bytes, body));
  return wrong_count_;
}

Status Sweep::decode(std::vector<Run>* runs, uint64_t bytes, const Body& body) {
  if (runs->empty()) return ok_status();
  const uint64_t width = std::min<uint64_t>(model_.parallel().width(), runs->size());
  uint64_t workers = std::min(width, base_ / std::max<uint64_t>(bytes, 1));
  MemoryShare more;
  if (workers < width) more = model_.take_memory({0, bytes}, width - workers);
  workers += more.workers();
  const Status s =
      model_.for_items(runs->size(), workers, [&](size_t i) { return decode(&(*runs)[i], body); });
  if (!s.ok()) {
    const Run& first = runs->front();
    return s.at(model_.layout().chunk_offsets[tensor(first.i).first_chunk + first.first]);
  }
  for (const Run& run : *runs) count(run);
  runs->clear();
  return ok_status();
}

Status Sweep::decode(Run* run, const Body& body) const {
  const ChunkReader reader(model_, data_of_(run->i), progress_);
  const ScratchLoan scratch = model_.lend_scratch();
  for (uint64_t chunk = run->first; chunk < run->last; ++chunk) {
    DCF_ASSIGN(const DecodedChunk decoded, body(run->i, reader, chunk, scratch.get()));
    run->nonzeros += decoded->nonzeros;
  }
  return ok_status();
}

// Runs come in order, so that a tensor is whole when its last one comes.
void Sweep::count(const Run& run) {
  nonzeros_ += run.nonzeros;
  if (run.last < tensor(run.i).chunks) return;
  if (wrong_count_.ok()) wrong_count_ = model_.check_nonzeros(data_of_(run.i), nonzeros_);
  nonzeros_ = 0;
}

}  // namespace dcf::impl::model
