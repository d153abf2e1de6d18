// SPDX-License-Identifier: Apache-2.0
// dcf_file_open_reader: a file behind the host's callback, which may also fail, lie about the size
// or give other bytes than before.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "written_file.h"

namespace dcf::api_test {
namespace {

struct CloseFile {
  void operator()(dcf_file* file) const { dcf_file_close(file); }
};
using Handle = std::unique_ptr<dcf_file, CloseFile>;

// 2^17 floats that no table can hold: more than one chunk.
const std::vector<float>& weights() {
  static const std::vector<float> values = [] {
    std::vector<float> w(size_t{1} << 17);
    uint32_t state = 1;
    for (float& v : w) v = static_cast<float>(state = state * 1664525u + 1013904223u);
    return w;
  }();
  return values;
}

const WrittenFile& written() {
  static const WrittenFile file([](dcf_writer* writer, dcf_error* error) {
    const std::vector<uint64_t> dims = {512, 256};
    const dcf_tensor_spec spec = spec_of("w", DCF_DTYPE_F32, dims);
    return dcf_writer_add_dense(writer, &spec, weights().data(), weights().size() * sizeof(float),
                                nullptr, error);
  });
  return file;
}

// Storage of a host that misbehaves as told. Safe to read from several threads.
struct Storage {
  std::vector<uint8_t> bytes = written().bytes();
  uint64_t claimed = bytes.size();
  int64_t fails_at = -1;          // the call that fails, the first is 0; -1: none
  uint64_t changes_from = ~0ull;  // bytes from this offset on are not those that were written
  std::atomic<int64_t> calls{0};
  std::atomic<bool> left_range{false};

  static int read_at(void* ctx, uint64_t offset, void* dst, size_t size) {
    auto* const self = static_cast<Storage*>(ctx);
    if (offset > self->claimed || size > self->claimed - offset) self->left_range = true;
    if (self->calls++ == self->fails_at) return 5;
    for (size_t i = 0; i < size; ++i) {
      const uint64_t at = offset + i;
      const uint8_t byte = at < self->bytes.size() ? self->bytes[at] : 0;
      static_cast<uint8_t*>(dst)[i] = at < self->changes_from ? byte : byte ^ 0x55;
    }
    return 0;
  }

  // *status is that of opening.
  Handle open(dcf_status* status, dcf_error* error, uint32_t threads = 1) {
    dcf_reader reader = DCF_READER_INIT;
    reader.ctx = this;
    reader.size = claimed;
    reader.read_at = read_at;
    dcf_open_options options;
    dcf_open_options_init(&options);
    options.threads = threads;
    dcf_file* file = written_nonsense();
    *status = dcf_file_open_reader(&reader, &options, &file, error);
    EXPECT_EQ(file == nullptr, *status != DCF_OK);
    return Handle(file);
  }
  Handle open() {
    dcf_error error = DCF_ERROR_INIT;
    dcf_status status = DCF_OK;
    Handle file = open(&status, &error);
    EXPECT_EQ(status, DCF_OK) << error.message;
    return file;
  }

 private:
  // An output that a failure must overwrite.
  static dcf_file* written_nonsense() { return const_cast<dcf_file*>(written().get()); }
};

dcf_status decode(const dcf_file* file, std::vector<float>* out, dcf_error* error) {
  out->assign(weights().size(), 0);
  return dcf_tensor_decode(file, 0, DCF_DTYPE_NONE, out->data(), out->size() * sizeof(float),
                           error);
}

TEST(ReaderApi, GivesWhatTheFileHolds) {
  for (const uint32_t threads : {1u, 4u}) {
    Storage storage;
    dcf_error error = DCF_ERROR_INIT;
    dcf_status status = DCF_OK;
    const Handle file = storage.open(&status, &error, threads);
    ASSERT_EQ(status, DCF_OK) << error.message;
    std::vector<float> out;
    EXPECT_EQ(decode(file.get(), &out, &error), DCF_OK) << error.message;
    EXPECT_EQ(out, weights());
    EXPECT_EQ(dcf_file_verify(file.get(), nullptr, nullptr, &error), DCF_OK) << error.message;
    EXPECT_FALSE(storage.left_range) << "asked for bytes beyond the size";
  }
}

// Opening reads no tensor data.
TEST(ReaderApi, DataIsReadWhenItIsAskedFor) {
  Storage storage;
  const Handle file = storage.open();
  dcf_tensor_info info = DCF_TENSOR_INFO_INIT;
  ASSERT_EQ(dcf_tensor_describe(file.get(), 0, &info, nullptr), DCF_OK);
  ASSERT_GT(info.chunks, 1u);
  const int64_t after_open = storage.calls;
  std::vector<float> row(info.cols);
  EXPECT_EQ(dcf_tensor_decode_rows(file.get(), 0, DCF_DTYPE_NONE, 0, 1, row.data(),
                                   row.size() * sizeof(float), nullptr),
            DCF_OK);
  EXPECT_EQ(storage.calls, after_open + 1);
}

TEST(ReaderApi, EveryCallThatFailsIsIoRead) {
  Storage sound;
  const Handle opened = sound.open();
  const int64_t to_open = sound.calls;
  dcf_error error = DCF_ERROR_INIT;
  EXPECT_EQ(dcf_file_verify(opened.get(), nullptr, nullptr, &error), DCF_OK);
  const int64_t to_verify = sound.calls;
  ASSERT_GT(to_open, 0);
  ASSERT_GT(to_verify, to_open + 1);
  for (int64_t call = 0; call < to_verify; ++call) {
    Storage storage;
    storage.fails_at = call;
    dcf_status status = DCF_OK;
    const Handle file = storage.open(&status, &error);
    if (call >= to_open) {
      ASSERT_EQ(status, DCF_OK) << call;
      status = dcf_file_verify(file.get(), nullptr, nullptr, &error);
    }
    EXPECT_EQ(status, DCF_STATUS_IO_READ) << call;
    EXPECT_EQ(error.status, DCF_STATUS_IO_READ);
    EXPECT_LT(error.offset, sound.bytes.size()) << "of the bytes that could not be read";
    // A failure is not kept: the storage may be well again.
    if (call >= to_open) {
      EXPECT_EQ(dcf_file_verify(file.get(), nullptr, nullptr, &error), DCF_OK) << call;
    }
  }
}

TEST(ReaderApi, AFailedDecodeCanBeRepeated) {
  Storage storage;
  const Handle file = storage.open();
  storage.fails_at = storage.calls + 1;
  std::vector<float> out;
  dcf_error error = DCF_ERROR_INIT;
  EXPECT_EQ(decode(file.get(), &out, &error), DCF_STATUS_IO_READ);
  EXPECT_EQ(error.tensor, 0u);
  EXPECT_EQ(decode(file.get(), &out, &error), DCF_OK);
  EXPECT_EQ(out, weights());
}

TEST(ReaderApi, ASizeThatIsNotTheFilesIsRefused) {
  const uint64_t size = written().bytes().size();
  // An empty file lacks even the magic bytes.
  for (const uint64_t claimed : {uint64_t{0}, uint64_t{1}, uint64_t{63}, uint64_t{64}, size - 1}) {
    Storage storage;
    storage.claimed = claimed;
    dcf_error error = DCF_ERROR_INIT;
    dcf_status status = DCF_OK;
    EXPECT_EQ(storage.open(&status, &error), nullptr);
    EXPECT_EQ(status, claimed == 0 ? DCF_STATUS_NOT_DCF : DCF_STATUS_TRUNCATED) << claimed;
    EXPECT_FALSE(storage.left_range) << claimed;
  }
  for (const uint64_t claimed : {size + 1, uint64_t{1} << 40, UINT64_MAX}) {
    Storage storage;
    storage.claimed = claimed;
    dcf_error error = DCF_ERROR_INIT;
    dcf_status status = DCF_OK;
    EXPECT_EQ(storage.open(&status, &error), nullptr);
    EXPECT_EQ(status, DCF_STATUS_TRAILING_DATA) << claimed;
    EXPECT_FALSE(storage.left_range) << claimed;
  }
}

// Bytes that differ from those of the file, from each offset on and at any time, are found by a
// checksum, or by a rule where they are in the header.
TEST(ReaderApi, BytesThatChangeAreFound) {
  const uint64_t size = written().bytes().size();
  for (uint64_t from = 0; from < size; from += from < 200 ? 1 : 10007) {
    Storage storage;
    storage.changes_from = from;
    dcf_error error = DCF_ERROR_INIT;
    dcf_status status = DCF_OK;
    const Handle file = storage.open(&status, &error);
    if (status == DCF_OK) status = dcf_file_verify(file.get(), nullptr, nullptr, &error);
    EXPECT_NE(status, DCF_OK) << from;
  }
  // Sound while the file is opened and read once, then not any more.
  Storage storage;
  const Handle file = storage.open();
  std::vector<float> out;
  dcf_error error = DCF_ERROR_INIT;
  EXPECT_EQ(decode(file.get(), &out, &error), DCF_OK);
  storage.changes_from = 0;
  EXPECT_EQ(decode(file.get(), &out, &error), DCF_STATUS_CHECKSUM_MISMATCH);
  EXPECT_EQ(error.tensor, 0u);
  EXPECT_STREQ(error.rule, "K-03");
}

TEST(ReaderApi, ReadersWithoutAFunctionAreRefused) {
  dcf_error error = DCF_ERROR_INIT;
  dcf_file* file = nullptr;
  dcf_reader reader = DCF_READER_INIT;
  EXPECT_EQ(dcf_file_open_reader(&reader, nullptr, &file, &error), DCF_STATUS_INVALID_ARGUMENT);
  reader.read_at = Storage::read_at;
  reader.struct_size = 0;
  EXPECT_EQ(dcf_file_open_reader(&reader, nullptr, &file, &error), DCF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(file, nullptr);
}

}  // namespace
}  // namespace dcf::api_test
