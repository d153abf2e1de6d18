// SPDX-License-Identifier: Apache-2.0
#include "cli/network/test_error.h"

#include <algorithm>
#include <span>
#include <vector>

#include "cli/network/labels.h"
#include "cli/network/run.h"
#include "formats/error.h"

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
  const uint64_t pixels = digits.pixels();
  const std::span<const uint8_t> labels = digits.labels;
  uint64_t wrong = 0;
  uint64_t done = 0;
  run_network(
      file, network, digits.count,
      [&](uint64_t first, uint64_t count) {
        const auto images = std::span(digits.images).subspan(first * pixels, count * pixels);
        return std::vector<float>(images.begin(), images.end());
      },
      [&](std::span<const float> y) {
        const uint64_t count = y.size() / network.outputs();
        wrong += count_wrong(y, network.outputs(), labels.subspan(done, count));
        done += count;
        if (advance) advance(done);
      });
  return wrong;
}

}  // namespace dcf::tools
