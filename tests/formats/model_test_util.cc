// SPDX-License-Identifier: Apache-2.0
#include "model_test_util.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>

#include "formats/le_bytes.h"
#include "support/test_paths.h"

namespace dcf::tools::test {
namespace {

template <typename T>
void put(std::string* out, uint64_t value) {
  Bytes bytes;
  append_le(&bytes, static_cast<T>(value));
  out->append(bytes.begin(), bytes.end());
}

std::string deflate_raw(const std::string& content) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

TempDir::TempDir() {
  std::string pattern = ::testing::TempDir() + "dcf_model_XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  root_ = pattern;
}

TempDir::~TempDir() {
  std::filesystem::remove_all(root_);
}

std::string TempDir::write(const std::string& name, std::string_view content) const {
  const std::string file = path(name);
  std::ofstream(file, std::ios::binary)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
  return file;
}

std::string TempDir::write(const std::string& name, const Bytes& content) const {
  return write(name, std::string(content.begin(), content.end()));
}

std::vector<std::string> TempDir::list() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(root_)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

Bytes to_bytes(std::string_view text) {
  return Bytes(text.begin(), text.end());
}

Bytes floats(std::initializer_list<float> values) {
  Bytes bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.begin(), bytes.size());
  return bytes;
}

Bytes noise(size_t size, uint64_t seed) {
  Bytes bytes(size);
  uint64_t state = seed * 2 + 1;
  for (uint8_t& byte : bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<uint8_t>(state >> 56);
  }
  return bytes;
}

std::string safetensors(std::string_view header, std::string_view data) {
  std::string file;
  put<uint64_t>(&file, header.size());
  return file.append(header).append(data);
}

std::string zip(const std::vector<ZipItem>& items, const ZipFaults& faults) {
  constexpr uint32_t kIn64 = 0xffffffff;
  std::string file;
  std::string directory;
  for (const ZipItem& item : items) {
    const std::string packed = item.deflate ? deflate_raw(item.content) : item.content;
    const uint64_t offset = file.size();
    const uint64_t bytes =
        faults.bytes >= 0 ? static_cast<uint64_t>(faults.bytes) : item.content.size();
    const uint64_t crc =
        faults.crc >= 0
            ? static_cast<uint64_t>(faults.crc)
            : crc32_z(0, reinterpret_cast<const Bytef*>(item.content.data()), item.content.size());
    const int method = faults.method >= 0 ? faults.method : (item.deflate ? 8 : 0);
    const std::string& local_name = faults.local_name.empty() ? item.name : faults.local_name;
    std::string common;  // the fields that local header and directory share
    put<uint16_t>(&common, 20);
    put<uint16_t>(&common, static_cast<uint64_t>(faults.flags));
    put<uint16_t>(&common, static_cast<uint64_t>(method));
    put<uint32_t>(&common, 0);
    put<uint32_t>(&common, crc);
    put<uint32_t>(&common, faults.zip64 ? kIn64 : packed.size());
    put<uint32_t>(&common, faults.zip64 ? kIn64 : bytes);

    put<uint32_t>(&file, 0x04034b50);
    file += common;
    put<uint16_t>(&file, local_name.size());
    put<uint16_t>(&file, 0);
    file += local_name + packed;

    put<uint32_t>(&directory, 0x02014b50);
    put<uint16_t>(&directory, 20);
    directory += common;
    put<uint16_t>(&directory, item.name.size());
    put<uint16_t>(&directory, faults.zip64 ? 28 : 0);
    directory.append(10, '\0');
    put<uint32_t>(&directory, faults.zip64 ? kIn64 : offset);
    directory += item.name;
    if (!faults.zip64) continue;
    put<uint16_t>(&directory, 1);
    put<uint16_t>(&directory, 24);
    put<uint64_t>(&directory, bytes);
    put<uint64_t>(&directory, packed.size());
    put<uint64_t>(&directory, offset);
  }
  const uint64_t begin = file.size();
  file += directory;
  if (faults.zip64) {
    const uint64_t end = file.size();
    put<uint32_t>(&file, 0x06064b50);
    put<uint64_t>(&file, 44);
    file.append(12, '\0');
    put<uint64_t>(&file, items.size());
    put<uint64_t>(&file, items.size());
    put<uint64_t>(&file, directory.size());
    put<uint64_t>(&file, begin);
    put<uint32_t>(&file, 0x07064b50);
    put<uint32_t>(&file, 0);
    put<uint64_t>(&file, end);
    put<uint32_t>(&file, 1);
  }
  put<uint32_t>(&file, 0x06054b50);
  put<uint32_t>(&file, 0);
  put<uint16_t>(&file, faults.zip64 ? 0xffff : items.size());
  put<uint16_t>(&file, faults.zip64 ? 0xffff : items.size());
  put<uint32_t>(&file, faults.zip64 ? kIn64 : directory.size());
  put<uint32_t>(&file, faults.zip64 ? kIn64 : begin);
  put<uint16_t>(&file, 0);
  return file;
}

std::string npy(std::string_view dict, std::string_view data) {
  std::string file("\x93NUMPY\x01\0", 8);
  put<uint16_t>(&file, dict.size());
  return file.append(dict).append(data);
}

TensorMeta meta(const std::string& name, dcf_dtype dtype, std::vector<uint64_t> dims) {
  return make_meta("test", name, dtype, std::move(dims));
}

void write_model(const std::string& path, const Model& model, SinkFormat format, bool overwrite) {
  const auto sink = create_model_sink(std::make_unique<OutputFile>(path, overwrite), format,
                                      model.tensors, model.metadata);
  for (const size_t i : sink->order()) sink->add(model.tensors[i], model.data[i]);
  sink->finish();
}

Model read_model(const std::string& path, const OpenHints& hints) {
  const auto source = open_model(path, hints);
  std::vector<size_t> order(source->tensors().size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return source->tensors()[a].name < source->tensors()[b].name;
  });
  Model model;
  model.metadata = source->metadata();
  for (const size_t i : order) {
    model.tensors.push_back(source->tensors()[i]);
    model.data.push_back(source->read(i));
    EXPECT_EQ(model.data.back().size(), model.tensors.back().bytes());
  }
  return model;
}

void expect_equal(const Model& a, const Model& b) {
  EXPECT_EQ(a.metadata, b.metadata);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); ++i) {
    EXPECT_EQ(a.tensors[i].name, b.tensors[i].name);
    EXPECT_EQ(a.tensors[i].dtype, b.tensors[i].dtype) << a.tensors[i].name;
    EXPECT_EQ(a.tensors[i].dims, b.tensors[i].dims) << a.tensors[i].name;
    EXPECT_TRUE(a.tensors[i] == b.tensors[i]) << a.tensors[i].name;
    EXPECT_TRUE(a.data[i] == b.data[i]) << a.tensors[i].name;
  }
}

std::string source_file(const std::string& name) {
  return DCF_SOURCE_DIR "/" + name;
}

}  // namespace dcf::tools::test
