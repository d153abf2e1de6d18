// SPDX-License-Identifier: Apache-2.0
#include "model/spread_kernels.h"

#include <algorithm>

#include "base/checked.h"
#include "codec/bit_reader.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dcf::impl::model {
namespace {

constexpr size_t kShuffled = 16;  // columns of a group whose pieces are shuffles

// With a last group that overlaps those before.
size_t most_pieces(uint64_t columns) {
  return static_cast<size_t>(std::min<uint64_t>(columns + kShuffled, SpreadPlan::kMostPieces));
}
size_t most_groups(uint64_t columns) {
  return static_cast<size_t>(
      std::min<uint64_t>(ceil_div(columns, kShuffled), SpreadPlan::kMostPieces));
}

// Adds the column, whose byte is the one after the `taken` bytes of its piece.
void add_column(size_t column, size_t group, uint8_t taken, SpreadPiece* piece) {
  if (group == kShuffled) {
    piece->columns[column] = taken;
  } else {
    piece->columns[column / 8] |= static_cast<uint8_t>(1u << (column % 8));
  }
}

}  // namespace

SpreadPlan::SpreadPlan(Bytes map, size_t group) {
  if (map.size() < kShuffled || map.size() > kShuffled * kMostPieces) return;
  pieces_.reserve(most_pieces(map.size()));
  groups_.reserve(most_groups(map.size()));
  std::array<uint32_t, kMaxClasses> before{};  // columns of each class
  size_t counted = 0;
  for (size_t done = 0; done < map.size(); done += group) {
    const size_t column = group == kShuffled ? std::min(done, map.size() - group) : done;
    for (; counted < column; ++counted) ++before[map[counted]];
    std::array<SpreadPiece, kMaxClasses> of_class;
    std::array<uint8_t, kMaxClasses> taken{};
    for (size_t i = 0; i < std::min(group, map.size() - column); ++i) {
      const uint8_t c = map[column + i];
      if (taken[c] == 0) {
        of_class[c] = {before[c], c, {}};
        if (group == kShuffled) of_class[c].columns.fill(SpreadPiece::kNone);
      }
      add_column(i, group, taken[c]++, &of_class[c]);
    }
    const auto used = std::count_if(taken.begin(), taken.end(), [](uint8_t n) { return n > 0; });
    if (pieces_.size() + static_cast<size_t>(used) > kMostPieces) {
      *this = SpreadPlan();
      return;
    }
    for (size_t c = 0; c < kMaxClasses; ++c) {
      if (taken[c] > 0) pieces_.push_back(of_class[c]);
    }
    groups_.push_back({static_cast<uint32_t>(column), static_cast<uint32_t>(pieces_.size())});
  }
}

uint64_t SpreadPlan::memory(uint64_t columns) {
  return most_pieces(columns) * sizeof(SpreadPiece) + most_groups(columns) * sizeof(Group);
}

#if defined(__x86_64__)
namespace {

#define DCF_AVX2 __attribute__((target("avx2")))
#define DCF_AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2")))

DCF_AVX2 void shuffle_row(const SpreadPlan& plan, const SpreadSources& sources, size_t,
                          uint8_t* out) {
  const SpreadPiece* piece = plan.pieces().data();
  for (const SpreadPlan::Group& group : plan.groups()) {
    const SpreadPiece* const end = plan.pieces().data() + group.end;
    __m128i joined = _mm_setzero_si128();
    for (; piece < end; ++piece) {
      const auto* const from =
          reinterpret_cast<const __m128i*>(sources[piece->source] + piece->offset);
      const auto* const lanes = reinterpret_cast<const __m128i*>(piece->columns.data());
      joined =
          _mm_or_si128(joined, _mm_shuffle_epi8(_mm_loadu_si128(from), _mm_loadu_si128(lanes)));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + group.column), joined);
  }
}

DCF_AVX512 void expand_row(const SpreadPlan& plan, const SpreadSources& sources, size_t columns,
                           uint8_t* out) {
  const SpreadPiece* piece = plan.pieces().data();
  for (const SpreadPlan::Group& group : plan.groups()) {
    const SpreadPiece* const end = plan.pieces().data() + group.end;
    __m512i joined = _mm512_setzero_si512();
    for (; piece < end; ++piece) {
      const __m512i from = _mm512_loadu_si512(sources[piece->source] + piece->offset);
      const auto taking = load_le<uint64_t>(piece->columns.data());
      joined = _mm512_mask_expand_epi8(joined, _cvtu64_mask64(taking), from);
    }
    const size_t left = columns - group.column;
    const uint64_t there = left >= 64 ? ~uint64_t{0} : codec::low_mask(static_cast<unsigned>(left));
    _mm512_mask_storeu_epi8(out + group.column, _cvtu64_mask64(there), joined);
  }
}

constexpr SpreadKernels kAvx2SpreadKernels = {CpuSet::kAvx2, kShuffled, shuffle_row};
constexpr SpreadKernels kAvx512SpreadKernels = {CpuSet::kAvx512vbmi2, SpreadPlan::kMostColumns,
                                                expand_row};
constexpr auto kSpreadFamily =
    std::to_array<const SpreadKernels*>({&kAvx2SpreadKernels, &kAvx512SpreadKernels});

}  // namespace
#endif

std::vector<const SpreadKernels*> available_spread_kernels() {
#if defined(__x86_64__)
  return kernels_in<SpreadKernels>(kSpreadFamily, detected_cpu_sets());
#else
  return {};
#endif
}

const SpreadKernels* active_spread_kernels() {
#if defined(__x86_64__)
  static const auto usable = kernels_in<SpreadKernels>(kSpreadFamily, kernel_choice().allowed);
  return usable.empty() ? nullptr : usable.back();
#else
  return nullptr;
#endif
}

}  // namespace dcf::impl::model
