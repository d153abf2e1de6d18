// SPDX-License-Identifier: Apache-2.0
// make_golden DIR: writes the golden files of README.md into DIR/v0 and DIR/invalid. Run by hand,
// by the target regenerate_golden, when the format changes; the test only reads what is there.
#include "golden_class_split.h"
#include "golden_dictionaries.h"
#include "golden_files.h"
#include "golden_invalid.h"
#include "golden_invalid_chunk.h"
#include "golden_invalid_manifest.h"
#include "golden_invalid_names.h"
#include "golden_trellis.h"
#include "golden_valid.h"

int main(int argc, char** argv) {
  using namespace dcf::impl::testing;  // NOLINT(google-build-using-namespace)
  must(argc == 2, "usage: make_golden DIR");
  const std::filesystem::path root = argv[1];
  for (const char* folder : {"v0", "invalid"}) std::filesystem::create_directories(root / folder);
  ValidFiles valid(root / "v0");
  make_valid(&valid);
  make_unusual(&valid);
  make_coded_names(&valid);
  make_dictionaries(&valid);
  make_class_split(&valid);
  make_trellis_files(&valid);
  InvalidFiles invalid(root / "invalid");
  make_damaged(&invalid);
  make_invalid_headers(&invalid);
  make_invalid_manifests(&invalid);
  make_invalid_names(&invalid);
  make_invalid_dictionaries(&invalid);
  make_invalid_class_split(&invalid);
  make_invalid_trellis(&invalid);
  make_invalid_tables(&invalid);
  make_invalid_chunks(&invalid);
  make_over_limits(&invalid);
  return 0;
}
