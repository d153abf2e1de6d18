// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/stream_plan.h"

#include "codec/package_merge.h"

namespace dcf::impl::encode {
namespace {

// Bytes that a chunk adds to a Huffman stream besides its bits: mode, lengths and padding.
uint64_t chunk_overhead(uint64_t symbols, unsigned used) {
  if (symbols < codec::kFourStreams) return 2;
  if (symbols < codec::kTreeSymbols) return 11;
  return 4 + used / 8;
}

}  // namespace

StreamPlan plan_stream(const codec::Histogram& histogram, unsigned alphabet, uint64_t chunks) {
  const auto counts = std::span<const uint64_t>(histogram).first(alphabet);
  uint64_t count = 0;
  unsigned used = 0;
  for (const uint64_t n : counts) {
    count += n;
    used += n > 0;
  }
  if (count == 0) return {};
  if (used == 1) return {std::nullopt, 2 * chunks};
  StreamPlan plan;
  plan.bytes =
      codec::stream_cost(histogram, alphabet, nullptr, codec::HuffmanLayout::kAuto) + chunks - 1;
  Result<codec::CodeLengths> code = codec::optimal_code_lengths(counts);
  if (!code.ok()) return plan;
  std::vector<uint8_t> record;
  codec::append_code_lengths(code.value(), &record);
  uint64_t coded = record.size();
  if (chunks == 1) {
    coded += codec::stream_cost(histogram, alphabet, &code.value(), codec::HuffmanLayout::kAuto);
  } else {
    uint64_t bits = 0;
    for (unsigned i = 0; i < alphabet; ++i) bits += counts[i] * code.value().length(i);
    coded += bits / 8 + chunks * chunk_overhead(count / chunks, used);
  }
  if (coded < plan.bytes) {
    plan.code = code.take();
    plan.bytes = coded;
  }
  return plan;
}

}  // namespace dcf::impl::encode
