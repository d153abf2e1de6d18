// SPDX-License-Identifier: Apache-2.0
// Takes any bytes as a .dcf file; the last four bytes choose how it is opened and used. The mutator
// changes one piece of a file (a chunk, the tables, a column of the manifest, a section, the
// header) and repairs sizes and checksums, so that the change reaches the code after those checks.
// One input in eight is mutated without repair. Names change behind their coding, too.
#include <cstdlib>
#include <cstring>
#include <random>

#include "exercise.h"
#include "format/coded_names.h"
#include "support/file_parts.h"
#include "support/name_forms.h"
#include "unit/encode/reference_names.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using dcf::impl::format::ManifestColumns;
using namespace dcf::impl::testing;  // NOLINT(google-build-using-namespace)

constexpr size_t kChoices = sizeof(dcf::fuzz::Choices);
static_assert(kChoices == 4);

// Mutates the elements of a column as bytes; it may become longer or shorter.
template <typename T>
void mutate(std::vector<T>* column) {
  std::vector<uint8_t> bytes(column->size() * sizeof(T) + 16);
  if (!column->empty()) std::memcpy(bytes.data(), column->data(), column->size() * sizeof(T));
  const size_t size = LLVMFuzzerMutate(bytes.data(), column->size() * sizeof(T), bytes.size());
  column->resize(size / sizeof(T));
  if (!column->empty()) std::memcpy(column->data(), bytes.data(), column->size() * sizeof(T));
}

// Mutates one column of the manifest, or the number of tables. assemble() sets the columns that
// follow from the pieces again.
void mutate_column(ManifestColumns* c, unsigned which) {
  unsigned lists = 0;
  for_each_list(*c, [&](const auto&) { ++lists; });
  const unsigned chosen = which % (lists + 1);
  if (chosen == lists) {
    c->table_count += which % 3 - 1;
    return;
  }
  unsigned at = 0;
  for_each_list(*c, [&](auto& list) {
    if (at++ == chosen) mutate(&list);
  });
}

// Changes coded names behind their Huffman codes: their text, their literals and numbers, or only
// whether they are coded.
void mutate_names(FileParts* parts, std::mt19937& random) {
  if (parts->columns.coded_names) use_plain_names(parts);
  if (random() % 4 == 0) {
    if (random() % 2 == 0) use_coded_names(parts);
    return;
  }
  Blob text = steps_of(names_of(parts->columns));
  const bool in_text = random() % 2 == 0;
  if (in_text) mutate(&text);
  CodedText coded = predict(text);
  if (!in_text && random() % 2 == 0)
    mutate(&coded.literals);
  else if (!in_text)
    mutate(&coded.numbers);
  set_coded_names(parts, coded_form(coded));
}

// Names that are accepted have one coded form, and the second decoder reads the same ones.
void check_coded_names(dcf::impl::Bytes file) {
  std::optional<FileParts> parts = split_file(file);
  // The second decoder is slow.
  if (!parts || !parts->columns.coded_names || parts->columns.dtypes.size() > 200) return;
  const Blob coded = parts->columns.names;
  use_plain_names(&*parts);
  const ManifestColumns& columns = parts->columns;
  dcf::fuzz::require(dcf::impl::format::code_names(columns.names, columns.name_lengths) == coded,
                     "names have two coded forms");
  dcf::fuzz::require(
      dcf::impl::reference::read_names(coded, columns.dtypes.size()) == names_of(columns),
      "the second decoder reads other names");
}

Blob mutate_parts(FileParts parts, std::mt19937& random) {
  switch (random() % 9) {
    case 0:
      mutate(&parts.tables);
      break;
    case 1:
    case 2:
      mutate_column(&parts.columns, random());
      break;
    case 8:
      mutate_names(&parts, random);
      break;
    case 3:
      if (!parts.sections.empty()) mutate(&parts.sections[random() % parts.sections.size()]);
      parts.padding_byte = random() % 4 == 0;
      break;
    default:
      if (!parts.chunks.empty()) mutate(&parts.chunks[random() % parts.chunks.size()]);
      break;
  }
  return assemble(std::move(parts));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dcf::fuzz::Choices choices;
  const size_t tail = size < kChoices ? 0 : kChoices;
  const size_t file_size = size - tail;
  if (tail != 0) std::memcpy(&choices, data + file_size, kChoices);
  const std::vector<uint8_t> exact(
      data, data + file_size);  // so that the sanitizer sees each step outside
  dcf::fuzz::exercise(exact.data(), exact.size(), choices);
  check_coded_names(exact);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  std::mt19937 random(seed);
  if (size > kChoices && random() % 8 != 0) {
    const size_t file_size = size - kChoices;
    std::optional<FileParts> parts = split_file({data, file_size});
    if (parts && random() % 8 != 0) {
      const Blob file = mutate_parts(*std::move(parts), random);
      if (file.size() + kChoices <= max_size) {
        uint8_t choices[kChoices];
        std::memcpy(choices, data + file_size, kChoices);
        if (random() % 4 == 0) choices[random() % kChoices] = static_cast<uint8_t>(random());
        std::memcpy(data, file.data(), file.size());
        std::memcpy(data + file.size(), choices, kChoices);
        return file.size() + kChoices;
      }
    }
    size = LLVMFuzzerMutate(data, size, max_size);
    if (size > kChoices) repair_header({data, size - kChoices});
    return size;
  }
  return LLVMFuzzerMutate(data, size, max_size);
}
