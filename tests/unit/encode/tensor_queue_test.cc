// SPDX-License-Identifier: Apache-2.0
// FileWriter::add_all(): several tensors at a time, and the file of one after the other.
#include "encode/write/tensor_queue.h"

#include <atomic>
#include <cstring>

#include "support/normal_weights.h"
#include "support/words_of.h"
#include "writing.h"

namespace dcf::impl::encode {
namespace {

// Tensors of many dtypes and sizes; some are equal, the second with the lower name or another
// shape; some are empty.
std::vector<Sample> samples_of(uint64_t seed, size_t count) {
  constexpr DType kTypes[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kI8,
                              DType::kU8,  DType::kI16, DType::kF64,  DType::kBool};
  std::mt19937_64 rng(seed);
  std::vector<Sample> samples;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t rows = rng() % 90;
    const uint64_t cols = 1 + rng() % (rng() % 8 == 0 ? 2000 : 60);
    Sample sample = random_sample(rng, kTypes[rng() % std::size(kTypes)], {rows, cols},
                                  rng() % 3 == 0 ? 0.1 : 1, rng() % 4 == 0 ? 9 : 0);
    if (sample.dtype == DType::kBool) {
      for (uint8_t& byte : sample.data) byte &= 1;
    }
    if (!samples.empty() && rng() % 4 == 0) {
      sample = samples[rng() % samples.size()];
      if (rng() % 2 == 0) sample.dims = {sample.dims[1], sample.dims[0]};
    }
    sample.name = std::to_string(rng() % 100) + "." + std::to_string(i);
    samples.push_back(std::move(sample));
  }
  return samples;
}

struct Reads {
  std::atomic<size_t> calls{0};
  size_t failing = SIZE_MAX;
};

// Every other tensor is read.
FindSource sources_of(const std::vector<Sample>& samples, Reads* reads,
                      const EncodeOptions& options = {}) {
  return [&samples, reads, options](size_t i) -> Result<DenseSource> {
    DenseSource source;
    source.spec = samples[i].input().spec;
    source.options = options;
    if (i % 2 == 0) {
      source.data = samples[i].data;
      return source;
    }
    source.read = [&samples, reads, i](MutableBytes dst) -> Status {
      ++reads->calls;
      if (i == reads->failing) return fail(Code::IoRead, "", "a test");
      std::copy(samples[i].data.begin(), samples[i].data.end(), dst.begin());
      return ok_status();
    };
    return source;
  };
}

std::vector<uint8_t> file_of_all(const std::vector<Sample>& samples, const WriterOptions& options,
                                 const EncodeOptions& encode = {}) {
  FileWriter writer(options);
  Reads reads;
  const Status status = writer.add_all(samples.size(), sources_of(samples, &reads, encode));
  EXPECT_TRUE(status.ok()) << status.message;
  EXPECT_EQ(reads.calls, samples.size() / 2);
  return finish_file(writer);
}

WriterOptions with_threads(unsigned threads, uint64_t max_memory = Limits{}.max_memory) {
  WriterOptions options;
  options.parallel = Parallel::of_handle(threads, nullptr, nullptr);
  options.parallel.threads = threads;  // more than processors, too
  options.parallel.pool = std::make_shared<ThreadPool>(threads);
  options.max_memory = max_memory;
  return options;
}

TEST(TensorQueue, TheFileIsThatOfOneAfterTheOther) {
  for (const uint64_t seed : {1, 2}) {
    const std::vector<Sample> samples = samples_of(seed, 40);
    const std::vector<uint8_t> expected = file_of(samples);
    for (const unsigned threads : {1u, 2u, 7u}) {
      EXPECT_TRUE(file_of_all(samples, with_threads(threads)) == expected)
          << seed << " " << threads;
    }
    EXPECT_EQ(decoded(expected).dense.size(), samples.size());
  }
}

TEST(TensorQueue, LittleMemoryLetsFewBegin) {
  const std::vector<Sample> samples = samples_of(4, 40);
  const std::vector<uint8_t> expected = file_of(samples);
  for (const uint64_t mib : {8, 24, 48, 70}) {
    EXPECT_TRUE(file_of_all(samples, with_threads(3, mib << 20)) == expected) << mib;
  }
}

// Each encoding that is tried may need all of a tensor in one chunk.
TEST(TensorQueue, AnyEncodingHasRoomBesideOthers) {
  EncodeOptions options;
  options.effort = Effort::kSmallest;
  for (const double sqnr_db : {20.0, 22.0, 24.0}) {
    options.sqnr_db = sqnr_db;
    std::vector<Sample> samples(2);
    for (size_t i = 0; i < samples.size(); ++i) {
      const std::vector<float> weights =
          normal_weights(size_t{512} * 1536, static_cast<uint32_t>(i));
      samples[i].name = std::to_string(i);
      samples[i].dims = {1, 1, 512, 1536};  // one row
      samples[i].data = words_of(DType::kF32, {weights.begin(), weights.end()});
    }
    FileWriter one_by_one(with_threads(1));
    for (const Sample& sample : samples) ASSERT_TRUE(one_by_one.add(sample.input(), options).ok());
    EXPECT_TRUE(file_of_all(samples, with_threads(2), options) == finish_file(one_by_one))
        << sqnr_db;
  }
}

TEST(TensorQueue, LossyOptionsAndFewTensors) {
  EncodeOptions clustered;
  clustered.sparsity = 0.5;
  clustered.bits = 4;
  EncodeOptions rounded;
  rounded.sqnr_db = 30;
  for (const EncodeOptions& options : {clustered, rounded}) {
    for (const size_t count : {0, 1, 2, 30}) {
      std::vector<Sample> samples = samples_of(5, 9 * count);
      std::erase_if(samples, [](const Sample& sample) { return !has_grid(sample.dtype); });
      if (samples.size() > count) samples.resize(count);
      EXPECT_TRUE(file_of_all(samples, with_threads(2), options) == file_of(samples, options));
    }
  }
}

TEST(TensorQueue, HostsMayBringTheirThreads) {
  const std::vector<Sample> samples = samples_of(6, 30);
  WriterOptions options;
  static std::atomic<int> inside;  // such a host cannot nest its loops
  options.parallel.threads = 4;
  options.parallel.host = [](void*, size_t n, void (*task)(void*, size_t), void* arg) {
    EXPECT_EQ(inside++, 0);
    for (size_t i = n; i-- > 0;) task(arg, i);
    --inside;
  };
  EXPECT_TRUE(file_of_all(samples, options) == file_of(samples));
}

TEST(TensorQueue, TheFirstFailureIsReported) {
  std::vector<Sample> samples = samples_of(7, 30);
  for (const unsigned threads : {1u, 3u}) {
    Reads reads;
    reads.failing = 21;
    FileWriter writer(with_threads(threads));
    samples[25].name = samples[3].name;
    const Status status = writer.add_all(samples.size(), sources_of(samples, &reads));
    EXPECT_EQ(status.code, Code::IoRead);
    EXPECT_EQ(status.tensor, 21u);
    VectorSink sink;
    EXPECT_EQ(writer.finish(sink).code, Code::BadState);
    EXPECT_EQ(writer.add_all(0, sources_of(samples, &reads)).code, Code::BadState);

    Reads all;
    FileWriter twice(with_threads(threads));
    const Status duplicate = twice.add_all(samples.size(), sources_of(samples, &all));
    EXPECT_EQ(duplicate.code, Code::DuplicateName);
    EXPECT_EQ(duplicate.tensor, 25u);
  }
  samples = samples_of(7, 30);
  samples[12].dtype = DType::kNone;
  Reads none;
  FileWriter writer(with_threads(2));
  const Status status = writer.add_all(samples.size(), sources_of(samples, &none));
  EXPECT_EQ(status.code, Code::InvalidArgument);
  EXPECT_EQ(status.tensor, 12u);
  EXPECT_EQ(none.calls, 0u);
}

struct Seen {
  std::atomic<int> inside{0};
  uint64_t last = 0;
  uint64_t total = 0;
  uint64_t cancel_at = UINT64_MAX;
  int cancelled = 0;

  static int see(void* self, uint64_t done, uint64_t total) {
    auto* const seen = static_cast<Seen*>(self);
    EXPECT_EQ(seen->inside++, 0);
    EXPECT_GE(done, seen->last);
    EXPECT_LE(done, total);
    seen->last = done;
    seen->total = total;
    const bool cancel = done >= seen->cancel_at;
    seen->cancelled += cancel ? 1 : 0;
    --seen->inside;
    return cancel ? 1 : 0;
  }
};

TEST(TensorQueue, ProgressReachesTheTotalAndCancels) {
  const std::vector<Sample> samples = samples_of(8, 50);
  uint64_t total = 0;
  for (const Sample& sample : samples) total += sample.data.size();
  for (const unsigned threads : {1u, 3u}) {
    Seen seen;
    Reads reads;
    WriterOptions options = with_threads(threads);
    options.progress = Progress(Seen::see, &seen);
    FileWriter writer(options);
    ASSERT_TRUE(writer.add_all(samples.size(), sources_of(samples, &reads)).ok());
    EXPECT_EQ(seen.last, total);
    EXPECT_EQ(seen.total, total);

    Seen cancelling;
    cancelling.cancel_at = total / 3;
    options.progress = Progress(Seen::see, &cancelling);
    FileWriter cancelled(options);
    EXPECT_EQ(cancelled.add_all(samples.size(), sources_of(samples, &reads)).code, Code::Cancelled);
    EXPECT_EQ(cancelling.cancelled, 1);
    EXPECT_LT(cancelling.last, total);
  }
}

}  // namespace
}  // namespace dcf::impl::encode
