// SPDX-License-Identifier: Apache-2.0
#include "format/manifest_columns.h"

#include <algorithm>

namespace dcf::impl::format {
namespace {

template <typename T>
void drop(std::vector<T>* column) {
  if (std::all_of(column->begin(), column->end(), [](T v) { return v == 0; })) column->clear();
}

}  // namespace

uint64_t column_bytes(const ManifestColumns& columns) {
  uint64_t bytes = 0;
  for_each_list(columns,
                [&](const auto& list) { bytes += uint64_t{list.size()} * sizeof(list[0]); });
  return bytes;
}

void drop_zero_column(std::vector<uint8_t>* column) {
  drop(column);
}
void drop_zero_column(std::vector<uint32_t>* column) {
  drop(column);
}
void drop_zero_column(std::vector<double>* column) {
  drop(column);
}

}  // namespace dcf::impl::format
