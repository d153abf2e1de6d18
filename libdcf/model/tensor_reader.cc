// SPDX-License-Identifier: Apache-2.0
#include "model/tensor_reader.h"

#include <mutex>
#include <vector>

#include "base/checked.h"

namespace dcf::impl {

ReadPlan whole_tensor(const Tensor& tensor, DecodeProgress* progress) {
  ReadPlan plan;
  plan.chunks = {0, tensor.chunks};
  plan.progress = progress;
  return plan;
}

namespace {

// The memory of a reader and of each of its workers; false if it does not fit 64 bits.
bool count_memory(const Model& model, size_t data, const ReadPlan& plan, MemoryNeed* need) {
  *need = plan.beside;
  return checked_add(need->each, model.scratch_bytes(data, plan.chunks), &need->each);
}
uint64_t most_workers(const Model& model, const ReadPlan& plan) {
  return std::min<uint64_t>(plan.chunks.size(), model.parallel().width());
}
Status too_much(const Model& model, size_t data, const ReadPlan& plan) {
  return model.in_data(data, fail(Code::LimitMemory, "L-01", plan.too_much));
}

}  // namespace

Result<std::unique_ptr<TensorReader>> TensorReader::open(const Model& model, size_t data,
                                                         const ReadPlan& plan) {
  MemoryNeed need;
  MemoryShare share;
  if (count_memory(model, data, plan, &need))
    share = model.take_memory(need, most_workers(model, plan));
  if (!share) return too_much(model, data, plan);
  return std::unique_ptr<TensorReader>(new TensorReader(model, data, plan, std::move(share)));
}

Result<uint64_t> TensorReader::memory(const Model& model, size_t data, const ReadPlan& plan) {
  MemoryNeed need;
  uint64_t workers = 0;
  if (count_memory(model, data, plan, &need))
    workers = workers_within(model.working_memory(), need, most_workers(model, plan));
  if (workers == 0) return too_much(model, data, plan);
  return need.once + need.each * workers;
}

TensorReader::TensorReader(const Model& model, size_t data, const ReadPlan& plan, MemoryShare share)
    : model_(model),
      data_(data),
      chunks_(plan.chunks),
      whole_(plan.whole),
      share_(std::move(share)),
      coding_(model.manifest().tensors[data], model.tables(), data),
      progress_(plan.progress) {}

Status TensorReader::load(uint64_t chunk, ChunkScratch* scratch, DecodedChunk* out) const {
  DCF_TRY(model_.load_chunk(coding_, data_, chunk, scratch, out));
  nonzeros_.fetch_add(out->nonzeros, std::memory_order_relaxed);
  if (progress_ == nullptr) return ok_status();
  return progress_->add(model_.manifest().chunks[tensor().first_chunk + chunk].bytes);
}

Status TensorReader::for_each_chunk(const ChunkBody& body) const {
  // As many scratches as there are workers; each decodes chunk after chunk.
  std::mutex mutex;
  std::vector<std::unique_ptr<ChunkScratch>> idle;
  const auto take = [&] {
    const std::lock_guard lock(mutex);
    if (idle.empty()) return std::make_unique<ChunkScratch>();
    std::unique_ptr<ChunkScratch> scratch = std::move(idle.back());
    idle.pop_back();
    return scratch;
  };
  nonzeros_ = 0;
  return finish(model_.for_items(chunks_.size(), workers(), [&](size_t item) {
    std::unique_ptr<ChunkScratch> scratch = take();
    const Status s = body(chunks_.first + item, scratch.get());
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(scratch));
    return s;
  }));
}

Status TensorReader::for_each_chunk_in_order(const ChunkBody& body) const {
  nonzeros_ = 0;
  ChunkScratch scratch;
  for (uint64_t chunk = chunks_.first; chunk < chunks_.last; ++chunk) {
    const Status s = body(chunk, &scratch);
    if (!s.ok()) return finish(s);
  }
  return finish(ok_status());
}

Status TensorReader::finish(const Status& s) const {
  if (!s.ok()) return model_.in_data(data_, s);
  return whole_ ? model_.check_nonzeros(data_, nonzeros_) : ok_status();
}

}  // namespace dcf::impl
