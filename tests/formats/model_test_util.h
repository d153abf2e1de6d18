// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/model_sink.h"
#include "formats/model_source.h"

namespace dcf::tools::test {

using Bytes = std::vector<uint8_t>;
using Metadata = std::map<std::string, std::string>;

// A fresh directory, removed with all that is in it.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string path(const std::string& name) const { return root_ + "/" + name; }
  std::string write(const std::string& name, std::string_view content) const;
  std::string write(const std::string& name, const Bytes& content) const;
  std::vector<std::string> list() const;

 private:
  std::string root_;
};

std::string read_text(const std::string& path);
Bytes to_bytes(std::string_view text);
Bytes floats(std::initializer_list<float> values);
// Deterministic, without any structure.
Bytes noise(size_t size, uint64_t seed);

// Runs `action`, expects it to throw Error with this code and text in its message.
#define EXPECT_TOOL_ERROR(action, code, text)                                             \
  do {                                                                                    \
    try {                                                                                 \
      static_cast<void>(action);                                                          \
      ADD_FAILURE() << "no Error from " #action;                                          \
    } catch (const ::dcf::tools::Error& error) {                                          \
      EXPECT_EQ(error.exit_code, code) << error.what();                                   \
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what(); \
    }                                                                                     \
  } while (false)

// The whole file for a header and data.
std::string safetensors(std::string_view header, std::string_view data);

struct ZipItem {
  std::string name;
  std::string content;
  bool deflate = false;
};
// Fields that are written wrong on purpose; -1 keeps the right value.
struct ZipFaults {
  int64_t crc = -1;
  int64_t bytes = -1;
  int method = -1;
  int flags = 0;
  bool zip64 = false;      // not a fault: sizes and directory in zip64 fields
  std::string local_name;  // of all entries, if not empty
};
std::string zip(const std::vector<ZipItem>& items, const ZipFaults& faults = {});

// A version 1 .npy file.
std::string npy(std::string_view dict, std::string_view data);

TensorMeta meta(const std::string& name, dcf_dtype dtype, std::vector<uint64_t> dims);

struct Model {
  std::vector<TensorMeta> tensors;
  std::vector<Bytes> data;
  Metadata metadata;
};
void write_model(const std::string& path, const Model& model, SinkFormat format,
                 bool overwrite = false);
// Tensors sorted by name.
Model read_model(const std::string& path, const OpenHints& hints = {});
void expect_equal(const Model& a, const Model& b);

std::string source_file(const std::string& name);

}  // namespace dcf::tools::test
