// SPDX-License-Identifier: Apache-2.0
// The writer as a whole: aliases, order, threads, states, memory.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>

#include "base/hash.h"
#include "format/header.h"
#include "support/sanitizer.h"
#include "writing.h"

namespace dcf::impl::encode {
namespace {

std::vector<Sample> assorted(unsigned seed) {
  std::mt19937_64 rng(seed);
  std::vector<Sample> samples;
  samples.push_back(random_sample(rng, DType::kF32, {300, 784}, 0.02, 0, true));
  samples.push_back(random_sample(rng, DType::kF32, {500, 500}, 1.0));
  samples.push_back(random_sample(rng, DType::kI16, {64, 64}, 0.5));
  samples.push_back(random_sample(rng, DType::kF16, {1000}, 0.3, 12));
  samples.push_back(random_sample(rng, DType::kU8, {9, 9}, 1.0));
  for (size_t i = 0; i < samples.size(); ++i) samples[i].name = "t" + std::to_string(i);
  Sample copy = samples[1];
  copy.name = "a copy";
  samples.push_back(copy);
  copy.name = "t1 reshaped";
  copy.dims = {250, 1000};
  samples.push_back(copy);
  return samples;
}

TEST(FileWriter, AliasesShareData) {
  const std::vector<Sample> samples = assorted(1);
  const std::vector<uint8_t> file = file_of(samples);
  const ReferenceFile result = decoded(file);
  // "a copy" comes first by name, so it has the data.
  ASSERT_EQ(result.manifest.tensors[0].name, "a copy");
  EXPECT_EQ(result.manifest.tensors[0].alias_of, kNoTensor);
  int aliases = 0;
  for (const format::Tensor& t : result.manifest.tensors) {
    const bool same = t.name == "t1" || t.name == "t1 reshaped";
    EXPECT_EQ(t.alias_of, same ? 0 : kNoTensor) << t.name;
    aliases += t.alias_of != kNoTensor;
  }
  EXPECT_EQ(aliases, 2);
  EXPECT_EQ(result.dense[0], samples[1].data);
  const std::vector<uint8_t> alone = file_of({samples.begin(), samples.begin() + 5});
  EXPECT_LT(file.size(), alone.size() + 120);
}

format::Header header_of(const std::vector<uint8_t>& file) {
  return format::parse_header(file, file.size()).take();
}

TEST(FileWriter, NamesAreCodedWhereThatIsSmaller) {
  std::vector<Sample> samples;
  size_t names = 0;
  for (unsigned i = 0; i < 40; ++i) {
    for (const char* part : {"mlp.weight", "mlp.bias", "norm.weight"}) {
      samples.push_back({"model.layers." + std::to_string(i) + "." + part, DType::kU8, {1}, {7}});
      names += samples.back().name.size();
    }
  }
  const std::vector<uint8_t> file = file_of(samples);
  EXPECT_EQ(header_of(file).features, format::kCodedNames);
  EXPECT_LT(file.size(), names);
  const ReferenceFile result = decoded(file);
  ASSERT_EQ(result.manifest.tensors.size(), samples.size());
  std::reverse(samples.begin(), samples.end());
  EXPECT_EQ(file_of(samples), file);

  EXPECT_EQ(header_of(file_of({samples[0]})).features, 0u);
  EXPECT_EQ(header_of(file_of({})).features, 0u);
}

// Many names that do not shrink to half stay as they are, as they open faster so.
TEST(FileWriter, ManyNamesWithoutOrderStayPlain) {
  std::mt19937_64 rng(7);
  std::vector<Sample> samples;
  for (unsigned i = 0; i < 1100; ++i) {
    std::string name;
    while (name.size() < 64) name.push_back("0123456789abcdef"[rng() % 16]);
    samples.push_back({name, DType::kU8, {0}, {}});
  }
  EXPECT_EQ(header_of(file_of(samples)).features, 0u);
  samples.resize(500);
  EXPECT_EQ(header_of(file_of(samples)).features, format::kCodedNames);
}

TEST(FileWriter, NoAliasAcrossDTypesOptionsOrOneBit) {
  std::mt19937_64 rng(2);
  Sample a = random_sample(rng, DType::kF32, {64, 64}, 1.0);
  a.name = "a";
  Sample b = a;
  b.name = "b";
  b.dtype = DType::kI32;
  Sample c = a;
  c.name = "c";
  c.data[5000] ^= 1;
  const ReferenceFile file = decoded(file_of({a, b, c}));
  for (const format::Tensor& t : file.manifest.tensors) EXPECT_EQ(t.alias_of, kNoTensor);
  FileWriter writer({});
  // Without the NaN among random bits, which would keep it from being clustered.
  for (size_t i = 3; i < a.data.size(); i += 4) a.data[i] &= 0xBF;
  Sample d = a;
  d.name = "d";
  EncodeOptions clustered;
  clustered.bits = 3;
  ASSERT_TRUE(writer.add(a.input(), {}).ok());
  ASSERT_TRUE(writer.add(d.input(), clustered).ok());
  const ReferenceFile lossy = decoded(finish_file(writer));
  EXPECT_EQ(lossy.manifest.tensors[1].alias_of, kNoTensor);
  EXPECT_EQ(lossy.dense[0], a.data);
  EXPECT_NE(lossy.dense[1], a.data);
}

TEST(FileWriter, EmptyTensorsAreNoAliases) {
  Sample a;
  a.name = "a";
  a.dims = {0, 4};
  Sample b = a;
  b.name = "b";
  EXPECT_EQ(decoded(file_of({a, b})).manifest.tensors[1].alias_of, kNoTensor);
}

TEST(FileWriter, BytesDoNotDependOnOrderOrThreads) {
  std::vector<Sample> samples = assorted(3);
  const std::vector<uint8_t> file = file_of(samples);
  EXPECT_EQ(file_of(samples), file);
  for (const unsigned threads : {2u, 3u, 8u}) EXPECT_EQ(file_of(samples, {}, threads), file);
  std::mt19937 rng(4);
  for (int i = 0; i < 8; ++i) {
    std::shuffle(samples.begin(), samples.end(), rng);
    EXPECT_EQ(file_of(samples), file);
  }
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.name > b.name; });
  EXPECT_EQ(file_of(samples), file);
}

TEST(FileWriter, HostsMayBringTheirThreads) {
  const std::vector<Sample> samples = assorted(5);
  static std::atomic<size_t> tasks{0};
  WriterOptions options;
  options.parallel.host = [](void*, size_t n, void (*task)(void*, size_t), void* arg) {
    for (size_t i = n; i-- > 0;) task(arg, i);
    tasks += n;
  };
  FileWriter writer(options);
  for (const Sample& sample : samples) ASSERT_TRUE(writer.add(sample.input(), {}).ok());
  EXPECT_EQ(finish_file(writer), file_of(samples));
  EXPECT_GT(tasks, samples.size());
}

TEST(FileWriter, SmallMemoryGivesTheSameFile) {
  std::mt19937_64 rng(6);
  std::vector<Sample> samples;
  for (int i = 0; i < 4; ++i) {
    samples.push_back(random_sample(rng, DType::kU8, {1500, 1000}, 1.0));
    samples.back().name = std::to_string(9 - i);
  }
  WriterOptions options;
  options.max_memory = 4 << 20;
  EncodeOptions fast;  // a tensor that is kept whole needs more
  fast.effort = Effort::kFast;
  FileWriter writer(options);
  for (const Sample& sample : samples) ASSERT_TRUE(writer.add(sample.input(), fast).ok());
  EXPECT_EQ(finish_file(writer), file_of(samples, fast));
  Sample large = random_sample(rng, DType::kF32, {1000, 1000}, 1.0);
  large.name = "large";
  FileWriter other(options);
  EncodeOptions clustered;
  clustered.bits = 5;
  EXPECT_EQ(other.add(large.input(), clustered).code, Code::LimitMemory);
}

TEST(FileWriter, States) {
  std::vector<Sample> samples = assorted(7);
  FileWriter writer({});
  ASSERT_TRUE(writer.add(samples[4].input(), {}).ok());
  const ReferenceFile file = decoded(finish_file(writer));
  EXPECT_EQ(file.manifest.tensors.size(), 1u);
  VectorSink sink;
  EXPECT_EQ(writer.finish(sink).code, Code::BadState);
  EXPECT_EQ(writer.add(samples[3].input(), {}).code, Code::BadState);
  EXPECT_EQ(writer.add_metadata("k", "v").code, Code::BadState);
}

// Whatever failed: a file without it would be another file than the one asked for.
TEST(FileWriter, AfterAFailureItCannotFinish) {
  const std::vector<Sample> samples = assorted(7);
  Sample short_one = samples[3];
  short_one.data.pop_back();
  const auto expect_broken = [&](Code code, auto failing) {
    FileWriter writer({});
    ASSERT_TRUE(writer.add(samples[4].input(), {}).ok());
    ASSERT_TRUE(writer.add_metadata("k", "v").ok());
    ASSERT_TRUE(writer.add_section(9, {}).ok());
    EXPECT_EQ(failing(writer).code, code);
    // Arguments are still checked.
    EXPECT_EQ(writer.add(short_one.input(), {}).code, Code::InvalidArgument);
    EXPECT_EQ(writer.add(samples[3].input(), {}).code, Code::BadState);
    EXPECT_EQ(writer.begin_tensor(samples[3].input().spec, {}).code, Code::BadState);
    EXPECT_EQ(writer.write_piece({}).code, Code::BadState);
    EXPECT_EQ(writer.end_tensor().code, Code::BadState);
    EXPECT_EQ(writer.add_metadata("l", "v").code, Code::BadState);
    EXPECT_EQ(writer.add_section(10, {}).code, Code::BadState);
    VectorSink sink;
    EXPECT_EQ(writer.finish(sink).code, Code::BadState);
    EXPECT_TRUE(sink.data.empty());
  };
  const std::vector<uint8_t> byte(1);
  using W = FileWriter;
  expect_broken(Code::DuplicateName, [&](W& w) { return w.add(samples[4].input(), {}); });
  expect_broken(Code::InvalidArgument, [&](W& w) { return w.add(short_one.input(), {}); });
  expect_broken(Code::DuplicateName, [&](W& w) { return w.add_metadata("k", "w"); });
  expect_broken(Code::InvalidArgument, [&](W& w) { return w.add_metadata("bad", "\xff"); });
  expect_broken(Code::DuplicateName, [&](W& w) { return w.add_section(9, byte); });
  expect_broken(Code::InvalidArgument, [&](W& w) { return w.add_section(3, byte); });
  expect_broken(Code::UnsupportedSection, [&](W& w) { return w.add_section(0x80000009, byte); });
  expect_broken(Code::BadState, [&](W& w) { return w.write_piece(byte); });
  expect_broken(Code::BadState, [&](W& w) { return w.end_tensor(); });
  expect_broken(Code::DuplicateName,
                [&](W& w) { return w.begin_tensor(samples[4].input().spec, {}); });
}

TEST(FileWriter, SectionsStandAtTheEndInOrder) {
  const std::vector<uint8_t> a = {1, 2, 3};
  const std::vector<uint8_t> b(3 << 20, 7);
  std::vector<uint8_t> first;
  for (const bool reversed : {false, true}) {
    FileWriter writer({});
    const std::vector<Sample> samples = assorted(3);
    if (reversed) ASSERT_TRUE(writer.add_section(0x7FFFFFFF, b).ok());
    ASSERT_TRUE(writer.add_section(5, a).ok());
    for (const Sample& sample : samples) ASSERT_TRUE(writer.add(sample.input(), {}).ok());
    ASSERT_TRUE(writer.add_section(0, {}).ok());
    if (!reversed) ASSERT_TRUE(writer.add_section(0x7FFFFFFF, b).ok());
    const std::vector<uint8_t> file = finish_file(writer);
    const ReferenceFile read = decoded(file);
    ASSERT_EQ(read.manifest.sections.size(), 3u);
    EXPECT_EQ(read.manifest.sections[0].kind, 0u);
    EXPECT_EQ(read.manifest.sections[0].hash, 0u);
    EXPECT_EQ(read.manifest.sections[1].kind, 5u);
    EXPECT_EQ(read.manifest.sections[1].hash, hash_bytes(a));
    EXPECT_EQ(read.manifest.sections[2].bytes, b.size());
    EXPECT_FALSE(read.manifest.sections[2].critical);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), file.end() - static_cast<ptrdiff_t>(b.size() + 3)));
    EXPECT_TRUE(std::equal(b.begin(), b.end(), file.end() - static_cast<ptrdiff_t>(b.size())));
    if (reversed) EXPECT_EQ(file, first);
    first = file;
  }
}

TEST(FileWriter, TheLimitOfMemoryStopsIt) {
  const std::vector<Sample> samples = assorted(7);
  for (const uint64_t memory : {uint64_t{1}, uint64_t{1000}, uint64_t{64} << 10}) {
    WriterOptions options;
    options.max_memory = memory;
    FileWriter writer(options);
    Sample sample = samples[4];
    sample.data.resize(4 * 1024 * 1024);
    sample.dims = {1024, 1024};
    sample.dtype = DType::kF32;
    EXPECT_EQ(writer.add(sample.input(), {}).code, Code::LimitMemory);
    FileWriter other(options);
    EXPECT_EQ(other.begin_tensor(sample.input().spec, {}).code, Code::LimitMemory);
    FileWriter third(options);
    EXPECT_EQ(third.add_metadata("k", std::string(70000, 'x')).code, Code::LimitMemory);
  }
  // A manifest that no reader with this limit could open is not written.
  WriterOptions options;
  options.max_memory = 300 << 10;
  FileWriter writer(options);
  ASSERT_TRUE(writer.add_metadata("k", std::string(150000, 'x')).ok());
  VectorSink sink;
  EXPECT_EQ(writer.finish(sink).code, Code::LimitMemory);
  EXPECT_TRUE(sink.data.empty());
}

TEST(FileWriter, ProgressReachesTheTotalAndCancels) {
  struct Log {
    uint64_t calls = 0;
    uint64_t last = 0;
    uint64_t total = 0;
    uint64_t cancel_at = UINT64_MAX;
    static int call(void* ctx, uint64_t done, uint64_t total) {
      auto& log = *static_cast<Log*>(ctx);
      if (log.total == total) EXPECT_GE(done, log.last);
      EXPECT_LE(done, total);
      log.last = done;
      log.total = total;
      return ++log.calls >= log.cancel_at ? 1 : 0;
    }
  };
  std::mt19937_64 rng(1);
  Sample sample = random_sample(rng, DType::kF32, {200, 1000}, 0.2);
  sample.name = "w";
  Log log;
  WriterOptions options;
  options.progress = Progress(Log::call, &log);
  FileWriter writer(options);
  ASSERT_TRUE(writer.add(sample.input(), {}).ok());
  EXPECT_EQ(log.last, sample.data.size());
  EXPECT_EQ(log.total, sample.data.size());
  const uint64_t calls_of_add = log.calls;
  EXPECT_GT(calls_of_add, 4u);
  VectorSink sink;
  ASSERT_TRUE(writer.finish(sink).ok());
  EXPECT_EQ(log.last, sink.data.size());
  const uint64_t all_calls = log.calls;
  for (uint64_t at = 1; at <= all_calls; ++at) {
    Log cancelling;
    cancelling.cancel_at = at;
    options.progress = Progress(Log::call, &cancelling);
    FileWriter cancelled(options);
    const Status added = cancelled.add(sample.input(), {});
    VectorSink nothing;
    const Status finished = cancelled.finish(nothing);
    EXPECT_EQ(added.code, at <= calls_of_add ? Code::Cancelled : Code::Ok);
    EXPECT_EQ(finished.code, at <= calls_of_add ? Code::BadState : Code::Cancelled);
  }
}

TEST(FileWriter, FailingSinkIsReported) {
  class Full final : public io::Sink {
   public:
    Status append(Bytes bytes) override {
      room_ -= std::min<size_t>(room_, bytes.size());
      return room_ > 0 ? ok_status() : fail(Code::IoNoSpace, "", "full");
    }
    size_t room_ = 50000;
  };
  FileWriter writer({});
  for (const Sample& sample : assorted(8)) ASSERT_TRUE(writer.add(sample.input(), {}).ok());
  Full sink;
  EXPECT_EQ(writer.finish(sink).code, Code::IoNoSpace);
}

// Raw data of 4096 bytes and more is aligned to 64 bytes.
TEST(FileWriter, RawDataIsAligned) {
  std::mt19937_64 rng(9);
  std::vector<Sample> samples(3);
  for (size_t i = 0; i < 3; ++i) {
    samples[i].name = std::to_string(i);
    samples[i].dtype = DType::kC64;
    samples[i].dims = {500 + i, 3};
    samples[i].data.resize(8 * 3 * (500 + i));
    for (uint8_t& byte : samples[i].data) byte = static_cast<uint8_t>(rng());
  }
  const std::vector<uint8_t> file = file_of(samples);
  for (const Sample& sample : samples) {
    const auto at = std::search(file.begin(), file.end(), sample.data.begin(), sample.data.end());
    ASSERT_NE(at, file.end());
    EXPECT_EQ((at - file.begin()) % 64, 0);
  }
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(decoded(file).dense[i], samples[i].data);
}

uint64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

TEST(FileWriter, HugeSparseTensorTakesLittleMemory) {
  const uint64_t cols = (uint64_t{1} << 31) + 1;
  const uint64_t dims[] = {1, cols};
  const uint64_t row_ptr[] = {0, 1000};
  std::vector<uint32_t> col;
  std::vector<uint8_t> values(4000);
  std::vector<uint8_t> codes(1000);
  const uint8_t codebook[] = {0, 0, 128, 63, 0, 0, 0, 64};
  for (uint32_t i = 0; i < 1000; ++i) {
    col.push_back(i < 999 ? i * 2149000 + i % 7 : static_cast<uint32_t>(cols - 1));
    codes[i] = static_cast<uint8_t>(i % 2);
    store_word(&values[4 * i], 4, 0x3F800000 + i);
  }
  [[maybe_unused]] const uint64_t before = peak_memory();
  for (const bool coded : {false, true}) {
    for (const auto& positions :
         {std::optional<format::Positions>(), std::optional(format::Positions::kGap),
          std::optional(format::Positions::kBitmap)}) {
      TensorInput input;
      input.spec = {"huge", DType::kF32, 0, "", dims};
      input.data = CsrData{row_ptr, col.data(), values.data()};
      if (coded) input.data = CodesData{row_ptr, col.data(), codes.data(), codebook, 2};
      FileWriter writer({});
      ASSERT_TRUE(writer.add(input, with_positions(positions)).ok());
      const std::vector<uint8_t> file = finish_file(writer);
      if (!positions) EXPECT_LT(file.size(), 20000u);
    }
  }
// The one keeps freed memory, the other shadows all memory several times.
#ifndef DCF_OWN_ALLOCATOR
  EXPECT_LT(peak_memory() - before, uint64_t{256} << 20);
#endif
}

}  // namespace
}  // namespace dcf::impl::encode
