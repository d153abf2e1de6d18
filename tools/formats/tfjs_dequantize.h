// SPDX-License-Identifier: Apache-2.0
// Quantised weights of TensorFlow.js as the numbers they stand for.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "formats/model_source.h"
#include "formats/tfjs_manifest.h"

namespace dcf::tools {

// The type of the numbers: float32 or int32. Throws Error, which names `file` and `weight`, for
// what TensorFlow.js itself does not turn into numbers.
dcf_dtype tfjs_number_dtype(const std::string& file, const std::string& weight,
                            const TfjsQuantization& quantization);

// Reads the numbers, little-endian. The words come from `words`. As TensorFlow.js computes them:
// word * scale + min in double precision, rounded to float32; for int32 to the nearest integer,
// halves up, and from there to 32 bits as JavaScript does.
std::unique_ptr<TensorReader> read_tfjs_numbers(std::unique_ptr<TensorReader> words,
                                                const TfjsQuantization& quantization);

}  // namespace dcf::tools
