// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "kernels/row_windows_loops.h"

namespace dcf::impl::kernels {
namespace {

constexpr size_t kLanes = RowWindows::kLanes;
constexpr uint32_t kStride = RowWindows::kStride;

// The position of each lane: an index into `entries`.
using Lanes = std::array<uint64_t, kLanes>;

// Writes one step: each lane contributes its next entry if that lies in the window that begins at
// column `start`.
void put_step(const LayerEntries& e, bool codes, uint32_t start, Lanes* at,
              const StepList::Place& to) {
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const uint64_t i = (*at)[lane];
    const uint32_t offset = e.column(i) - start;
    const bool takes = offset < RowWindows::kWindow;
    if (codes) {
      const uint32_t code = e.entries[i] >> LayerEntries::kColumnBits;
      const uint32_t slot = RowWindows::kPresent | code << RowWindows::kCodeShift | offset;
      to.slots[lane] = takes ? static_cast<uint16_t>(slot) : 0;
    } else {
      to.columns[lane] = takes ? static_cast<uint8_t>(RowWindows::kPresentByte | offset) : 0;
      to.weights[lane] = takes ? e.weight(i) : 0.0f;
    }
    if (takes) ++(*at)[lane];
  }
}

// Packs sixteen rows. False if there would be more than max_steps steps.
bool pack_group(const LayerEntries& e, bool codes, Lanes at, uint64_t max_steps, StepList* steps) {
  const uint32_t end = e.has_codes() ? LayerEntries::kColumnMask : UINT32_MAX;
  uint32_t start = 0;
  for (;;) {
    uint32_t nearest = UINT32_MAX;
    bool ended = true;
    for (const uint64_t i : at) {
      nearest = std::min(nearest, e.column(i) - start);
      ended = ended && e.column(i) == end;
    }
    if (ended) return true;
    uint32_t strides = nearest / kStride;
    start += strides * kStride;
    // Steps that only move the window.
    for (; strides > kMostStrides; strides -= kMostStrides) {
      const StepList::Place to = steps->room(1);
      *to.advance = kMostStrides;
      if (codes) {
        std::fill_n(to.slots, kLanes, uint16_t{0});
      } else {
        std::fill_n(to.columns, kLanes, uint8_t{0});
        std::fill_n(to.weights, kLanes, 0.0f);
      }
      steps->add(1);
      if (steps->size() > max_steps) return false;
    }
    const StepList::Place to = steps->room(1);
    *to.advance = static_cast<uint8_t>(strides);
    put_step(e, codes, start, &at, to);
    steps->add(1);
    if (steps->size() > max_steps) return false;
  }
}

bool pack(const LayerEntries& e, uint64_t at, std::span<const uint32_t> order, uint64_t max_steps,
          RowWindows* w) {
  const uint64_t nothing = e.entries.size() - LayerEntries::kPadding;
  StepList steps(w);
  for (size_t first = 0; first < order.size(); first += kLanes) {
    Lanes lanes;
    lanes.fill(nothing);
    const size_t rows = std::min(order.size() - first, kLanes);
    for (size_t i = 0; i < rows; ++i) lanes[i] = e.row_start[at + order[first + i]];
    if (!pack_group(e, w->has_codes, lanes, max_steps, &steps)) return false;
    w->group_end.push_back(steps.size());
  }
  return true;
}

void multiply(const RowWindows& w, uint64_t first, uint64_t last, const float* x,
              const Epilogue& epilogue, float* y) {
  constexpr uint32_t kColumn = RowWindows::kWindow - 1;
  uint64_t step = first == 0 ? 0 : w.group_end[first - 1];
  for (uint64_t group = first; group < last; ++group) {
    std::array<float, kLanes> sums[2] = {};
    const float* at = x;
    for (unsigned odd = 0; step < w.group_end[group]; ++step, odd ^= 1) {
      at += w.advance[step] * RowWindows::kStride;
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const uint64_t i = step * kLanes + lane;
        if (w.has_codes) {
          const uint32_t slot = w.slots[i];
          if ((slot & RowWindows::kPresent) == 0) continue;
          const uint32_t code = (slot & ~RowWindows::kPresent) >> RowWindows::kCodeShift;
          sums[odd][lane] += at[slot & kColumn] * w.codebook[code];
        } else if ((w.columns[i] & RowWindows::kPresentByte) != 0) {
          sums[odd][lane] += at[w.columns[i] & kColumn] * w.weights[i];
        }
      }
    }
    const uint64_t begin = group * kLanes;
    for (size_t i = 0; i < std::min<uint64_t>(kLanes, w.rows - begin); ++i) {
      const uint64_t row = w.first_row + w.order[begin + i];
      y[row] = epilogue.finish(sums[0][i] + sums[1][i], row);
    }
  }
}

}  // namespace

const RowWindowLoops kScalarRowWindowLoops = {CpuSet::kScalar, pack, multiply};

}  // namespace dcf::impl::kernels
