// SPDX-License-Identifier: Apache-2.0
#include "golden_files.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "dcf/dcf.h"

namespace dcf::impl::testing {
namespace {

void write(const std::filesystem::path& path, const Blob& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  must(out.good(), "cannot write");
}

}  // namespace

void must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "make_golden: %s\n", what);
  std::exit(1);
}

Blob dense_of(std::vector<Sample> samples) {
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.name < b.name; });
  Blob out;
  for (const Sample& s : samples) {
    const auto source = std::find_if(samples.begin(), samples.end(),
                                     [&](const Sample& o) { return o.name == s.alias_of; });
    const Blob bytes = dense_bytes(s.alias_of.empty() ? s : *source);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return out;
}

Sample sample_of_units(DType dtype, const format::Encoding& encoding, size_t index,
                       codec::HuffmanLayout layout, unsigned distinct, uint32_t odd_cols) {
  Sample s = random_sample(dtype, {10, 24}, encoding, index, 1, distinct);
  s.name = std::string(dtype_name(dtype)) + " " + encoding_name(encoding);
  s.huffman = layout;
  if (index % 2 == 1) s.view.cols = odd_cols;
  if (index % 3 > 0) s.rows_per_chunk = 4;
  if (index % 4 == 2) s.view = {10, true};
  return s;
}

void ValidFiles::add(const std::string& name, const Blob& file, const Blob& dense) {
  const Status s = check_bytes(file);
  if (!s.ok()) std::fprintf(stderr, "%s: %s\n", s.rule, s.message);
  must(s.ok(), name.c_str());
  write(folder_ / (name + ".dcf"), file);
  write(folder_ / (name + ".bin"), dense);
}

InvalidFiles::InvalidFiles(std::filesystem::path folder)
    : folder_(std::move(folder)), index_(folder_ / "index.tsv") {
  comment("file\tcode\trule\toffset");
}

void InvalidFiles::add(const std::string& name, const char* rule, const Blob& file) {
  const Status s = check_bytes(file);
  if (std::strcmp(s.rule, rule) != 0) std::fprintf(stderr, "%s: %s\n", s.rule, s.message);
  must(!s.ok() && s.offset != kNoOffset && std::strcmp(s.rule, rule) == 0, name.c_str());
  write(folder_ / (name + ".dcf"), file);
  index_ << name << '\t' << dcf_status_name(static_cast<dcf_status>(s.code)) << '\t' << s.rule
         << '\t' << s.offset << '\n';
}

void InvalidFiles::changed(const std::string& name, const char* rule, const FileParts& valid,
                           const std::function<void(FileParts*)>& change) {
  must(check_bytes(assemble(valid)).ok(), name.c_str());
  FileParts parts = valid;
  change(&parts);
  add(name, rule, assemble(parts));
}

void InvalidFiles::changed_manifest(const std::string& name, const char* rule,
                                    const FileParts& valid,
                                    const std::function<void(format::ManifestColumns*)>& change) {
  format::ManifestColumns columns = take_apart(assemble(valid)).columns;
  change(&columns);
  const Result<Blob> manifest = format::serialise_manifest_columns(columns);
  must(manifest.ok(), name.c_str());
  add(name, rule, assemble_with_manifest(valid, manifest.value()));
}

}  // namespace dcf::impl::testing
