// SPDX-License-Identifier: Apache-2.0
// Turns an input into the contents that are coded: pruning and clustering (Deep Compression,
// sections 2 and 3), rounding, signs of zeros, codebooks.
#pragma once

#include <vector>

#include "encode/content/content.h"
#include "encode/content/grid_scales.h"
#include "encode/content/tensor_input.h"
#include "encode/content/work.h"

namespace dcf::impl::encode {

struct Lowered {
  Content content;
  bool dense_allowed = true;
  bool sparse_allowed = true;
  format::Fidelity fidelity = format::Fidelity::kBitExact;
  double error_bound = 0;  // greatest |original - decoded|
  // Set where every value is known to be an integer times the scale of its unit (spec, section
  // 8.4). Then grid values are a candidate; without it they are looked for.
  std::optional<GridScales> scales;
  // Taken before the alternatives after it, unless it is larger by more than this part.
  double margin = 0;
};

// The one or two alternatives that may be written for an input. There are two if clustering depends
// on the positions (dcf_write.h: all weights are clustered with dense positions, only nonzeros with
// sparse ones), or if a tensor that was to be rounded has so few values, so many zeros or a grid of
// its own, so that it may be as small without loss. A tensor that pruning and clustering do not
// change stays lossless; in one that they change, every zero becomes +0. With 8 bits there are 255
// clusters, because one code is the filler zero's; where clusters are filled and positions are
// dense, 256. What the source has lost is added to the fidelity and the bound. Pieces are not
// clustered or rounded: the writer reads a tensor that is to be into memory. Fails if pieces cannot
// be read, and as round_to_grid().
Result<std::vector<Lowered>> lower(const CheckedInput& input, const Work& work);

}  // namespace dcf::impl::encode
