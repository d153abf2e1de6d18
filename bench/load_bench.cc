// SPDX-License-Identifier: Apache-2.0
// Loading AlexNet's fc6 (4096 x 9216, 9 %, 32 clusters, synthetic) from files in the page cache: to
// dense floats, and to what products are made from. One thread; the items are bytes of dense floats
// or, for sparse forms, nonzeros.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "general.h"
#include "harness.h"
#include "layers.h"

namespace dcf::bench {
namespace {

constexpr const char* kRow = "AlexNet fc6";
constexpr const char* kTable = "load";

// zstd -19 takes minutes for all of the layer: it is compressed in slices of rows, each on its own,
// and a quick run compresses one of them and decodes it as often as there are slices, which is
// kind to zstd.
constexpr size_t kSlices = 16;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

void read_into(const std::string& path, size_t offset, std::span<uint8_t> out) {
  const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rb"));
  require(file != nullptr && std::setvbuf(file.get(), nullptr, _IONBF, 0) == 0 &&
              std::fseek(file.get(), static_cast<long>(offset), SEEK_SET) == 0 &&
              std::fread(out.data(), 1, out.size(), file.get()) == out.size(),
          "cannot read " + path);
}

class LoadBench {
 public:
  explicit LoadBench(Suite* suite)
      : suite_(suite),
        weights_(make_weights({4096, 9216}, 0.09, 32, 1)),
        dense_(weights_.dense()),
        out_(dense_.size()),
        bytes_(dcf_bytes(weights_)),
        memory_(open_bytes(bytes_, 1)),
        folder_(suite->folder() / "load") {
    std::filesystem::create_directories(folder_);
    write_bytes(path("dcf"), bytes_);
  }
  ~LoadBench() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  LoadBench(const LoadBench&) = delete;
  LoadBench& operator=(const LoadBench&) = delete;

  void run() {
    fact("dense", dense_bytes());
    fact("dcf", static_cast<double>(bytes_.size()));
    fact("nonzeros", nonzeros());
    add_copies();
    add_decoding();
    for (const int level : {3, 19}) add_zstd(level);
    add_sparse();
    suite_->run();
  }

 private:
  std::string path(const std::string& suffix) const { return folder_ / ("fc6." + suffix); }
  double dense_bytes() const { return static_cast<double>(dense_.size() * sizeof(float)); }
  double nonzeros() const { return static_cast<double>(weights_.nonzeros()); }
  std::span<const uint8_t> dense_span() const {
    return {reinterpret_cast<const uint8_t*>(dense_.data()), dense_.size() * sizeof(float)};
  }
  std::span<uint8_t> out_span() {
    return {reinterpret_cast<uint8_t*>(out_.data()), out_.size() * sizeof(float)};
  }
  void fact(const std::string& what, double value) {
    suite_->fact({"load sizes", kRow, what}, value);
  }

  // Runs `call` once, checks its weights, and has it timed.
  void add(const std::string& column, std::function<void()> call) {
    std::fill(out_.begin(), out_.end(), 1.0f);
    call();
    require(std::ranges::equal(out_, dense_), column + " gives other weights");
    suite_->time({kTable, kRow, column}, dense_bytes(), std::move(call));
  }

  void add_copies() {
    // As much of a safetensors file as takes time: its JSON is a hundred bytes.
    write_bytes(path("safetensors"), dense_span());
    add("memcpy", [this] { std::memcpy(out_.data(), dense_.data(), out_span().size()); });
    add("safetensors", [this] { read_into(path("safetensors"), 0, out_span()); });
  }

  void decode(const dcf_file* file) {
    dcf_error error = DCF_ERROR_INIT;
    check(dcf_tensor_decode(file, 0, DCF_DTYPE_F32, out_.data(), out_span().size(), &error), error);
  }

  void add_decoding() {
    add("dcf file", [this] { decode(open_path(path("dcf"), 1).get()); });
    add("dcf payload", [this] { decode(memory_.get()); });
  }

  void add_zstd(int level) {
    const std::optional<General> zstd = dcf::bench::zstd(level);
    if (!zstd) return suite_->leave_out("loading by zstd: no libzstd");
    const size_t slice = dense_span().size() / kSlices;
    std::vector<uint8_t> file;
    std::vector<size_t> ends = {0};
    for (size_t i = 0; i < kSlices; ++i) {
      if (i == 0 || !suite_->quick())
        packed_ = zstd->compress(dense_span().subspan(i * slice, slice));
      file.insert(file.end(), packed_.begin(), packed_.end());
      ends.push_back(file.size());
    }
    write_bytes(path(zstd->name), file);
    fact(zstd->name, static_cast<double>(file.size()));
    auto call = [this, zstd, ends, slice] {
      buffer_.resize(ends.back());
      read_into(path(zstd->name), 0, buffer_);
      for (size_t i = 0; i < kSlices; ++i) {
        zstd->decompress(std::span(buffer_).subspan(ends[i], ends[i + 1] - ends[i]),
                         out_span().subspan(i * slice, slice));
      }
    };
    if (suite_->quick()) {  // not these weights, but as many
      suite_->time({kTable, kRow, zstd->name}, dense_bytes(), call);
    } else {
      add(zstd->name, call);
    }
  }

  void add_sparse() {
    csr_ptr_.resize(weights_.rows() + 1);
    csr_col_.resize(weights_.nonzeros());
    csr_values_.resize(weights_.nonzeros());
    suite_->time({"load sparse", kRow, "CSR"}, nonzeros(), [this] {
      const File file = open_path(path("dcf"), 1);
      dcf_csr csr{sizeof csr,      csr_ptr_.data(),    csr_ptr_.size(),    csr_col_.data(),
                  csr_col_.size(), csr_values_.data(), csr_values_.size(), 0};
      dcf_error error = DCF_ERROR_INIT;
      check(dcf_tensor_decode_csr(file.get(), 0, DCF_DTYPE_F32, &csr, &error), error);
    });
    for (const uint64_t batch : {1, 64}) {
      suite_->time({"load sparse", kRow, "layer for batch " + std::to_string(batch)}, nonzeros(),
                   [this, batch] { prepare(open_path(path("dcf"), 1), {.batch = batch}); });
    }
  }

  Suite* suite_;
  SparseWeights weights_;
  std::vector<float> dense_;
  std::vector<float> out_;
  std::vector<uint8_t> bytes_;
  File memory_;
  std::filesystem::path folder_;
  std::vector<uint8_t> packed_;
  std::vector<uint8_t> buffer_;
  std::vector<uint64_t> csr_ptr_;
  std::vector<uint32_t> csr_col_;
  std::vector<float> csr_values_;
};

}  // namespace
}  // namespace dcf::bench

int main(int argc, char** argv) {
  return dcf::bench::guarded(argc, argv, "dcf_bench_load",
                             [](dcf::bench::Suite* suite) { dcf::bench::LoadBench(suite).run(); });
}
