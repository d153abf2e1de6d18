// SPDX-License-Identifier: Apache-2.0
#include "model/scratch_store.h"

#include <utility>

namespace dcf::impl::model {
namespace {

// What is larger is mapped in less time than its chunks take to decode.
constexpr uint64_t kMostBytes = uint64_t{4} << 20;
// And the part of the budget that is not worth more than a call that finds it whole.
constexpr uint64_t kPartOfBudget = 16;

}  // namespace

ScratchLoan::ScratchLoan(ScratchStore* store) : store_(store), kept_(store->take()) {}

ScratchLoan::~ScratchLoan() {
  if (kept_.scratch != nullptr) store_->keep(std::move(kept_));
}

ScratchLoan::Kept ScratchStore::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      ScratchLoan::Kept kept = std::move(idle_.back());
      idle_.pop_back();
      return kept;
    }
  }
  return {std::make_unique<ChunkScratch>(), {}};
}

void ScratchStore::keep(ScratchLoan::Kept kept) {
  const uint64_t bytes = kept.scratch->memory();
  kept.memory = {};
  if (bytes > kMostBytes || bytes > budget_->total() / kPartOfBudget) return;
  kept.memory = budget_->take({bytes, 0});
  if (!kept.memory) return;
  const std::lock_guard lock(mutex_);
  try {
    idle_.push_back(std::move(kept));
  } catch (const std::bad_alloc&) {  // then it is not kept
  }
}

void ScratchStore::clear() {
  std::vector<ScratchLoan::Kept> idle;
  const std::lock_guard lock(mutex_);
  idle.swap(idle_);
}

}  // namespace dcf::impl::model
