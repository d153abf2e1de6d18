// SPDX-License-Identifier: Apache-2.0
// Tensors and outputs larger than the memory limit pass through in pieces; where memory ends, a
// sentence says so.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <dcf/dcf.hpp>

#include "formats/memory_limit.h"
#include "models.h"
#include "process.h"
#include "support/sanitizer.h"

namespace dcf::tools::test {
namespace {

constexpr uint64_t kMi = uint64_t{1} << 20;

// Not of a program whose allocator takes memory of its own.
void expect_peak_below(uint64_t most, const Result& result) {
#ifdef DCF_OWN_ALLOCATOR
  (void)most;
  (void)result;
#else
  EXPECT_LT(result.peak_bytes, most);
#endif
}

// A matrix of int8 whose elements are zero, but for the last one.
void add_sparse(dcf::Writer* writer, const std::string& name, uint64_t rows, uint64_t cols,
                int8_t last) {
  const uint64_t dims[] = {rows, cols};
  dcf_tensor_spec spec{};
  spec.struct_size = sizeof spec;
  spec.name = name.data();
  spec.name_size = name.size();
  spec.dtype = DCF_DTYPE_I8;
  spec.rank = 2;
  spec.dims = dims;
  std::vector<uint64_t> row_ptr(rows + 1);
  const uint64_t entries = last == 0 ? 0 : 1;
  row_ptr.back() = entries;
  const auto col = static_cast<uint32_t>(cols - 1);
  dcf_error error = DCF_ERROR_INIT;
  ASSERT_EQ(dcf_writer_add_csr(writer->get(), &spec, row_ptr.data(), row_ptr.size(), &col, &last,
                               entries, nullptr, &error),
            DCF_STATUS_OK)
      << error.message;
}

std::string zeros(const TempDir& dir, const std::string& name, uint64_t rows, int8_t last = 0) {
  dcf::Writer writer = dcf::Writer::open(dir.path(name)).value();
  add_sparse(&writer, "w", rows, kMi, last);
  writer.finish().value();
  return dir.path(name);
}

TEST(Memory, CompareReadsBothModelsInPieces) {
  const TempDir dir;
  const std::string a = zeros(dir, "a.dcf", 150);
  const std::string b = zeros(dir, "b.dcf", 150, 3);
  const Result equal = dcf({"compare", a, a, "-M", "64M", "-T", "1"});
  expect_success(equal);
  expect_peak_below(96 * kMi, equal);
  const Result other = dcf({"compare", a, b, "-M", "64M", "-T", "1", "--json"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_EQ(other.json()["tensors"][0]["max_error"], 3.0);
  EXPECT_EQ(other.json()["tensors"][0]["result"], "differs");
  expect_peak_below(96 * kMi, other);
}

TEST(Memory, DecompressAndCatWriteInPieces) {
  const TempDir dir;
  const std::string file = zeros(dir, "a.dcf", 150, 3);
  const Setting nowhere{.stdout_path = "/dev/null"};
  for (const char* const threads : {"1", "2"}) {
    for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
             {"decompress", file, "-o", "-", "-M", "64M", "-T", threads},
             {"cat", file, "w", "-M", "64M", "-T", threads}}) {
      const Result result = dcf(args, nowhere);
      EXPECT_EQ(result.exit_code, 0) << result.err;
      expect_peak_below(96 * kMi, result);
    }
  }
}

// The arrays of an archive of 65 kB unpack to 64 MiB.
TEST(Memory, CompressReadsItsInputInPieces) {
  const TempDir dir;
  const std::string file = dir.write(
      "zeros.npz",
      zip({{.name = "w.npy",
            .content = npy("{'descr': '|i1', 'fortran_order': False, 'shape': (65536, 1024), }",
                           std::string(64 * kMi, '\0')),
            .deflate = true}}));
  const Result result =
      dcf({"compress", file, "-o", dir.path("out.dcf"), "-q", "-M", "8M", "-T", "1"});
  expect_success(result);
  expect_peak_below(48 * kMi, result);
}

// One input gives 4 MiB of outputs.
TEST(Memory, RunBoundsItsPartsByTheirOutputs) {
  constexpr uint64_t kOutputs = kMi;
  const TempDir dir;
  const std::string file = dir.path("net.dcf");
  {
    const uint64_t dims[] = {kOutputs};
    dcf::Writer writer = dcf::Writer::open(file).value();
    add_sparse(&writer, "l.weight", kOutputs, 1, 5);
    writer.add<float>("l.bias", std::vector<float>(kOutputs), dims).value();
    writer
        .add_metadata("dcf.network",
                      R"({"input":[1],"layers":["linear l )" + std::to_string(kOutputs) + "\"]}")
        .value();
    writer.finish().value();
  }
  const std::string input = dir.write(
      "x.npy",
      npy("{'descr': '|u1', 'fortran_order': False, 'shape': (80, 1), }", std::string(80, '\2')));
  const Result result =
      dcf({"run", file, "--input", input, "-o", "-", "-T", "1"}, {.stdout_path = "/dev/null"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  expect_peak_below(300 * kMi, result);
}

// What is short is told of the input, not of a file that nobody named.
TEST(Memory, WhatIsShortNamesTheOptionAndTheInput) {
  const TempDir dir;
  const std::string input = save(dir, "in.safetensors", gaussian_model(1024, 1024));
  const std::string out = dir.path("out.dcf");
  const std::string text = "-M allows 8M; give more, such as -M 64M (tensor ";
  for (const std::vector<std::string>& how :
       std::vector<std::vector<std::string>>{{"--quality", "30"}, {"--bits", "4"}}) {
    std::vector<std::string> args = {"compress", input, "-q", "-o", out, "-M", "8MiB"};
    args.insert(args.end(), how.begin(), how.end());
    const Result result = dcf(args);
    expect_failure(result, 1, text);
    EXPECT_TRUE(result.err.starts_with("dcf: " + input + ": ")) << result.err;
  }
  const Result tried = dcf({"compress", input, "-q", "-o", out, "-M", "8M", "--max-size", "1M"});
  expect_failure(tried, 1, text);
  EXPECT_TRUE(tried.err.starts_with("dcf: " + input + ": ")) << tried.err;

  expect_success(dcf({"compress", input, "-q", "-o", out}));
  expect_failure(dcf({"verify", out, "-M", "10K"}), 1, "-M allows 10K; give more");
  expect_failure(dcf({"decompress", out, "-o", dir.path("x.npz"), "-M", "10K"}), 1,
                 "-M allows 10K; give more");
  // Twice too little is too little.
  expect_failure(dcf({"verify", out, "-M", "1"}), 1, "-M allows 1; give more, such as -M 64M (");
  expect_success(dcf({"verify", out, "-q", "-M", "64M"}));
  expect_failure(
      dcf({"decompress", zeros(dir, "zeros.dcf", 150), "-o", dir.path("x.npz"), "-M", "1"}), 1,
      "-M 64M (");
  EXPECT_EQ(MemoryLimit(96 * kMi).hint(), "-M allows 96M; give more, such as -M 192M");
  // Of which each of two models gets half.
  expect_failure(dcf({"compare", out, out, "-M", "200K"}), 1, "-M allows 200K; give more");
  expect_failure(dcf({"compare", out, out, "-M", "1"}), 1, "give more, such as -M 64M (");
}

#ifndef DCF_OWN_ALLOCATOR
// The address space of the program ends sooner and sooner, in the middle of its report.
TEST(Memory, WithoutMemoryOneSentence) {
  const TempDir dir;
  const std::string file = dir.path("many.dcf");
  {
    dcf::Writer writer = dcf::Writer::open(file).value();
    const uint64_t dims[] = {0};
    for (int i = 0; i < 20'000; ++i) writer.add<float>(std::to_string(i), {}, dims).value();
    for (int i = 0; i < 20'000; ++i) writer.add_metadata(std::to_string(i), "value").value();
    writer.finish().value();
  }
  size_t failures = 0;
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"info", "--json", file, "-T", "1"},
           {"info", file, "-T", "1"},
           {"compare", "--json", file, file, "-T", "1"},
           {"compress", file, "-o", dir.path("out.dcf"), "-f", "--json", "-T", "1"},
           {"decompress", file, "-o", dir.path("out.safetensors"), "-f", "-T", "1"}}) {
    for (uint64_t limit = 24 * kMi; limit < 96 * kMi; limit += 4 * kMi) {
      Setting setting;
      setting.prepare = [limit] {
        const rlimit space{limit, limit};
        return setrlimit(RLIMIT_AS, &space) == 0;
      };
      const Result result = dcf(args, setting);
      if (result.exit_code == 0) break;
      if (result.exit_code == 127) continue;  // not even the program itself fits
      ++failures;
      ASSERT_EQ(result.exit_code, 2) << args[0] << " " << limit << " signal " << result.signal
                                     << result.out.substr(0, 200) << result.err;
      EXPECT_NE((result.out + result.err).find("memory"), std::string::npos) << result.err;
      for (const std::string& name : dir.list()) EXPECT_FALSE(name.starts_with(".")) << name;
    }
  }
  EXPECT_GT(failures, 0u);
}
#endif

}  // namespace
}  // namespace dcf::tools::test
