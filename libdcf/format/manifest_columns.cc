// SPDX-License-Identifier: Apache-2.0
#include "format/manifest_columns.h"

#include <algorithm>

namespace dcf::impl {
namespace {

template <typename T>
void drop(std::vector<T>* column) {
  if (std::all_of(column->begin(), column->end(), [](T v) { return v == 0; })) column->clear();
}

}  // namespace

void drop_zero_column(std::vector<uint8_t>* column) { drop(column); }
void drop_zero_column(std::vector<uint32_t>* column) { drop(column); }
void drop_zero_column(std::vector<double>* column) { drop(column); }

}  // namespace dcf::impl
