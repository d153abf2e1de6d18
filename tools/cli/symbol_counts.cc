// SPDX-License-Identifier: Apache-2.0
#include "cli/symbol_counts.h"

namespace dcf::tools {
namespace {

// How elements lie in rows of `cols` columns.
struct View {
  uint64_t cols;
  bool transposed;
};

// Gaps as the format has them: positions count from the start of a row; a filler stands where the
// next entry is more than 2^bits columns on. Empty where entries do not come to the file's number.
std::vector<uint64_t> count_gaps(const std::vector<uint16_t>& codes, const dcf_tensor_info& t,
                                 View view) {
  const uint64_t reach = uint64_t{1} << t.gap_bits;
  const uint64_t rows = (t.elements + view.cols - 1) / view.cols;
  std::vector<uint64_t> gaps(reach);
  uint64_t entries = 0;
  uint64_t next = 0;  // the first column not yet passed
  for (uint64_t v = 0; v < t.elements; ++v) {
    const uint64_t col = v % view.cols;
    if (col == 0) next = 0;
    if (codes[view.transposed ? col * rows + v / view.cols : v] == 0) continue;
    for (; col - next >= reach; next += reach, ++entries) ++gaps[reach - 1];
    ++gaps[col - next];
    ++entries;
    next = col + 1;
  }
  if (entries != t.entries) gaps.clear();
  return gaps;
}

// A file does not tell in which of the forms of section 4.3 of the format a tensor lies, but the
// number of its fillers gives it away.
std::vector<uint64_t> count_gaps(const std::vector<uint16_t>& codes, const dcf_tensor_info& t) {
  const View views[] = {{t.cols, false},
                        {t.rows, true},
                        {(t.elements + t.chunks - 1) / t.chunks, false},
                        {t.elements, false}};
  for (const View& view : views) {
    std::vector<uint64_t> gaps = count_gaps(codes, t, view);
    if (!gaps.empty()) return gaps;
  }
  return {};
}

}  // namespace

SymbolCounts count_symbols(const DcfFile& file, size_t i) {
  const dcf_tensor_info t = file.tensor(i);
  SymbolCounts counts;
  if (t.values != DCF_VALUES_PALETTE) return counts;
  std::vector<uint16_t> codes(t.elements);
  dcf_error error = DCF_ERROR_INIT;
  file.check(dcf_tensor_decode_codes(file.handle(), i, codes.data(), codes.size(), &error), error);
  const bool sparse = t.positions != DCF_POSITIONS_DENSE;
  counts.codes.assign(t.codebook_size + (sparse ? 1 : 0), 0);
  for (const uint16_t c : codes) ++counts.codes[c];
  if (sparse) counts.codes[0] = t.entries - t.nonzeros;
  if (t.positions == DCF_POSITIONS_GAP && t.chunks > 0) counts.gaps = count_gaps(codes, t);
  return counts;
}

}  // namespace dcf::tools
