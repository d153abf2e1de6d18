// SPDX-License-Identifier: Apache-2.0
#include "train/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "model/error.h"
#include "network/labels.h"
#include "network/run.h"

namespace dcf::tools {

void check_data(const Digits& digits, const Network& network, const std::string& where) {
  if (digits.pixels() != network.input.size()) {
    throw_invalid(where, fmt::format("holds images of {}x{} pixels, where the network takes {} "
                                     "values",
                                     digits.height, digits.width, network.input.size()));
  }
  const uint8_t last = *std::max_element(digits.labels.begin(), digits.labels.end());
  if (last >= network.outputs()) {
    throw_invalid(where, fmt::format("has the label {}, where the network tells {} classes apart",
                                     last, network.outputs()));
  }
}

uint64_t count_wrong_from_file(const std::string& path, const Digits& digits) {
  constexpr uint64_t kPiece = 1000;
  const DcfFile file(path, {});
  const Network network = read_network(file);
  uint64_t wrong = 0;
  for (uint64_t first = 0; first < digits.count; first += kPiece) {
    const uint64_t n = std::min(kPiece, digits.count - first);
    const auto at = digits.images.begin() + static_cast<std::ptrdiff_t>(first * digits.pixels());
    const std::vector<float> x(at, at + static_cast<std::ptrdiff_t>(n * digits.pixels()));
    wrong += count_wrong(run_network(file, network, x, n), network.outputs(),
                         std::span(digits.labels).subspan(first, n));
  }
  return wrong;
}

}  // namespace dcf::tools
