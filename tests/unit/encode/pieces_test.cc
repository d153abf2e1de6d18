// SPDX-License-Identifier: Apache-2.0
// A tensor written in pieces gives the file that the whole tensor gives, however it is cut.
#include <cstdlib>

#include "encode/content/piece_transpose.h"
#include "writing.h"

namespace dcf::impl::encode {
namespace {

Status add_in_pieces(FileWriter& writer, const Sample& sample, const EncodeOptions& options,
                     size_t most, std::mt19937_64& rng) {
  const TensorInput input = sample.input();
  DCF_TRY(writer.begin_tensor(input.spec, options));
  for (Bytes left = sample.data; !left.empty();) {
    const size_t n = std::min<size_t>(left.size(), rng() % (most + 1));
    DCF_TRY(writer.write_piece(left.first(n)));
    left = left.subspan(n);
  }
  return writer.end_tensor();
}

std::vector<uint8_t> file_of_pieces(const Sample& sample, const EncodeOptions& options, size_t most,
                                    uint64_t max_memory, unsigned threads = 2) {
  std::mt19937_64 rng(most);
  WriterOptions writer_options;
  writer_options.max_memory = max_memory;
  writer_options.parallel.threads = threads;
  FileWriter writer(writer_options);
  const Status status = add_in_pieces(writer, sample, options, most, rng);
  EXPECT_TRUE(status.ok()) << status.message;
  return finish_file(writer);
}

constexpr uint64_t kMuch = uint64_t{1} << 30;

TEST(Pieces, AnyCutGivesTheFileOfTheWhole) {
  std::mt19937_64 rng(1);
  const std::vector<std::vector<uint64_t>> shapes = {
      {}, {70001}, {5, 3, 60}, {1, 7000}, {301, 233}};
  for (const DType dtype : {DType::kF64, DType::kF32, DType::kBF16, DType::kF8E4M3, DType::kI64,
                            DType::kI16, DType::kBool}) {
    for (const std::vector<uint64_t>& shape : shapes) {
      for (const double density : {0.0, 0.02, 0.5, 1.0}) {
        const Sample sample = random_sample(rng, dtype, shape, density, 0, rng() % 2 == 0);
        for (const auto& positions : kAllChoices) {
          EncodeOptions options = with_positions(positions);
          options.canonical_zeros = rng() % 2 == 0;
          const std::vector<uint8_t> whole = file_of({sample}, options);
          EXPECT_TRUE(file_of_pieces(sample, options, 100000, kMuch) == whole)
              << dtype_name(dtype) << " " << density << " " << shape.size();
        }
      }
    }
  }
}

// Cut inside elements, down to a byte and to nothing.
TEST(Pieces, SmallPieces) {
  std::mt19937_64 rng(2);
  const Sample sample = random_sample(rng, DType::kF32, {61, 67}, 0.3);
  const std::vector<uint8_t> whole = file_of({sample});
  for (const size_t most : {size_t{1}, size_t{3}, size_t{17}, sample.data.size()}) {
    EXPECT_TRUE(file_of_pieces(sample, {}, most, kMuch) == whole) << most;
  }
}

// Structured rows and columns, so that each of the views wins once; the spools go to a file.
TEST(Pieces, ViewsOfLargeTensors) {
  std::mt19937_64 rng(3);
  const uint64_t rows = 1200;
  const uint64_t cols = 1000;
  for (const int form : {0, 1, 2}) {
    Sample sample = random_sample(rng, DType::kF32, {rows, cols}, 0.3);
    for (uint64_t r = 0; r < rows; ++r) {
      for (uint64_t c = 0; c < cols; ++c) {
        const uint64_t line = form == 0 ? r : c;
        if (form < 2 && line % 7 != 0) store_word(&sample.data[4 * (r * cols + c)], 4, 0);
      }
    }
    const std::vector<uint8_t> whole = file_of({sample});
    const format::Tensor tensor = decoded(whole).manifest.tensors[0];
    if (form == 1) {
      EXPECT_TRUE(tensor.view.transposed);
    }
    EXPECT_TRUE(file_of_pieces(sample, {}, 1 << 20, uint64_t{16} << 20) == whole) << form;
    EXPECT_TRUE(file_of_pieces(sample, {}, 777777, kMuch, 5) == whole) << form;
  }
}

TEST(Pieces, PrunedAndClusteredAsTheWhole) {
  std::mt19937_64 rng(4);
  std::vector<Sample> samples;
  for (const DType dtype : {DType::kF32, DType::kF16}) {
    samples.push_back(random_sample(rng, dtype, {200, 300}, 0.8, 0, true));
    // Few values, so that pruning ends among equal magnitudes.
    samples.push_back(random_sample(rng, dtype, {200, 300}, 0.8, 6));
  }
  for (const Sample& sample : samples) {
    for (const double sparsity : {0.0, 0.3, 0.99999999}) {
      for (const uint32_t bits : {0u, 3u}) {
        for (const auto& positions : kAllChoices) {
          EncodeOptions options = with_positions(positions);
          options.sparsity = sparsity;
          options.bits = bits;
          const std::vector<uint8_t> whole = file_of({sample}, options);
          EXPECT_TRUE(file_of_pieces(sample, options, 50000, kMuch) == whole)
              << dtype_name(sample.dtype) << " " << sparsity << " " << bits;
        }
      }
    }
  }
}

TEST(Pieces, DTypesThatAreStoredRaw) {
  std::mt19937_64 rng(5);
  for (const DType dtype : {DType::kF4, DType::kF6E2M3, DType::kC64, DType::kOpaque}) {
    Sample sample;
    sample.name = "raw";
    sample.dtype = dtype;
    sample.dims = {1201, 333};
    if (dtype == DType::kOpaque) sample.opaque_bits = 13;
    const uint64_t bits = sample.opaque_bits + dtype_bits(dtype);
    sample.data.resize((1201 * 333 * bits + 7) / 8);
    for (uint8_t& byte : sample.data) byte = static_cast<uint8_t>(rng() % 3 == 0 ? rng() : 0);
    const unsigned used = 1201 * 333 * bits % 8;
    if (used != 0) sample.data.back() &= static_cast<uint8_t>((1u << used) - 1);
    EXPECT_TRUE(file_of_pieces(sample, {}, 4000, kMuch) == file_of({sample}));
    if (used == 0) continue;
    sample.data.back() |= 0x80;
    FileWriter writer({});
    EXPECT_EQ(add_in_pieces(writer, sample, {}, 1000, rng).code, Code::InvalidArgument);
  }
}

TEST(Pieces, ShareDataWithWholeTensors) {
  std::mt19937_64 rng(6);
  Sample a = random_sample(rng, DType::kF32, {100, 200}, 0.5);
  Sample b = a;
  a.name = "a";
  b.name = "b";
  b.dims = {200, 100};
  FileWriter writer({});
  ASSERT_TRUE(add_in_pieces(writer, b, {}, 1000, rng).ok());
  ASSERT_TRUE(writer.add(a.input(), {}).ok());
  const std::vector<uint8_t> file = finish_file(writer);
  EXPECT_EQ(decoded(file).manifest.tensors[1].alias_of, 0u);
  EXPECT_TRUE(file == file_of({a, b}));
}

TEST(Pieces, States) {
  std::mt19937_64 rng(7);
  const Sample sample = random_sample(rng, DType::kF32, {30, 20}, 1.0);
  const TensorInput input = sample.input();
  const Bytes data = sample.data;
  // Runs calls after begin_tensor(); the last one must fail, and then the file too.
  const auto expect = [&](Code code, auto calls) {
    FileWriter writer({});
    ASSERT_TRUE(writer.begin_tensor(input.spec, {}).ok());
    EXPECT_EQ(calls(writer).code, code);
    VectorSink sink;
    EXPECT_EQ(writer.finish(sink).code, Code::BadState);
  };
  using W = FileWriter;
  const auto all_but = [&](W& w, size_t n) { return w.write_piece(data.first(data.size() - n)); };
  expect(Code::Ok, [&](W& w) { return all_but(w, 0); });  // and finish() with an open tensor
  expect(Code::InvalidArgument, [&](W& w) { return w.end_tensor(); });
  expect(Code::InvalidArgument, [&](W& w) {
    EXPECT_TRUE(all_but(w, 1).ok());
    return w.end_tensor();
  });
  expect(Code::InvalidArgument, [&](W& w) {
    EXPECT_TRUE(all_but(w, 1).ok());
    return w.write_piece(data.first(2));
  });
  expect(Code::InvalidArgument, [&](W& w) {
    EXPECT_TRUE(all_but(w, 0).ok());
    return w.write_piece(data.first(1));
  });
  expect(Code::BadState, [&](W& w) { return w.begin_tensor(input.spec, {}); });
  expect(Code::BadState, [&](W& w) { return w.add(input, {}); });
  expect(Code::BadState, [&](W& w) {
    EXPECT_TRUE(all_but(w, 0).ok());
    EXPECT_TRUE(w.end_tensor().ok());
    return w.end_tensor();
  });
  // Metadata and sections may come between the pieces.
  FileWriter writer({});
  ASSERT_TRUE(writer.begin_tensor(input.spec, {}).ok());
  ASSERT_TRUE(writer.add_metadata("k", "v").ok());
  ASSERT_TRUE(writer.write_piece(data).ok());
  ASSERT_TRUE(writer.end_tensor().ok());
  EXPECT_EQ(decoded(finish_file(writer)).dense[0], sample.data);
  // A tensor that nobody ended leaves nothing behind.
  FileWriter left({});
  ASSERT_TRUE(left.begin_tensor(input.spec, {}).ok());
}

TEST(Pieces, ClusteringNeedsTheTensorInMemory) {
  std::mt19937_64 rng(8);
  const Sample sample = random_sample(rng, DType::kF32, {1000, 1000}, 1.0);
  WriterOptions options;
  options.max_memory = 8 << 20;
  EncodeOptions clustered;
  clustered.bits = 4;
  FileWriter writer(options);
  EXPECT_EQ(writer.begin_tensor(sample.input().spec, clustered).code, Code::LimitMemory);
  // Pruning does not.
  EncodeOptions pruned;
  pruned.sparsity = 0.9;
  EXPECT_TRUE(file_of_pieces(sample, pruned, 1 << 20, 8 << 20) == file_of({sample}, pruned));
}

TEST(Pieces, AFullDiskIsReported) {
  std::mt19937_64 rng(9);
  const Sample sample = random_sample(rng, DType::kF32, {1000, 1000}, 1.0);
  setenv("TMPDIR", "/nonexistent", 1);
  WriterOptions options;
  options.max_memory = 8 << 20;
  FileWriter writer(options);
  EXPECT_EQ(add_in_pieces(writer, sample, {}, 100000, rng).code, Code::IoOpen);
  unsetenv("TMPDIR");
}

// However many passes it takes.
TEST(PieceStore, Transposes) {
  std::mt19937_64 rng(11);
  const uint32_t rows = 300;
  const uint32_t cols = 4001;
  Sample sample = random_sample(rng, DType::kF16, {rows, cols}, 0.2, 0, true);
  PieceStore store(2, 1 << 20);
  ASSERT_TRUE(store.append(sample.data).ok());
  ASSERT_TRUE(store.finish(sample.data.size()).ok());
  std::vector<uint8_t> expected(sample.data.size());
  for (uint64_t r = 0; r < rows; ++r) {
    for (uint64_t c = 0; c < cols; ++c) {
      std::copy_n(&sample.data[2 * (r * cols + c)], 2, &expected[2 * (c * rows + r)]);
    }
  }
  const uint64_t tables = 2 * sizeof(uint32_t) * (cols + 1) +
                          PieceStore::overhead(sample.data.size()) + PieceStore::kReaderBytes;
  // All at once; 35,000 words a pass; not even a column.
  for (const uint64_t memory : {uint64_t{1} << 30, tables + 280000, tables + 100}) {
    Content content;
    content.dtype = DType::kF16;
    content.bits = 16;
    content.elements = uint64_t{rows} * cols;
    content.pieces = &store;
    const Status status = transpose_pieces(rows, memory, {}, &content);
    if (memory == tables + 100) {
      EXPECT_EQ(status.code, Code::LimitMemory);
      continue;
    }
    ASSERT_TRUE(status.ok());
    std::vector<uint8_t> read(expected.size());
    ASSERT_TRUE(content.transposed->read(0, read).ok());
    EXPECT_TRUE(read == expected);
  }
}

TEST(PieceStore, ReadsBackAnyRange) {
  std::mt19937_64 rng(10);
  for (const size_t width : {1u, 2u, 4u, 8u}) {
    // Blocks of zeros, of few words and of many.
    const size_t words = 5 * PieceStore::kBlockBytes / width + 777;
    std::vector<uint8_t> dense(words * width);
    const size_t third = words / 3;
    for (size_t i = third; i < words; ++i) {
      if (i > 2 * third || rng() % 50 == 0) store_word(&dense[i * width], width, rng());
    }
    PieceStore store(width, 1 << 20);
    PieceStore sparse(width, 1 << 20);
    ASSERT_TRUE(store.append(dense).ok());
    ASSERT_TRUE(store.finish(dense.size()).ok());
    for (size_t i = 0; i < words; ++i) {
      const uint64_t word = load_word(&dense[i * width], width);
      if (word != 0) ASSERT_TRUE(sparse.put(i, word).ok());
    }
    ASSERT_TRUE(sparse.finish(dense.size()).ok());
    for (const PieceStore* s : {&store, &sparse}) {
      EXPECT_EQ(s->size(), dense.size());
      for (int round = 0; round < 40; ++round) {
        uint64_t begin = rng() % (words + 1);
        uint64_t end = rng() % (words + 1);
        if (begin > end) std::swap(begin, end);
        std::vector<uint8_t> read((end - begin) * width);
        ASSERT_TRUE(s->read(begin * width, read).ok());
        EXPECT_TRUE(std::equal(read.begin(), read.end(),
                               dense.begin() + static_cast<ptrdiff_t>(begin * width)));
        std::vector<uint8_t> visited(read.size());
        ASSERT_TRUE(s->visit(begin, end, [&](uint64_t i, uint64_t word) {
                       EXPECT_NE(word, 0u);
                       store_word(&visited[(i - begin) * width], width, word);
                     }).ok());
        EXPECT_TRUE(visited == read);
      }
    }
  }
}

}  // namespace
}  // namespace dcf::impl::encode
