// SPDX-License-Identifier: Apache-2.0
#include "kernels/tile.h"

#include <array>

namespace dcf::impl::kernels {
namespace {

constexpr auto kFamily = std::to_array<const TileLoops*>({
  &kScalarTileLoops,
#if defined(__x86_64__)
      &kAvx2TileLoops, &kAvx512bwTileLoops,
#endif
});

}  // namespace

std::vector<const TileLoops*> available_tile_loops() {
  return kernels_in<TileLoops>(kFamily, detected_cpu_sets());
}

const TileLoops& active_tile_loops() {
  static const TileLoops& active = best_kernels<TileLoops>(kFamily);
  return active;
}

}  // namespace dcf::impl::kernels
