// SPDX-License-Identifier: Apache-2.0
// K-05 of tensors that the program reads some rows at a time: a wrong number of nonzeros is damage
// to every verb that reads all of a tensor, and no file comes of it.
#include <gtest/gtest.h>

#include "models.h"
#include "process.h"
#include "support/sample.h"

namespace dcf::tools::test {
namespace {

using namespace dcf::impl::testing;  // NOLINT(google-build-using-namespace)
using dcf::impl::DType;
using dcf::impl::format::Encoding;
using dcf::impl::format::Positions;
using dcf::impl::format::Values;

constexpr uint64_t kRows = 4500;
constexpr uint64_t kCols = 1024;
constexpr const char* kMemory = "16M";  // under which 4 MiB are read at a time

Sample large(DType dtype, const Encoding& encoding) {
  Sample s = random_sample(dtype, {kRows, kCols}, encoding, 1);
  s.rows_per_chunk = 130;
  return s;
}

Sample sparse_floats() {
  Encoding e;
  e.positions = Positions::kBitmap;
  e.signs = true;  // zeros of both signs
  e.values = Values::kPalette;
  return large(DType::kF16, e);
}

Sample dense_integers() {
  Encoding e;
  e.values = Values::kInt;
  return large(DType::kI8, e);
}

// Elements of three bytes, at most one of which is not zero.
constexpr size_t kStep = 7;
Sample opaque() {
  Sample s;
  s.dtype = DType::kOpaque;
  s.opaque_bits = 24;
  s.opaque_name = "u24";
  s.dims = {kRows, kCols};
  s.dense.resize(3 * kRows * kCols);
  for (size_t i = 0; i < s.dense.size(); i += kStep) s.dense[i] = 1;
  s.rows_per_chunk = 130;
  return s;
}

// The file with the tensor "w" and its alias "x"; `more` nonzeros are declared than there are.
std::string file_of(const TempDir& dir, Sample s, int more) {
  s.name = "w";
  Sample alias = s;
  alias.words.clear();
  alias.dense.clear();
  alias.name = "x";
  alias.alias_of = "w";
  FileParts parts = make_parts({s, alias});
  uint64_t& nonzeros = parts.columns.nonzeros[0];
  if (s.dtype == DType::kOpaque)
    nonzeros = (s.dense.size() + kStep - 1) / kStep;  // it has no words
  nonzeros += static_cast<uint64_t>(static_cast<int64_t>(more));
  return dir.write(std::to_string(more) + ".dcf", assemble(std::move(parts)));
}

struct Model {
  const char* name;
  Sample (*sample)();
};
void PrintTo(const Model& model, std::ostream* out) {
  *out << model.name;
}
class WrongCount : public ::testing::TestWithParam<Model> {};
INSTANTIATE_TEST_SUITE_P(Of, WrongCount,
                         ::testing::Values(Model{"SparseFloats", sparse_floats},
                                           Model{"DenseIntegers", dense_integers},
                                           Model{"Opaque", opaque}));

TEST_P(WrongCount, IsFoundByEveryVerbThatReadsAllRows) {
  const TempDir dir;
  const Sample sample = GetParam().sample();
  const std::string right = file_of(dir, sample, 0);
  const std::string out = dir.path("out");
  for (const int more : {0, 1, -1}) {
    const std::string file = file_of(dir, sample, more);
    const auto before = dir.list();
    for (std::vector<std::string> args :
         std::vector<std::vector<std::string>>{{"verify", file, "-q"},
                                               {"decompress", file, "--to", "npz", "-q", "-o", out},
                                               {"cat", file, "w", "-o", out},
                                               {"cat", file, "x", "-o", out},
                                               {"compare", right, file, "-q"},
                                               {"compress", file, "-q", "-o", out},
                                               {"bench", file, "-q"}}) {
      if (args[0] == "cat" && sample.dtype == DType::kOpaque) continue;  // .npy has no such dtype
      for (const char* const threads : {"1", "3"}) {
        SCOPED_TRACE(args[0] + " " + args[2] + " -T " + threads + " " + std::to_string(more));
        args.insert(args.end(), {"-M", kMemory, "-T", threads});
        const Result result = dcf(args);
        args.resize(args.size() - 4);
        if (more == 0) {
          expect_success(result);
          std::remove(out.c_str());
        } else {
          expect_failure(result, 1, "nonzeros");
          EXPECT_NE(result.err.find("rule K-05"), std::string::npos) << result.err;
        }
        EXPECT_EQ(dir.list(), before);
      }
    }
  }
}

}  // namespace
}  // namespace dcf::tools::test
