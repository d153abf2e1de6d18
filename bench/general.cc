// SPDX-License-Identifier: Apache-2.0
#include "general.h"

#include <cstring>

#include "harness.h"

#if DCF_HAVE_ZSTD
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#endif
#if DCF_HAVE_LZ4
#include <lz4.h>
#endif
#if DCF_HAVE_BROTLI
#include <brotli/decode.h>
#include <brotli/encode.h>
#endif
#if DCF_HAVE_LZMA
#include <lzma.h>
#endif

namespace dcf::bench {
namespace {

using Bytes = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;

#if DCF_HAVE_ZSTD
size_t check_zstd(size_t code) {
  require(ZSTD_isError(code) == 0, "zstd reports an error");
  return code;
}

// One context for all calls, as a program that decodes much has it.
void zstd_decompress(Bytes packed, MutableBytes out) {
  static ZSTD_DCtx* const context = ZSTD_createDCtx();
  check_zstd(ZSTD_decompressDCtx(context, out.data(), out.size(), packed.data(), packed.size()));
}

std::vector<uint8_t> zstd_literals(Bytes symbols) {
  constexpr size_t kBlock = size_t{1} << 16;
  std::vector<ZSTD_Sequence> blocks;
  for (size_t i = 0; i < symbols.size(); i += kBlock) {
    const size_t size = std::min(kBlock, symbols.size() - i);
    blocks.push_back({0, static_cast<unsigned>(size), 0, 0});
  }
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  check_zstd(
      ZSTD_CCtx_setParameter(context, ZSTD_c_blockDelimiters, ZSTD_sf_explicitBlockDelimiters));
  check_zstd(ZSTD_CCtx_setParameter(context, ZSTD_c_literalCompressionMode, ZSTD_ps_enable));
  std::vector<uint8_t> out(ZSTD_compressBound(symbols.size()));
  const size_t size = ZSTD_compressSequences(context, out.data(), out.size(), blocks.data(),
                                             blocks.size(), symbols.data(), symbols.size());
  ZSTD_freeCCtx(context);
  out.resize(check_zstd(size));
  return out;
}
#endif

#if DCF_HAVE_LZ4
std::vector<uint8_t> lz4_compress(Bytes in) {
  std::vector<uint8_t> out(static_cast<size_t>(LZ4_compressBound(static_cast<int>(in.size()))));
  const int size = LZ4_compress_default(reinterpret_cast<const char*>(in.data()),
                                        reinterpret_cast<char*>(out.data()),
                                        static_cast<int>(in.size()), static_cast<int>(out.size()));
  require(size > 0, "lz4 reports an error");
  out.resize(static_cast<size_t>(size));
  return out;
}

void lz4_decompress(Bytes packed, MutableBytes out) {
  require(LZ4_decompress_safe(reinterpret_cast<const char*>(packed.data()),
                              reinterpret_cast<char*>(out.data()), static_cast<int>(packed.size()),
                              static_cast<int>(out.size())) == static_cast<int>(out.size()),
          "lz4 reports an error");
}
#endif

#if DCF_HAVE_BROTLI
std::vector<uint8_t> brotli_compress(Bytes in) {
  constexpr int kQuality = 9;
  size_t size = BrotliEncoderMaxCompressedSize(in.size());
  std::vector<uint8_t> out(size);
  require(BrotliEncoderCompress(kQuality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, in.size(),
                                in.data(), &size, out.data()) == BROTLI_TRUE,
          "brotli reports an error");
  out.resize(size);
  return out;
}

void brotli_decompress(Bytes packed, MutableBytes out) {
  size_t size = out.size();
  require(BrotliDecoderDecompress(packed.size(), packed.data(), &size, out.data()) ==
              BROTLI_DECODER_RESULT_SUCCESS,
          "brotli reports an error");
}
#endif

#if DCF_HAVE_LZMA
std::vector<uint8_t> xz_compress(Bytes in) {
  constexpr uint32_t kLevel = 6;
  std::vector<uint8_t> out(lzma_stream_buffer_bound(in.size()));
  size_t size = 0;
  require(lzma_easy_buffer_encode(kLevel, LZMA_CHECK_CRC32, nullptr, in.data(), in.size(),
                                  out.data(), &size, out.size()) == LZMA_OK,
          "xz reports an error");
  out.resize(size);
  return out;
}

void xz_decompress(Bytes packed, MutableBytes out) {
  uint64_t memory = UINT64_MAX;
  size_t from = 0;
  size_t to = 0;
  require(lzma_stream_buffer_decode(&memory, 0, nullptr, packed.data(), &from, packed.size(),
                                    out.data(), &to, out.size()) == LZMA_OK,
          "xz reports an error");
}
#endif

}  // namespace

std::vector<General> general_compressors() {
  std::vector<General> all;
#if DCF_HAVE_ZSTD
  all.push_back({"zstd literals", false, zstd_literals, zstd_decompress});
  all.push_back(*zstd(19));
#endif
#if DCF_HAVE_LZ4
  all.push_back({"lz4", false, lz4_compress, lz4_decompress});
#endif
#if DCF_HAVE_BROTLI
  all.push_back({"brotli -9", true, brotli_compress, brotli_decompress});
#endif
#if DCF_HAVE_LZMA
  all.push_back({"xz -6", true, xz_compress, xz_decompress});
#endif
  all.push_back(
      {"memcpy", false, [](Bytes in) { return std::vector<uint8_t>(in.begin(), in.end()); },
       [](Bytes in, MutableBytes out) { std::memcpy(out.data(), in.data(), in.size()); }});
  return all;
}

std::optional<General> zstd(int level) {
#if DCF_HAVE_ZSTD
  return General{
      "zstd -" + std::to_string(level), level > 9,
      [level](Bytes in) {
        std::vector<uint8_t> out(ZSTD_compressBound(in.size()));
        out.resize(check_zstd(ZSTD_compress(out.data(), out.size(), in.data(), in.size(), level)));
        return out;
      },
      zstd_decompress};
#else
  (void)level;
  return std::nullopt;
#endif
}

}  // namespace dcf::bench
