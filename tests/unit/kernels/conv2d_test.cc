// SPDX-License-Identifier: Apache-2.0
// Convolution from the compressed form against the plain loops over the dense words, bit by bit:
// random shapes, every encoding and view, batches, threads, limits, and shapes that do not fit.
#include "kernels/conv2d.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "base/float_convert.h"
#include "support/sample.h"

namespace dcf::impl::kernels {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

std::vector<float> input(uint64_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(n);
  for (float& v : x) v = normal(random);
  return x;
}

// Straight from the definition, in the documented order.
std::vector<float> expected(const Sample& s, const Conv2d& c, std::span<const float> x,
                            uint64_t batch) {
  const uint64_t per_group = c.in_channels / c.groups;
  const auto inside = [](const Axis& axis, uint64_t o, uint64_t k, uint64_t* at) {
    *at = o * axis.stride + k * axis.dilation - axis.pad;  // wraps where it is negative
    return *at < axis.size;
  };
  std::vector<float> y;
  for (uint64_t b = 0; b < batch; ++b) {
    for (uint64_t o = 0; o < c.out_channels; ++o) {
      const uint64_t group = o / (c.out_channels / c.groups);
      for (uint64_t oy = 0; oy < c.y.out; ++oy) {
        for (uint64_t ox = 0; ox < c.x.out; ++ox) {
          double sum = 0;
          for (uint64_t i = 0; i < per_group * c.y.kernel * c.x.kernel; ++i) {
            const uint64_t channel = group * per_group + i / c.x.kernel / c.y.kernel;
            uint64_t iy = 0;
            uint64_t ix = 0;
            if (!inside(c.y, oy, i / c.x.kernel % c.y.kernel, &iy) ||
                !inside(c.x, ox, i % c.x.kernel, &ix))
              continue;
            const double w =
                word_to_double(s.dtype, s.words[o * per_group * c.y.kernel * c.x.kernel + i]);
            sum += w * x[((b * c.in_channels + channel) * c.y.size + iy) * c.x.size + ix];
          }
          y.push_back(static_cast<float>(sum));
        }
      }
    }
  }
  return y;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

struct Answer {
  Status status;
  std::vector<float> y;
};

Answer run(const model::Model& model, size_t tensor, Conv2d* conv, std::span<const float> x,
           uint64_t batch) {
  Answer answer;
  answer.status = conv->complete(model.manifest()->tensors[tensor]);
  if (!answer.status.ok()) return answer;
  answer.y.assign(batch * conv->out_size, 99);
  answer.status = convolve(model, tensor, *conv, x, batch, answer.y);
  return answer;
}

TEST(Conv2d, RandomShapesGiveTheSameBitsAsThePlainLoops) {
  std::mt19937_64 random(7);
  const auto pick = [&](uint64_t low, uint64_t high) { return low + random() % (high - low + 1); };
  int compared = 0;
  for (int round = 0; round < 400; ++round) {
    Conv2d conv;
    conv.groups = pick(1, 3);
    conv.in_channels = conv.groups * pick(1, 3);
    const uint64_t out = conv.groups * pick(1, 4);
    conv.y = {.size = pick(1, 9), .stride = pick(1, 3), .pad = pick(0, 4), .dilation = pick(1, 3)};
    conv.x = {.size = pick(1, 9), .stride = pick(1, 3), .pad = pick(0, 4), .dilation = pick(1, 3)};
    const std::vector<format::Encoding> encodings = encodings_of(DType::kF32);
    Sample s =
        random_sample(DType::kF32, {out, conv.in_channels / conv.groups, pick(1, 4), pick(1, 4)},
                      encodings[static_cast<size_t>(round) % encodings.size()], pick(0, 1000), 2);
    s.rows_per_chunk = 2;
    const Blob file = make_file({s});
    const auto model = open_bytes(file, static_cast<unsigned>(pick(1, 3)));
    ASSERT_TRUE(model.ok());
    const uint64_t batch = pick(0, 35);
    const std::vector<float> x =
        input(batch * conv.in_channels * conv.y.size * conv.x.size, random());
    const Answer answer = run(*model.value(), 0, &conv, x, batch);
    const bool fits = conv.y.dilation * (s.dims[2] - 1) < conv.y.size + 2 * conv.y.pad &&
                      conv.x.dilation * (s.dims[3] - 1) < conv.x.size + 2 * conv.x.pad;
    ASSERT_EQ(answer.status.ok(), fits) << round << ": " << answer.status.message;
    if (!fits) continue;
    ASSERT_TRUE(same_bits(answer.y, expected(s, conv, x, batch))) << round;
    ++compared;
  }
  EXPECT_GT(compared, 250);
}

TEST(Conv2d, EveryDtypeEncodingAndView) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kF64, DType::kBF16, DType::kF8E5M2,
                            DType::kF8E4M3FNUZ, DType::kI8, DType::kU16}) {
    for (const format::Encoding& e : encodings_of(dtype)) {
      for (int view = 0; view < 3; ++view) {
        if (view == 2 && e.is_raw()) continue;
        Sample s = random_sample(dtype, {6, 2, 3, 2}, e, static_cast<uint64_t>(view));
        s.name = "a";
        s.view = view == 0   ? format::View{}
                 : view == 1 ? format::View{7, false}
                             : format::View{6, true};
        s.rows_per_chunk = 2;
        Sample alias = s;
        alias.name = "b";
        alias.dims = {3, 4, 1, 6};
        alias.alias_of = "a";
        const Blob file = make_file({s, alias});
        const auto model = open_bytes(file, 2);
        ASSERT_TRUE(model.ok());
        for (size_t tensor = 0; tensor < 2; ++tensor) {
          Conv2d conv;
          conv.in_channels = tensor == 0 ? 2 : 4;
          conv.y = {.size = 6, .stride = 2, .pad = 1};
          conv.x = {.size = 7, .pad = 1};
          const std::vector<float> x = input(conv.in_channels * 6 * 7 * 3, 5);
          const Answer answer = run(*model.value(), tensor, &conv, x, 3);
          ASSERT_TRUE(answer.status.ok()) << answer.status.message;
          EXPECT_TRUE(same_bits(answer.y, expected(s, conv, x, 3)))
              << dtype_name(dtype) << " " << encoding_name(e) << " view " << view << " tensor "
              << tensor;
        }
      }
    }
  }
}

TEST(Conv2d, AnyBatchAndNumberOfThreadsGivesTheSameBits) {
  const Sample s = random_sample(DType::kF32, {8, 3, 5, 5}, {}, 1, 2, 200);
  const Blob file = make_file({s});
  Conv2d conv;
  conv.in_channels = 3;
  conv.y = {.size = 12};
  conv.x = {.size = 11, .stride = 2};
  const std::vector<float> x = input(3 * 12 * 11 * 37, 9);
  std::vector<float> one_by_one;
  for (const unsigned threads : {1u, 2u, 5u}) {
    const auto model = open_bytes(file, threads);
    ASSERT_TRUE(model.ok());
    if (one_by_one.empty()) {
      for (size_t b = 0; b < 37; ++b) {
        const Answer answer =
            run(*model.value(), 0, &conv, std::span(x).subspan(b * 3 * 12 * 11, 3 * 12 * 11), 1);
        one_by_one.insert(one_by_one.end(), answer.y.begin(), answer.y.end());
      }
    }
    EXPECT_TRUE(same_bits(run(*model.value(), 0, &conv, x, 37).y, one_by_one)) << threads;
  }
}

TEST(Conv2d, SkippedZerosAndPaddingMeetNoInfinity) {
  Sample s;
  s.dims = {1, 1, 1, 3};
  s.words = {float_word(1), 0, float_word(2)};
  const Blob file = make_file({s});
  const auto model = open_bytes(file);
  ASSERT_TRUE(model.ok());
  Conv2d conv;
  conv.in_channels = 1;
  conv.y = {.size = 1};
  conv.x = {.size = 3, .pad = 1};
  const std::vector<float> x = {1, std::numeric_limits<float>::infinity(), 3};
  const Answer answer = run(*model.value(), 0, &conv, x, 1);
  ASSERT_TRUE(answer.status.ok());
  EXPECT_TRUE(std::isinf(answer.y[0]));
  EXPECT_EQ(answer.y[1], 7);
  EXPECT_TRUE(std::isinf(answer.y[2]));
}

TEST(Conv2d, AKernelOfOneDimensionHasTheHeightOne) {
  Sample s = random_sample(DType::kF32, {4, 3, 1, 5}, {}, 1);
  const Blob four = make_file({s});
  s.dims = {4, 3, 5};
  const Blob three = make_file({s});
  Conv2d conv;
  conv.in_channels = 3;
  conv.y = {.size = 2, .pad = 1};
  conv.x = {.size = 11, .stride = 2, .pad = 2};
  std::vector<float> x(66);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 7) - 3;
  std::vector<std::vector<float>> answers;
  for (const Blob* const file : {&four, &three}) {
    const auto model = open_bytes(*file);
    ASSERT_TRUE(model.ok());
    const Answer answer = run(*model.value(), 0, &conv, x, 1);
    ASSERT_TRUE(answer.status.ok()) << answer.status.message;
    answers.push_back(answer.y);
  }
  EXPECT_EQ(answers[0].size(), 4u * 4 * 6);
  EXPECT_TRUE(same_bits(answers[0], answers[1]));
}

TEST(Conv2d, ImagesWithoutPixelsAndTensorsWithoutElements) {
  for (const std::vector<uint64_t>& dims :
       {std::vector<uint64_t>{0, 2, 1, 1}, {2, 0, 1, 1}, {2, 2, 1, 1}}) {
    Sample s;
    s.dims = dims;
    s.words.assign(dims[0] * dims[1], float_word(1));
    const Blob file = make_file({s});
    const auto model = open_bytes(file);
    ASSERT_TRUE(model.ok());
    Conv2d conv;
    conv.in_channels = dims[1];
    conv.y = {.size = 0, .pad = 1};
    conv.x = {.size = 3};
    const Answer answer = run(*model.value(), 0, &conv, {}, 2);
    ASSERT_TRUE(answer.status.ok()) << answer.status.message;
    EXPECT_EQ(answer.y, std::vector<float>(dims[0] * 2 * 3 * 2));
  }
}

TEST(Conv2d, MemoryCountsAgainstTheLimit) {
  const Sample s = random_sample(DType::kF32, {8, 4, 3, 3}, {}, 1);
  const Blob file = make_file({s});
  Limits limits;
  const auto unlimited = open_bytes(file, 1, limits);
  ASSERT_TRUE(unlimited.ok());
  const uint64_t resident = limits.max_memory - unlimited.value()->working_memory();
  limits.max_memory = resident + 60000;
  const auto model = open_bytes(file, 8, limits);
  ASSERT_TRUE(model.ok());
  Conv2d conv;
  conv.in_channels = 4;
  conv.y = {.size = 12};
  conv.x = {.size = 12};
  // Two images of 576 doubles at once fit.
  Answer answer = run(*model.value(), 0, &conv, input(576 * 2, 1), 2);
  EXPECT_TRUE(answer.status.ok()) << answer.status.message;
  conv.y.size = 120;
  answer = run(*model.value(), 0, &conv, input(5760, 1), 1);
  EXPECT_TRUE(answer.status.ok()) << answer.status.message;
  conv.x.size = 24;
  answer = run(*model.value(), 0, &conv, input(11520, 1), 1);
  EXPECT_EQ(answer.status.code, Code::LimitMemory);
  EXPECT_STREQ(answer.status.rule, "L-01");
  EXPECT_EQ(answer.status.offset, model.value()->layout().chunk_offsets[0]);

  // The entries and what decodes them count together.
  const uint64_t nonzeros = model.value()->manifest()->tensors[0].nonzeros;
  limits.max_memory = resident + nonzeros * 8 + 9 * 8 + model.value()->scratch_bytes(0) - 1;
  const auto small = open_bytes(file, 1, limits);
  ASSERT_TRUE(small.ok());
  conv.y.size = conv.x.size = 3;
  EXPECT_EQ(run(*small.value(), 0, &conv, input(36, 1), 1).status.code, Code::LimitMemory);
  ++limits.max_memory;
  const auto enough = open_bytes(file, 1, limits);
  ASSERT_TRUE(enough.ok());
  answer = run(*enough.value(), 0, &conv, input(36, 1), 1);
  EXPECT_TRUE(answer.status.ok()) << answer.status.message;
}

TEST(Conv2d, RefusesWhatDoesNotFit) {
  const Sample s = random_sample(DType::kF32, {6, 2, 3, 3}, {}, 1);
  const Blob file = make_file({s});
  const auto model = open_bytes(file);
  ASSERT_TRUE(model.ok());
  const format::Tensor& t = model.value()->manifest()->tensors[0];
  Conv2d good;
  good.in_channels = 4;
  good.groups = 2;
  good.y = {.size = 5};
  good.x = {.size = 5};
  ASSERT_TRUE(Conv2d(good).complete(t).ok());
  EXPECT_EQ(good.out_size, 0u);  // the copy was completed
  const uint64_t huge[] = {UINT64_MAX, UINT64_MAX / 2, uint64_t{1} << 62, uint64_t{1} << 32};
  const auto refused = [&](auto change) {
    Conv2d conv = good;
    change(&conv);
    const Status status = conv.complete(t);
    return status.code == Code::InvalidArgument;
  };
  EXPECT_TRUE(refused([](Conv2d* c) { c->in_channels = 2; }));
  EXPECT_TRUE(refused([](Conv2d* c) { c->groups = 0; }));
  EXPECT_TRUE(refused([](Conv2d* c) { c->groups = 4, c->in_channels = 8; }));
  EXPECT_TRUE(refused([](Conv2d* c) { c->y.size = 2; }));
  EXPECT_TRUE(refused([](Conv2d* c) { c->x.dilation = 3; }));
  EXPECT_TRUE(refused([](Conv2d* c) { c->x.dilation = 0; }));
  EXPECT_TRUE(refused([](Conv2d* c) { c->y.stride = 0; }));
  for (const uint64_t n : huge) {
    EXPECT_TRUE(refused([&](Conv2d* c) { c->groups = n, c->in_channels = 2 * n; })) << n;
    EXPECT_TRUE(refused([&](Conv2d* c) { c->y.dilation = n; })) << n;
    EXPECT_TRUE(refused([&](Conv2d* c) { c->y.size = n, c->x.size = n; })) << n;
    EXPECT_TRUE(refused([&](Conv2d* c) { c->y.pad = n, c->x.pad = n; })) << n;
    EXPECT_TRUE(refused([&](Conv2d* c) { c->y.pad = n, c->x.size = n; })) << n;
  }
  Sample flat = s;
  flat.dims = {6, 18};
  const Blob other = make_file({flat});
  const auto matrix = open_bytes(other);
  ASSERT_TRUE(matrix.ok());
  EXPECT_EQ(Conv2d(good).complete(matrix.value()->manifest()->tensors[0]).code,
            Code::InvalidArgument);
  Sample raw;
  raw.dtype = DType::kF4;
  raw.dims = {1, 1, 1, 2};
  raw.words = {1, 2};
  const Blob raw_file = make_file({raw});
  const auto raw_model = open_bytes(raw_file);
  ASSERT_TRUE(raw_model.ok());
  EXPECT_EQ(Conv2d(good).complete(raw_model.value()->manifest()->tensors[0]).code,
            Code::UnsupportedDType);
}

}  // namespace
}  // namespace dcf::impl::kernels
