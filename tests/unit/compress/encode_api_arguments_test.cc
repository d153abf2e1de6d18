// SPDX-License-Identifier: Apache-2.0
// Arguments that dcf/dcf_encode.h refuses: always InvalidArgument with a sentence, never a crash,
// and no array of the caller is touched.
#include <dcf/dcf_encode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace {

constexpr size_t kSize = 40;
constexpr float kInf = std::numeric_limits<float>::infinity();

// One valid call of everything; a test spoils an argument.
struct Arguments {
  std::vector<float> w = std::vector<float>(kSize, 1.5f);
  std::vector<float> importance = std::vector<float>(kSize, 1.0f);
  std::vector<uint8_t> mask = std::vector<uint8_t>(kSize, 77), codes = mask;
  std::vector<float> codebook = std::vector<float>(8, 1.0f), out = std::vector<float>(kSize, 77);
  std::vector<double> bits = std::vector<double>(8, 1.0), sums = std::vector<double>(8, 77);
  uint32_t codebook_size = 8;
  double sparsity = 0.5, quality = 1, scale = 1, lambda = 0.1;
  dcf_share_options options;
  dcf_error error = DCF_ERROR_INIT;

  Arguments() {
    dcf_share_options_init(&options);
    options.clusters = 8;
    options.lambda = 0.1;
  }
  dcf_status prune() { return dcf_prune(w.data(), w.size(), sparsity, mask.data(), &error); }
  dcf_status deviation() {
    return dcf_prune_by_deviation(w.data(), w.size(), quality, mask.data(), &error);
  }
  dcf_status global() {
    std::vector<float> good(kSize, 2);
    std::vector<uint8_t> other(kSize);
    dcf_prune_layer layers[] = {{sizeof(dcf_prune_layer), good.data(), kSize, 1, mask.data()},
                                {sizeof(dcf_prune_layer), w.data(), w.size(), scale, other.data()}};
    return dcf_prune_global(layers, 2, sparsity, &error);
  }
  dcf_status share() {
    return dcf_share(w.data(), nullptr, importance.data(), w.size(), &options, out.data(),
                     &codebook_size, codes.data(), &error);
  }
  dcf_status assign() {
    return dcf_assign(w.data(), nullptr, importance.data(), w.size(), codebook.data(), bits.data(),
                      codebook_size, lambda, codes.data(), &error);
  }
  dcf_status expand() {
    const std::vector<uint8_t> ones(kSize, 1);
    return dcf_expand(ones.data(), kSize, codebook.data(), codebook_size, out.data(), &error);
  }
  dcf_status gradient() {
    const std::vector<uint8_t> ones(kSize, 1);
    return dcf_sum_gradients(w.data(), ones.data(), kSize, codebook_size, sums.data(), &error);
  }
  dcf_status bias() { return dcf_quantize_bias(w.data(), w.size(), 5, out.data(), &error); }
  dcf_status fold() {
    const dcf_dead_units layers = {sizeof(dcf_dead_units), w.data(),        out.data(), kSize, 1, 1,
                                   importance.data(),      codebook.data(), 1,          1};
    return dcf_fold_dead_units(&layers, nullptr, &error);
  }
  bool untouched() const {
    const auto all = [](const auto& values) {
      for (const auto v : values) {
        if (v != 77) return false;
      }
      return true;
    };
    return all(mask) && all(codes) && all(out) && all(sums);
  }
};

// As a C program may: a number that is no value of the enum.
template <typename Enum>
void set_number(Enum* value, int number) {
  static_assert(sizeof(Enum) == sizeof(int));
  std::memcpy(value, &number, sizeof number);
}

using Call = dcf_status (Arguments::*)();
using Spoil = std::function<void(Arguments*)>;

constexpr std::pair<const char*, Call> kCalls[] = {
    {"prune", &Arguments::prune},       {"deviation", &Arguments::deviation},
    {"global", &Arguments::global},     {"share", &Arguments::share},
    {"assign", &Arguments::assign},     {"expand", &Arguments::expand},
    {"gradient", &Arguments::gradient}, {"bias", &Arguments::bias},
    {"fold", &Arguments::fold}};

void expect_refused(const std::string& name, Call call, const Spoil& spoil) {
  Arguments arguments;
  spoil(&arguments);
  EXPECT_EQ((arguments.*call)(), DCF_STATUS_INVALID_ARGUMENT) << name;
  EXPECT_EQ(arguments.error.status, DCF_STATUS_INVALID_ARGUMENT) << name;
  EXPECT_STRNE(arguments.error.message, "") << name;
  EXPECT_TRUE(arguments.untouched()) << name;
}

TEST(EncodeApiArguments, TheUnspoiltCallsWork) {
  for (const auto& [name, call] : kCalls) {
    Arguments arguments;
    EXPECT_EQ((arguments.*call)(), DCF_OK) << name << ": " << arguments.error.message;
  }
}

TEST(EncodeApiArguments, NumbersThatAreNotFinite) {
  for (const float bad : {NAN, -NAN, kInf, -kInf}) {
    for (const size_t place : {size_t{0}, kSize / 2, kSize - 1}) {
      for (const auto& [name, call] : kCalls) {
        if (call == &Arguments::expand) continue;
        expect_refused(name, call, [=](Arguments* a) { a->w[place] = bad; });
      }
      for (const Call call : {&Arguments::share, &Arguments::assign, &Arguments::fold}) {
        expect_refused("importance or w2", call, [=](Arguments* a) { a->importance[place] = bad; });
      }
    }
    for (const Call call : {&Arguments::assign, &Arguments::expand, &Arguments::fold}) {
      expect_refused("codebook or bias2", call, [=](Arguments* a) { a->codebook[0] = bad; });
    }
    for (const Call call : {&Arguments::prune, &Arguments::global}) {
      expect_refused("sparsity", call, [=](Arguments* a) { a->sparsity = bad; });
    }
    expect_refused("quality", &Arguments::deviation, [=](Arguments* a) { a->quality = bad; });
    expect_refused("scale", &Arguments::global, [=](Arguments* a) { a->scale = bad; });
    expect_refused("lambda", &Arguments::share, [=](Arguments* a) { a->options.lambda = bad; });
    expect_refused("lambda", &Arguments::assign, [=](Arguments* a) { a->lambda = bad; });
  }
  expect_refused("bits", &Arguments::assign, [](Arguments* a) { a->bits[7] = NAN; });
}

TEST(EncodeApiArguments, NumbersOutOfRange) {
  for (const double sparsity : {-0.01, 1.0, 2.0}) {
    for (const Call call : {&Arguments::prune, &Arguments::global}) {
      expect_refused("sparsity", call, [=](Arguments* a) { a->sparsity = sparsity; });
    }
  }
  for (const double scale : {0.0, -1.0, 1e-31, 1e31}) {
    expect_refused("scale", &Arguments::global, [=](Arguments* a) { a->scale = scale; });
  }
  for (const uint32_t clusters : {0u, 256u, UINT32_MAX}) {
    expect_refused("clusters", &Arguments::share,
                   [=](Arguments* a) { a->options.clusters = clusters; });
  }
  for (const Call call : {&Arguments::assign, &Arguments::expand, &Arguments::gradient}) {
    expect_refused("codebook size", call, [](Arguments* a) {
      a->codebook.resize(256, 1);
      a->bits.resize(256, 1);
      a->sums.resize(256, 77);
      a->codebook_size = 256;
    });
  }
  expect_refused("quality", &Arguments::deviation, [](Arguments* a) { a->quality = -1; });
  expect_refused("lambda", &Arguments::share, [](Arguments* a) { a->options.lambda = -1; });
  expect_refused("lambda", &Arguments::assign, [](Arguments* a) { a->lambda = -1; });
  expect_refused("lambda", &Arguments::share, [](Arguments* a) { a->options.lambda = 2e100; });
  expect_refused("lambda", &Arguments::assign, [](Arguments* a) { a->lambda = 2e100; });
  expect_refused("bits", &Arguments::assign, [](Arguments* a) { a->bits[0] = -1; });
  expect_refused("init", &Arguments::share, [](Arguments* a) { set_number(&a->options.init, 4); });
  expect_refused("init", &Arguments::share, [](Arguments* a) { set_number(&a->options.init, -1); });
  expect_refused("struct_size", &Arguments::share,
                 [](Arguments* a) { a->options.struct_size = 0; });
  for (const Call call : {&Arguments::share, &Arguments::assign}) {
    expect_refused("importance", call, [](Arguments* a) { a->importance[3] = -1; });
  }
}

TEST(EncodeApiArguments, EnumsOfTheWriterOutOfRange) {
  const dcf_sink sink = {sizeof(dcf_sink), nullptr, [](void*, const void*, size_t) { return 0; }};
  dcf_writer* writer;
  ASSERT_EQ(dcf_writer_open_sink(&sink, nullptr, &writer, nullptr), DCF_OK);
  const uint64_t dims[] = {2};
  const float data[] = {1, 2};
  dcf_tensor_spec spec = {sizeof spec, "w", 1, DCF_DTYPE_F32, 0, nullptr, 0, 1, dims};
  for (const int number : {-1, 5, 64}) {
    dcf_encode_options options;
    dcf_encode_options_init(&options);
    set_number(&options.init, number);
    EXPECT_EQ(dcf_writer_add_dense(writer, &spec, data, 8, &options, nullptr),
              DCF_STATUS_INVALID_ARGUMENT);
    dcf_encode_options_init(&options);
    set_number(&options.positions, number);
    EXPECT_EQ(dcf_writer_add_dense(writer, &spec, data, 8, &options, nullptr),
              DCF_STATUS_INVALID_ARGUMENT);
  }
  // Sound arguments come too late: a failed addition breaks the writer.
  EXPECT_EQ(dcf_writer_add_dense(writer, &spec, data, 8, nullptr, nullptr), DCF_STATUS_BAD_STATE);
  dcf_writer_close(writer);
  ASSERT_EQ(dcf_writer_open_sink(&sink, nullptr, &writer, nullptr), DCF_OK);
  EXPECT_EQ(dcf_writer_add_dense(writer, &spec, data, 8, nullptr, nullptr), DCF_OK);
  dcf_writer_close(writer);
}

TEST(EncodeApiArguments, Null) {
  const float w[] = {1, 2};
  float f[] = {1, 2};
  uint8_t bytes[] = {1, 1};
  double sums[2];
  uint32_t size = 9;
  const auto bad = DCF_STATUS_INVALID_ARGUMENT;
  EXPECT_EQ(dcf_prune(nullptr, 2, 0.5, bytes, nullptr), bad);
  EXPECT_EQ(dcf_prune(w, 2, 0.5, nullptr, nullptr), bad);
  EXPECT_EQ(dcf_prune_by_deviation(nullptr, 2, 1, bytes, nullptr), bad);
  EXPECT_EQ(dcf_prune_by_deviation(w, 2, 1, nullptr, nullptr), bad);
  EXPECT_EQ(dcf_prune_global(nullptr, 2, 0.5, nullptr), bad);
  dcf_prune_layer layer = {sizeof layer, nullptr, 2, 1, bytes};
  EXPECT_EQ(dcf_prune_global(&layer, 1, 0.5, nullptr), bad);
  layer = {sizeof layer, w, 2, 1, nullptr};
  EXPECT_EQ(dcf_prune_global(&layer, 1, 0.5, nullptr), bad);
  layer = {0, w, 2, 1, bytes};
  EXPECT_EQ(dcf_prune_global(&layer, 1, 0.5, nullptr), bad);
  EXPECT_EQ(dcf_apply_mask(nullptr, bytes, 2, nullptr), bad);
  EXPECT_EQ(dcf_apply_mask(f, nullptr, 2, nullptr), bad);
  EXPECT_EQ(dcf_share(nullptr, nullptr, nullptr, 2, nullptr, f, &size, bytes, nullptr), bad);
  EXPECT_EQ(size, 0u);
  EXPECT_EQ(dcf_share(w, nullptr, nullptr, 2, nullptr, nullptr, &size, bytes, nullptr), bad);
  EXPECT_EQ(dcf_share(w, nullptr, nullptr, 2, nullptr, f, nullptr, bytes, nullptr), bad);
  EXPECT_EQ(dcf_share(w, nullptr, nullptr, 2, nullptr, f, &size, nullptr, nullptr), bad);
  EXPECT_EQ(dcf_assign(nullptr, nullptr, nullptr, 2, f, nullptr, 2, 0, bytes, nullptr), bad);
  EXPECT_EQ(dcf_assign(w, nullptr, nullptr, 2, nullptr, nullptr, 2, 0, bytes, nullptr), bad);
  EXPECT_EQ(dcf_assign(w, nullptr, nullptr, 2, f, nullptr, 2, 0, nullptr, nullptr), bad);
  EXPECT_EQ(dcf_expand(nullptr, 2, w, 2, f, nullptr), bad);
  EXPECT_EQ(dcf_expand(bytes, 2, nullptr, 2, f, nullptr), bad);
  EXPECT_EQ(dcf_expand(bytes, 2, w, 2, nullptr, nullptr), bad);
  EXPECT_EQ(dcf_sum_gradients(nullptr, bytes, 2, 2, sums, nullptr), bad);
  EXPECT_EQ(dcf_sum_gradients(w, nullptr, 2, 2, sums, nullptr), bad);
  EXPECT_EQ(dcf_sum_gradients(w, bytes, 2, 2, nullptr, nullptr), bad);
  EXPECT_EQ(dcf_fold_dead_units(nullptr, nullptr, nullptr), bad);
  EXPECT_EQ(dcf_quantize_bias(nullptr, 2, 5, f, nullptr), bad);
  EXPECT_EQ(dcf_quantize_bias(w, 2, 5, nullptr, nullptr), bad);
}

TEST(EncodeApiArguments, NullIsFineWhereThereIsNothing) {
  float codebook;
  uint32_t size = 9;
  EXPECT_EQ(dcf_prune(nullptr, 0, 0.5, nullptr, nullptr), DCF_OK);
  EXPECT_EQ(dcf_prune_by_deviation(nullptr, 0, 1, nullptr, nullptr), DCF_OK);
  EXPECT_EQ(dcf_prune_global(nullptr, 0, 0.5, nullptr), DCF_OK);
  EXPECT_EQ(dcf_apply_mask(nullptr, nullptr, 0, nullptr), DCF_OK);
  EXPECT_EQ(dcf_share(nullptr, nullptr, nullptr, 0, nullptr, &codebook, &size, nullptr, nullptr),
            DCF_OK);
  EXPECT_EQ(size, 0u);
  EXPECT_EQ(dcf_assign(nullptr, nullptr, nullptr, 0, nullptr, nullptr, 0, 0, nullptr, nullptr),
            DCF_OK);
  EXPECT_EQ(dcf_expand(nullptr, 0, nullptr, 0, nullptr, nullptr), DCF_OK);
  EXPECT_EQ(dcf_sum_gradients(nullptr, nullptr, 0, 0, nullptr, nullptr), DCF_OK);
  EXPECT_EQ(dcf_quantize_bias(nullptr, 0, 5, nullptr, nullptr), DCF_OK);
  dcf_share_options_init(nullptr);
}

}  // namespace
