// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <stdexcept>

#include "model_test_util.h"

namespace dcf::tools::test {
namespace {

Model every_dtype() {
  Model model;
  for (int number = DCF_DTYPE_F64; number <= DCF_DTYPE_F4; ++number) {
    const auto dtype = static_cast<dcf_dtype>(number);
    model.tensors.push_back(meta("t" + std::to_string(100 + number), dtype, {2, 4}));
    model.data.push_back(noise(model.tensors.back().bytes(), static_cast<uint64_t>(number)));
  }
  model.tensors.push_back(meta("u.scalar", DCF_DTYPE_F32, {}));
  model.data.push_back(noise(4, 1));
  model.tensors.push_back(meta("u.void", DCF_DTYPE_BF16, {0, 3}));
  model.data.emplace_back();
  model.tensors.push_back(meta("v \"\n\xc3\xa4/..\\", DCF_DTYPE_U8, {1}));
  model.data.push_back({7});
  model.metadata = {{"", "empty"}, {"k\xc3\xa4", "\"v\"\n"}, {"n", std::string("\0", 1)}};
  return model;
}

TEST(ModelSink, EveryDtypeSurvivesBothFormats) {
  const TempDir dir;
  const Model model = every_dtype();
  for (const SinkFormat format : {SinkFormat::kSafetensors, SinkFormat::kNpz}) {
    const std::string path = dir.path(format == SinkFormat::kNpz ? "npz" : "safetensors");
    write_model(path, model, format);
    expect_equal(read_model(path), model);
  }
}

TEST(ModelSink, NpzHoldsOpaqueAndPartialBytes) {
  const TempDir dir;
  Model model;
  for (const uint32_t bits : {3u, 8u, 16u, 24u}) {
    model.tensors.push_back({.name = "opaque" + std::to_string(100 + bits),
                             .dtype = DCF_DTYPE_OPAQUE,
                             .bits = bits,
                             .opaque_name = "q" + std::to_string(bits),
                             .dims = {5, 1}});
  }
  model.tensors.push_back(meta("sub", DCF_DTYPE_F4, {3}));
  for (const TensorMeta& tensor : model.tensors) model.data.push_back(noise(tensor.bytes(), 3));
  write_model(dir.path("m.npz"), model, SinkFormat::kNpz);
  expect_equal(read_model(dir.path("m.npz")), model);

  EXPECT_TOOL_ERROR(write_model(dir.path("m.st"), model, SinkFormat::kSafetensors), 2, "'q3'");
  model.tensors = {meta("sub", DCF_DTYPE_F4, {3})};
  EXPECT_TOOL_ERROR(write_model(dir.path("m.st"), model, SinkFormat::kSafetensors), 2,
                    "whole bytes");
  EXPECT_EQ(dir.list(), std::vector<std::string>{"m.npz"});
}

TEST(ModelSink, SafetensorsLayoutIsTheReferenceLibrarys) {
  const TempDir dir;
  const Model model{.tensors = {meta("a", DCF_DTYPE_U8, {1}), meta("z", DCF_DTYPE_F32, {1}),
                                meta("b", DCF_DTYPE_F32, {1}), meta("c", DCF_DTYPE_I64, {1})},
                    .data = {{1}, {2, 2, 2, 2}, {3, 3, 3, 3}, noise(8, 1)},
                    .metadata = {{"framework", "pt"}}};
  write_model(dir.path("m"), model, SinkFormat::kSafetensors);
  const std::string file = read_text(dir.path("m"));
  const std::string header = R"({"__metadata__":{"framework":"pt"},)"
                             R"("c":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
                             R"("b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
                             R"("z":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},)"
                             R"("a":{"dtype":"U8","shape":[1],"data_offsets":[16,17]}})";
  const size_t padded = (header.size() + 7) / 8 * 8;
  EXPECT_EQ(file.substr(8, padded), header + std::string(padded - header.size(), ' '));
  EXPECT_EQ(file.substr(8 + padded + 8), "\3\3\3\3\2\2\2\2\1");
}

TEST(ModelSink, RefusesWhatAFormatCannotHold) {
  const TempDir dir;
  const auto create = [&](std::vector<TensorMeta> tensors, const Metadata& metadata,
                          SinkFormat format) {
    return create_model_sink(std::make_unique<OutputFile>(dir.path("m"), false), format,
                             std::move(tensors), metadata);
  };
  EXPECT_TOOL_ERROR(create({meta("__metadata__", DCF_DTYPE_U8, {})}, {}, SinkFormat::kSafetensors),
                    2, "reserved");
  EXPECT_TOOL_ERROR(create({meta("__dcf__.json", DCF_DTYPE_U8, {})}, {}, SinkFormat::kNpz), 2,
                    "cannot hold");
  EXPECT_TOOL_ERROR(create({}, {{"k", "\xff"}}, SinkFormat::kSafetensors), 2, "not UTF-8");
  EXPECT_TOOL_ERROR(create({}, {{"k", "\xff"}}, SinkFormat::kNpz), 2, "not UTF-8");
  EXPECT_TOOL_ERROR(
      create({meta("a", DCF_DTYPE_U8, {}), meta("a", DCF_DTYPE_I8, {})}, {}, SinkFormat::kNpz), 1,
      "two tensors");
  const uint64_t huge = std::numeric_limits<uint64_t>::max() / 8;
  EXPECT_TOOL_ERROR(create({meta("a", DCF_DTYPE_U8, {huge}), meta("b", DCF_DTYPE_U8, {huge}),
                            meta("c", DCF_DTYPE_U8, {huge}), meta("d", DCF_DTYPE_U8, {huge}),
                            meta("e", DCF_DTYPE_U8, {huge}), meta("f", DCF_DTYPE_U8, {huge}),
                            meta("g", DCF_DTYPE_U8, {huge}), meta("h", DCF_DTYPE_U8, {huge}),
                            meta("i", DCF_DTYPE_U8, {huge})},
                           {}, SinkFormat::kSafetensors),
                    1, "64 bits");
  EXPECT_TRUE(dir.list().empty());
}

TEST(ModelSink, MisuseIsALogicError) {
  const TempDir dir;
  const std::vector<TensorMeta> tensors = {meta("a", DCF_DTYPE_U8, {2}),
                                           meta("b", DCF_DTYPE_U8, {1})};
  const auto make = [&] {
    return create_model_sink(std::make_unique<OutputFile>(dir.path("m"), false),
                             SinkFormat::kSafetensors, tensors, {});
  };
  const Bytes two = {1, 2};
  EXPECT_THROW(make()->begin_tensor(tensors[1]), std::logic_error);
  EXPECT_THROW(make()->append(two), std::logic_error);
  EXPECT_THROW(make()->finish(), std::logic_error);
  const auto sink = make();
  sink->begin_tensor(tensors[0]);
  EXPECT_THROW(sink->append(Bytes{1, 2, 3}), std::logic_error);
  sink->append(Bytes{1});
  EXPECT_THROW(sink->begin_tensor(tensors[1]), std::logic_error);
}

TEST(ModelSink, ZipWithMoreEntriesThanSixteenBitsCount) {
  const TempDir dir;
  Model model;
  for (int i = 0; i < 66000; ++i) {
    model.tensors.push_back(meta(std::to_string(100000 + i), DCF_DTYPE_U8, {1}));
    model.data.push_back({static_cast<uint8_t>(i)});
  }
  write_model(dir.path("m.npz"), model, SinkFormat::kNpz);
  expect_equal(read_model(dir.path("m.npz")), model);
}

}  // namespace
}  // namespace dcf::tools::test
