// SPDX-License-Identifier: Apache-2.0
#include "huff0.h"

#include "harness.h"

#if DCF_HAVE_HUFF0
// As zstd 1.5.4 and later have them (lib/common/huf.h, which is not installed).
extern "C" {
size_t HUF_buildCTable_wksp(size_t* table, const unsigned* count, unsigned max_symbol,
                            unsigned max_bits, void* work, size_t work_size);
size_t HUF_writeCTable_wksp(void* dst, size_t capacity, const size_t* table, unsigned max_symbol,
                            unsigned bits, void* work, size_t work_size);
size_t HUF_compress4X_usingCTable(void* dst, size_t capacity, const void* src, size_t size,
                                  const size_t* table, int flags);
size_t HUF_readDTableX1_wksp(unsigned* table, const void* src, size_t size, void* work,
                             size_t work_size, int flags);
size_t HUF_readDTableX2_wksp(unsigned* table, const void* src, size_t size, void* work,
                             size_t work_size, int flags);
size_t HUF_decompress4X_usingDTable(void* dst, size_t size, const void* src, size_t src_size,
                                    const unsigned* table, int flags);
unsigned HUF_isError(size_t code);
}
#endif

namespace dcf::bench {

#if DCF_HAVE_HUFF0

namespace {

constexpr unsigned kMaxBits = 11;       // what zstd uses for literals
constexpr unsigned kMaxTableBits = 12;  // what its decoders of two symbols a lookup make of them
constexpr int kBmi2 = 1;

size_t check(size_t code) {
  require(HUF_isError(code) == 0, "huff0 reports an error");
  return code;
}

// An empty decoding table says how large it may become.
std::vector<unsigned> decode_table(unsigned bits) {
  std::vector<unsigned> table(1 + (size_t{1} << kMaxTableBits));
  table[0] = bits * 0x01000001u;
  return table;
}

int cpu_flags() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("bmi2") ? kBmi2 : 0;
#else
  return 0;
#endif
}

}  // namespace

bool Huff0::available() {
  return true;
}

Huff0::Huff0(std::span<const uint64_t> histogram)
    : encode_table_(258), one_(decode_table(kMaxBits)), two_(decode_table(kMaxTableBits)) {
  std::vector<unsigned> count(histogram.begin(), histogram.end());
  unsigned last = 0;
  for (unsigned i = 0; i < count.size(); ++i) {
    if (count[i] != 0) last = i;
  }
  std::vector<uint64_t> work(size_t{1} << 13);
  const size_t work_size = work.size() * sizeof work[0];
  const auto bits = static_cast<unsigned>(check(HUF_buildCTable_wksp(
      encode_table_.data(), count.data(), last, kMaxBits, work.data(), work_size)));
  std::vector<uint8_t> header(512);
  const size_t size = check(HUF_writeCTable_wksp(header.data(), header.size(), encode_table_.data(),
                                                 last, bits, work.data(), work_size));
  check(
      HUF_readDTableX1_wksp(one_.data(), header.data(), size, work.data(), work_size, cpu_flags()));
  check(
      HUF_readDTableX2_wksp(two_.data(), header.data(), size, work.data(), work_size, cpu_flags()));
}

size_t Huff0::encode(std::span<const uint8_t> symbols, std::span<uint8_t> out) const {
  const size_t size = check(HUF_compress4X_usingCTable(
      out.data(), out.size(), symbols.data(), symbols.size(), encode_table_.data(), cpu_flags()));
  require(size != 0, "huff0 does not compress these symbols");
  return size;
}

void Huff0::decode(Decoder decoder, std::span<const uint8_t> in, std::span<uint8_t> out) const {
  check(HUF_decompress4X_usingDTable(out.data(), out.size(), in.data(), in.size(),
                                     (decoder == Decoder::k4X1 ? one_ : two_).data(), cpu_flags()));
}

#else

bool Huff0::available() {
  return false;
}

Huff0::Huff0(std::span<const uint64_t> /*histogram*/) {}

size_t Huff0::encode(std::span<const uint8_t> /*symbols*/, std::span<uint8_t> /*out*/) const {
  return 0;
}

void Huff0::decode(Decoder /*decoder*/, std::span<const uint8_t> /*in*/,
                   std::span<uint8_t> /*out*/) const {}

#endif

}  // namespace dcf::bench
