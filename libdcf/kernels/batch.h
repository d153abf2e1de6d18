// SPDX-License-Identifier: Apache-2.0
// Y = W X with the batch along the vector: samples are transposed into tiles of up to 64 columns.
#pragma once

#include <memory>

#include "kernels/entries.h"
#include "kernels/layer_kernel.h"
#include "kernels/tile.h"

namespace dcf::impl::kernels {

// Null if the entries cannot be loaded.
std::unique_ptr<LayerKernel> make_batch(const EntrySource& source, bool dense,
                                        const TileLoops& loops = active_tile_loops());

}  // namespace dcf::impl::kernels
