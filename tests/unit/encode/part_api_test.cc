// SPDX-License-Identifier: Apache-2.0
// Files made in parts: they are the files that one writer writes, byte for byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <dcf/dcf.hpp>
#include <random>
#include <string>
#include <vector>

namespace {

using Data = std::vector<uint8_t>;

int append(void* ctx, const void* data, size_t size) {
  auto* const bytes = static_cast<Data*>(ctx);
  const auto* const first = static_cast<const uint8_t*>(data);
  bytes->insert(bytes->end(), first, first + size);
  return 0;
}

// With which a tensor of more than 2^20 elements can be cut.
dcf_encode_options fast() {
  dcf_encode_options options = dcf::encode_options();
  options.effort = DCF_EFFORT_FAST;
  return options;
}

struct Tensor {
  std::string name;
  dcf_dtype dtype = DCF_DTYPE_F32;
  std::vector<uint64_t> dims;
  Data data;
  dcf_encode_options options = fast();

  dcf_tensor_spec spec() const { return dcf::tensor_spec(name, dtype, dims); }
};

template <typename T>
T take(dcf::Result<T> result) {
  EXPECT_TRUE(result);
  return std::move(*result);
}

dcf::Writer writer_to(Data* out, bool part = false) {
  dcf_writer_options options = dcf::writer_options();
  options.part = part ? 1 : 0;
  return take(dcf::Writer::open(dcf_sink{sizeof(dcf_sink), out, append}, options));
}

void expect_ok(const dcf::Status& status) {
  EXPECT_TRUE(status) << (status ? "" : status.error().message);
}

Data file_of(const std::vector<Tensor>& tensors, bool part = false) {
  Data file;
  dcf::Writer writer = writer_to(&file, part);
  for (const Tensor& tensor : tensors) {
    expect_ok(writer.add_bytes(tensor.spec(), tensor.data, tensor.options));
  }
  expect_ok(writer.finish());
  return file;
}

dcf::File opened(const Data& file) {
  return take(dcf::File::open(std::span<const uint8_t>(file)));
}

// Floats of which some are zero, drawn from all or a few values.
Tensor floats(std::string name, std::vector<uint64_t> dims, double density, unsigned seed,
              unsigned levels = 0) {
  Tensor tensor{std::move(name), DCF_DTYPE_F32, std::move(dims), {}};
  uint64_t elements = 1;
  for (const uint64_t dim : tensor.dims) elements *= dim;
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<double> uniform(0, 1);
  tensor.data.resize(4 * elements);
  for (uint64_t i = 0; i < elements; ++i) {
    float v = 0;
    if (uniform(rng) < density)
      v = levels == 0 ? normal(rng) : 1.0f + static_cast<float>(rng() % levels);
    std::memcpy(&tensor.data[4 * i], &v, 4);
  }
  return tensor;
}

// bfloat16 without a zero, from a normal distribution or a few values.
Tensor bfloats(std::string name, std::vector<uint64_t> dims, unsigned seed, unsigned levels = 0) {
  Tensor tensor = floats(std::move(name), std::move(dims), 1, seed, levels);
  tensor.dtype = DCF_DTYPE_BF16;
  Data halves;
  for (size_t i = 0; i < tensor.data.size(); i += 4) {
    halves.push_back(static_cast<uint8_t>(tensor.data[i + 2] | 1));
    halves.push_back(tensor.data[i + 3]);
  }
  tensor.data = std::move(halves);
  return tensor;
}

// Tensors whose encodings depend on each other: many small ones between two kinds of positions,
// equal tables, an alias within a part, an empty one.
std::vector<Tensor> assorted() {
  std::vector<Tensor> tensors;
  for (unsigned i = 0; i < 40; ++i) {
    tensors.push_back(floats("small" + std::to_string(i), {8, 10 + i % 7}, 0.05 + 0.02 * i, i, 5));
  }
  tensors.push_back(floats("large", {300, 1000}, 0.1, 1));
  tensors.push_back(floats("dense", {100, 1000}, 1, 2));
  tensors.push_back(floats("empty", {0, 3}, 1, 3));
  tensors.push_back(bfloats("half", {200, 300}, 4));
  Tensor again = tensors[40];
  again.name = "larger";
  again.dims = {1000, 300};
  tensors.push_back(again);
  Tensor pruned = floats("pruned", {64, 64}, 1, 5);
  pruned.options.sparsity = 0.9;
  pruned.options.bits = 4;
  tensors.push_back(pruned);
  return tensors;
}

Data merged(const std::vector<Data>& parts) {
  Data file;
  dcf::Writer writer = writer_to(&file);
  for (const Data& part : parts) expect_ok(writer.add_part(opened(part)));
  expect_ok(writer.finish());
  return file;
}

TEST(Parts, MakeTheFileOfOneWriterHoweverItIsCut) {
  const std::vector<Tensor> tensors = assorted();
  const Data whole = file_of(tensors);
  for (const size_t step : {size_t{1}, size_t{3}, tensors.size()}) {
    std::vector<Data> parts;
    for (size_t at = 0; at < tensors.size(); at += step) {
      const size_t end = std::min(tensors.size(), at + step);
      parts.push_back(file_of({tensors.begin() + static_cast<ptrdiff_t>(at),
                               tensors.begin() + static_cast<ptrdiff_t>(end)},
                              true));
      EXPECT_TRUE(opened(parts.back()).verify());
    }
    if (step == 1 || step == 3) {
      // "larger" is an alias of "large", which only a writer that has both can see.
      Data file;
      dcf::Writer writer = writer_to(&file);
      for (const Data& part : parts) {
        const dcf::File open = opened(part);
        expect_ok(writer.add_part(open));
      }
      expect_ok(writer.finish());
      EXPECT_GT(file.size(), whole.size());
      continue;
    }
    EXPECT_EQ(merged(parts), whole);
  }
}

TEST(Parts, KnowAliasesThatTheCallerTells) {
  const std::vector<Tensor> tensors = assorted();
  Data file;
  dcf::Writer writer = writer_to(&file);
  const Tensor* alias = nullptr;
  std::vector<Data> parts;
  for (const Tensor& tensor : tensors) {
    if (tensor.name == "larger") {
      alias = &tensor;
      continue;
    }
    parts.push_back(file_of({tensor}, true));
  }
  std::reverse(parts.begin(), parts.end());  // the order does not matter
  for (const Data& part : parts) expect_ok(writer.add_part(opened(part)));
  expect_ok(writer.add_alias(alias->spec(), "large"));
  expect_ok(writer.finish());
  EXPECT_EQ(file, file_of(tensors));
}

dcf_status status_of(const dcf::Status& status) {
  return status.status();
}

TEST(Parts, RefuseAliasesThatAreNone) {
  const Tensor first = floats("m", {10, 20}, 1, 1);
  const auto refused = [&](Tensor alias, const char* target) {
    Data file;
    dcf::Writer writer = writer_to(&file);
    expect_ok(writer.add_bytes(first.spec(), first.data));
    return status_of(writer.add_alias(alias.spec(), target));
  };
  Tensor alias = first;
  alias.name = "n";
  EXPECT_EQ(refused(alias, "m"), DCF_OK);
  EXPECT_EQ(refused(alias, "x"), DCF_STATUS_NOT_FOUND);
  EXPECT_EQ(refused(first, "m"), DCF_STATUS_DUPLICATE_NAME);
  alias.dims = {10, 21};
  EXPECT_EQ(refused(alias, "m"), DCF_STATUS_INVALID_ARGUMENT);
  alias.dims = {20, 10};
  EXPECT_EQ(refused(alias, "m"), DCF_OK);
  alias.name = "a";
  EXPECT_EQ(refused(alias, "m"), DCF_STATUS_INVALID_ARGUMENT);
  alias.dims = {10, 20};
  EXPECT_EQ(refused(alias, "m"), DCF_OK);
  alias.dtype = DCF_DTYPE_I32;
  EXPECT_EQ(refused(alias, "m"), DCF_STATUS_INVALID_ARGUMENT);
}

TEST(Parts, AreNoOtherFiles) {
  Data file;
  dcf::Writer writer = writer_to(&file);
  EXPECT_EQ(status_of(writer.add_part(opened(file_of(assorted())))), DCF_STATUS_BAD_SECTION);
  EXPECT_EQ(status_of(writer.finish()), DCF_STATUS_BAD_STATE);
}

TEST(Parts, WithADamagedIndexAreRefused) {
  const std::vector<Tensor> tensors = {floats("a", {30, 40}, 0.2, 1),
                                       floats("b", {30, 40}, 0.2, 2)};
  const Data part = file_of(tensors, true);
  const dcf::File file = opened(part);
  // The index is the last section: its bytes end the file, and its checksum is in the manifest.
  Data index(200);
  dcf_section_info info = DCF_SECTION_INFO_INIT;
  ASSERT_EQ(dcf_section_describe(file.get(), 0, &info, nullptr), DCF_OK);
  index.resize(info.bytes);
  ASSERT_EQ(dcf_section_read(file.get(), 0, index.data(), index.size(), nullptr), DCF_OK);
  size_t refused = 0;
  for (size_t at = 0; at < index.size(); ++at) {
    Data damaged = index;
    damaged[at] ^= 0x81;
    Data out;
    dcf::Writer copy = writer_to(&out);
    for (size_t i = 0; i < dcf_tensor_count(file.get()); ++i) {
      ASSERT_EQ(dcf_writer_copy_tensor(copy.get(), file.get(), i, nullptr, 0, nullptr), DCF_OK);
    }
    expect_ok(copy.add_section(7, damaged));
    expect_ok(copy.finish());
    Data ignored;
    dcf::Writer writer = writer_to(&ignored);
    const dcf::Status status = writer.add_part(opened(out));
    if (!status) ++refused;
    // What is not refused is another name or shape of as many elements, or another choice.
    if (status) expect_ok(writer.finish());
  }
  EXPECT_GT(refused, index.size() / 2);
}

// In ranges that end at chunks, several chunks each.
std::vector<Data> cut_in_parts(const Tensor& tensor, unsigned ranges) {
  const uint64_t elements = tensor.data.size() / 2;
  // Measured elsewhere, and not along chunks.
  std::vector<Data> saved;
  for (unsigned k = 0; k < ranges; ++k) {
    dcf::Stats stats = take(dcf::Stats::open(tensor.spec(), tensor.options));
    const uint64_t begin = elements * k / ranges;
    const uint64_t end = elements * (k + 1) / ranges;
    expect_ok(stats.add(std::span(tensor.data).subspan(2 * begin, 2 * (end - begin))));
    saved.push_back(take(stats.save()));
  }
  dcf::Stats all = take(dcf::Stats::open(tensor.spec(), tensor.options));
  for (auto it = saved.rbegin(); it != saved.rend(); ++it) expect_ok(all.merge(*it));
  const auto cut = all.cut();
  EXPECT_TRUE(cut);
  if (!cut) return {};
  std::vector<Data> parts;
  uint64_t begin = 0;
  for (unsigned k = 1; k <= ranges; ++k) {
    const uint64_t end = k == ranges ? elements : elements * k / ranges / *cut * *cut;
    Data part;
    dcf::Writer writer = writer_to(&part, true);
    expect_ok(writer.add_range(tensor.spec(), all, begin,
                               std::span(tensor.data).subspan(2 * begin, 2 * (end - begin)),
                               tensor.options));
    expect_ok(writer.finish());
    EXPECT_TRUE(opened(part).verify());
    parts.push_back(std::move(part));
    begin = end;
  }
  return parts;
}

TEST(Ranges, MakeTheTensorOfOneWriter) {
  for (const unsigned levels : {0u, 7u}) {  // split, a palette
    for (const unsigned ranges : {1u, 2u, 5u}) {
      const Tensor tensor = bfloats("cut", {1501, 1003}, 9 + levels, levels);
      const Tensor other = floats("other", {50, 60}, 0.3, 1);
      std::vector<Data> parts = cut_in_parts(tensor, ranges);
      parts.push_back(file_of({other}, true));
      EXPECT_EQ(merged(parts), file_of({tensor, other})) << levels << " " << ranges;
    }
  }
}

TEST(Ranges, OfRawTensors) {
  Tensor tensor = bfloats("noise", {1501, 1003}, 1);
  std::mt19937 rng(1);
  for (uint8_t& byte : tensor.data) byte = static_cast<uint8_t>(rng() | 1);
  EXPECT_EQ(merged(cut_in_parts(tensor, 3)), file_of({tensor}));
}

TEST(Ranges, MustFollowEachOther) {
  const Tensor tensor = bfloats("cut", {1501, 1003}, 1);
  const std::vector<Data> parts = cut_in_parts(tensor, 3);
  const auto result = [&](const std::vector<size_t>& order) {
    Data file;
    dcf::Writer writer = writer_to(&file);
    for (const size_t i : order) {
      const dcf::Status status = writer.add_part(opened(parts[i]));
      if (!status) return status_of(status);
    }
    return status_of(writer.finish());
  };
  EXPECT_EQ(result({0, 1, 2}), DCF_OK);
  EXPECT_EQ(result({0, 2, 1}), DCF_STATUS_BAD_STATE);
  EXPECT_EQ(result({0, 1}), DCF_STATUS_BAD_STATE);
  EXPECT_EQ(result({1}), DCF_STATUS_BAD_STATE);
  EXPECT_EQ(result({0, 1, 2, 0}), DCF_STATUS_DUPLICATE_NAME);
}

TEST(Ranges, OfOtherDataOrPlacesAreRefused) {
  const Tensor tensor = bfloats("cut", {1501, 1003}, 1, 7);
  dcf::Stats stats = take(dcf::Stats::open(tensor.spec(), tensor.options));
  Data part;
  const auto added = [&](uint64_t first, std::span<const uint8_t> data, bool in_part = true) {
    dcf::Writer writer = writer_to(&part, in_part);
    return status_of(writer.add_range(tensor.spec(), stats, first, data, tensor.options));
  };
  EXPECT_EQ(added(0, tensor.data), DCF_STATUS_INVALID_ARGUMENT);  // not all is measured
  expect_ok(stats.add(tensor.data));
  EXPECT_EQ(added(0, tensor.data), DCF_OK);
  EXPECT_EQ(added(0, tensor.data, false), DCF_STATUS_BAD_STATE);
  const uint64_t chunk = take(stats.cut());
  const std::span<const uint8_t> all(tensor.data);
  EXPECT_EQ(added(chunk, all.subspan(2 * chunk)), DCF_OK);
  EXPECT_EQ(added(chunk, all.subspan(2 * chunk, 2 * chunk)), DCF_OK);
  EXPECT_EQ(added(chunk, all.subspan(2 * chunk, 2 * chunk - 2)), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(added(chunk + 1, all.subspan(2 * chunk)), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(added(0, all.first(0)), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(added(UINT64_MAX / chunk * chunk, all), DCF_STATUS_INVALID_ARGUMENT);
  Data changed = tensor.data;
  changed[1] ^= 0x20;
  EXPECT_EQ(added(0, changed), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(status_of(stats.add(all.first(2))), DCF_STATUS_INVALID_ARGUMENT);
}

TEST(Ranges, AreNotForEveryTensor) {
  const auto can_be_cut = [](const Tensor& tensor) {
    dcf::Stats stats = take(dcf::Stats::open(tensor.spec(), tensor.options));
    expect_ok(stats.add(tensor.data));
    return static_cast<bool>(stats.cut());
  };
  Tensor tensor = bfloats("t", {1501, 1003}, 1);
  EXPECT_TRUE(can_be_cut(tensor));
  tensor.options.effort = DCF_EFFORT_NORMAL;
  EXPECT_FALSE(can_be_cut(tensor));
  tensor.options = fast();
  tensor.options.bits = 4;
  EXPECT_FALSE(can_be_cut(tensor));
  tensor.options = fast();
  tensor.options.positions = DCF_POSITIONS_GAP;
  EXPECT_FALSE(can_be_cut(tensor));
  tensor.options = fast();
  tensor.data[0] = tensor.data[1] = 0;
  EXPECT_TRUE(can_be_cut(tensor));
  for (size_t i = 0; i < tensor.data.size(); i += 6) tensor.data[i] = tensor.data[i + 1] = 0;
  EXPECT_FALSE(can_be_cut(tensor));
  tensor.options.positions = DCF_POSITIONS_DENSE;
  EXPECT_TRUE(can_be_cut(tensor));
  EXPECT_FALSE(can_be_cut(bfloats("t", {100, 100}, 1)));
}

TEST(Ranges, MayHaveZerosThatSaveLittle) {
  Tensor tensor = bfloats("cut", {1501, 1003}, 1);
  for (size_t i = 0; i < tensor.data.size(); i += 6000) tensor.data[i] = tensor.data[i + 1] = 0;
  EXPECT_EQ(merged(cut_in_parts(tensor, 3)), file_of({tensor}));
}

TEST(Ranges, WithForcedDensePositionsMayHaveZeros) {
  Tensor tensor = bfloats("cut", {1501, 1003}, 1);
  for (size_t i = 0; i < tensor.data.size(); i += 6) tensor.data[i] = tensor.data[i + 1] = 0;
  for (size_t i = 2; i < tensor.data.size(); i += 600) {
    tensor.data[i] = 0;
    tensor.data[i + 1] = 0x80;
  }
  tensor.options.positions = DCF_POSITIONS_DENSE;
  for (const uint32_t canonical : {0u, 1u}) {
    tensor.options.canonical_zeros = canonical;
    EXPECT_EQ(merged(cut_in_parts(tensor, 3)), file_of({tensor})) << canonical;
  }
}

TEST(Stats, OfStrangersAreRefused) {
  const Tensor tensor = bfloats("cut", {1501, 1003}, 1, 7);
  dcf::Stats stats = take(dcf::Stats::open(tensor.spec(), tensor.options));
  expect_ok(stats.add(tensor.data));
  const Data saved = take(stats.save());
  const auto merge = [&](const Data& bytes, const Tensor& of) {
    dcf::Stats other = take(dcf::Stats::open(of.spec(), of.options));
    const dcf::Status status = other.merge(bytes);
    if (status) (void)other.cut();  // whatever it says, it ends
    return static_cast<bool>(status);
  };
  EXPECT_TRUE(merge(saved, tensor));
  EXPECT_FALSE(merge(saved, bfloats("cut", {1501, 1004}, 1)));
  Tensor other = tensor;
  other.dtype = DCF_DTYPE_F16;
  EXPECT_FALSE(merge(saved, other));
  for (size_t size = 0; size < saved.size(); size += 7) {
    EXPECT_FALSE(merge({saved.begin(), saved.begin() + static_cast<ptrdiff_t>(size)}, tensor));
  }
  Data longer = saved;
  longer.push_back(0);
  EXPECT_FALSE(merge(longer, tensor));
  size_t refused = 0;
  for (size_t at = 0; at < saved.size(); ++at) {
    Data damaged = saved;
    damaged[at] ^= 0xFF;
    refused += !merge(damaged, tensor);
  }
  EXPECT_GT(refused, saved.size() * 9 / 10);
}

}  // namespace
