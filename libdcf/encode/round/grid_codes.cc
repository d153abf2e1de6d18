// SPDX-License-Identifier: Apache-2.0
#include "encode/round/grid_codes.h"

#include "codec/stream.h"
#include "encode/round/grid_round.h"
#include "encode/round/trellis.h"

namespace dcf::impl::encode {

std::optional<GridCodes> grid_codes(const Content& content, format::Values values,
                                    const GridScales& grid, uint64_t first, Bytes words,
                                    GridScratch* scratch) {
  const size_t n = words.size() / content.width();
  if (content.rounded != nullptr) {
    const auto begin = static_cast<size_t>(first);
    return GridCodes{std::span(content.rounded->numbers).subspan(begin, n),
                     Bytes(content.rounded->symbols).subspan(begin, n)};
  }
  scratch->numbers.resize(n);
  scratch->symbols.resize(n);
  if (!grid_numbers(content.dtype, grid, first, words, scratch->numbers.data())) {
    return std::nullopt;
  }
  code_grid_numbers(values, scratch->numbers, scratch->symbols);
  return GridCodes{scratch->numbers, scratch->symbols};
}

void code_grid_numbers(format::Values values, std::span<uint32_t> numbers, MutableBytes symbols) {
  if (values == format::Values::kTrellis) to_trellis_numbers(numbers);
  // Cannot fail: numbers of 32 bits have symbols.
  (void)codec::bucket_symbols<uint32_t>(numbers, kIntBuckets, kIntBuckets.alphabet(32), symbols);
}

}  // namespace dcf::impl::encode
