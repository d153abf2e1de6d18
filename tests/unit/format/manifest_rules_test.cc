// SPDX-License-Identifier: Apache-2.0
// Rules M-03 to M-15, P-01, T-07, V-01, K-01, A-01, A-02: each broken on purpose in an otherwise
// valid manifest, with the code and rule that the specification names.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "support/sample.h"

namespace dcf::impl::format {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

Encoding gap_palette() {
  Encoding e;
  e.positions = Positions::kGap;
  e.gap_bits = 4;
  e.values = Values::kPalette;
  return e;
}

// "a": raw f32 [8, 8]. "b": gap palette f32 [8, 8] with tables. "c": alias of b. "d": opaque [4].
// "e": gap-bucket int i32 [8, 8]. "f": bitmap split f32 [8, 8].
ManifestColumns base() {
  Sample a = random_sample(DType::kF32, {8, 8}, {}, 1);
  a.name = "a";
  Sample b = random_sample(DType::kF32, {8, 80}, gap_palette(), 2);
  b.name = "b";
  b.huffman = codec::HuffmanLayout::kStreams;
  Sample c;
  c.name = "c";
  c.dims = {640};
  c.alias_of = "b";
  Sample d;
  d.name = "d";
  d.dtype = DType::kOpaque;
  d.opaque_bits = 3;
  d.opaque_name = "abc";
  d.dims = {4};
  d.words = {1, 2, 3, 4};
  Encoding bucket;
  bucket.positions = Positions::kGapBucket;
  bucket.bucket_t = 2;
  bucket.values = Values::kInt;
  Sample e = random_sample(DType::kI32, {8, 8}, bucket, 3);
  e.name = "e";
  Encoding split;
  split.positions = Positions::kBitmap;
  split.values = Values::kSplit;
  split.split_t = 8;
  Sample f = random_sample(DType::kF32, {8, 8}, split, 4);
  f.name = "f";
  return take_apart(assemble(make_parts({a, b, c, d, e, f}, {{"k", "v"}, {"l", "w"}},
                                        {{7, {1}}, {8, {2}}})))
      .columns;
}
// Parameters of base(): b: gap bits, signs, K - 1; e: t + 16 s, signs; f: signs, t, z, base, A - 1.
enum Param {
  kGapBits = 0,
  kGapSigns = 1,
  kPalette = 2,
  kBucket = 3,
  kIntSigns = 4,
  kSplitT = 6,
  kSplitZ = 7,
  kSplitBase = 8
};

using Change = std::function<void(ManifestColumns*)>;

void expect_rule(const Change& change, Code code, const char* rule) {
  ManifestColumns columns = base();
  change(&columns);
  const Status s = validate_manifest(columns, Limits{}).status();
  EXPECT_EQ(s.code, code) << s.message;
  EXPECT_STREQ(s.rule, rule) << s.message;
}
void expect_bad(const char* rule, const Change& change) {
  expect_rule(change, Code::BadManifest, rule);
}

TEST(ManifestRules, TheBaseIsValid) {
  const Status s = validate_manifest(base(), Limits{}).status();
  EXPECT_TRUE(s.ok()) << s.rule << ": " << s.message;
}

TEST(ManifestRules, M03_EveryColumnOneTooShortOrLong) {
  // clang-format off
#define DCF_EACH_COLUMN(X) X(names) X(dtypes) X(ranks) X(dims) X(encodings) X(params) X(tables) X(nonzeros) \
  X(opaque_bits) X(opaque_names) X(opaque_name_lengths) X(chunk_bytes) X(chunk_entries) X(chunk_hashes) X(metadata) \
  X(section_bytes) X(section_hashes)
#define DCF_BOTH_WAYS(column)                                                                         \
  expect_bad("M-03", [](ManifestColumns* c) { c->column.pop_back(); });                               \
  expect_bad("M-03", [](ManifestColumns* c) { c->column.push_back(c->column.back()); });
  // clang-format on
  DCF_EACH_COLUMN(DCF_BOTH_WAYS)
  expect_bad("M-03", [](ManifestColumns* c) { c->name_lengths.push_back(1); });
  expect_bad("M-03", [](ManifestColumns* c) { c->metadata_lengths.pop_back(); });
  expect_bad("M-03", [](ManifestColumns* c) { c->metadata_lengths.push_back(0); });
  expect_bad("M-03", [](ManifestColumns* c) { c->metadata_lengths[0] = UINT32_MAX; });
  expect_bad("M-03", [](ManifestColumns* c) { c->section_kinds.pop_back(); });
  expect_bad("M-03", [](ManifestColumns* c) { c->view_cols = {7}; });
  expect_bad("M-03", [](ManifestColumns* c) { c->rows_per_chunk = {1}; });
  expect_bad("M-03", [](ManifestColumns* c) { c->fidelity = {1}; });
  expect_bad("M-03", [](ManifestColumns* c) { c->error_bounds = {1}; });
  expect_bad("M-03", [](ManifestColumns* c) { c->aliases.pop_back(); });
  expect_bad("M-03", [](ManifestColumns* c) {  // an opaque type too many
    c->dtypes[0] = 31;
    c->opaque_bits[0] = 32;
  });
}

TEST(ManifestRules, M03_MoreNonzerosThanElements) {
  expect_bad("M-03", [](ManifestColumns* c) { c->nonzeros[0] = 65; });
}

TEST(ManifestRules, M04_Names) {
  expect_bad("M-04", [](ManifestColumns* c) { c->names[0] = 0; });
  expect_bad("M-04", [](ManifestColumns* c) { c->names[0] = 0x80; });
  expect_bad("M-04", [](ManifestColumns* c) { c->names[1] = 'a'; });
  expect_bad("M-04", [](ManifestColumns* c) { c->names[1] = 'A'; });
  expect_bad("M-04", [](ManifestColumns* c) {
    c->names.insert(c->names.begin(), 4096, 'A');
    c->name_lengths[0] = 4097;
  });
}

TEST(ManifestRules, M05_ShapesAndOpaqueTypes) {
  expect_bad("M-05", [](ManifestColumns* c) { c->ranks[0] = 33; });
  expect_bad("M-05", [](ManifestColumns* c) { c->ranks[0] = 255; });
  expect_bad("M-05", [](ManifestColumns* c) { c->dims[0] = uint64_t{1} << 48; });
  expect_bad("M-05", [](ManifestColumns* c) { c->dims[0] = c->dims[1] = uint64_t{1} << 32; });
  expect_bad("M-05", [](ManifestColumns* c) { c->dims[0] = c->dims[1] = ~uint64_t{0}; });
  // The product wraps to 64, or is hidden by a zero.
  expect_bad("M-05", [](ManifestColumns* c) {
    c->dims[0] = uint64_t{1} << 63;
    c->dims[1] = 128;
  });
  expect_bad("M-05", [](ManifestColumns* c) {
    c->ranks[0] = 3;
    c->dims.insert(c->dims.begin(), 0);
    c->dims[1] = c->dims[2] = uint64_t{1} << 40;
  });
  expect_bad("M-05", [](ManifestColumns* c) { c->opaque_bits[0] = 0; });
  expect_bad("M-05", [](ManifestColumns* c) { c->opaque_names[0] = 0xFF; });
  expect_bad("M-05", [](ManifestColumns* c) { c->opaque_names[0] = 0; });
}

TEST(ManifestRules, M06_Tables) {
  expect_bad("M-06", [](ManifestColumns* c) { ++c->table_count; });
  expect_bad("M-06", [](ManifestColumns* c) { --c->table_count; });
  expect_bad("M-06", [](ManifestColumns* c) { c->tables[0] = 2; });
  expect_bad("M-06", [](ManifestColumns* c) { c->tables[0] = UINT32_MAX; });
  expect_bad("M-06", [](ManifestColumns* c) { std::swap(c->tables[0], c->tables[1]); });
}

TEST(ManifestRules, M07_FidelityAndErrorBounds) {
  const auto with = [](uint8_t fidelity, double bound) {
    return [=](ManifestColumns* c) {
      c->fidelity.assign(6, 0);
      c->fidelity[0] = fidelity;
      c->fidelity[1] = 1;
      c->error_bounds.assign(6, 0);
      c->error_bounds[0] = bound;
      if (bound == 0 && !std::signbit(bound)) c->error_bounds.clear();
    };
  };
  expect_bad("M-07", with(3, 0));
  expect_bad("M-07", with(0, 1));
  expect_bad("M-07", with(1, 0.5));
  expect_bad("M-07", with(2, -1));
  expect_bad("M-07", with(2, std::numeric_limits<double>::infinity()));
  expect_bad("M-07", with(2, std::nan("")));
  // -0 has a bit set: it is no column of zeros, alone or beside another bound.
  expect_bad("M-07", [](ManifestColumns* c) { c->error_bounds = {-0.0, 0, 0, 0, 0, 0}; });
  expect_bad("M-07", [](ManifestColumns* c) {
    c->fidelity = {2, 2, 0, 0, 0, 0};
    c->error_bounds = {-0.0, 1, 0, 0, 0, 0};
  });
  ManifestColumns valid = base();
  with(2, 0.5)(&valid);
  EXPECT_TRUE(validate_manifest(valid, Limits{}).ok());
}

TEST(ManifestRules, M08_Aliases) {
  expect_bad("M-08", [](ManifestColumns* c) { c->aliases[2] = 3; });  // itself
  expect_bad("M-08", [](ManifestColumns* c) { c->aliases[2] = 4; });  // a later one
  expect_bad("M-08", [](ManifestColumns* c) { c->aliases[2] = UINT32_MAX; });
  expect_bad("M-08", [](ManifestColumns* c) { c->aliases[2] = 1; });  // other elements
  expect_bad("M-08", [](ManifestColumns* c) { c->dtypes[2] = 8; });   // other dtype
  expect_bad("M-08", [](ManifestColumns* c) { c->encodings[2] = 1; });
  expect_bad("M-08", [](ManifestColumns* c) { c->nonzeros[2] = 1; });
  expect_bad("M-08", [](ManifestColumns* c) { c->view_cols = {0, 0, 5, 0, 0, 0}; });
  expect_bad("M-08", [](ManifestColumns* c) { c->rows_per_chunk = {0, 0, 1, 0, 0, 0}; });
  expect_bad("M-08", [](ManifestColumns* c) { c->fidelity = {0, 0, 1, 0, 0, 0}; });
  expect_bad("M-08", [](ManifestColumns* c) { c->error_bounds = {0, 0, 1, 0, 0, 0}; });
}

TEST(ManifestRules, M08_AnAliasOfAnAliasOrOfOtherOpaqueBits) {
  Sample a;
  a.name = "a";
  a.dtype = DType::kOpaque;
  a.opaque_bits = 8;
  a.dims = {2};
  a.words = {1, 2};
  Sample b = a;
  b.name = "b";
  b.alias_of = "a";
  Sample c = b;
  c.name = "c";
  ManifestColumns columns = take_apart(make_file({a, b, c})).columns;
  columns.aliases = {0, 1, 2};
  EXPECT_STREQ(validate_manifest(columns, Limits{}).status().rule, "M-08");
  columns.aliases = {0, 1, 1};
  EXPECT_TRUE(validate_manifest(columns, Limits{}).ok());
  columns.opaque_bits[2] = 9;
  EXPECT_STREQ(validate_manifest(columns, Limits{}).status().rule, "M-08");
}

TEST(ManifestRules, M09_Metadata) {
  expect_bad("M-09", [](ManifestColumns* c) { c->metadata[0] = 'l'; });  // equal keys
  expect_bad("M-09", [](ManifestColumns* c) { c->metadata[0] = 'm'; });
  expect_bad("M-09", [](ManifestColumns* c) { c->metadata[0] = 0xC0; });
  expect_bad("M-09", [](ManifestColumns* c) { c->metadata[1] = 0xED; });
}

TEST(ManifestRules, M10_ColumnsOfZeros) {
  const auto zeros = [](auto column) {
    return [=](ManifestColumns* c) { (c->*column).assign(6, 0); };
  };
  expect_rule(zeros(&ManifestColumns::view_cols), Code::NonCanonical, "M-10");
  expect_rule(zeros(&ManifestColumns::rows_per_chunk), Code::NonCanonical, "M-10");
  expect_rule(zeros(&ManifestColumns::fidelity), Code::NonCanonical, "M-10");
  expect_rule(zeros(&ManifestColumns::error_bounds), Code::NonCanonical, "M-10");
  expect_rule(zeros(&ManifestColumns::aliases), Code::NonCanonical, "M-10");
}

TEST(ManifestRules, M11_Dtypes) {
  for (const uint8_t dtype : {0, 21, 30, 32, 255}) {
    expect_rule([=](ManifestColumns* c) { c->dtypes[0] = dtype; }, Code::UnsupportedDType, "M-11");
  }
}

TEST(ManifestRules, M12_M14_Encodings) {
  for (const uint8_t encoding : {0x05, 0x0F, 0x90, 0xF0}) {
    expect_rule([=](ManifestColumns* c) { c->encodings[0] = encoding; }, Code::UnsupportedEncoding,
                "M-12");
  }
  const auto combination = [](uint8_t encoding, DType dtype) {
    return [=](ManifestColumns* c) {
      c->encodings[0] = encoding;
      c->dtypes[0] = static_cast<uint8_t>(dtype);
      c->params.insert(c->params.begin(), encoding >> 4 == 3 ? 7 : 2, 0);
    };
  };
  expect_bad("M-14", combination(0x01, DType::kF32));  // raw values of a bitmap
  expect_bad("M-14", combination(0x10, DType::kC64));  // a palette of complex numbers
  expect_bad("M-14", combination(0x40, DType::kF32));  // integers of floats
  expect_bad("M-14", combination(0x30, DType::kI32));  // exponents of integers
  expect_bad("M-14", combination(0x30, DType::kF8E4M3));
  for (const uint8_t values : {0x00, 0x10}) {  // classes of raw values and of a palette
    expect_bad("M-14", [=](ManifestColumns* c) {
      c->encodings[0] = kClassesId | values;
      c->params.insert(c->params.begin(), 10, 1);
    });
  }
  for (const Values values : {Values::kGrid, Values::kTrellis}) {
    const auto grid = [values](uint8_t positions, DType dtype, uint8_t run, uint8_t units) {
      return [=](ManifestColumns* c) {
        c->encodings[0] = static_cast<uint8_t>(static_cast<uint8_t>(values) << 4 | positions);
        c->dtypes[0] = static_cast<uint8_t>(dtype);
        const std::vector<uint8_t> params = {run, 0, 0, 0, units, 0, 0, 0};
        c->params.insert(c->params.begin(), params.begin(), params.end());
        if (positions == 1) c->params.insert(c->params.begin(), 0);
      };
    };
    expect_bad("M-14", grid(0, DType::kF64, 1, 1));
    expect_bad("M-14", grid(0, DType::kI32, 1, 1));
    expect_bad("M-14", grid(1, DType::kF32, 1, 1));  // of a bitmap
    expect_bad("V-04", grid(0, DType::kF32, 0, 1));
    expect_bad("V-04", grid(0, DType::kF32, 1, 0));
    expect_bad("V-04", grid(0, DType::kF32, 255, 255));  // beyond the tensor
  }
  expect_bad("M-14", [](ManifestColumns* c) {  // an empty tensor that is not raw
    c->dims[0] = 0;
    c->encodings[0] = 0x10;
    c->params.insert(c->params.begin(), 0);
  });
}

TEST(ManifestRules, M13_M15_Views) {
  const auto view = [](uint32_t cols) {
    return [=](ManifestColumns* c) { c->view_cols = {0, cols, 0, 0, 0, 0}; };
  };
  constexpr uint32_t kTransposed = 0x80000000;
  expect_rule(view(80), Code::NonCanonical, "M-15");
  expect_rule(view(80 | kTransposed), Code::NonCanonical, "M-15");
  expect_bad("M-13", view((1u << 22) + 1));
  expect_bad("M-13", view(7 | kTransposed));    // 640 elements do not fill rows of 7
  expect_bad("M-13", view(640 | kTransposed));  // one row
  expect_bad("M-13", view(1 | kTransposed));    // one column
  expect_bad("M-13",
             [](ManifestColumns* c) { c->view_cols = {4 | kTransposed, 0, 0, 0, 0, 0}; });  // raw
  expect_bad("M-13", [](ManifestColumns* c) {  // an empty tensor has no view
    c->dims[0] = 0;
    c->nonzeros[0] = 0;
    c->view_cols = {3, 0, 0, 0, 0, 0};
  });
}

TEST(ManifestRules, M13_DefaultViewsThatAreTooWide) {
  Sample s = random_sample(DType::kU8, {(1u << 22) + 1}, {}, 1);
  s.view.cols = 1u << 20;
  s.rows_per_chunk = 1;
  ManifestColumns c = take_apart(make_file({s})).columns;
  EXPECT_TRUE(validate_manifest(c, Limits{}).ok());
  c.view_cols.clear();
  EXPECT_STREQ(validate_manifest(c, Limits{}).status().rule, "M-13");
  Encoding palette;
  palette.values = Values::kPalette;
  s = random_sample(DType::kU8, {1u << 21}, palette, 1);
  s.view.cols = 1u << 20;
  s.rows_per_chunk = 1;
  c = take_apart(make_file({s})).columns;
  EXPECT_TRUE(validate_manifest(c, Limits{}).ok());
  c.view_cols = {(1u << 20) + 1};
  EXPECT_STREQ(validate_manifest(c, Limits{}).status().rule, "M-13");
}

TEST(ManifestRules, P01_PositionParameters) {
  const auto param = [](Param at, uint8_t value) {
    return [=](ManifestColumns* c) { c->params[at] = value; };
  };
  for (const uint8_t b : {0, 1, 9, 255}) expect_bad("P-01", param(kGapBits, b));
  for (const uint8_t ts : {0x00, 0x01, 0x08, 0x0F, 0x32, 0xF2})
    expect_bad("P-01", param(kBucket, ts));
  expect_bad("P-01", param(kGapSigns, 2));
  expect_bad("P-01", param(kIntSigns, 1));
}

TEST(ManifestRules, V01_ValueParameters) {
  const auto param = [](Param at, uint8_t value) {
    return [=](ManifestColumns* c) { c->params[at] = value; };
  };
  expect_bad("V-01", param(kPalette, 255));  // 256 codes and the filler
  for (const uint8_t t : {0, 4, 13, 255}) expect_bad("V-01", param(kSplitT, t));
  for (const uint8_t z : {24, 255}) expect_bad("V-01", param(kSplitZ, z));
  expect_bad("V-01", [](ManifestColumns* c) {
    c->params[kSplitBase] = 0;
    c->params[kSplitBase + 1] = 1;
  });
}

TEST(ManifestRules, K01_Chunks) {
  expect_bad("K-01", [](ManifestColumns* c) { c->rows_per_chunk = {8, 0, 0, 0, 0, 0}; });
  expect_bad("K-01", [](ManifestColumns* c) { c->rows_per_chunk = {UINT32_MAX, 0, 0, 0, 0, 0}; });
  expect_bad("K-01", [](ManifestColumns* c) { --c->chunk_entries[0]; });
  expect_bad("K-01", [](ManifestColumns* c) { --c->chunk_bytes[0]; });
  expect_bad("K-01", [](ManifestColumns* c) { c->chunk_entries[1] = 641; });
  expect_bad("K-01", [](ManifestColumns* c) { c->chunk_bytes[1] = (1u << 26) + 1; });
  expect_bad("K-01", [](ManifestColumns* c) {  // 65,537 rows in one chunk
    c->dims[0] = 65537;
    c->dims[1] = 1;
  });
  expect_bad("K-01", [](ManifestColumns* c) {  // 2^22 + 2^12 elements in one chunk
    c->dims[2] = 1025;
    c->dims[3] = 4096;
  });
  expect_bad("K-01", [](ManifestColumns* c) {  // 2^20 + 2^10 dense entries in one chunk
    c->dims[0] = 1025;
    c->dims[1] = 1024;
  });
  expect_bad("K-01", [](ManifestColumns* c) {  // elements of 3 bits, chunks of one
    c->view_cols = {0, 0, 0, 1, 0, 0};
    c->rows_per_chunk = {0, 0, 0, 1, 0, 0};
  });
}

TEST(ManifestRules, Sections) {
  expect_rule([](ManifestColumns* c) { c->section_kinds[0] |= 0x80000000; },
              Code::UnsupportedSection, "A-01");
  expect_rule([](ManifestColumns* c) { c->section_kinds[1] = 7; }, Code::BadSection, "A-02");
  expect_rule([](ManifestColumns* c) { c->section_kinds[1] = 6; }, Code::BadSection, "A-02");
}

// An honest newer file breaks other rules as well, because its columns cannot be counted.
TEST(ManifestRules, UnknownIdsAreReportedBeforeAnyOtherFault) {
  const Change other_faults[] = {
      [](ManifestColumns*) {},
      [](ManifestColumns* c) { c->params.pop_back(); },         // M-03
      [](ManifestColumns* c) { c->section_bytes.pop_back(); },  // M-03
      [](ManifestColumns* c) { c->ranks.push_back(1); },        // M-03
      [](ManifestColumns* c) { c->names[0] = 0xFF; },           // M-04
      [](ManifestColumns* c) { c->ranks[0] = 33; },             // M-05
      [](ManifestColumns* c) { c->tables[0] = 9; },             // M-06
      [](ManifestColumns* c) { c->fidelity.assign(6, 0); },     // M-10
      [](ManifestColumns* c) { c->params[kGapBits] = 9; },      // P-01
      [](ManifestColumns* c) { c->chunk_entries[0] = 1; },      // K-01
      [](ManifestColumns* c) { c->section_kinds[1] = 7; },
  };
  for (const Change& fault : other_faults) {
    const auto with = [&](const Change& unknown) {
      return [&fault, unknown](ManifestColumns* c) {
        fault(c);
        unknown(c);
      };
    };
    expect_rule(with([](ManifestColumns* c) { c->dtypes[5] = 21; }), Code::UnsupportedDType,
                "M-11");
    expect_rule(with([](ManifestColumns* c) { c->encodings[5] = 0x91; }), Code::UnsupportedEncoding,
                "M-12");
    expect_rule(with([](ManifestColumns* c) { c->encodings[5] = 0x05; }), Code::UnsupportedEncoding,
                "M-12");
    expect_rule(with([](ManifestColumns* c) { c->section_kinds[1] |= 0x80000000; }),
                Code::UnsupportedSection, "A-01");
  }
}

TEST(ManifestRules, T07_AnEmptyTablesSectionHasNoHash) {
  ManifestColumns c;
  c.table_hash = 1;
  EXPECT_STREQ(validate_manifest(c, Limits{}).status().rule, "T-07");
}

TEST(ManifestRules, FailuresNameTheirTensor) {
  ManifestColumns c = base();
  c.dtypes[4] = 99;
  EXPECT_EQ(validate_manifest(c, Limits{}).status().tensor, 4u);
}

}  // namespace
}  // namespace dcf::impl::format
