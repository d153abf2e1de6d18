// SPDX-License-Identifier: Apache-2.0
// A manifest goes through columns and packed bytes and comes back equal, for every encoding, and
// with work in proportion to the number of tensors.
#include "format/manifest.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/memory_meter.h"
#include "support/sample.h"

namespace dcf::impl::format {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

void expect_same(const Encoding& a, const Encoding& b) {
  EXPECT_EQ(a.positions, b.positions);
  EXPECT_EQ(a.values, b.values);
  EXPECT_EQ(a.gap_bits, b.gap_bits);
  EXPECT_EQ(a.bucket_t, b.bucket_t);
  EXPECT_EQ(a.bucket_s, b.bucket_s);
  EXPECT_EQ(a.signs, b.signs);
  EXPECT_EQ(a.palette_size, b.palette_size);
  EXPECT_EQ(a.split_t, b.split_t);
  EXPECT_EQ(a.split_z, b.split_z);
  EXPECT_EQ(a.split_base, b.split_base);
  EXPECT_EQ(a.split_symbols, b.split_symbols);
}

void expect_same(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.dtype, b.dtype);
  EXPECT_EQ(a.bits, b.bits);
  EXPECT_EQ(a.opaque_name, b.opaque_name);
  EXPECT_TRUE(std::ranges::equal(a.dims, b.dims));
  EXPECT_EQ(a.elements, b.elements);
  expect_same(a.encoding, b.encoding);
  EXPECT_EQ(a.tables, b.tables);
  EXPECT_EQ(a.view.cols, b.view.cols);
  EXPECT_EQ(a.view.transposed, b.view.transposed);
  EXPECT_EQ(a.rows_per_chunk, b.rows_per_chunk);
  EXPECT_EQ(a.nonzeros, b.nonzeros);
  EXPECT_EQ(a.fidelity, b.fidelity);
  EXPECT_EQ(a.error_bound, b.error_bound);
  EXPECT_EQ(a.alias_of, b.alias_of);
  EXPECT_EQ(a.first_chunk, b.first_chunk);
  EXPECT_EQ(a.chunks, b.chunks);
}

// columns -> manifest -> columns -> bytes -> columns -> manifest.
void expect_round_trip(const ManifestColumns& columns) {
  const Result<Manifest> first = validate_manifest(columns, Limits{});
  ASSERT_TRUE(first.ok()) << first.status().rule << ": " << first.status().message;
  const Result<Blob> packed = serialise_manifest_columns(manifest_columns(*first.value()));
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(packed.value(), serialise_manifest_columns(columns).value());
  Result<ManifestColumns> again =
      parse_manifest_columns(packed.value().data(), packed.value().size(), Limits{}.max_manifest);
  ASSERT_TRUE(again.ok()) << again.status().rule;
  const Result<Manifest> second = validate_manifest(again.take(), Limits{});
  ASSERT_TRUE(second.ok());
  const ManifestParts& a = *first.value();
  const ManifestParts& b = *second.value();
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); ++i) expect_same(a.tensors[i], b.tensors[i]);
  ASSERT_EQ(a.chunks.size(), b.chunks.size());
  for (size_t i = 0; i < a.chunks.size(); ++i) {
    EXPECT_EQ(a.chunks[i].bytes, b.chunks[i].bytes);
    EXPECT_EQ(a.chunks[i].entries, b.chunks[i].entries);
    EXPECT_EQ(a.chunks[i].hash, b.chunks[i].hash);
  }
  EXPECT_EQ(a.metadata, b.metadata);
  EXPECT_EQ(a.table_count, b.table_count);
  EXPECT_EQ(a.table_bytes, b.table_bytes);
  EXPECT_EQ(a.table_hash, b.table_hash);
  ASSERT_EQ(a.sections.size(), b.sections.size());
  for (size_t i = 0; i < a.sections.size(); ++i) {
    EXPECT_EQ(a.sections[i].kind, b.sections[i].kind);
    EXPECT_EQ(a.sections[i].bytes, b.sections[i].bytes);
    EXPECT_EQ(a.sections[i].hash, b.sections[i].hash);
  }
}

ManifestColumns columns_of(const FileParts& parts) {
  return take_apart(assemble(parts)).columns;
}

TEST(Manifest, Empty) {
  expect_round_trip(ManifestColumns{});
}

TEST(Manifest, EveryEncodingViewAndDtype) {
  std::vector<Sample> samples;
  for (int d = 1; d <= 15; ++d) {
    for (const Encoding& e : encodings_of(static_cast<DType>(d))) {
      Sample s = random_sample(static_cast<DType>(d), {6, 20}, e, 1);
      s.name = std::to_string(samples.size());
      s.rows_per_chunk = samples.size() % 3;
      if (!e.is_raw() && samples.size() % 2 == 0) s.view = {6, true};
      s.huffman = codec::HuffmanLayout::kStreams;
      samples.push_back(s);
    }
  }
  Sample opaque;
  opaque.name = "opaque";
  opaque.dtype = DType::kOpaque;
  opaque.opaque_bits = 5;
  opaque.opaque_name = "fünf";
  opaque.words = {1};
  samples.push_back(opaque);
  Sample alias;
  alias.name = "zz";
  alias.dtype = DType::kOpaque;
  alias.opaque_bits = 5;
  alias.dims = {1, 1};
  alias.alias_of = "opaque";
  samples.push_back(alias);
  FileParts parts = make_parts(samples, {{"", "empty key"}, {"k", ""}, {"ключ", "значение"}},
                               {{9, {1, 2, 3}}, {1000, {}}});
  parts.columns.fidelity.assign(samples.size(), 0);
  parts.columns.error_bounds.assign(samples.size(), 0);
  parts.columns.fidelity[0] = 2;
  parts.columns.error_bounds[0] = 0.25;
  parts.columns.fidelity[1] = 1;
  expect_round_trip(columns_of(parts));
}

TEST(Manifest, NamesOfAnyUtf8) {
  std::vector<Sample> samples;
  for (const std::string& name :
       {std::string(), std::string("\x01"), std::string("a/b.c"), std::string("Ω≈ç√∫"),
        std::string("\xF0\x9F\x98\x80"), std::string(4096, 'x')}) {
    Sample s;
    s.name = name;
    s.words = {0};
    samples.push_back(s);
  }
  expect_round_trip(columns_of(make_parts(samples)));
}

TEST(Manifest, ThirtyTwoDimensions) {
  Sample s;
  s.dims.assign(32, 1);
  s.dims[31] = 3;
  s.words = {1, 2, 3};
  expect_round_trip(columns_of(make_parts({s})));
}

// The allocations of writing, reading and checking a manifest.
struct Work {
  size_t allocations = 0;
  size_t bytes = 0;
};

Work work_of(unsigned tensors) {
  constexpr uint64_t kDims[] = {3, 3, 64, 64};
  std::vector<std::string> names;
  for (unsigned i = 0; i < tensors; ++i)
    names.push_back("layer." + std::to_string(100000 + i) + ".weight");
  ManifestParts manifest;
  for (unsigned i = 0; i < tensors; ++i) {
    Tensor t;
    t.name = names[i];
    t.dtype = DType::kF32;
    t.bits = 32;
    t.dims = kDims;
    t.elements = 9 * 4096;
    t.view.cols = 3 * 4096;
    t.rows_per_chunk = 3;
    t.nonzeros = 77;
    t.first_chunk = i;
    t.chunks = 1;
    manifest.tensors.push_back(t);
    manifest.chunks.push_back({36 * 4096, 9 * 4096, i * 0x9E3779B97F4A7C15u});
  }
  const ManifestColumns columns = manifest_columns(manifest);
  const MemoryMeter meter;
  const Result<Blob> packed = serialise_manifest_columns(columns);
  EXPECT_TRUE(packed.ok());
  Result<ManifestColumns> again =
      parse_manifest_columns(packed.value().data(), packed.value().size(), Limits{}.max_manifest);
  EXPECT_TRUE(again.ok());
  EXPECT_TRUE(validate_manifest(again.take(), Limits{}).ok());
  return {meter.allocations(), meter.total()};
}

// Room that doubles where a list outgrows it is why four times the tensors may take a little more
// than four times the work.
TEST(Manifest, WorkIsInProportionToTheTensors) {
  const Work some = work_of(5000);
  const Work more = work_of(20000);
  EXPECT_LE(more.allocations, 5 * some.allocations);
  EXPECT_LE(more.bytes, 5 * some.bytes);
}

}  // namespace
}  // namespace dcf::impl::format
