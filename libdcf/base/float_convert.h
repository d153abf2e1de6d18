// SPDX-License-Identifier: Apache-2.0
// Numeric values of elements of dtypes 1..15, 22 and 23 (spec, section 4.1), and float words from
// numbers.
//
// A conversion is exact if the target can hold the value, and rounds to nearest even otherwise
// (IEEE 754-2019). f8e4m3 and f8e5m2 are those of Micikevicius et al., "FP8 Formats for Deep
// Learning", 2022: f8e4m3 has no infinity and one NaN per sign. The fnuz formats are those of Noune
// et al., "8-bit Numerical Formats for Deep Neural Networks", 2022: they have no infinity, no -0
// and one NaN without a sign, 0x80. A NaN stays a NaN of the same sign; converted to f32 it becomes
// quiet and keeps the top bits of its payload. The thread must run in the default floating-point
// environment. Pure functions; other dtypes must not be passed.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/dtype.h"

namespace dcf::impl {

// The value of one word. f64 and integers of 32 and 64 bits may be rounded to float, integers of 64
// bits also to double.
float word_to_float(DType dtype, uint64_t word);
double word_to_double(DType dtype, uint64_t word);

// The word of a float dtype nearest to `value`. Beyond the greatest finite value: infinity, or NaN
// for the dtypes without infinities.
uint64_t double_to_word(DType dtype, double value);

// Values of dst.size() elements. `words`: exactly that many, little-endian, of any alignment.
void words_to_floats(DType dtype, Bytes words, std::span<float> dst);
void words_to_doubles(DType dtype, Bytes words, std::span<double> dst);

}  // namespace dcf::impl
