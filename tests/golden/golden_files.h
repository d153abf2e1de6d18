// SPDX-License-Identifier: Apache-2.0
// How make_golden writes its files: valid ones into DIR/v0, invalid ones with their index into
// DIR/invalid. A failure ends the program.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "support/sample.h"

namespace dcf::impl::testing {

// Ends the program unless ok.
void must(bool ok, const char* what);

// The dense bytes of all tensors, in the order of the file.
Blob dense_of(std::vector<Sample> samples);

// A sample whose units begin anywhere in its chunks; by `index` another view, rows of `odd_cols`
// columns or transposed among them. `distinct` as of random_sample().
Sample sample_of_units(DType dtype, const format::Encoding& encoding, size_t index,
                       codec::HuffmanLayout layout, unsigned distinct = 20, uint32_t odd_cols = 17);

class ValidFiles {
 public:
  explicit ValidFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // A file, which must be valid, and what its tensors decode to, one after another.
  void add(const std::string& name, const Blob& file, const Blob& dense);

 private:
  std::filesystem::path folder_;
};

// Invalid files, and an index of what verifying each reports.
class InvalidFiles {
 public:
  explicit InvalidFiles(std::filesystem::path folder);
  // A file that breaks this rule and no other.
  void add(const std::string& name, const char* rule, const Blob& file);
  // The same of parts, before which the change was made; without it they must be valid.
  void changed(const std::string& name, const char* rule, const FileParts& valid,
               const std::function<void(FileParts*)>& change);
  // The same for the manifest's numbers of bytes and hashes, which assemble() would repair.
  void changed_manifest(const std::string& name, const char* rule, const FileParts& valid,
                        const std::function<void(format::ManifestColumns*)>& change);
  void comment(const std::string& text) { index_ << "# " << text << '\n'; }

 private:
  std::filesystem::path folder_;
  std::ofstream index_;
};

}  // namespace dcf::impl::testing
