// SPDX-License-Identifier: Apache-2.0
// A watched handle reports progress, from one thread at a time, and every call on it can be
// cancelled.
#include <gtest/gtest.h>

#include <atomic>

#include "support/sample.h"
#include "unit/read/read_calls.h"

namespace dcf::impl {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

struct Watch {
  std::atomic<int> inside{0};
  uint64_t steps = 0;
  uint64_t cancel_at = UINT64_MAX;
  uint64_t done = 0;
  uint64_t total = 0;
  bool sound = true;
};

int watch(void* ctx, uint64_t done, uint64_t total) {
  auto* const w = static_cast<Watch*>(ctx);
  w->sound = w->sound && ++w->inside == 1 && done >= w->done && done <= total &&
             (w->steps == 0 || total == w->total) && w->steps < w->cancel_at;
  w->done = done;
  w->total = total;
  const bool cancel = ++w->steps >= w->cancel_at;
  --w->inside;
  return cancel ? 1 : 0;
}

class WatchedCalls : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    format::Encoding e;
    e.positions = format::Positions::kGapBucket;
    e.bucket_t = 3;
    e.bucket_s = 1;
    e.values = format::Values::kPalette;
    Sample s = random_sample(DType::kF32, {60, 4, 3, 3}, e, 1);
    s.rows_per_chunk = 3;
    if (GetParam()) s.view = format::View{60, true};
    bytes_ = make_file({s});
    dcf_open_options options;
    dcf_open_options_init(&options);
    options.threads = 3;
    ASSERT_EQ(dcf_file_open_memory(bytes_.data(), bytes_.size(), &options, &file_, nullptr),
              DCF_OK);
    ASSERT_EQ(dcf_tensor_describe(file_, 0, &info_, nullptr), DCF_OK);
  }
  void TearDown() override { dcf_file_close(file_); }

  Blob bytes_;
  dcf_file* file_ = nullptr;
  dcf_tensor_info info_ = DCF_TENSOR_INFO_INIT;
};

TEST_P(WatchedCalls, EveryCallReportsAllOfItsBytes) {
  for (const ReadCall& call : whole_tensor_calls(file_, 0)) {
    Watch w;
    dcf_file* watched = nullptr;
    ASSERT_EQ(dcf_file_watch(file_, watch, &w, &watched, nullptr), DCF_OK);
    dcf_error error = DCF_ERROR_INIT;
    const dcf_status status = call.run(watched, &error);
    dcf_file_close(watched);
    EXPECT_EQ(status, DCF_OK) << call.name << ": " << error.message;
    EXPECT_TRUE(w.sound) << call.name;
    EXPECT_GE(w.steps, info_.chunks) << call.name;
    EXPECT_EQ(w.done, w.total) << call.name;
    EXPECT_EQ(w.total % info_.encoded_bytes, 0u) << call.name;
  }
}

TEST_P(WatchedCalls, EveryCallStopsWhereItIsCancelled) {
  for (const ReadCall& call : whole_tensor_calls(file_, 0)) {
    for (const uint64_t at : {1u, 2u, 3u}) {
      Watch w;
      w.cancel_at = at;
      dcf_file* watched = nullptr;
      ASSERT_EQ(dcf_file_watch(file_, watch, &w, &watched, nullptr), DCF_OK);
      dcf_error error = DCF_ERROR_INIT;
      const dcf_status status = call.run(watched, &error);
      EXPECT_EQ(status, DCF_STATUS_CANCELLED) << call.name;
      EXPECT_EQ(w.steps, at) << call.name;
      EXPECT_TRUE(w.sound) << call.name;
      dcf_file_close(watched);
      // Nothing stays taken of the file's memory.
      EXPECT_EQ(call.run(file_, &error), DCF_OK) << call.name;
    }
  }
}

TEST_P(WatchedCalls, OneTensorIsVerified) {
  Watch w;
  EXPECT_EQ(dcf_tensor_verify(file_, 0, watch, &w, nullptr), DCF_OK);
  EXPECT_TRUE(w.sound);
  EXPECT_EQ(w.total, info_.encoded_bytes);
  EXPECT_EQ(w.done, w.total);
}

TEST_P(WatchedCalls, HandlesAreClosedInAnyOrder) {
  Watch w;
  dcf_file* watched = nullptr;
  ASSERT_EQ(dcf_file_watch(file_, watch, &w, &watched, nullptr), DCF_OK);
  dcf_file_close(file_);
  file_ = nullptr;
  std::vector<float> out(info_.elements);
  EXPECT_EQ(dcf_tensor_decode(watched, 0, DCF_DTYPE_NONE, out.data(), out.size() * sizeof(float),
                              nullptr),
            DCF_OK);
  EXPECT_EQ(w.done, info_.encoded_bytes);
  dcf_file_close(watched);
}

TEST_P(WatchedCalls, TheCallbackMayCallTheLibrary) {
  struct Nested {
    dcf_file* file;
    std::vector<float> out;
    dcf_status status;
  } nested{file_, std::vector<float>(info_.elements), DCF_OK};
  const auto decode = [](void* ctx, uint64_t, uint64_t) {
    auto* const n = static_cast<Nested*>(ctx);
    n->status = dcf_tensor_decode(n->file, 0, DCF_DTYPE_NONE, n->out.data(),
                                  n->out.size() * sizeof(float), nullptr);
    return 0;
  };
  EXPECT_EQ(dcf_file_verify(file_, decode, &nested, nullptr), DCF_OK);
  EXPECT_EQ(nested.status, DCF_OK);
}

TEST_P(WatchedCalls, ArgumentsAreChecked) {
  dcf_file* out = file_;
  EXPECT_EQ(dcf_file_watch(nullptr, watch, nullptr, &out, nullptr), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(out, nullptr);
  EXPECT_EQ(dcf_file_watch(file_, nullptr, nullptr, &out, nullptr), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_file_watch(file_, watch, nullptr, nullptr, nullptr), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_tensor_verify(file_, 1, nullptr, nullptr, nullptr), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(dcf_tensor_verify(nullptr, 0, nullptr, nullptr, nullptr), DCF_STATUS_INVALID_ARGUMENT);
}

INSTANTIATE_TEST_SUITE_P(Views, WatchedCalls, ::testing::Values(false, true));

// Damage of other tensors does not concern the verification of one; of an alias, that of the data.
TEST(VerifyTensor, LooksAtItsOwnDataOnly) {
  Sample a = random_sample(DType::kF32, {40, 40}, {}, 1);
  a.name = "a";
  Sample b = random_sample(DType::kF32, {40, 40}, {}, 2);
  b.name = "b";
  Sample c;
  c.name = "c";
  c.dims = {1600};
  c.alias_of = "b";
  FileParts parts = make_parts({a, b, c});
  Blob bytes = assemble(parts);
  bytes.back() ^= 1;  // of b
  dcf_file* file = nullptr;
  ASSERT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), nullptr, &file, nullptr), DCF_OK);
  dcf_error error = DCF_ERROR_INIT;
  EXPECT_EQ(dcf_tensor_verify(file, 0, nullptr, nullptr, &error), DCF_OK) << error.message;
  for (const size_t index : {1u, 2u}) {
    EXPECT_EQ(dcf_tensor_verify(file, index, nullptr, nullptr, &error),
              DCF_STATUS_CHECKSUM_MISMATCH);
    EXPECT_EQ(error.tensor, 1u);
  }
  dcf_file_close(file);
  bytes.back() ^= 1;
  parts.padding_byte = 1;
  bytes = assemble(parts);
  ASSERT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), nullptr, &file, nullptr), DCF_OK);
  const dcf_status padding = dcf_tensor_verify(file, 0, nullptr, nullptr, &error);
  EXPECT_EQ(padding, dcf_file_verify(file, nullptr, nullptr, nullptr));
  dcf_file_close(file);
}

}  // namespace
}  // namespace dcf::impl
