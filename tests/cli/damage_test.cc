// SPDX-License-Identifier: Apache-2.0
// Damaged files: every changed bit and every other length is found, and told with code, rule and
// offset. All of them through the library, as `dcf verify` uses it; samples through the program.
#include <gtest/gtest.h>

#include <dcf/dcf.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "formats/dcf_error.h"
#include "models.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

// About 1 KB: palette, split, int and raw tensors, sparse and dense, an alias, metadata.
std::string small_file(const TempDir& dir, const std::vector<std::string>& options = {}) {
  Model model;
  std::vector<uint8_t> sparse(480);
  for (size_t at = 0; at < sparse.size(); at += 36) sparse[at + 3] = 0x3f, sparse[at + 2] = 0x80;
  for (const char* const name : {"alias", "sparse"}) {
    model.tensors.push_back(meta(name, DCF_DTYPE_F32, {10, 12}));
    model.data.push_back(sparse);
  }
  model.tensors.push_back(meta("split", DCF_DTYPE_F32, {4, 10}));
  model.data.push_back(gaussian_model(4, 10).data[0]);
  model.tensors.push_back(meta("raw", DCF_DTYPE_C64, {3}));
  model.data.push_back(noise(24, 1));
  model.tensors.push_back(meta("int", DCF_DTYPE_I16, {20}));
  model.data.push_back(noise(40, 2));
  model.metadata = {{"key", "value"}};
  return compress(dir, save(dir, "in.safetensors", model), options);
}

dcf_error verify(const std::string& bytes) {
  const auto* const data = reinterpret_cast<const uint8_t*>(bytes.data());
  const dcf::Result<dcf::File> file = dcf::File::open(std::span(data, bytes.size()));
  return file ? file->verify().error() : file.error();
}

void expect_found(const std::string& bytes) {
  const dcf_error error = verify(bytes);
  EXPECT_EQ(exit_code_of(error.status), kExitInvalid) << dcf_status_name(error.status);
  EXPECT_STRNE(error.rule, "");
  EXPECT_LE(error.offset, bytes.size());
}

std::string flipped(std::string bytes, size_t bit) {
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  return bytes;
}

// Writes the bytes and expects `dcf verify --json` to say the same as the library does.
void expect_told(const TempDir& dir, const std::string& bytes, int exit_code) {
  const std::string path = dir.write("damaged.dcf", bytes);
  const dcf_error found = verify(bytes);
  const Result result = dcf({"verify", "--json", path});
  EXPECT_EQ(result.exit_code, exit_code);
  EXPECT_EQ(result.err, "");
  const auto error = result.json()["error"];
  std::vector<std::string> members;
  for (const auto& [key, value] : error.items()) members.push_back(key);
  EXPECT_EQ(members, (std::vector<std::string>{"code", "name", "rule", "offset", "tensor",
                                               "message", "system_error"}));
  EXPECT_EQ(error["code"], static_cast<int>(found.status));
  EXPECT_EQ(error["name"], dcf_status_name(found.status));
  EXPECT_EQ(error["rule"], found.rule);
  EXPECT_EQ(error["offset"], found.offset);
  EXPECT_NE(error["message"].get<std::string>().find(path), std::string::npos);
  expect_failure(dcf({"verify", path}), exit_code, path);
}

TEST(Damage, EveryFlippedBitIsFound) {
  const TempDir dir;
  const std::string file = small_file(dir);
  ASSERT_EQ(verify(file).status, DCF_OK);
  ASSERT_LT(file.size(), 1500u);
  for (size_t bit = 0; bit < file.size() * 8; ++bit) {
    SCOPED_TRACE("bit " + std::to_string(bit));
    expect_found(flipped(file, bit));
  }
}

TEST(Damage, EveryOtherLengthIsFound) {
  const TempDir dir;
  const std::string file = small_file(dir);
  for (size_t size = 0; size < file.size(); ++size) {
    SCOPED_TRACE("cut to " + std::to_string(size));
    expect_found(file.substr(0, size));
  }
  for (const size_t more : {1, 2, 7, 8, 63, 64, 4096}) {
    for (const char byte : {'\0', '\1', '\xff'}) {
      SCOPED_TRACE(std::to_string(more) + " more");
      expect_found(file + std::string(more, byte));
    }
  }
  expect_found(file + file);
}

TEST(Damage, TheProgramTellsCodeRuleAndOffset) {
  const TempDir dir;
  const std::string file = small_file(dir);
  const size_t bits = file.size() * 8;
  for (size_t bit = 0; bit < bits; bit += bits / 60) {
    SCOPED_TRACE("bit " + std::to_string(bit));
    expect_told(dir, flipped(file, bit), 1);
  }
  for (size_t size = 0; size < file.size(); size += file.size() / 20) {
    SCOPED_TRACE("cut to " + std::to_string(size));
    expect_told(dir, file.substr(0, size), 1);
  }
  expect_told(dir, file + '\0', 1);
}

TEST(Damage, ADamagedTensorIsNamedAndNothingIsWritten) {
  const TempDir dir;
  // The last bytes are a tensor's where nothing else is kept.
  const std::string file = small_file(dir, {"--no-exact-file"});
  const std::string damaged = dir.write("damaged.dcf", flipped(file, file.size() * 8 - 1));
  const Result result = dcf({"verify", "--json", damaged});
  EXPECT_TRUE(result.json()["error"]["tensor"].is_string()) << result.out;
  const auto before = dir.list();
  expect_failure(dcf({"decompress", damaged, "-o", dir.path("r.safetensors")}), 1, "damaged.dcf");
  EXPECT_EQ(dir.list(), before);
}

// The golden files of every kind of invalid file: 1 for those that are wrong, 2 for those that are
// honest about a version or feature this program does not have.
TEST(Damage, GoldenInvalidFiles) {
  const TempDir dir;
  std::ifstream index(source_file("tests/golden/invalid/index.tsv"));
  size_t wrong = 0;
  size_t unsupported = 0;
  for (std::string line; std::getline(index, line);) {
    if (line.starts_with("#")) continue;
    std::istringstream fields(line);
    std::string name, code;
    fields >> name >> code;
    SCOPED_TRACE(name);
    const bool honest = code.starts_with("Unsupported");
    ++(honest ? unsupported : wrong);
    expect_told(dir, read_text(source_file("tests/golden/invalid/" + name + ".dcf")),
                honest ? 2 : 1);
  }
  EXPECT_GT(wrong, 10u);
  EXPECT_GT(unsupported, 4u);
}

TEST(Damage, AnUnknownSectionThatIsNotCriticalIsSkipped) {
  const TempDir dir;
  const std::string file = source_file("tests/golden/v0/unknown_section.dcf");
  expect_success(dcf({"verify", file}));
  expect_success(dcf({"info", file}));
  expect_success(dcf({"decompress", file, "-o", dir.path("r.safetensors")}));
  expect_success(dcf({"compare", file, dir.path("r.safetensors")}));
}

TEST(Damage, GoldenFilesOfThisVersionVerify) {
  for (const auto& entry : std::filesystem::directory_iterator(source_file("tests/golden/v0"))) {
    if (entry.path().extension() == ".dcf") expect_success(dcf({"verify", entry.path().string()}));
  }
}

}  // namespace
}  // namespace dcf::tools::test
