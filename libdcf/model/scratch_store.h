// SPDX-License-Identifier: Apache-2.0
// Scratch that calls leave for those that follow. A tensor of some tens of kilobytes is decoded in
// less time than the pages of new scratch take to be mapped.
#pragma once

#include <mutex>
#include <vector>

#include "base/memory_budget.h"
#include "model/chunk_decoder.h"

namespace dcf::impl::model {

class ScratchStore;

// Scratch of one thread, which returns to its store. It may be empty or have the memory of chunks
// that it decoded before; that memory is part of the budget until then, beside what the borrower
// takes.
class ScratchLoan {
 public:
  explicit ScratchLoan(ScratchStore* store);
  ScratchLoan(ScratchLoan&& other) noexcept = default;
  ScratchLoan& operator=(ScratchLoan&&) = delete;
  ~ScratchLoan();
  ChunkScratch* get() const { return kept_.scratch.get(); }

 private:
  friend class ScratchStore;
  struct Kept {
    std::unique_ptr<ChunkScratch> scratch;
    MemoryShare memory;
  };
  ScratchStore* store_;
  Kept kept_;
};

// Thread-safe. Keeps what the budget has room for, and gives it up to whom lacks memory.
class ScratchStore {
 public:
  // The budget outlives the store.
  explicit ScratchStore(MemoryBudget* budget) : budget_(budget) {}
  // Frees what is kept.
  void clear();

 private:
  friend class ScratchLoan;
  ScratchLoan::Kept take();
  void keep(ScratchLoan::Kept kept);

  MemoryBudget* budget_;
  std::mutex mutex_;
  std::vector<ScratchLoan::Kept> idle_;
};

}  // namespace dcf::impl::model
