// SPDX-License-Identifier: Apache-2.0
// max_memory bounds what a writer takes from the heap, whatever it is given and however many
// threads it has. The meter counts operator new.
#include <dcf/dcf_write.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "support/memory_meter.h"

namespace {

using dcf::impl::testing::MemoryMeter;

int ignore(void*, const void*, size_t) {
  return 0;
}

struct Case {
  const char* name;
  dcf_dtype dtype;
  std::vector<uint64_t> dims;
  std::vector<uint8_t> data;
  double sparsity = 0;
  uint32_t bits = 0;
};

std::vector<Case> cases() {
  std::mt19937_64 rng(1);
  const auto floats = [&](size_t n, double density) {
    std::normal_distribution<float> normal;
    std::uniform_real_distribution<double> uniform(0, 1);
    std::vector<uint8_t> bytes(4 * n);
    for (size_t i = 0; i < n; ++i) {
      const float v = uniform(rng) < density ? normal(rng) : 0.0f;
      std::memcpy(&bytes[4 * i], &v, 4);
    }
    return bytes;
  };
  const std::vector<uint64_t> square = {900, 1000};
  std::vector<uint8_t> noise(3 << 20);
  for (uint8_t& byte : noise) byte = static_cast<uint8_t>(rng());
  return {{"dense", DCF_DTYPE_F32, square, floats(900 * 1000, 1)},
          {"half", DCF_DTYPE_F32, square, floats(900 * 1000, 0.5)},
          {"sparse", DCF_DTYPE_F32, square, floats(900 * 1000, 0.02)},
          {"line", DCF_DTYPE_F32, {900 * 1000}, floats(900 * 1000, 0.1)},
          {"bytes", DCF_DTYPE_U8, {3 << 20}, noise},
          {"raw", DCF_DTYPE_C64, {3 << 17}, noise},
          {"pruned", DCF_DTYPE_F32, square, floats(900 * 1000, 1), 0.9, 0},
          {"clustered", DCF_DTYPE_F32, {400, 700}, floats(400 * 700, 1), 0.5, 4}};
}

enum class Call { kAdd, kPieces, kMany };

// A tensor like a case, but not equal to it.
struct Variant {
  const Case& c;
  uint8_t number;

  static int read(void* self, void* dst, size_t size) {
    const Variant& variant = *static_cast<const Variant*>(self);
    auto* const bytes = static_cast<uint8_t*>(dst);
    std::memcpy(bytes, variant.c.data.data(), size);
    for (size_t k = 0; k < size; k += 40) bytes[k] ^= variant.number;
    return 0;
  }
};

dcf_status add_many(dcf_writer* writer, const Case& c, const dcf_tensor_spec& spec,
                    const dcf_encode_options& encode) {
  Variant variants[] = {{c, 0}, {c, 1}, {c, 2}, {c, 3}};
  dcf_tensor_spec specs[4];
  dcf_dense_tensor tensors[4];
  for (size_t i = 0; i < 4; ++i) {
    specs[i] = spec;
    specs[i].name = &"abcd"[i];
    specs[i].name_size = 1;
    tensors[i] = DCF_DENSE_TENSOR_INIT;
    tensors[i].spec = &specs[i];
    tensors[i].options = &encode;
    tensors[i].read = Variant::read;
    tensors[i].ctx = &variants[i];
  }
  return dcf_writer_add_tensors(writer, tensors, 4, nullptr);
}

dcf_status write(const Case& c, const dcf_writer_options& options, Call call) {
  dcf_sink sink = DCF_SINK_INIT;
  sink.write = ignore;
  dcf_writer* writer = nullptr;
  dcf_status status = dcf_writer_open_sink(&sink, &options, &writer, nullptr);
  if (status != DCF_OK) return status;
  dcf_tensor_spec spec = DCF_TENSOR_SPEC_INIT;
  spec.name = c.name;
  spec.name_size = std::strlen(c.name);
  spec.dtype = c.dtype;
  spec.rank = static_cast<uint32_t>(c.dims.size());
  spec.dims = c.dims.data();
  dcf_encode_options encode;
  dcf_encode_options_init(&encode);
  encode.sparsity = c.sparsity;
  encode.bits = c.bits;
  if (call == Call::kMany) {
    status = add_many(writer, c, spec, encode);
  } else if (call == Call::kPieces) {
    status = dcf_writer_begin_tensor(writer, &spec, &encode, nullptr);
    for (size_t at = 0; at < c.data.size() && status == DCF_OK; at += 100000) {
      status = dcf_writer_write_piece(writer, c.data.data() + at,
                                      std::min<size_t>(100000, c.data.size() - at), nullptr);
    }
    if (status == DCF_OK) status = dcf_writer_end_tensor(writer, nullptr);
  } else {
    status = dcf_writer_add_dense(writer, &spec, c.data.data(), c.data.size(), &encode, nullptr);
  }
  if (status == DCF_OK) status = dcf_writer_finish(writer, nullptr);
  dcf_writer_close(writer);
  return status;
}

TEST(WriterMemory, StaysBelowItsLimit) {
  int written = 0;
  int refused = 0;
  for (const Case& c : cases()) {
    for (const Call call : {Call::kAdd, Call::kPieces, Call::kMany}) {
      for (const uint64_t mib : {1, 3, 8, 64, 160}) {
        // Only then are tensors encoded side by side.
        if ((call == Call::kMany) != (mib == 160) && mib != 8) continue;
        dcf_writer_options options;
        dcf_writer_options_init(&options);
        options.max_memory = mib << 20;
        options.threads = 1 + mib % 3;
        const MemoryMeter meter;
        const dcf_status status = write(c, options, call);
        EXPECT_LE(meter.peak(), options.max_memory)
            << c.name << " " << static_cast<int>(call) << " " << mib;
        ++(status == DCF_OK ? written : refused);
        if (status != DCF_OK) {
          EXPECT_EQ(status, DCF_STATUS_LIMIT_MEMORY)
              << c.name << " " << static_cast<int>(call) << " " << mib;
        }
        if (mib >= 64) {
          EXPECT_EQ(status, DCF_OK) << c.name << " " << static_cast<int>(call);
        }
      }
    }
  }
  EXPECT_GT(written, 20);
  EXPECT_GT(refused, 5);
}

}  // namespace
