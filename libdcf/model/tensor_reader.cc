// SPDX-License-Identifier: Apache-2.0
#include "model/tensor_reader.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "base/checked.h"

namespace dcf::impl::model {

ReadPlan whole_tensor(const format::Tensor& tensor, DecodeProgress* progress) {
  ReadPlan plan;
  plan.chunks = {0, tensor.chunks};
  plan.progress = progress;
  return plan;
}

namespace {

// As many as there are workers; each decodes chunk after chunk.
class Scratches {
 public:
  Scratches(const Model& model, uint64_t workers) {
    all_.reserve(workers);
    for (uint64_t i = 0; i < workers; ++i) all_.push_back(model.lend_scratch());
    for (const ScratchLoan& loan : all_) idle_.push_back(loan.get());
  }

  class Loan {
   public:
    explicit Loan(Scratches* from) : from_(from) {
      const std::lock_guard lock(from_->mutex_);
      scratch_ = from_->idle_.back();
      from_->idle_.pop_back();
    }
    ~Loan() {
      const std::lock_guard lock(from_->mutex_);
      from_->idle_.push_back(scratch_);
    }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ChunkScratch* get() const { return scratch_; }

   private:
    Scratches* from_;
    ChunkScratch* scratch_;
  };

 private:
  std::vector<ScratchLoan> all_;
  std::mutex mutex_;
  std::vector<ChunkScratch*> idle_;
};

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
      reader_(model, data, plan.progress) {}

Result<DecodedChunk> TensorReader::load(uint64_t chunk, ChunkScratch* scratch,
                                        const WordsTarget& target) const {
  Result<DecodedChunk> decoded = reader_.load(chunk, scratch, target);
  if (decoded.ok()) nonzeros_.fetch_add(decoded.value()->nonzeros, std::memory_order_relaxed);
  return decoded;
}

Status TensorReader::for_each_chunk(const ChunkBody& body) const {
  // Made before the loop: a chunk that failed for want of a scratch, before its body, would leave
  // those that wait for its turn (base/running_sum.h) waiting.
  Scratches scratches(model_, std::min(workers(), chunks_.size()));
  nonzeros_ = 0;
  return finish(model_.for_items(chunks_.size(), workers(), [&](size_t item) {
    const Scratches::Loan scratch(&scratches);
    return body(chunks_.first + item, scratch.get());
  }));
}

Status TensorReader::for_each_chunk_in_order(const ChunkBody& body) const {
  nonzeros_ = 0;
  const ScratchLoan scratch = model_.lend_scratch();
  for (uint64_t chunk = chunks_.first; chunk < chunks_.last; ++chunk) {
    const Status s = body(chunk, scratch.get());
    if (!s.ok()) return finish(s);
  }
  return finish(ok_status());
}

Status TensorReader::finish(const Status& s) const {
  if (!s.ok()) return model_.in_data(data_, s);
  return whole_ ? model_.check_nonzeros(data_, nonzeros_) : ok_status();
}

}  // namespace dcf::impl::model
