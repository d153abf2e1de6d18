// SPDX-License-Identifier: Apache-2.0
#include "cli/network/test_error.h"

#include <algorithm>
#include <span>
#include <vector>

#include "formats/error.h"
#include "cli/network/labels.h"
#include "cli/network/run.h"

namespace dcf::tools {

void check_digits(const Digits& digits, const Network& network, const std::string& where) {
  if (digits.pixels() != network.input.size()) {
    throw_invalid(where, "holds images of " + std::to_string(digits.height) + "x" +
                             std::to_string(digits.width) + " pixels, where the network takes " +
                             std::to_string(network.input.size()) + " values");
  }
  const uint8_t last = *std::max_element(digits.labels.begin(), digits.labels.end());
  if (last >= network.outputs()) {
    throw_invalid(where, "has the label " + std::to_string(last) + ", where the network tells " +
                             std::to_string(network.outputs()) + " classes apart");
  }
}

uint64_t count_wrong(const DcfFile& file, const Network& network, const Digits& digits,
                     const std::function<void(uint64_t images)>& advance) {
  constexpr uint64_t kPieceValues = uint64_t{1} << 20;
  const uint64_t pixels = digits.pixels();
  const uint64_t piece = std::max<uint64_t>(1, kPieceValues / pixels);
  uint64_t wrong = 0;
  for (uint64_t first = 0; first < digits.count; first += piece) {
    const uint64_t count = std::min(piece, digits.count - first);
    const auto images = std::span(digits.images).subspan(first * pixels, count * pixels);
    const std::vector<float> x(images.begin(), images.end());
    wrong += count_wrong(run_network(file, network, x, count), network.outputs(),
                         std::span(digits.labels).subspan(first, count));
    if (advance) advance(first + count);
  }
  return wrong;
}

}  // namespace dcf::tools
