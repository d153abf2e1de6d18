// SPDX-License-Identifier: Apache-2.0
// The k-th allocation of a call fails, for every k: the call says OutOfMemory, or works without it,
// and keeps nothing. Without sanitizers malloc itself is replaced, as Cap'n Proto and the standard
// library may call it; with them operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>

#include "support/sample.h"
#include "support/sanitizer.h"
#include "unit/read/read_calls.h"

#ifdef DCF_OWN_ALLOCATOR
#define DCF_REPLACE_MALLOC 0
#else
#define DCF_REPLACE_MALLOC 1
#endif

namespace {

std::atomic<bool> armed{false};
std::atomic<uint64_t> seen{0};     // allocations since armed
std::atomic<uint64_t> failing{0};  // which of them fails
std::atomic<int64_t> live{0};      // blocks

bool fails() {
  return armed && ++seen == failing;
}
void* counted(void* p) {
  if (p != nullptr) ++live;
  return p;
}

}  // namespace

#if DCF_REPLACE_MALLOC
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);

void* malloc(size_t n) {
  return fails() ? nullptr : counted(__libc_malloc(n));
}
void* calloc(size_t count, size_t n) {
  return fails() ? nullptr : counted(__libc_calloc(count, n));
}
void* realloc(void* p, size_t n) {
  if (fails()) return nullptr;
  void* const moved = __libc_realloc(p, n);
  if (p == nullptr) counted(moved);
  return moved;
}
void* memalign(size_t align, size_t n) {
  return fails() ? nullptr : counted(__libc_memalign(align, n));
}
void* aligned_alloc(size_t align, size_t n) {
  return memalign(align, n);
}
int posix_memalign(void** out, size_t align, size_t n) {
  void* const p = memalign(align, n);
  if (p == nullptr) return ENOMEM;
  *out = p;
  return 0;
}
void free(void* p) {
  if (p != nullptr) --live;
  __libc_free(p);
}
}
#else
void* operator new(size_t n) {
  void* const p = fails() ? nullptr : counted(std::malloc(n == 0 ? 1 : n));
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void* operator new(size_t n, std::align_val_t align) {
  void* p = nullptr;
  if (fails() || posix_memalign(&p, static_cast<size_t>(align), n == 0 ? 1 : n) != 0)
    throw std::bad_alloc();
  return counted(p);
}
void operator delete(void* p) noexcept {
  if (p != nullptr) --live;
  std::free(p);
}
void operator delete(void* p, size_t) noexcept {
  operator delete(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
  operator delete(p);
}
void operator delete(void* p, size_t, std::align_val_t) noexcept {
  operator delete(p);
}
#endif

namespace dcf::impl {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

constexpr uint64_t kMost = 3000;  // allocations of one call that are made to fail

// Runs the call with each of its allocations failing in turn. around(f) calls f between what comes
// before the call and what comes after it.
template <typename Around, typename Call>
void expect_out_of_memory_or_success(const std::string& name, Around around, Call call) {
  uint64_t failed = 0;
  for (uint64_t k = 0; k <= kMost; ++k) {  // none fails at first
    dcf_error error = DCF_ERROR_INIT;
    dcf_status status = DCF_OK;
    const int64_t before = live;
    around([&] {
      seen = 0;
      failing = k;
      armed = true;
      status = call(&error);
      armed = false;
    });
    const int64_t kept = live - before;
    const uint64_t count = seen;
    if (k == 0) {
      ASSERT_EQ(status, DCF_OK) << name << ": " << error.message;
      continue;
    }
    EXPECT_EQ(kept, 0) << name << ", allocation " << k;
    if (status != DCF_OK) {
      EXPECT_EQ(status, DCF_STATUS_OUT_OF_MEMORY)
          << name << ", allocation " << k << ": " << error.rule << " " << error.message;
      EXPECT_STREQ(error.rule, "");
      ++failed;
    }
    if (count < k) break;
  }
  EXPECT_GT(failed, 0u) << name;
}

Blob some_file() {
  format::Encoding gap;
  gap.positions = format::Positions::kGap;
  gap.gap_bits = 4;
  gap.values = format::Values::kPalette;
  format::Encoding bitmap = gap;
  bitmap.positions = format::Positions::kBitmap;
  bitmap.gap_bits = 0;
  format::Encoding split;
  split.values = format::Values::kSplit;
  split.split_t = 8;
  std::vector<Sample> samples;
  for (const format::Encoding& e : {gap, bitmap, split, format::Encoding{}}) {
    Sample s = random_sample(DType::kF32, {12, 4, 3, 3}, e, samples.size());
    s.name = "a tensor whose name needs memory of its own " + std::to_string(samples.size());
    s.huffman = codec::HuffmanLayout::kTree;
    s.rows_per_chunk = 5;
    if (samples.size() == 1) s.view = format::View{12, true};
    samples.push_back(std::move(s));
  }
  return assemble(make_parts(samples, {{"key", "value"}, {"other key", std::string(100, 'v')}},
                             {{77, Blob(1000, 7)}}));
}

class OutOfMemory : public ::testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    bytes_ = some_file();
    dcf_open_options_init(&options_);
    options_.threads = GetParam();
    ASSERT_EQ(dcf_file_open_memory(bytes_.data(), bytes_.size(), &options_, &file_, nullptr),
              DCF_OK);
  }
  void TearDown() override { dcf_file_close(file_); }

  template <typename Call>
  static void expect_of_opening(const std::string& name, Call call) {
    expect_out_of_memory_or_success(
        name, [](auto armed_call) { armed_call(); }, call);
  }
  // Every call is the first one of a file, which keeps scratch until it is closed; after it, the
  // file serves the next.
  template <typename Call>
  void expect_of_file(const std::string& name, Call call) {
    const dcf_file* file = nullptr;
    expect_out_of_memory_or_success(
        name,
        [&](auto armed_call) {
          dcf_file* opened = nullptr;
          ASSERT_EQ(dcf_file_open_memory(bytes_.data(), bytes_.size(), &options_, &opened, nullptr),
                    DCF_OK);
          file = opened;
          armed_call();
          EXPECT_EQ(call(file, nullptr), DCF_OK) << name;
          dcf_file_close(opened);
        },
        [&](dcf_error* error) { return call(file, error); });
  }

  Blob bytes_;
  dcf_open_options options_{};
  dcf_file* file_ = nullptr;
};

TEST_P(OutOfMemory, OfOpening) {
  expect_of_opening("open memory", [&](dcf_error* error) {
    dcf_file* file = nullptr;
    const dcf_status status =
        dcf_file_open_memory(bytes_.data(), bytes_.size(), &options_, &file, error);
    EXPECT_EQ(file == nullptr, status != DCF_OK);
    dcf_file_close(file);
    return status;
  });
  dcf_reader reader = DCF_READER_INIT;
  reader.ctx = &bytes_;
  reader.size = bytes_.size();
  reader.read_at = [](void* ctx, uint64_t offset, void* dst, size_t size) {
    std::copy_n(static_cast<Blob*>(ctx)->data() + offset, size, static_cast<uint8_t*>(dst));
    return 0;
  };
  expect_of_opening("open reader", [&](dcf_error* error) {
    dcf_file* file = nullptr;
    const dcf_status status = dcf_file_open_reader(&reader, &options_, &file, error);
    dcf_file_close(file);
    return status;
  });
  expect_of_opening("watch", [&](dcf_error* error) {
    dcf_file* file = nullptr;
    const dcf_status status = dcf_file_watch(
        file_, [](void*, uint64_t, uint64_t) { return 0; }, nullptr, &file, error);
    dcf_file_close(file);
    return status;
  });
}

TEST_P(OutOfMemory, OfVerifying) {
  expect_of_file("verify", [](const dcf_file* file, dcf_error* error) {
    return dcf_file_verify(file, nullptr, nullptr, error);
  });
  for (size_t i = 0; i < 4; ++i) {
    expect_of_file("verify tensor", [i](const dcf_file* file, dcf_error* error) {
      return dcf_tensor_verify(file, i, nullptr, nullptr, error);
    });
  }
}

TEST_P(OutOfMemory, OfEveryWholeDecode) {
  for (size_t i = 0; i < 4; ++i) {
    for (const ReadCall& call : whole_tensor_calls(file_, i)) {
      if (call.name == "codes" && i >= 2) continue;
      expect_of_file(call.name, call.run);
    }
  }
}

TEST_P(OutOfMemory, DescribingAllocatesNothing) {
  const auto free_of_memory = [&](auto call) {
    seen = 0;
    failing = 0;
    armed = true;
    const dcf_status status = call();
    armed = false;
    EXPECT_EQ(status, DCF_OK);
    EXPECT_EQ(seen, 0u);
  };
  dcf_tensor_info info = DCF_TENSOR_INFO_INIT;
  free_of_memory([&] { return dcf_tensor_describe(file_, 2, &info, nullptr); });
  size_t index = 0;
  free_of_memory(
      [&] { return dcf_tensor_find(file_, info.name, info.name_size, &index, nullptr); });
  EXPECT_EQ(index, 2u);
  const char* value = nullptr;
  free_of_memory(
      [&] { return dcf_metadata_at(file_, 1, nullptr, nullptr, &value, nullptr, nullptr); });
  EXPECT_EQ(value, std::string(100, 'v'));
  dcf_file_info file_info = DCF_FILE_INFO_INIT;
  free_of_memory([&] { return dcf_file_describe(file_, &file_info, nullptr); });
  uint64_t working = 0;
  free_of_memory(
      [&] { return dcf_tensor_decode_bound(file_, 1, DCF_DTYPE_F32, nullptr, &working, nullptr); });
}

INSTANTIATE_TEST_SUITE_P(Threads, OutOfMemory, ::testing::Values(1u, 3u));

}  // namespace
}  // namespace dcf::impl
