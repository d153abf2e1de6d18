// SPDX-License-Identifier: Apache-2.0
// The golden files: those of every released format decode to the bytes that lie beside them and
// verify; invalid ones are rejected with the code, rule and offset of the index.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include "dcf/dcf.h"
#include "support/test_paths.h"

namespace {

using Blob = std::vector<uint8_t>;

const std::filesystem::path kRoot = std::filesystem::path(DCF_SOURCE_DIR) / "tests/golden";

Blob read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return Blob(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

Blob decode_all(const dcf_file* file) {
  Blob all;
  for (size_t i = 0; i < dcf_tensor_count(file); ++i) {
    uint64_t bytes = 0;
    EXPECT_EQ(dcf_tensor_decode_bound(file, i, DCF_DTYPE_NONE, &bytes, nullptr, nullptr), DCF_OK);
    const size_t at = all.size();
    all.resize(at + bytes);
    dcf_error error = DCF_ERROR_INIT;
    EXPECT_EQ(dcf_tensor_decode(file, i, DCF_DTYPE_NONE, all.data() + at, bytes, &error), DCF_OK)
        << error.message;
  }
  return all;
}

TEST(Golden, FilesDecodeToTheBytesBesideThem) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "v0")) {
    if (entry.path().extension() != ".dcf") continue;
    SCOPED_TRACE(entry.path());
    ++files;
    dcf_file* file = nullptr;
    dcf_error error = DCF_ERROR_INIT;
    ASSERT_EQ(dcf_file_open_path(entry.path().c_str(), nullptr, &file, &error), DCF_OK)
        << error.message;
    EXPECT_EQ(dcf_file_verify(file, nullptr, nullptr, &error), DCF_OK)
        << error.rule << ": " << error.message;
    EXPECT_TRUE(decode_all(file) ==
                read(std::filesystem::path(entry.path()).replace_extension(".bin")));
    dcf_file_close(file);
  }
  EXPECT_GE(files, 25u);
}

TEST(Golden, InvalidFilesAreRejectedAsTheIndexSays) {
  std::ifstream index(kRoot / "invalid/index.tsv");
  size_t files = 0;
  for (std::string line; std::getline(index, line);) {
    if (line.starts_with("#")) continue;
    std::istringstream fields(line);
    std::string name, code, rule;
    uint64_t offset = 0;
    ASSERT_TRUE(fields >> name >> code >> rule >> offset) << line;
    SCOPED_TRACE(name);
    ++files;
    const Blob bytes = read(kRoot / "invalid" / (name + ".dcf"));
    dcf_file* file = nullptr;
    dcf_error error = DCF_ERROR_INIT;
    dcf_status s = dcf_file_open_memory(bytes.data(), bytes.size(), nullptr, &file, &error);
    if (s == DCF_OK) s = dcf_file_verify(file, nullptr, nullptr, &error);
    dcf_file_close(file);
    EXPECT_EQ(dcf_status_name(s), code);
    EXPECT_EQ(error.rule, rule);
    EXPECT_EQ(error.offset, offset);
  }
  EXPECT_GE(files, 70u);
}

}  // namespace
