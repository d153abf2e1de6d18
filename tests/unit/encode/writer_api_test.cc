// SPDX-License-Identifier: Apache-2.0
// The writer through the C ABI and dcf.hpp: pieces, copies, sections, progress.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <dcf/dcf.hpp>
#include <map>
#include <random>

namespace {

using Bytes = std::vector<uint8_t>;

int append(void* ctx, const void* data, size_t size) {
  auto* const bytes = static_cast<Bytes*>(ctx);
  const auto* const first = static_cast<const uint8_t*>(data);
  bytes->insert(bytes->end(), first, first + size);
  return 0;
}

struct WriterCloser {
  void operator()(dcf_writer* writer) const { dcf_writer_close(writer); }
};
using WriterPtr = std::unique_ptr<dcf_writer, WriterCloser>;

WriterPtr writer_to(Bytes* out, const dcf_writer_options* options = nullptr) {
  dcf_sink sink = DCF_SINK_INIT;
  sink.ctx = out;
  sink.write = append;
  dcf_writer* writer = nullptr;
  EXPECT_EQ(dcf_writer_open_sink(&sink, options, &writer, nullptr), DCF_OK);
  return WriterPtr(writer);
}

dcf_tensor_spec spec_of(const char* name, dcf_dtype dtype, const std::vector<uint64_t>& dims) {
  dcf_tensor_spec spec = DCF_TENSOR_SPEC_INIT;
  spec.name = name;
  spec.name_size = std::strlen(name);
  spec.dtype = dtype;
  spec.rank = static_cast<uint32_t>(dims.size());
  spec.dims = dims.data();
  return spec;
}

std::vector<float> weights(size_t n, double density, unsigned seed) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<float> w(n);
  for (float& v : w) v = uniform(rng) < density ? normal(rng) : 0.0f;
  return w;
}

dcf_encode_options with_positions(dcf_positions positions) {
  dcf_encode_options options;
  dcf_encode_options_init(&options);
  options.positions = positions;
  return options;
}

// Every kind of coding, several chunks, aliases, an empty tensor, lossy ones.
Bytes assorted_file() {
  Bytes file;
  const WriterPtr writer = writer_to(&file);
  const std::vector<uint64_t> dims = {400, 1000};
  const std::vector<uint64_t> reshaped = {1000, 400};
  const auto add = [&](const char* name, dcf_dtype dtype, const std::vector<uint64_t>& shape,
                       const void* data, size_t size, const dcf_encode_options* options = nullptr) {
    const dcf_tensor_spec spec = spec_of(name, dtype, shape);
    EXPECT_EQ(dcf_writer_add_dense(writer.get(), &spec, data, size, options, nullptr), DCF_OK);
  };
  const std::vector<float> sparse = weights(400000, 0.1, 1);
  const std::vector<float> dense = weights(400000, 1, 2);
  const size_t bytes = 4 * sparse.size();
  for (const dcf_positions positions :
       {DCF_POSITIONS_BITMAP, DCF_POSITIONS_GAP, DCF_POSITIONS_GAP_BUCKET}) {
    const dcf_encode_options options = with_positions(positions);
    add(dcf_positions_name(positions), DCF_DTYPE_F32, dims, sparse.data(), bytes, &options);
  }
  add("dense", DCF_DTYPE_F32, dims, dense.data(), bytes);
  add("m.twin", DCF_DTYPE_F32, dims, dense.data(), bytes);
  add("a.twin", DCF_DTYPE_F32, reshaped, dense.data(), bytes);
  dcf_encode_options lossy = with_positions(DCF_POSITIONS_AUTO);
  lossy.sparsity = 0.5;
  lossy.bits = 4;
  add("lossy", DCF_DTYPE_F32, dims, dense.data(), bytes, &lossy);
  add("empty", DCF_DTYPE_I64, {0, 3}, nullptr, 0);
  add("raw", DCF_DTYPE_C64, {20, 10000}, sparse.data(), bytes);
  add("scalar", DCF_DTYPE_F64, {}, dense.data(), 8);
  EXPECT_EQ(dcf_writer_add_metadata(writer.get(), "k", 1, "v", 1, nullptr), DCF_OK);
  EXPECT_EQ(dcf_writer_add_section(writer.get(), 77, "graph", 5, nullptr), DCF_OK);
  EXPECT_EQ(dcf_writer_finish(writer.get(), nullptr), DCF_OK);
  return file;
}

TEST(WriterApi, ACopyKeepsClasses) {
  std::vector<float> columns = weights(400000, 1, 2);
  for (size_t i = 0; i < columns.size(); ++i) columns[i] *= i % 2 == 0 ? 512.0f : 1.0f;
  Bytes file;
  const WriterPtr writer = writer_to(&file);
  const std::vector<uint64_t> dims = {400, 1000};
  const dcf_tensor_spec spec = spec_of("w", DCF_DTYPE_F32, dims);
  ASSERT_EQ(dcf_writer_add_dense(writer.get(), &spec, columns.data(), 4 * columns.size(), nullptr,
                                 nullptr),
            DCF_OK);
  ASSERT_EQ(dcf_writer_finish(writer.get(), nullptr), DCF_OK);
  dcf::File in = dcf::File::open(file).value();
  EXPECT_EQ(in.tensor(size_t{0}).value().info().positions, DCF_POSITIONS_CLASSES);
  Bytes copy;
  const WriterPtr copier = writer_to(&copy);
  ASSERT_EQ(dcf_writer_copy_tensor(copier.get(), in.get(), 0, nullptr, 0, nullptr), DCF_OK);
  ASSERT_EQ(dcf_writer_finish(copier.get(), nullptr), DCF_OK);
  EXPECT_TRUE(copy == file);
}

TEST(WriterApi, ACopyOfAllIsTheSameFile) {
  const Bytes file = assorted_file();
  dcf::File in = dcf::File::open(file).value();
  // In any order of the calls.
  for (const bool reversed : {false, true}) {
    Bytes copy;
    const WriterPtr writer = writer_to(&copy);
    for (size_t i = 0; i < in.size(); ++i) {
      const size_t index = reversed ? in.size() - 1 - i : i;
      ASSERT_EQ(dcf_writer_copy_tensor(writer.get(), in.get(), index, nullptr, 0, nullptr), DCF_OK);
    }
    ASSERT_EQ(dcf_writer_add_metadata(writer.get(), "k", 1, "v", 1, nullptr), DCF_OK);
    ASSERT_EQ(dcf_writer_add_section(writer.get(), 77, "graph", 5, nullptr), DCF_OK);
    ASSERT_EQ(dcf_writer_finish(writer.get(), nullptr), DCF_OK);
    EXPECT_TRUE(copy == file);
  }
}

// New names may change the order; data, coding and aliases stay.
TEST(WriterApi, CopiesUnderOtherNames) {
  const Bytes file = assorted_file();
  dcf::File in = dcf::File::open(file).value();
  Bytes copy;
  WriterPtr writer = writer_to(&copy);
  std::map<std::string, size_t> old_index;
  for (size_t i = 0; i < in.size(); ++i) {
    const std::string name = std::to_string(9 - i % 10) + std::string(in.tensor(i).value().name());
    old_index[name] = i;
    ASSERT_EQ(dcf_writer_copy_tensor(writer.get(), in.get(), i, name.data(), name.size(), nullptr),
              DCF_OK);
  }
  ASSERT_EQ(dcf_writer_finish(writer.get(), nullptr), DCF_OK);
  dcf::File out = dcf::File::open(copy).value();
  EXPECT_TRUE(out.verify());
  ASSERT_EQ(out.size(), in.size());
  int aliases = 0;
  for (const auto& [name, i] : old_index) {
    const dcf::Tensor a = in.tensor(i).value();
    const dcf::Tensor b = out.tensor(name).value();
    EXPECT_TRUE(a.bytes().value() == b.bytes().value());
    EXPECT_TRUE(std::equal(a.shape().begin(), a.shape().end(), b.shape().begin(), b.shape().end()));
    EXPECT_EQ(a.info().dtype, b.info().dtype);
    EXPECT_EQ(a.info().positions, b.info().positions);
    EXPECT_EQ(a.info().values, b.info().values);
    EXPECT_EQ(a.info().nonzeros, b.info().nonzeros);
    EXPECT_EQ(a.info().fidelity, b.info().fidelity);
    EXPECT_EQ(a.info().error_bound, b.info().error_bound);
    aliases += b.info().alias_of != DCF_NO_TENSOR;
  }
  EXPECT_EQ(aliases, 2);
  // An alias alone gets the data.
  Bytes alone;
  writer = writer_to(&alone);
  ASSERT_EQ(dcf_writer_copy_tensor(writer.get(), in.get(), in.tensor("m.twin").value().index(),
                                   nullptr, 0, nullptr),
            DCF_OK);
  ASSERT_EQ(dcf_writer_finish(writer.get(), nullptr), DCF_OK);
  dcf::File single = dcf::File::open(alone).value();
  const dcf::Tensor twin = single.tensor(0).value();
  EXPECT_EQ(twin.info().alias_of, DCF_NO_TENSOR);
  EXPECT_TRUE(twin.bytes().value() == in.tensor("m.twin").value().bytes().value());
}

// Two files that are open one after the other, perhaps at the same address, are two files.
TEST(WriterApi, CopiesFromFilesThatWereClosed) {
  const std::vector<uint64_t> dims = {10, 10};
  Bytes copy;
  const WriterPtr writer = writer_to(&copy);
  for (unsigned i = 0; i < 8; ++i) {
    Bytes file;
    const WriterPtr source = writer_to(&file);
    const dcf_tensor_spec spec = spec_of("w", DCF_DTYPE_F32, dims);
    const std::vector<float> w = weights(100, 1, i);
    ASSERT_EQ(dcf_writer_add_dense(source.get(), &spec, w.data(), 400, nullptr, nullptr), DCF_OK);
    ASSERT_EQ(dcf_writer_finish(source.get(), nullptr), DCF_OK);
    dcf::File in = dcf::File::open(file).value();
    const char name = static_cast<char>('a' + i);
    ASSERT_EQ(dcf_writer_copy_tensor(writer.get(), in.get(), 0, &name, 1, nullptr), DCF_OK);
  }
  ASSERT_EQ(dcf_writer_finish(writer.get(), nullptr), DCF_OK);
  dcf::File out = dcf::File::open(copy).value();
  for (unsigned i = 0; i < 8; ++i) {
    const dcf::Tensor tensor = out.tensor(i).value();
    EXPECT_EQ(tensor.info().alias_of, DCF_NO_TENSOR);
    const dcf::Buffer<float> w = tensor.decode<float>().value();
    EXPECT_EQ(std::vector<float>(w.begin(), w.end()), weights(100, 1, i));
  }
}

TEST(WriterApi, ADamagedTensorIsNotCopied) {
  Bytes file = assorted_file();
  dcf::File in = dcf::File::open(file).value();
  file[file.size() - 100] ^= 1;  // of the last chunk
  dcf_error error = DCF_ERROR_INIT;
  Bytes copy;
  const WriterPtr writer = writer_to(&copy);
  dcf_status last = DCF_OK;
  for (size_t i = 0; i < in.size() && last == DCF_OK; ++i) {
    last = dcf_writer_copy_tensor(writer.get(), in.get(), i, nullptr, 0, &error);
  }
  EXPECT_EQ(last, DCF_STATUS_CHECKSUM_MISMATCH);
  EXPECT_STREQ(error.rule, "K-03");
  EXPECT_NE(error.tensor, DCF_NO_TENSOR);
  EXPECT_EQ(dcf_writer_finish(writer.get(), nullptr), DCF_STATUS_BAD_STATE);
  EXPECT_TRUE(copy.empty());
}

TEST(WriterApi, PiecesGiveTheFileOfTheWhole) {
  const std::vector<uint64_t> dims = {300, 333};
  const std::vector<float> w = weights(300 * 333, 0.05, 3);
  const auto* const data = reinterpret_cast<const uint8_t*>(w.data());
  const dcf_tensor_spec spec = spec_of("w", DCF_DTYPE_F32, dims);
  Bytes whole;
  WriterPtr writer = writer_to(&whole);
  ASSERT_EQ(dcf_writer_add_dense(writer.get(), &spec, data, 4 * w.size(), nullptr, nullptr),
            DCF_OK);
  ASSERT_EQ(dcf_writer_finish(writer.get(), nullptr), DCF_OK);
  for (const size_t piece : {size_t{1001}, size_t{65536}, 4 * w.size()}) {
    Bytes pieces;
    writer = writer_to(&pieces);
    ASSERT_EQ(dcf_writer_begin_tensor(writer.get(), &spec, nullptr, nullptr), DCF_OK);
    for (size_t at = 0; at < 4 * w.size(); at += piece) {
      const size_t n = std::min(piece, 4 * w.size() - at);
      ASSERT_EQ(dcf_writer_write_piece(writer.get(), data + at, n, nullptr), DCF_OK);
    }
    ASSERT_EQ(dcf_writer_write_piece(writer.get(), nullptr, 0, nullptr), DCF_OK);
    ASSERT_EQ(dcf_writer_end_tensor(writer.get(), nullptr), DCF_OK);
    ASSERT_EQ(dcf_writer_finish(writer.get(), nullptr), DCF_OK);
    EXPECT_TRUE(pieces == whole);
  }
}

TEST(WriterApi, ArgumentsOfTheNewCalls) {
  const std::vector<uint64_t> dims = {2, 2};
  const dcf_tensor_spec spec = spec_of("w", DCF_DTYPE_F32, dims);
  const Bytes file = assorted_file();
  dcf::File in = dcf::File::open(file).value();
  const auto expect = [&](dcf_status status, auto call) {
    Bytes out;
    const WriterPtr writer = writer_to(&out);
    dcf_error error = DCF_ERROR_INIT;
    EXPECT_EQ(call(writer.get(), &error), status);
    EXPECT_EQ(error.status, status);
    EXPECT_EQ(dcf_writer_finish(writer.get(), nullptr), DCF_STATUS_BAD_STATE);
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(call(nullptr, &error), DCF_STATUS_INVALID_ARGUMENT);
  };
  const dcf_status invalid = DCF_STATUS_INVALID_ARGUMENT;
  using W = dcf_writer;
  using E = dcf_error;
  expect(invalid, [](W* w, E* e) { return dcf_writer_begin_tensor(w, nullptr, nullptr, e); });
  expect(invalid, [&](W* w, E* e) {
    dcf_tensor_spec many = spec;
    many.rank = UINT32_MAX;
    return dcf_writer_begin_tensor(w, &many, nullptr, e);
  });
  expect(invalid, [&](W* w, E* e) {
    dcf_tensor_spec many = spec;
    many.rank = UINT32_MAX;
    return dcf_writer_add_dense(w, &many, "", 0, nullptr, e);
  });
  expect(invalid, [&](W* w, E* e) {
    dcf_tensor_spec long_name = spec;
    long_name.name_size = SIZE_MAX;
    return dcf_writer_begin_tensor(w, &long_name, nullptr, e);
  });
  expect(invalid, [&](W* w, E* e) {
    dcf_encode_options odd = with_positions(static_cast<dcf_positions>(77));
    return dcf_writer_begin_tensor(w, &spec, &odd, e);
  });
  expect(invalid, [&](W* w, E* e) {
    (void)dcf_writer_begin_tensor(w, &spec, nullptr, nullptr);
    return dcf_writer_write_piece(w, nullptr, 4, e);
  });
  expect(invalid, [&](W* w, E* e) {
    (void)dcf_writer_begin_tensor(w, &spec, nullptr, nullptr);
    return dcf_writer_end_tensor(w, e);
  });
  expect(invalid,
         [&](W* w, E* e) { return dcf_writer_copy_tensor(w, in.get(), in.size(), nullptr, 0, e); });
  expect(invalid, [](W* w, E* e) { return dcf_writer_copy_tensor(w, nullptr, 0, nullptr, 0, e); });
  expect(invalid,
         [&](W* w, E* e) { return dcf_writer_copy_tensor(w, in.get(), 0, nullptr, 1, e); });
  expect(invalid, [&](W* w, E* e) { return dcf_writer_copy_tensor(w, in.get(), 0, "\xff", 1, e); });
  expect(invalid, [](W* w, E* e) { return dcf_writer_add_section(w, 9, nullptr, 1, e); });
  for (uint32_t reserved = 1; reserved <= 4; ++reserved) {
    expect(invalid, [&](W* w, E* e) { return dcf_writer_add_section(w, reserved, "x", 1, e); });
  }
  Bytes out;
  const WriterPtr writer = writer_to(&out);
  EXPECT_EQ(dcf_writer_add_section(writer.get(), 0x80000005, "x", 1, nullptr),
            DCF_STATUS_UNSUPPORTED_SECTION);
  const WriterPtr other = writer_to(&out);
  EXPECT_EQ(dcf_writer_end_tensor(other.get(), nullptr), DCF_STATUS_BAD_STATE);
  EXPECT_EQ(dcf_writer_finish(other.get(), nullptr), DCF_STATUS_BAD_STATE);
}

TEST(WriterApi, ProgressCancelsEveryCall) {
  struct Log {
    uint64_t calls = 0;
    uint64_t done = 0;
    uint64_t total = 0;
    bool cancel = false;
    static int call(void* ctx, uint64_t done, uint64_t total) {
      auto& log = *static_cast<Log*>(ctx);
      ++log.calls;
      log.done = done;
      log.total = total;
      return log.cancel ? 1 : 0;
    }
  };
  const Bytes file = assorted_file();
  dcf::File in = dcf::File::open(file).value();
  const std::vector<uint64_t> dims = {300, 300};
  const dcf_tensor_spec spec = spec_of("w", DCF_DTYPE_F32, dims);
  const std::vector<float> w = weights(90000, 0.2, 4);
  // The call of this number is cancelled; 3: none.
  for (const int cancelled : {0, 1, 2, 3}) {
    Log log;
    dcf_writer_options options;
    dcf_writer_options_init(&options);
    options.progress = Log::call;
    options.progress_ctx = &log;
    Bytes out;
    const WriterPtr writer = writer_to(&out, &options);
    ASSERT_EQ(dcf_writer_begin_tensor(writer.get(), &spec, nullptr, nullptr), DCF_OK);
    ASSERT_EQ(dcf_writer_write_piece(writer.get(), w.data(), 360000, nullptr), DCF_OK);
    const auto run = [&](int number, auto call) {
      log.cancel = number == cancelled;
      const uint64_t before = log.calls;
      const dcf_status status = call();
      EXPECT_EQ(status, log.cancel ? DCF_STATUS_CANCELLED
                                   : (number < cancelled ? DCF_OK : DCF_STATUS_BAD_STATE));
      if (status == DCF_OK) {
        EXPECT_GT(log.calls, before);
        EXPECT_EQ(log.done, log.total);
      }
    };
    run(0, [&] { return dcf_writer_end_tensor(writer.get(), nullptr); });
    run(1, [&] {
      return dcf_writer_copy_tensor(writer.get(), in.get(), in.tensor("dense").value().index(),
                                    nullptr, 0, nullptr);
    });
    run(2, [&] { return dcf_writer_finish(writer.get(), nullptr); });
    if (cancelled == 3) {
      EXPECT_EQ(log.total, out.size());
    } else {
      EXPECT_TRUE(out.empty());
    }
  }
}

// A child shares the place in the parent's temporary files: it may close the writer, nothing else.
TEST(WriterApi, AChildProcessMayOnlyClose) {
  Bytes out;
  WriterPtr writer = writer_to(&out);
  const float data[4] = {1, 2, 3, 4};
  const std::vector<uint64_t> dims = {2, 2};
  const dcf_tensor_spec spec = spec_of("w", DCF_DTYPE_F32, dims);
  const pid_t child = fork();
  if (child == 0) {
    const dcf_status added =
        dcf_writer_add_dense(writer.get(), &spec, data, sizeof data, nullptr, nullptr);
    const dcf_status finished = dcf_writer_finish(writer.get(), nullptr);
    writer.reset();
    _exit(added == DCF_STATUS_BAD_STATE && finished == DCF_STATUS_BAD_STATE ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(dcf_writer_add_dense(writer.get(), &spec, data, sizeof data, nullptr, nullptr), DCF_OK);
  EXPECT_EQ(dcf_writer_finish(writer.get(), nullptr), DCF_OK);
  EXPECT_TRUE(dcf::File::open(out).value().verify());
}

}  // namespace
