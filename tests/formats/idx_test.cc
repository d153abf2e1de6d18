// SPDX-License-Identifier: Apache-2.0
// idx files and the sets of four: good ones, plain and packed, and every way to be broken.
#include "formats/idx.h"

#include <zlib.h>

#include <filesystem>

#include "formats/digits.h"
#include "formats/gzip.h"
#include "model_test_util.h"
#include "support/memory_meter.h"

namespace dcf::tools::test {
namespace {

std::string be32(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string idx(std::initializer_list<uint32_t> dims, std::string_view data, char type = 8) {
  std::string file = {0, 0, type, static_cast<char>(dims.size())};
  for (const uint32_t dim : dims) file += be32(dim);
  return file.append(data);
}

std::string gzip(std::string_view content) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, kGzip, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// All that unpacks from the file, asked for `step` bytes at a time.
Bytes unpack(const InputFile& file, size_t step) {
  GzipReader reader(file);
  Bytes out;
  while (true) {
    const size_t done = out.size();
    out.resize(done + step);
    const size_t got = reader.read(std::span(out).subspan(done));
    out.resize(done + got);
    if (got < step) return out;
  }
}

class IdxTest : public ::testing::Test {
 protected:
  void expect_error(const std::string& content, int code, const char* words) {
    EXPECT_TOOL_ERROR(read_idx(dir_.write("a", content)), code, words);
  }
  TempDir dir_;
};

TEST_F(IdxTest, ReadsAnyRankPlainAndPacked) {
  const std::pair<std::string, std::vector<uint64_t>> cases[] = {
      {idx({6}, "abcdef"), {6}},
      {idx({2, 3}, "abcdef"), {2, 3}},
      {idx({1, 2, 3, 1}, "abcdef"), {1, 2, 3, 1}},
  };
  for (const auto& [file, dims] : cases) {
    for (const std::string& content :
         {file, gzip(file), gzip(file.substr(0, 7)) + gzip(file.substr(7))}) {
      const IdxArray array = read_idx(dir_.write("a", content));
      EXPECT_EQ(array.dims, dims);
      EXPECT_EQ(array.data, to_bytes("abcdef"));
    }
  }
  EXPECT_TRUE(read_idx(dir_.write("a", idx({0, 5}, ""))).data.empty());
}

TEST_F(IdxTest, RefusesWhatIsNoIdxFile) {
  expect_error("", kExitInvalid, "the magic bytes differ");
  expect_error(std::string(3, '\0'), kExitInvalid, "the magic bytes differ");
  expect_error("\x01" + idx({1}, "a").substr(1), kExitInvalid, "the magic bytes differ");
  expect_error("PK\3\4", kExitInvalid, "the magic bytes differ");
  expect_error(idx({1}, "abcd", 0x0d), kExitFailure, "of type 13");
  expect_error(idx({}, ""), kExitInvalid, "inside the idx header");
}

TEST_F(IdxTest, RefusesEveryOtherLength) {
  const std::string good = idx({2, 3}, "abcdef");
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_THROW(read_idx(dir_.write("a", good.substr(0, size))), Error) << size;
  }
  expect_error(good.substr(0, 11), kExitInvalid, "is cut off inside the idx header");
  expect_error(good.substr(0, 15), kExitInvalid, "should hold 6 bytes of data, but holds 3");
  expect_error(good + "g", kExitInvalid, "should hold 6 bytes of data, but holds 7");
  expect_error(gzip(good + "g"), kExitInvalid, "should hold 6 bytes of data, but holds more");
  expect_error(idx({UINT32_MAX, UINT32_MAX, UINT32_MAX}, "a"), kExitInvalid, "does not fit 64");
  expect_error(idx({UINT32_MAX, UINT32_MAX, UINT32_MAX, 0}, ""), kExitInvalid, "does not fit 64");
  expect_error(idx({UINT32_MAX, UINT32_MAX}, "a"), kExitInvalid,
               "should hold 18446744065119617025");
}

TEST_F(IdxTest, RefusesDamagedGzip) {
  const std::string good = gzip(idx({2, 3}, "abcdef"));
  for (size_t size = 2; size < good.size(); ++size) {
    expect_error(good.substr(0, size), kExitInvalid, "is cut off inside its gzip data");
  }
  std::string crc = good;
  crc[crc.size() - 8] ^= 1;
  expect_error(crc, kExitInvalid, "holds damaged gzip data");
  expect_error(good + "tail", kExitInvalid, "holds damaged gzip data");
  expect_error(good + good.substr(0, 9), kExitInvalid, "is cut off");
}

TEST_F(IdxTest, KeepsToTheLimitOfMemory) {
  const MemoryLimit limit(1 << 20);
  const std::string zeros(size_t{64} << 20, '\0');
  const std::string bomb = dir_.write("bomb", gzip(idx({64, 1024, 1024}, zeros)));
  const std::string plain = dir_.write("plain", idx({2, 1024, 1024}, zeros.substr(0, 2 << 20)));
  // The header says little, and the stream goes on.
  const std::string liar = dir_.write("liar", gzip(idx({1}, zeros)));
  const dcf::impl::testing::MemoryMeter meter;
  EXPECT_TOOL_ERROR(read_idx(bomb, limit), kExitInvalid, "67108864 bytes, more than the memory");
  EXPECT_TOOL_ERROR(read_idx(plain, limit), kExitInvalid, "more than the memory limit of 1048576");
  EXPECT_TOOL_ERROR(read_idx(liar, limit), kExitInvalid, "should hold 1 bytes of data, but holds");
  EXPECT_LT(meter.peak(), size_t{1} << 19);
}

TEST_F(IdxTest, UnpacksGzipInStepsOfAnySize) {
  const Bytes random = noise(200'000, 1);
  const std::string content(random.begin(), random.end());
  const InputFile file(
      dir_.write("a", gzip(content.substr(0, 70'000)) + gzip(content.substr(70'000))));
  EXPECT_TRUE(is_gzip(file));
  for (const size_t step : {7, 65'536, 99'999, 200'000, 1'000'000}) {
    EXPECT_EQ(unpack(file, step), random) << step;
  }
}

TEST(Digits, FindsTheFourFiles) {
  const TempDir dir;
  dir.write("train-images-idx3-ubyte.gz", gzip(idx({2, 1, 3}, "abcdef")));
  dir.write("train-labels-idx1-ubyte", idx({2}, "\1\2"));
  dir.write("t10k-images-idx3-ubyte", idx({1, 3, 1}, "xyz"));
  dir.write("t10k-labels-idx1-ubyte.gz", gzip(idx({1}, "\7")));
  const Digits train = load_train(dir.path("."));
  EXPECT_EQ(train.count, 2u);
  EXPECT_EQ(train.height, 1u);
  EXPECT_EQ(train.width, 3u);
  EXPECT_EQ(train.images, to_bytes("abcdef"));
  EXPECT_EQ(train.labels, to_bytes("\1\2"));
  const Digits test = load_test(dir.path("."));
  EXPECT_EQ(test.pixels(), 3u);
  EXPECT_EQ(test.images, to_bytes("xyz"));
  EXPECT_EQ(test.labels, to_bytes("\7"));
}

TEST(Digits, SaysWhatIsMissingOrDoesNotFit) {
  const TempDir dir;
  EXPECT_TOOL_ERROR(load_test(dir.path("none")), kExitFailure,
                    "holds neither t10k-images-idx3-ubyte nor t10k-images-idx3-ubyte.gz");
  dir.write("t10k-images-idx3-ubyte", idx({2, 1, 2}, "abcd"));
  EXPECT_TOOL_ERROR(load_test(dir.path(".")), kExitFailure, "holds neither t10k-labels");
  dir.write("t10k-labels-idx1-ubyte", idx({3}, "\1\2\3"));
  EXPECT_TOOL_ERROR(load_test(dir.path(".")), kExitInvalid, "holds 3 labels for 2 images");
  dir.write("t10k-images-idx3-ubyte", idx({3, 2}, "abcdef"));
  EXPECT_TOOL_ERROR(load_test(dir.path(".")), kExitInvalid, "has 2 dimensions, not 3");
  dir.write("t10k-images-idx3-ubyte", idx({0, 2, 2}, ""));
  dir.write("t10k-labels-idx1-ubyte", idx({0}, ""));
  EXPECT_TOOL_ERROR(load_test(dir.path(".")), kExitInvalid, "holds no images");
}

}  // namespace
}  // namespace dcf::tools::test
