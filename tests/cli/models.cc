// SPDX-License-Identifier: Apache-2.0
#include "models.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

#include "formats/dtype_table.h"
#include "process.h"

namespace dcf::tools::test {
namespace {

constexpr dcf_dtype kDtypes[] = {
    DCF_DTYPE_F64,        DCF_DTYPE_F32,       DCF_DTYPE_F16, DCF_DTYPE_BF16,   DCF_DTYPE_F8E4M3,
    DCF_DTYPE_F8E5M2,     DCF_DTYPE_I64,       DCF_DTYPE_I32, DCF_DTYPE_I16,    DCF_DTYPE_I8,
    DCF_DTYPE_U64,        DCF_DTYPE_U32,       DCF_DTYPE_U16, DCF_DTYPE_U8,     DCF_DTYPE_BOOL,
    DCF_DTYPE_C64,        DCF_DTYPE_F8E8M0,    DCF_DTYPE_F4,  DCF_DTYPE_F6E2M3, DCF_DTYPE_F6E3M2,
    DCF_DTYPE_F8E4M3FNUZ, DCF_DTYPE_F8E5M2FNUZ};

void add(Model* model, const TensorMeta& tensor, Bytes data) {
  ASSERT_EQ(data.size(), tensor.bytes()) << tensor.name;
  model->tensors.push_back(tensor);
  model->data.push_back(std::move(data));
}

Bytes of_words(const std::vector<uint32_t>& words) {
  Bytes bytes(words.size() * sizeof(uint32_t));
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

// The standard library's distributions differ between implementations; this does not.
float gaussian(std::mt19937_64* random) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += static_cast<double>((*random)() >> 11) * 0x1p-53;
  return static_cast<float>((sum - 6) * 0.05);
}

Model sorted(Model model) {
  std::vector<size_t> order(model.tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return model.tensors[a].name < model.tensors[b].name; });
  Model result;
  result.metadata = model.metadata;
  for (const size_t i : order) {
    result.tensors.push_back(model.tensors[i]);
    result.data.push_back(model.data[i]);
  }
  return result;
}

}  // namespace

Model every_kind_model() {
  Model model;
  uint64_t seed = 0;
  for (const dcf_dtype dtype : kDtypes) {
    const std::string name = dcf_dtype_name(dtype);
    const TensorMeta dense = meta(name + ".dense", dtype, {8, 16});
    Bytes data = noise(dense.bytes(), ++seed);
    if (dtype == DCF_DTYPE_BOOL) {
      for (uint8_t& byte : data) byte &= 1;
    }
    add(&model, dense, data);
    add(&model, meta(name + ".zero", dtype, {16, 8}), Bytes(dense.bytes()));
    std::fill(data.begin() + static_cast<ptrdiff_t>(data.size() / 16), data.end(), uint8_t{0});
    add(&model, meta(name + ".sparse", dtype, {4, 32}), data);
    add(&model, meta(name + ".empty", dtype, {3, 0, 2}), {});
    const TensorMeta scalar = meta(name + ".scalar", dtype, {});
    if (dcf_dtype_bits(dtype) % 8 == 0) add(&model, scalar, Bytes(scalar.bytes(), 1));
  }
  add(&model, meta("nan payloads", DCF_DTYPE_F32, {2, 4}),
      of_words({0x7fc00000, 0xffc00001, 0x7f800001, 0xffffffff, 0x7f812345, 0x7f800000, 0xff800000,
                0x00000001}));
  add(&model, meta("both zeros", DCF_DTYPE_F32, {8}),
      of_words({0x80000000, 0, 0x80000000, 0, 0x3f800000, 0x80000000, 0x80000000, 0}));
  uint8_t number = 0;
  for (const char* const name :
       {"", "gewicht/\xc3\xa4\xc3\xb6\xc3\xbc", "\xe5\xb1\x82\xe4\xb8\x80", "\xf0\x9f\xa7\xa0",
        "a\nline", "tab\tand \"quotes\" \\", "\x01\x1f\x7f", "../../etc/passwd", "-", "a.b.c"}) {
    add(&model, meta(name, DCF_DTYPE_U8, {1}), {++number});
  }
  model.metadata = {{"format", "pt"},
                    {"", "an empty key"},
                    {"\xe5\x90\x8d", "\xf0\x9f\xa7\xa0 and \"quotes\""},
                    {"empty", ""}};
  return model;
}

Model sparse_model(uint64_t seed) {
  std::mt19937_64 random(seed);
  Model model;
  for (const auto& [name, rows, cols] :
       {std::tuple{"fc1.weight", 120, 300}, {"fc2.weight", 64, 120}, {"fc3.weight", 10, 64}}) {
    std::vector<float> values(static_cast<size_t>(rows * cols));
    for (float& value : values) {
      if (random() % 10 == 0) value = gaussian(&random);
    }
    Bytes data(values.size() * sizeof(float));
    std::memcpy(data.data(), values.data(), data.size());
    add(&model,
        meta(name, DCF_DTYPE_F32, {static_cast<uint64_t>(rows), static_cast<uint64_t>(cols)}),
        data);
  }
  model.metadata = {{"trained", "no"}};
  return model;
}

Model gaussian_model(uint64_t rows, uint64_t cols, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> values(rows * cols);
  for (float& value : values) value = gaussian(&random);
  Bytes data(values.size() * sizeof(float));
  std::memcpy(data.data(), values.data(), data.size());
  Model model;
  add(&model, meta("layer.weight", DCF_DTYPE_F32, {rows, cols}), std::move(data));
  return model;
}

void add_layer(Model* model, const std::string& name, const Model& one) {
  model->tensors.push_back(one.tensors[0]);
  model->tensors.back().name = name;
  model->data.push_back(one.data[0]);
}

std::string save(const TempDir& dir, const std::string& name, const Model& model) {
  write_model(dir.path(name), model, SinkFormat::kSafetensors);
  return dir.path(name);
}

std::string compress(const TempDir& dir, const std::string& input,
                     const std::vector<std::string>& arguments) {
  std::vector<std::string> all = {"compress", input, "-f", "-q", "-o", dir.path("out.dcf")};
  all.insert(all.end(), arguments.begin(), arguments.end());
  expect_success(dcf(all));
  return read_text(dir.path("out.dcf"));
}

void expect_restored(const std::string& path, Model model) {
  expect_equal(read_model(path), sorted(std::move(model)));
}

std::set<std::string> keys(const nlohmann::ordered_json& object) {
  std::set<std::string> result;
  for (const auto& [key, value] : object.items()) result.insert(key);
  return result;
}

}  // namespace dcf::tools::test
