// SPDX-License-Identifier: Apache-2.0
#include "cli/parts/item_memory.h"

#include <algorithm>
#include <thread>

#include "cli/write_dcf.h"

namespace dcf::tools {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kProgram = 24 * kMiB;    // code, libraries, what they set up
constexpr uint64_t kHeaderBytes = 2048;     // of headers and plan, for each tensor
constexpr uint64_t kMostSpool = 64 * kMiB;  // coded data that wait in memory (dcf_write.h)
constexpr uint64_t kPieces = 40 * kMiB;    // the store of a tensor in pieces, and its transposition
constexpr uint64_t kPerThread = 6 * kMiB;  // statistics of positions
constexpr uint64_t kChunkElements =
    98304;  // rows of 65536 elements at most may be half as long again
constexpr uint64_t kMostRow = uint64_t{1} << 20;

uint64_t threads_of(const WorkPlan& plan) {
  return plan.threads != 0 ? plan.threads : std::max(1u, std::thread::hardware_concurrency());
}

uint64_t base_of(const WorkPlan& plan) {
  return kProgram + kHeaderBytes * plan.tensors.size();
}

// What encoding takes besides the tensor's own bytes.
uint64_t encoder_memory(const TensorMeta& tensor, const dcf_encode_options& options,
                        const WorkPlan& plan) {
  const uint64_t elements = tensor.elements();
  const uint64_t width = std::max<uint64_t>(1, tensor.bits / 8);
  const uint64_t row = tensor.dims.empty() || tensor.dims[0] == 0 ? 1 : elements / tensor.dims[0];
  const uint64_t chunk = std::min(elements, std::clamp(row, kChunkElements, kMostRow));
  // Two chunks per thread are encoded or wait: words, symbols, coded bytes that grow by doubling.
  uint64_t memory = threads_of(plan) * (kPerThread + 2 * chunk * (4 * width + 4));
  if (options.bits > 0) {
    // Codes of two clusterings; the weights that stay, sorted as floats or doubles.
    const uint64_t real = width > sizeof(float) ? sizeof(double) : sizeof(float);
    memory += elements * (3 + 3 * width + 2 * real);
    if (options.init == DCF_INIT_OPTIMAL) memory += 40 * kMiB;
  }
  if (options.sqnr_db > 0) memory += elements * (width + 4);  // rounded words and their numbers
  return memory;
}

}  // namespace

uint64_t peak_memory_of(const WorkItem& item, const WorkPlan& plan,
                        const std::vector<TensorMeta>& tensors) {
  uint64_t most = 0;
  for (const size_t i : item.tensors) {
    const TensorMeta& tensor = tensors[i];
    const bool whole =
        item.is_range() || tensor.bytes() <= most_whole_bytes(MemoryLimit(plan.max_memory));
    const dcf_encode_options& options = plan.options_of(i);
    const uint64_t held = whole || options.bits > 0 || options.sqnr_db > 0
                              ? item.is_range() ? item.bytes : tensor.bytes()
                              : kPieces;
    most = std::max(most, held + encoder_memory(tensor, options, plan));
  }
  const uint64_t limit = MemoryLimit(plan.max_memory).bytes();
  return base_of(plan) + std::min({kMostSpool, limit / 4, item.bytes}) + most;
}

uint64_t peak_memory_of_stats(const WorkPlan& plan) {
  return base_of(plan) + 8 * kMiB;
}

}  // namespace dcf::tools
