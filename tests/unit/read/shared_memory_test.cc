// SPDX-License-Identifier: Apache-2.0
// max_memory holds for all calls on a file at once: what 12 threads take together is metered.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/memory_meter.h"
#include "support/sample.h"
#include "unit/read/read_calls.h"

namespace dcf::impl {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

constexpr size_t kThreads = 12;

Blob one_tensor(bool transposed) {
  format::Encoding e;
  e.positions = format::Positions::kGap;
  e.gap_bits = 4;
  e.values = format::Values::kPalette;
  Sample s = random_sample(DType::kF32, {256, 16, 8, 8}, e, 1);
  s.rows_per_chunk = 32;
  if (transposed) s.view = format::View{256, true};
  return make_file({s});
}

uint64_t resident_bytes(const Blob& bytes) {
  dcf_file* file = nullptr;
  dcf_file_info info = DCF_FILE_INFO_INIT;
  EXPECT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), nullptr, &file, nullptr), DCF_OK);
  EXPECT_EQ(dcf_file_describe(file, &info, nullptr), DCF_OK);
  dcf_file_close(file);
  return info.memory_bytes;
}

// Runs the call on 12 threads at once under rising limits, each time several times. Everything the
// library holds in the calls is within the limit, but for what does not grow with the file.
void expect_within_limits(const Blob& bytes, const std::string& name, unsigned threads_of_call,
                          const auto& make_call) {
  const uint64_t resident = resident_bytes(bytes);
  // Threads, locks, and lists of idle scratch.
  const size_t fixed = kThreads * threads_of_call * 4000 + 24000;
  bool some_failed = false;
  bool some_worked = false;
  for (uint64_t memory = 2000; memory < 40000000; memory *= 4) {
    dcf_open_options options;
    dcf_open_options_init(&options);
    options.max_memory = resident + memory;
    options.threads = threads_of_call;
    dcf_file* file = nullptr;
    // Opening takes a multiple of the manifest, which calls do not.
    if (dcf_file_open_memory(bytes.data(), bytes.size(), &options, &file, nullptr) != DCF_OK)
      continue;
    std::vector<ReadCall> calls;
    for (size_t t = 0; t < kThreads; ++t) calls.push_back(make_call(file));
    std::atomic<size_t> waiting{kThreads};
    std::atomic<bool> go{false};
    std::atomic<size_t> worked{0};
    std::atomic<size_t> failed{0};
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        --waiting;
        while (!go) std::this_thread::yield();
        for (int i = 0; i < 2; ++i) {
          dcf_error error = DCF_ERROR_INIT;
          const dcf_status status = calls[t].run(file, &error);
          if (status == DCF_OK) {
            ++worked;
          } else {
            EXPECT_EQ(status, DCF_STATUS_LIMIT_MEMORY) << error.message;
            EXPECT_NE(error.offset, DCF_NO_OFFSET);
            ++failed;
          }
        }
      });
    }
    while (waiting != 0) std::this_thread::yield();
    const MemoryMeter meter;
    go = true;
    threads.clear();
    EXPECT_LE(meter.peak(), memory + fixed) << name << " under " << memory;
    some_failed = some_failed || failed != 0;
    some_worked = some_worked || worked != 0;
    // All shares are back: alone, the call works where it did before.
    if (worked != 0) {
      dcf_error error = DCF_ERROR_INIT;
      EXPECT_EQ(calls[0].run(file, &error), DCF_OK) << name << ": " << error.message;
    }
    dcf_file_close(file);
  }
  EXPECT_TRUE(some_worked) << name;
  EXPECT_TRUE(some_failed) << name << ": the limits of this test are too wide";
}

TEST(SharedMemory, OfVerifyingOnManyThreads) {
  const Blob bytes = one_tensor(false);
  for (const unsigned threads : {1u, 3u}) {
    expect_within_limits(bytes, "verify", threads, [](const dcf_file*) {
      return ReadCall{"verify", [](const dcf_file* f, dcf_error* error) {
                        return dcf_file_verify(f, nullptr, nullptr, error);
                      }};
    });
  }
}

TEST(SharedMemory, OfEveryCallOnManyThreads) {
  for (const bool transposed : {false, true}) {
    const Blob bytes = one_tensor(transposed);
    dcf_file* file = nullptr;
    ASSERT_EQ(dcf_file_open_memory(bytes.data(), bytes.size(), nullptr, &file, nullptr), DCF_OK);
    const size_t calls = whole_tensor_calls(file, 0).size();
    dcf_file_close(file);
    for (size_t i = 0; i < calls; ++i) {
      expect_within_limits(bytes, "call " + std::to_string(i), 1,
                           [&](const dcf_file* f) { return whole_tensor_calls(f, 0)[i]; });
    }
  }
}

}  // namespace
}  // namespace dcf::impl
