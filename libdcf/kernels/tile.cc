// SPDX-License-Identifier: Apache-2.0
#include "kernels/tile.h"

#include <array>

#include "base/kernel_choice.h"

namespace dcf::impl {

std::span<const TileLoops* const> available_tile_loops() {
#if defined(__x86_64__)
  static constexpr std::array<const TileLoops*, 3> kAll = {&kScalarTileLoops, &kAvx2TileLoops,
                                                           &kAvx512TileLoops};
  size_t count = 1;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    ++count;
    if (__builtin_cpu_supports("avx512f")) ++count;
  }
  return std::span(kAll).first(count);
#else
  static constexpr std::array<const TileLoops*, 1> kAll = {&kScalarTileLoops};
  return kAll;
#endif
}

const TileLoops& active_tile_loops() {
  static const TileLoops& active = choose_kernels(available_tile_loops());
  return active;
}

}  // namespace dcf::impl
