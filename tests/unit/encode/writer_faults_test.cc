// SPDX-License-Identifier: Apache-2.0
// Each allocation of the writer fails once: the call returns OutOfMemory and no other failure, the
// writer cannot finish, and nothing is written.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <dcf/dcf.hpp>
#include <random>
#include <vector>

#include "support/sanitizer.h"

#if defined(DCF_OWN_ALLOCATOR) || !defined(__GLIBC__)
#define DCF_NO_FAULTS 1
#endif

namespace {

// Allocations until one fails; negative: none does.
std::atomic<int64_t> countdown{-1};

[[maybe_unused]] bool fails_now() {
  if (countdown.load(std::memory_order_relaxed) < 0) return false;
  if (countdown.fetch_sub(1) != 0) return false;
  errno = ENOMEM;
  return true;
}

}  // namespace

#ifndef DCF_NO_FAULTS
// operator new and Cap'n Proto allocate through these.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* p, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void* malloc(size_t size) {
  return fails_now() ? nullptr : __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  return fails_now() ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* p, size_t size) {
  return fails_now() ? nullptr : __libc_realloc(p, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return fails_now() ? nullptr : __libc_memalign(alignment, size);
}
}
#endif

namespace {

struct Output {
  uint64_t bytes = 0;
  static int write(void* ctx, const void*, size_t size) {
    static_cast<Output*>(ctx)->bytes += size;
    return 0;
  }
};

struct Inputs {
  std::vector<float> sparse;
  std::vector<float> dense;
  std::vector<uint8_t> file;  // to copy from
};

dcf_status open_writer(Output* out, uint32_t threads, dcf_writer** writer) {
  dcf_sink sink = DCF_SINK_INIT;
  sink.ctx = out;
  sink.write = Output::write;
  dcf_writer_options options;
  dcf_writer_options_init(&options);
  options.threads = threads;
  return dcf_writer_open_sink(&sink, &options, writer, nullptr);
}

// Writes one file; returns the first failure. No allocation of its own.
dcf_status write_all(const Inputs& in, const dcf_file* file, Output* out, dcf_status* finished) {
  dcf_writer* writer = nullptr;
  dcf_status first = open_writer(out, 1, &writer);
  if (first != DCF_OK) return first;
  const uint64_t dims[] = {60, 50};
  dcf_tensor_spec spec = dcf::tensor_spec("a", DCF_DTYPE_F32, dims);
  dcf_encode_options lossy;
  dcf_encode_options_init(&lossy);
  lossy.sparsity = 0.5;
  lossy.bits = 3;
  const auto note = [&](dcf_status status) {
    if (first == DCF_OK) first = status;
  };
  const size_t bytes = 60 * 50 * 4;
  note(dcf_writer_add_dense(writer, &spec, in.sparse.data(), bytes, nullptr, nullptr));
  spec.name = "b";
  note(dcf_writer_add_dense(writer, &spec, in.dense.data(), bytes, &lossy, nullptr));
  spec.name = "c";
  note(dcf_writer_begin_tensor(writer, &spec, nullptr, nullptr));
  note(dcf_writer_write_piece(writer, in.sparse.data(), bytes / 2, nullptr));
  note(dcf_writer_write_piece(writer, in.sparse.data() + bytes / 8, bytes / 2, nullptr));
  note(dcf_writer_end_tensor(writer, nullptr));
  if (file != nullptr) note(dcf_writer_copy_tensor(writer, file, 0, "d", 1, nullptr));
  note(dcf_writer_add_metadata(writer, "key", 3, "value", 5, nullptr));
  note(dcf_writer_add_section(writer, 9, "bytes", 5, nullptr));
  const dcf_status before = first;
  *finished = dcf_writer_finish(writer, nullptr);
  note(*finished);
  if (before != DCF_OK) EXPECT_EQ(*finished, DCF_STATUS_BAD_STATE);
  dcf_writer_close(writer);
  return first;
}

TEST(WriterFaults, EveryAllocationMayFail) {
#ifdef DCF_NO_FAULTS
  GTEST_SKIP() << "the allocator of this build cannot be replaced";
#endif
  std::mt19937 rng(1);
  std::normal_distribution<float> normal;
  Inputs in;
  for (int i = 0; i < 60 * 50; ++i) {
    in.dense.push_back(normal(rng));
    in.sparse.push_back(rng() % 10 == 0 ? normal(rng) : 0.0f);
  }
  dcf_sink sink = DCF_SINK_INIT;
  sink.ctx = &in.file;
  sink.write = [](void* ctx, const void* data, size_t size) {
    auto* const file = static_cast<std::vector<uint8_t>*>(ctx);
    const auto* const p = static_cast<const uint8_t*>(data);
    file->insert(file->end(), p, p + size);
    return 0;
  };
  dcf_writer* writer = nullptr;
  ASSERT_EQ(dcf_writer_open_sink(&sink, nullptr, &writer, nullptr), DCF_OK);
  const uint64_t dims[] = {60, 50};
  const dcf_tensor_spec spec = dcf::tensor_spec("", DCF_DTYPE_F32, dims);
  ASSERT_EQ(dcf_writer_add_dense(writer, &spec, in.sparse.data(), 12000, nullptr, nullptr), DCF_OK);
  ASSERT_EQ(dcf_writer_finish(writer, nullptr), DCF_OK);
  dcf_writer_close(writer);
  dcf_file* file = nullptr;
  ASSERT_EQ(dcf_file_open_memory(in.file.data(), in.file.size(), nullptr, &file, nullptr), DCF_OK);

  // Those of the first calls all, later ones in steps.
  uint64_t runs = 0;
  uint64_t failures = 0;
  for (int64_t k = 0;; k += k < 200 ? 1 : 7) {
    Output out;
    dcf_status finished = DCF_OK;
    countdown = k;
    const dcf_status status = write_all(in, file, &out, &finished);
    const bool reached = countdown.exchange(-1) < 0;
    ++runs;
    if (status != DCF_OK) {
      ++failures;
      EXPECT_EQ(status, DCF_STATUS_OUT_OF_MEMORY) << "allocation " << k;
      EXPECT_EQ(out.bytes, 0u) << "allocation " << k;
    }
    if (!reached) break;
    ASSERT_LT(runs, 100000u);
  }
  EXPECT_GT(failures, 200u);
  dcf_file_close(file);
}

// Tensors side by side, of which the last is equal to the first.
dcf_status write_many(const std::vector<float>& weights, Output* out) {
  dcf_writer* writer = nullptr;
  dcf_status status = open_writer(out, 2, &writer);
  if (status != DCF_OK) return status;
  const uint64_t dims[] = {60, 50};
  dcf_tensor_spec specs[4];
  dcf_dense_tensor tensors[4];
  for (size_t i = 0; i < 4; ++i) {
    specs[i] = dcf::tensor_spec({&"abcd"[i], 1}, DCF_DTYPE_F32, dims);
    tensors[i] = DCF_DENSE_TENSOR_INIT;
    tensors[i].spec = &specs[i];
    tensors[i].data = weights.data() + i % 3;
    tensors[i].size = 12000;
  }
  status = dcf_writer_add_tensors(writer, tensors, 4, nullptr);
  const dcf_status finished = dcf_writer_finish(writer, nullptr);
  if (status != DCF_OK) EXPECT_EQ(finished, DCF_STATUS_BAD_STATE);
  dcf_writer_close(writer);
  return status != DCF_OK ? status : finished;
}

TEST(WriterFaults, OfTensorsSideBySideToo) {
#ifdef DCF_NO_FAULTS
  GTEST_SKIP() << "the allocator of this build cannot be replaced";
#endif
  std::mt19937 rng(2);
  std::normal_distribution<float> normal;
  std::vector<float> weights(60 * 50 + 3);
  for (float& weight : weights) weight = normal(rng);
  uint64_t failures = 0;
  for (int64_t k = 0;; ++k) {
    Output out;
    countdown = k;
    const dcf_status status = write_many(weights, &out);
    const bool reached = countdown.exchange(-1) < 0;
    if (status != DCF_OK) {
      ++failures;
      EXPECT_EQ(status, DCF_STATUS_OUT_OF_MEMORY) << "allocation " << k;
      EXPECT_EQ(out.bytes, 0u) << "allocation " << k;
    }
    if (!reached) break;
    ASSERT_LT(k, 100000);
  }
  EXPECT_GT(failures, 100u);
}

}  // namespace
