// SPDX-License-Identifier: Apache-2.0
#include "model/spread_kernels.h"

#include <algorithm>

#include "base/checked.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dcf::impl {
namespace {

// With the last 16 columns, which may overlap those before.
size_t most_pieces(uint64_t columns) {
  return static_cast<size_t>(
      std::min<uint64_t>(columns + SpreadPlan::kColumns, SpreadPlan::kMostPieces));
}
size_t most_groups(uint64_t columns) {
  return static_cast<size_t>(
      std::min<uint64_t>(ceil_div(columns, SpreadPlan::kColumns), SpreadPlan::kMostPieces));
}

}  // namespace

SpreadPlan::SpreadPlan(Bytes map) {
  if (map.size() < kColumns || map.size() > kColumns * kMostPieces) return;
  pieces_.reserve(most_pieces(map.size()));
  groups_.reserve(most_groups(map.size()));
  std::array<uint32_t, kMaxClasses> before{};  // columns of each class
  size_t counted = 0;
  for (size_t done = 0; done < map.size(); done += kColumns) {
    const size_t column = std::min(done, map.size() - kColumns);
    for (; counted < column; ++counted) ++before[map[counted]];
    std::array<SpreadPiece*, kMaxClasses> of_class{};
    std::array<SpreadPiece, kColumns> some;
    size_t used = 0;
    for (size_t i = 0; i < kColumns; ++i) {
      SpreadPiece*& piece = of_class[map[column + i]];
      if (piece == nullptr) {
        piece = &some[used++];
        *piece = {before[map[column + i]], map[column + i], {}};
        piece->lanes.fill(SpreadPiece::kNone);
      }
      const auto taken = std::count_if(piece->lanes.begin(), piece->lanes.end(),
                                       [](uint8_t lane) { return lane != SpreadPiece::kNone; });
      piece->lanes[i] = static_cast<uint8_t>(taken);
    }
    if (pieces_.size() + used > kMostPieces) {
      *this = SpreadPlan();
      return;
    }
    pieces_.insert(pieces_.end(), some.begin(), some.begin() + static_cast<ptrdiff_t>(used));
    groups_.push_back({static_cast<uint32_t>(column), static_cast<uint32_t>(pieces_.size())});
  }
}

uint64_t SpreadPlan::memory(uint64_t columns) {
  return most_pieces(columns) * sizeof(SpreadPiece) + most_groups(columns) * sizeof(Group);
}

#if defined(__x86_64__)
namespace {

#define DCF_AVX2 __attribute__((target("avx2")))

DCF_AVX2 size_t spread_rows(const SpreadPlan& plan, SpreadSources* sources, const uint8_t* limit,
                            size_t rows, size_t columns, uint8_t* out) {
  SpreadSources s = *sources;
  size_t row = 0;
  for (; row < rows; ++row, out += columns) {
    bool fits = true;
    for (size_t c = 0; c < kMaxClasses; ++c) {
      fits &= s.of_row[c] == 0 ||
              static_cast<size_t>(limit - s.from[c]) >= s.of_row[c] + SpreadPlan::kColumns;
    }
    if (!fits) break;
    const SpreadPiece* piece = plan.pieces().data();
    for (const SpreadPlan::Group& group : plan.groups()) {
      const SpreadPiece* const end = plan.pieces().data() + group.end;
      __m128i joined = _mm_setzero_si128();
      for (; piece < end; ++piece) {
        const auto* const from =
            reinterpret_cast<const __m128i*>(s.from[piece->source] + piece->offset);
        const auto* const lanes = reinterpret_cast<const __m128i*>(piece->lanes.data());
        joined =
            _mm_or_si128(joined, _mm_shuffle_epi8(_mm_loadu_si128(from), _mm_loadu_si128(lanes)));
      }
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + group.column), joined);
    }
    for (size_t c = 0; c < kMaxClasses; ++c) s.from[c] += s.of_row[c];
  }
  *sources = s;
  return row;
}

}  // namespace
#endif

SpreadRows active_spread_rows() {
#if defined(__x86_64__)
  static const bool usable = kernel_choice().allowed.has(CpuSet::kAvx2);
  return usable ? spread_rows : nullptr;
#else
  return nullptr;
#endif
}

}  // namespace dcf::impl
