// SPDX-License-Identifier: Apache-2.0
// The coded form of tensor names (spec/dcf-format.md, section 4.4). Sorted names are first written
// as a text of steps, each from one name to the next; that is front coding (I. Witten, A. Moffat,
// T. Bell, "Managing Gigabytes", 1999, section 4.1). The text is then coded by prediction from the
// latest place with the same two bytes before it (C. Bloom, "LZP: a new data compression
// algorithm", DCC 1996) and Huffman codes. All functions are pure; names have exactly one coded
// form.
#pragma once

#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "format/manifest_columns.h"

namespace dcf::impl::format {

// The coded form of names in the form of the columns: concatenated, and the bytes of each. They
// must be sorted and without NUL (M-04). Empty if they have 2^31 bytes or more, which no coded form
// can hold.
std::vector<uint8_t> code_names(Bytes names, std::span<const uint16_t> lengths);

// Puts the names themselves in place of their coded form, where columns->coded_names says that the
// column has it. M-17, M-18, M-04 for a name that is too long; before memory is taken in proportion
// to a number in the columns also L-03, and L-01 with the bytes that the manifest has with the
// names themselves. `columns` is unspecified after a failure. Takes time in proportion to the
// columns and the names.
Status expand_names(ManifestColumns* columns, const Limits& limits);

}  // namespace dcf::impl::format
