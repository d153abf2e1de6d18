// SPDX-License-Identifier: Apache-2.0
#include "formats/tfjs_dequantize.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "base/float_convert.h"
#include "formats/le_bytes.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr size_t kNumberBytes = 4;

// ToInt32 of ECMAScript: modulo 2^32, and 0 for what is not finite.
uint32_t to_int32(double value) {
  if (!std::isfinite(value)) return 0;
  constexpr double kModulus = 4294967296.0;
  double rest = std::fmod(value, kModulus);
  if (rest < 0) rest += kModulus;
  return static_cast<uint32_t>(rest);
}

// Math.round(): to the nearest integer, halves up.
double round_half_up(double value) {
  const double floor = std::floor(value);
  return value - floor >= 0.5 ? floor + 1 : floor;
}

class Dequantizer final : public TensorReader {
 public:
  Dequantizer(std::unique_ptr<TensorReader> words, const TfjsQuantization& quantization)
      : words_(std::move(words)),
        quantization_(quantization),
        word_bytes_(quantization.stored == DCF_DTYPE_U8 ? 1 : 2) {}

  void read(std::span<uint8_t> out) override {
    do {  // also once for an empty tensor
      const size_t count = std::min(kPiece, out.size() / kNumberBytes);
      const std::span<uint8_t> words = std::span(buffer_).first(count * word_bytes_);
      words_->read(words);
      for (size_t i = 0; i < count; ++i) {
        const uint8_t* const at = &words[i * word_bytes_];
        const uint64_t word = word_bytes_ == 1 ? *at : load_le<uint16_t>(at);
        impl::store_le(&out[i * kNumberBytes], number(word));
      }
      out = out.subspan(count * kNumberBytes);
    } while (!out.empty());
  }

 private:
  static constexpr size_t kPiece = 4096;  // numbers

  uint32_t number(uint64_t word) const {
    if (quantization_.stored == DCF_DTYPE_F16) {
      return std::bit_cast<uint32_t>(impl::word_to_float(impl::DType::kF16, word));
    }
    const double value = static_cast<double>(word) * quantization_.scale + quantization_.min;
    if (quantization_.dtype == "int32") return to_int32(round_half_up(value));
    return std::bit_cast<uint32_t>(static_cast<float>(value));
  }

  std::unique_ptr<TensorReader> words_;
  TfjsQuantization quantization_;
  size_t word_bytes_;
  std::array<uint8_t, 2 * kPiece> buffer_{};
};

}  // namespace

dcf_dtype tfjs_number_dtype(const std::string& file, const std::string& weight,
                            const TfjsQuantization& quantization) {
  if (quantization.dtype == "float32") return DCF_DTYPE_F32;
  if (quantization.dtype == "int32" && quantization.stored != DCF_DTYPE_F16) return DCF_DTYPE_I32;
  throw_failure(file, "weight " + quote(weight) + " has the dtype " + quote(quantization.dtype) +
                          ", which TensorFlow.js does not turn back into numbers either");
}

std::unique_ptr<TensorReader> read_tfjs_numbers(std::unique_ptr<TensorReader> words,
                                                const TfjsQuantization& quantization) {
  return std::make_unique<Dequantizer>(std::move(words), quantization);
}

}  // namespace dcf::tools
