// SPDX-License-Identifier: Apache-2.0
// Finds the grid (spec, section 8.4) that the words of a tensor lie on: weights that were quantised
// once, and are floats again. Each word is then the rounded product of a small integer and the
// scale of its row, of its column or of whatever unit has one.
//
// The scale of a unit is an approximate common divisor of its values (N. Howgrave-Graham,
// "Approximate integer common divisors", CaLC 2001, where the errors are those of rounding). It is
// kept as an interval: each value narrows it, and a value that is no multiple of it divides it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "encode/content/content.h"
#include "encode/content/grid_scales.h"
#include "encode/content/work.h"

namespace dcf::impl::encode {

// Scales that give every word of the tensor again, of as few units as any; nothing where none are
// found, which a few values show for most tensors. Linear in the elements. `dims`: of the tensor.
// Fails with LimitMemory, Cancelled, or as a store does.
Result<std::optional<GridScales>> find_scales(const Content& content,
                                              const std::vector<uint64_t>& dims, const Work& work);

// A tensor that may be cut into ranges (encode/write/candidates.h) is encoded as a whole where its
// rows seem to lie on a grid each, of which any words of it tell. Whether rows are long enough for
// that.
bool may_have_row_scales(DType dtype, std::span<const uint64_t> dims);
// find_scales() for a tensor with such rows, with one scale for each of them.
Result<std::optional<GridScales>> find_row_scales(const Content& content,
                                                  const std::vector<uint64_t>& dims,
                                                  const Work& work);
// Words of such a tensor, wherever they come from: how many groups of neighbours seem to lie on a
// grid, and how many do not.
struct GridVotes {
  uint64_t on = 0;
  uint64_t off = 0;
};
GridVotes vote_on_grid(DType dtype, Bytes words);

}  // namespace dcf::impl::encode
