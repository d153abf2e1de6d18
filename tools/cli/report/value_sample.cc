// SPDX-License-Identifier: Apache-2.0
#include "cli/report/value_sample.h"

#include <cmath>

#include "cli/element_values.h"
#include "cli/signals.h"
#include "formats/le_bytes.h"

namespace dcf::tools {

std::vector<double> sample_values(const ModelSource& source, size_t i, size_t most) {
  std::vector<double> sample;
  with_value_type(source.tensors()[i].dtype, [&]<typename Word>(Word, auto value_of) {
    const uint64_t elements = source.tensors()[i].bytes() / sizeof(Word);
    const uint64_t step = std::max<uint64_t>(1, (elements + most - 1) / most) * sizeof(Word);
    uint64_t next = 0;  // byte of the next element, counted from the piece
    source.read_pieces(i, [&](std::span<const uint8_t> piece) {
      throw_if_interrupted();
      for (; next < piece.size(); next += step) {
        const auto value = static_cast<double>(value_of(load_le<Word>(piece.data() + next)));
        if (std::isfinite(value)) sample.push_back(value);
      }
      next -= piece.size();
    });
  });
  return sample;
}

}  // namespace dcf::tools
