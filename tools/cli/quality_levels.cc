// SPDX-License-Identifier: Apache-2.0
#include "cli/quality_levels.h"

#include <dcf/dcf_write.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "formats/dcf_error.h"

namespace dcf::tools {
namespace {

constexpr std::pair<std::string_view, double> kLevels[] = {{"near-lossless", kNearLossless},
                                                           {"balanced", kBalanced},
                                                           {"small", kSmallQuality},
                                                           {"tiny", kTiny}};

}  // namespace

std::optional<double> quality_of(std::string_view text) {
  for (const auto& [name, quality] : kLevels) {
    if (name == text) return quality;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(value >= kLeastQuality && value <= kGreatestQuality)) return std::nullopt;
  return value;
}

std::string quality_names() {
  std::string names;
  for (const auto& [name, quality] : kLevels) names += std::string(name) + ", ";
  return names + fmt::format("or {} to {} (dB)", kLeastQuality, kGreatestQuality);
}

std::string quality_text(double quality) {
  for (const auto& [name, of_level] : kLevels) {
    if (of_level == quality) return std::string(name);
  }
  return fmt::format("{:.4g} dB", quality);
}

bool may_be_rounded(dcf_dtype dtype) {
  return dtype == DCF_DTYPE_F32 || dtype == DCF_DTYPE_F16 || dtype == DCF_DTYPE_BF16;
}

std::vector<double> sqnr_of(double quality, const std::vector<uint64_t>& elements,
                            const std::vector<double>& costs) {
  std::vector<double> sqnr(elements.size());
  dcf_error error = DCF_ERROR_INIT;
  const dcf_status status =
      dcf_allot_quality(quality, elements.data(), costs.empty() ? nullptr : costs.data(),
                        elements.size(), sqnr.data(), &error);
  if (status != DCF_OK) throw_dcf_error("--quality", status, error, nullptr);
  return sqnr;
}

double bits_of(double sqnr_db) {
  constexpr double kDecibelsPerBit = 6.02;
  constexpr double kShape = 0.25;  // log2(2 pi e / 12) / 2
  constexpr double kTrellis = 0.16;
  return std::max(1.0, sqnr_db / kDecibelsPerBit + kShape - kTrellis);
}

}  // namespace dcf::tools
