// SPDX-License-Identifier: Apache-2.0
// The golden files: those of every released format decode to the bytes that lie beside them and
// verify; invalid ones are rejected with the code, rule and offset of the index.
#include <gtest/gtest.h>

#include <dcf/dcf.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include "support/test_paths.h"

namespace {

using Blob = std::vector<uint8_t>;

const std::filesystem::path kRoot = std::filesystem::path(DCF_SOURCE_DIR) / "tests/golden";

Blob read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return Blob(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

Blob decode_all(const dcf::File& file) {
  Blob all;
  for (size_t i = 0; i < file.size(); ++i) {
    const dcf::Result<dcf::Buffer<uint8_t>> bytes = file.tensor(i).value().bytes();
    EXPECT_TRUE(bytes) << bytes.error().message;
    if (bytes) all.insert(all.end(), bytes->begin(), bytes->end());
  }
  return all;
}

TEST(Golden, FilesDecodeToTheBytesBesideThem) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "v0")) {
    if (entry.path().extension() != ".dcf") continue;
    SCOPED_TRACE(entry.path());
    ++files;
    const dcf::Result<dcf::File> file = dcf::File::open(entry.path().string());
    ASSERT_TRUE(file) << file.error().message;
    const dcf::Status sound = file->verify();
    EXPECT_TRUE(sound) << sound.error().rule << ": " << sound.error().message;
    EXPECT_TRUE(decode_all(*file) ==
                read(std::filesystem::path(entry.path()).replace_extension(".bin")));
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
    const dcf::Result<dcf::File> file = dcf::File::open(bytes);
    const dcf_error error = file ? file->verify().error() : file.error();
    EXPECT_EQ(dcf_status_name(error.status), code);
    EXPECT_EQ(error.rule, rule);
    EXPECT_EQ(error.offset, offset);
  }
  EXPECT_GE(files, 70u);
}

}  // namespace
