// SPDX-License-Identifier: Apache-2.0
// Symbols per second of the Huffman layouts against huff0, zstd's Huffman coder, on the same
// symbols with codes of at most 11 bits, 64 Ki symbols at a time; and bytes per second of general
// compressors on the same symbols. One thread; every result is checked.
#include <algorithm>
#include <memory>

#include "codec/huffman_streams.h"
#include "codec/huffman_tree.h"
#include "codec/package_merge.h"
#include "codec/stream.h"
#include "data.h"
#include "general.h"
#include "harness.h"
#include "huff0.h"

namespace dcf::bench {
namespace {

using impl::Bytes;
using impl::MutableBytes;
using impl::codec::CodeLengths;
using impl::codec::Histogram;
using Blocks = std::vector<std::vector<uint8_t>>;

constexpr size_t kBlock = size_t{1} << 16;
constexpr unsigned kMaxBits = 11;

// Everything that is timed on one plane of symbols.
class PlaneBench {
 public:
  PlaneBench(const Plane& plane, Suite* suite)
      : suite_(suite),
        row_(plane.name),
        symbols_(plane.symbols),
        blocks_(std::max<size_t>(1, symbols_.size() / kBlock)),
        block_size_(std::min(kBlock, symbols_.size())),
        out_(block_size_),
        scratch_(impl::codec::tree_scratch_size(block_size_)),
        histogram_(impl::codec::histogram_of(Bytes(symbols_).first(blocks_ * block_size_))) {
    auto code = impl::codec::optimal_code_lengths(histogram_, kMaxBits);
    require(code.ok(), "no code for " + row_);
    code_ = std::make_unique<CodeLengths>(std::move(code).value());
    impl::codec::build_tree_plan(*code_, &plan_);
    impl::codec::build_streams_table(*code_, block_size_, &table_);
  }

  void run() {
    add_tree();
    add_streams();
    if (Huff0::available()) add_huff0();
    suite_->run();
    report_sizes();
  }

  void run_general(const std::vector<General>& compressors) {
    const Bytes all = Bytes(symbols_).first(blocks_ * block_size_);
    for (const General& general : compressors) {
      auto packed = std::make_shared<std::vector<uint8_t>>(general.compress(all));
      auto out = std::make_shared<std::vector<uint8_t>>(all.size());
      general.decompress(*packed, *out);
      require(std::ranges::equal(all, *out), general.name + " does not restore " + row_);
      suite_->fact({"general sizes", row_, general.name}, static_cast<double>(packed->size()));
      suite_->time({"general", row_, general.name}, items(),
                   [&general, packed, out] { general.decompress(*packed, *out); });
      if (general.slow) continue;
      suite_->time({"general encode", row_, general.name}, items(),
                   [&general, all] { general.compress(all); });
    }
    add_tree_with_tables();
    suite_->time({"general encode", row_, "dcf"}, items(), [this, all] { encode_all(all); });
    suite_->run();
  }

 private:
  Bytes block(size_t b) const { return Bytes(symbols_).subspan(b * block_size_, block_size_); }
  double items() const { return static_cast<double>(blocks_ * block_size_); }

  void check(size_t b, const char* what) const {
    require(std::ranges::equal(block(b), out_), std::string(what) + " does not restore " + row_);
  }

  void decode_tree(size_t b, const impl::codec::TreePlan& plan,
                   const impl::codec::TreeKernels& kernels) {
    impl::ByteReader in{Bytes(tree_[b])};
    require(impl::codec::decode_huffman_tree(&in, plan, kernels, out_, scratch_).ok(), "tree");
  }

  void add_tree() {
    for (size_t b = 0; b < blocks_; ++b) {
      tree_.emplace_back();
      impl::codec::encode_huffman_tree(block(b), plan_, impl::codec::active_tree_kernels(),
                                       &tree_.back());
    }
    for (const impl::codec::TreeKernels* const kernels : impl::codec::available_tree_kernels()) {
      decode_tree(0, plan_, *kernels);
      check(0, impl::cpu_set_name(kernels->set));
      const std::string column = std::string("tree ") + impl::cpu_set_name(kernels->set);
      suite_->time({"decode", row_, column}, items(), [this, kernels] {
        for (size_t b = 0; b < blocks_; ++b) decode_tree(b, plan_, *kernels);
      });
      suite_->time({"encode", row_, column}, items(), [this, kernels] {
        for (size_t b = 0; b < blocks_; ++b) {
          packed_.clear();
          impl::codec::encode_huffman_tree(block(b), plan_, *kernels, &packed_);
        }
      });
    }
  }

  // As a writer of files does it: a code for all symbols, then block after block.
  void encode_all(Bytes all) {
    const auto code = impl::codec::optimal_code_lengths(impl::codec::histogram_of(all), kMaxBits);
    require(code.ok(), "no code");
    impl::codec::TreePlan plan;
    impl::codec::build_tree_plan(code.value(), &plan);
    packed_.clear();
    for (size_t b = 0; b < blocks_; ++b) {
      impl::codec::encode_huffman_tree(block(b), plan, impl::codec::active_tree_kernels(),
                                       &packed_);
    }
  }

  // Beside general compressors, which have their tables in what they decode.
  void add_tree_with_tables() {
    lengths_.clear();
    impl::codec::append_code_lengths(*code_, &lengths_);
    suite_->fact({"general sizes", row_, "dcf"},
                 static_cast<double>(total(tree_) + lengths_.size()));
    suite_->time({"general", row_, "dcf"}, items(), [this] {
      for (size_t b = 0; b < blocks_; ++b) {
        impl::ByteReader in{Bytes(lengths_)};
        const auto code = impl::codec::parse_code_lengths(&in);
        require(code.ok(), "lengths");
        impl::codec::TreePlan plan;
        impl::codec::build_tree_plan(code.value(), &plan);
        decode_tree(b, plan, impl::codec::active_tree_kernels());
      }
    });
  }

  void decode_streams(size_t b) {
    impl::ByteReader in{Bytes(streams_[b])};
    require(impl::codec::decode_huffman_streams(&in, table_, out_).ok(), "streams");
  }

  void add_streams() {
    for (size_t b = 0; b < blocks_; ++b) {
      streams_.emplace_back();
      impl::codec::encode_huffman_streams(block(b), *code_, &streams_.back());
    }
    decode_streams(0);
    check(0, "streams");
    suite_->time({"decode", row_, "streams"}, items(), [this] {
      for (size_t b = 0; b < blocks_; ++b) decode_streams(b);
    });
    suite_->time({"encode", row_, "streams"}, items(), [this] {
      for (size_t b = 0; b < blocks_; ++b) {
        packed_.clear();
        impl::codec::encode_huffman_streams(block(b), *code_, &packed_);
      }
    });
  }

  void add_huff0() {
    huff0_ = std::make_unique<Huff0>(histogram_);
    buffer_.resize(2 * block_size_);
    for (size_t b = 0; b < blocks_; ++b) {
      const size_t size = huff0_->encode(block(b), buffer_);
      huff0_blocks_.emplace_back(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(size));
    }
    for (const auto& [decoder, column] : {std::pair(Huff0::Decoder::k4X1, "huff0 4X1"),
                                          std::pair(Huff0::Decoder::k4X2, "huff0 4X2")}) {
      huff0_->decode(decoder, huff0_blocks_[0], out_);
      check(0, column);
      suite_->time({"decode", row_, column}, items(), [this, decoder = decoder] {
        for (const auto& packed : huff0_blocks_) huff0_->decode(decoder, packed, out_);
      });
    }
    suite_->time({"encode", row_, "huff0"}, items(), [this] {
      for (size_t b = 0; b < blocks_; ++b) huff0_->encode(block(b), buffer_);
    });
  }

  static size_t total(const Blocks& blocks) {
    size_t bytes = 0;
    for (const auto& packed : blocks) bytes += packed.size();
    return bytes;
  }

  void report_sizes() {
    suite_->fact({"entropy sizes", row_, "symbols"}, items());
    suite_->fact({"entropy sizes", row_, "tree"}, static_cast<double>(total(tree_)));
    suite_->fact({"entropy sizes", row_, "streams"}, static_cast<double>(total(streams_)));
    if (huff0_) {
      suite_->fact({"entropy sizes", row_, "huff0"}, static_cast<double>(total(huff0_blocks_)));
    }
  }

  Suite* suite_;
  std::string row_;
  std::vector<uint8_t> symbols_;
  size_t blocks_;
  size_t block_size_;
  std::vector<uint8_t> out_;
  std::vector<uint8_t> scratch_;
  Histogram histogram_;
  std::unique_ptr<CodeLengths> code_;
  impl::codec::TreePlan plan_;
  impl::codec::StreamsTable table_;
  Blocks tree_;
  Blocks streams_;
  Blocks huff0_blocks_;
  std::unique_ptr<Huff0> huff0_;
  std::vector<uint8_t> packed_;
  std::vector<uint8_t> buffer_;
  std::vector<uint8_t> lengths_;
};

void run(Suite* suite) {
  constexpr size_t kSymbols = 16 * kBlock;
  if (!Huff0::available()) suite->leave_out("huff0: no static libzstd with its functions");
  std::vector<Plane> planes = synthetic_planes(kSymbols);
  for (Plane& plane : real_planes(kSymbols, suite)) planes.push_back(std::move(plane));
  std::vector<General> compressors = general_compressors();
  if (suite->quick()) {
    std::erase_if(compressors, [&](const General& general) {
      if (general.slow) suite->leave_out(general.name + ": too slow for a quick run");
      return general.slow;
    });
  }
  for (const Plane& plane : planes) {
    if (!suite->wants(plane.name)) continue;
    PlaneBench bench(plane, suite);
    bench.run();
    bench.run_general(compressors);
  }
}

}  // namespace
}  // namespace dcf::bench

int main(int argc, char** argv) {
  return dcf::bench::guarded(argc, argv, "dcf_bench_entropy", dcf::bench::run);
}
