// SPDX-License-Identifier: Apache-2.0
// What classes cost, in units of 1/64 bit (encode/plan/bit_costs.h). Pure functions.
#pragma once

#include "codec/code_lengths.h"
#include "encode/plan/bit_costs.h"

namespace dcf::impl::encode {

// Of a byte, in these units.
inline constexpr unsigned kByteShift = 3 + kFractionBits;

// The streams of a class with this histogram in `chunks` chunks, and its table; not its place in
// the class map.
uint64_t class_cost(const codec::Histogram& histogram, uint64_t chunks);

void add_to(codec::Histogram* to, const codec::Histogram& from);

}  // namespace dcf::impl::encode
