// SPDX-License-Identifier: Apache-2.0
// How costs grow: with the number of entries of a tensor, with threads, with the symbols of a
// chunk; and the most memory that a process takes which verifies a file or decodes it piece by
// piece. Synthetic tensors: 9 % of the weights kept, 32 clusters, 8192 columns.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <thread>

#include "codec/huffman_tree.h"
#include "codec/package_merge.h"
#include "codec/stream.h"
#include "data.h"
#include "harness.h"
#include "layers.h"
#include "peak_memory.h"

namespace dcf::bench {
namespace {

constexpr uint64_t kMega = 1'000'000;
constexpr uint64_t kCols = 8192;
constexpr double kDensity = 0.09;

std::vector<uint8_t> make_file(uint64_t entries, uint64_t* rows) {
  *rows = static_cast<uint64_t>(static_cast<double>(entries) / (kCols * kDensity));
  return dcf_bytes(make_weights({*rows, kCols}, kDensity, 32, entries));
}

// Room for every form of a tensor, touched once.
struct Forms {
  Forms(const dcf_tensor_info& info, bool with_dense)
      : row_ptr(info.rows + 1),
        col(info.nonzeros),
        values(info.nonzeros),
        dense(with_dense ? info.elements : 0),
        codes(with_dense ? info.elements : 0) {}

  void to_csr(const dcf_file* file) {
    dcf_csr csr{sizeof csr, row_ptr.data(), row_ptr.size(), col.data(),
                col.size(), values.data(),  values.size(),  0};
    dcf_error error = DCF_ERROR_INIT;
    check(dcf_tensor_decode_csr(file, 0, DCF_DTYPE_F32, &csr, &error), error);
  }
  void to_dense(const dcf_file* file) {
    dcf_error error = DCF_ERROR_INIT;
    check(dcf_tensor_decode(file, 0, DCF_DTYPE_F32, dense.data(), dense.size() * sizeof(float),
                            &error),
          error);
  }
  void to_codes(const dcf_file* file) {
    dcf_error error = DCF_ERROR_INIT;
    check(dcf_tensor_decode_codes(file, 0, codes.data(), codes.size(), &error), error);
  }

  std::vector<uint64_t> row_ptr;
  std::vector<uint32_t> col;
  std::vector<float> values;
  std::vector<float> dense;
  std::vector<uint16_t> codes;
};

void verify(const dcf_file* file) {
  dcf_error error = DCF_ERROR_INIT;
  check(dcf_file_verify(file, nullptr, nullptr, &error), error);
}

std::string mega(uint64_t entries) {
  return std::to_string(entries / kMega) + " M entries";
}

// CSR of as many tensors of this size as have `all` entries together, one after another, each from
// memory of its own and into memory of its own: however small they are, no cache holds them.
class CsrInTurn {
 public:
  CsrInTurn(const std::vector<uint8_t>& bytes, uint64_t entries, uint64_t all) {
    for (uint64_t i = 0; i < all / entries; ++i) {
      bytes_.push_back(bytes);
      files_.push_back(open_bytes(bytes_.back(), 1));
      forms_.emplace_back(describe(files_.back().get()), false);
    }
  }
  void decode() {
    for (size_t i = 0; i < files_.size(); ++i) forms_[i].to_csr(files_[i].get());
  }
  double count() const { return static_cast<double>(files_.size()); }

 private:
  std::deque<std::vector<uint8_t>> bytes_;
  std::vector<File> files_;
  std::vector<Forms> forms_;
};

void run_size(uint64_t entries, uint64_t all, Suite* suite) {
  uint64_t rows = 0;
  const std::vector<uint8_t> bytes = make_file(entries, &rows);
  const std::string row = mega(entries);
  const std::string path = suite->folder() / "scaling.dcf";
  write_bytes(path, bytes);
  suite->fact({"memory", row, "file"}, static_cast<double>(bytes.size()));
  for (const char* const what : {"open", "verify", "stream"}) {
    suite->fact({"memory", row, what}, static_cast<double>(peak_memory(what, path)));
  }
  const File file = open_bytes(bytes, 1);
  const dcf_tensor_info info = describe(file.get());
  constexpr uint64_t kMostDense = 16 * kMega;
  Forms forms(info, entries <= kMostDense);
  const auto items = static_cast<double>(info.nonzeros);
  suite->time({"size", row, "CSR"}, items, [&] { forms.to_csr(file.get()); });
  const auto turns = std::make_shared<CsrInTurn>(bytes, entries, all);
  suite->time({"size", row, "CSR in turn"}, items * turns->count(), [turns] { turns->decode(); });
  suite->time({"size", row, "verify"}, items, [&] { verify(file.get()); });
  if (entries <= kMostDense) {
    suite->time({"size", row, "dense"}, items, [&] { forms.to_dense(file.get()); });
  }
  suite->run();
}

void copy_half(const std::vector<float>& from, std::vector<float>* to, size_t half) {
  const size_t count = from.size() / 2;
  std::memcpy(to->data() + half * count, from.data() + half * count, count * sizeof(float));
}

// Multiplications that wait for each other: what another thread gives where it needs no memory.
void multiply_half() {
  constexpr size_t kCount = size_t{1} << 22;
  uint64_t product = 3;
  for (size_t i = 0; i < kCount; ++i) benchmark::DoNotOptimize(product *= 5);
}

// Runs half(0) and half(1), on one thread or two.
void in_halves(uint32_t threads, const std::function<void(size_t)>& half) {
  std::jthread other;
  if (threads == 2) other = std::jthread([&] { half(1); });
  half(0);
  if (threads == 1) half(1);
}

void run_threads(Suite* suite) {
  uint64_t rows = 0;
  const std::vector<uint8_t> bytes = make_file(4 * kMega, &rows);
  const File one = open_bytes(bytes, 1);
  const dcf_tensor_info info = describe(one.get());
  Forms forms(info, true);
  std::vector<float> copy(forms.dense.size());
  constexpr uint64_t kBatch = 64;
  const std::vector<float> x(info.cols * kBatch, 1.0f);
  std::vector<float> y(info.rows * kBatch);
  const auto entries = static_cast<double>(info.nonzeros);
  for (const uint32_t threads : {1u, 2u}) {
    const auto file = std::make_shared<File>(open_bytes(bytes, threads));
    const std::string column = std::to_string(threads);
    const auto add = [&](const char* row, std::function<void(const File&)> call) {
      suite->time_threads({"threads", row, column}, entries, [file, call] { call(*file); });
    };
    add("codes", [&](const File& f) { forms.to_codes(f.get()); });
    add("CSR", [&](const File& f) { forms.to_csr(f.get()); });
    add("dense floats", [&](const File& f) { forms.to_dense(f.get()); });
    add("layer for batch 1", [](const File& f) { prepare(f, LayerChoice{}); });
    const auto layer = std::make_shared<Layer>(prepare(one, {kBatch, threads}));
    add("product, batch 64", [&, layer](const File&) { apply(layer->get(), x, y, kBatch); });
    add("verify", [](const File& f) { verify(f.get()); });
    add("memcpy of dense floats", [&, threads](const File&) {
      in_halves(threads, [&](size_t half) { copy_half(forms.dense, &copy, half); });
    });
    add("multiplications, no memory",
        [threads](const File&) { in_halves(threads, [](size_t) { multiply_half(); }); });
  }
  suite->run();
}

void run_chunk(const Plane& plane, size_t symbols, Suite* suite) {
  using namespace impl;
  const Bytes all(plane.symbols);
  auto code = codec::optimal_code_lengths(codec::histogram_of(all), 11);
  require(code.ok(), "no code");
  codec::TreePlan plan;
  codec::build_tree_plan(code.value(), &plan);
  std::vector<std::vector<uint8_t>> blocks;
  for (size_t at = 0; at + symbols <= all.size(); at += symbols) {
    const Bytes block = all.subspan(at, symbols);
    blocks.emplace_back();
    codec::encode_huffman_tree(block, plan, codec::active_tree_kernels(), &blocks.back());
  }
  std::vector<uint8_t> out(symbols);
  std::vector<uint8_t> scratch(codec::tree_scratch_size(symbols));
  suite->time(
      {"chunk", std::to_string(symbols / 1024) + " Ki symbols", plane.name},
      static_cast<double>(blocks.size() * symbols), [&, plan] {
        for (const auto& block : blocks) {
          ByteReader in{Bytes(block)};
          require(codec::decode_huffman_tree(&in, plan, codec::active_tree_kernels(), out, scratch)
                      .ok(),
                  "tree");
        }
      });
  suite->run();
}

void run(Suite* suite) {
  std::vector<uint64_t> sizes = {1, 4, 16, 64};
  if (suite->quick()) sizes.pop_back();
  for (const uint64_t size : sizes) run_size(size * kMega, sizes.back() * kMega, suite);
  if (std::thread::hardware_concurrency() < 2) {
    suite->leave_out("two threads: the machine has one processor");
  } else {
    run_threads(suite);
  }
  constexpr size_t kMost = size_t{1} << 20;
  const std::vector<Plane> planes = synthetic_planes(kMost);
  for (size_t symbols = size_t{1} << 12; symbols <= kMost; symbols *= 4) {
    for (const Plane& plane : planes) {
      if (plane.name == "idx32" || plane.name == "gap 11") run_chunk(plane, symbols, suite);
    }
  }
}

}  // namespace
}  // namespace dcf::bench

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == dcf::bench::kChildOption) {
    return dcf::bench::run_child(argv[2], argv[3]);
  }
  return dcf::bench::guarded(argc, argv, "dcf_bench_scaling", dcf::bench::run);
}
