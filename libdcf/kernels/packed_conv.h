// SPDX-License-Identifier: Apache-2.0
// Convolution as a product: the positions of the window are the columns of a tile, which is filled
// straight from the image.
#pragma once

#include <memory>

#include "kernels/conv2d.h"
#include "kernels/entries.h"
#include "kernels/layer_kernel.h"
#include "kernels/tile.h"

namespace dcf::impl::kernels {

// conv.complete() has succeeded for the tensor of the entries.
std::unique_ptr<LayerKernel> make_packed_conv(const LayerEntries& entries, const Conv2d& conv,
                                              bool dense, const Parallel& parallel,
                                              const TileLoops& loops = active_tile_loops());

}  // namespace dcf::impl::kernels
