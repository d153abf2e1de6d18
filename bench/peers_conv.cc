// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "peers.h"

#if DCF_HAVE_OPENBLAS
#include <cblas.h>
#endif

namespace dcf::bench {
namespace {

using Gemm = std::function<void(uint64_t m, uint64_t n, uint64_t k, const float* a, const float* b,
                                float* y)>;

// Row (channel, i, j) of `out`: the pixels that weight (i, j) of the kernel meets, one column for
// each pixel of the result; stride 1, same size.
void im2col(const float* image, uint64_t channels, uint64_t size, uint64_t kernel, float* out) {
  const auto n = static_cast<int64_t>(size);
  const auto pad = static_cast<int64_t>(kernel / 2);
  for (uint64_t c = 0; c < channels; ++c) {
    for (int64_t i = -pad; i <= pad; ++i) {
      for (int64_t j = -pad; j <= pad; ++j) {
        const int64_t first = std::max<int64_t>(0, -j);
        const int64_t last = std::min(n, n - j);
        for (int64_t y = 0; y < n; ++y, out += n) {
          if (y + i < 0 || y + i >= n) {
            std::memset(out, 0, size * sizeof(float));
            continue;
          }
          const float* const row = image + (static_cast<int64_t>(c) * n + y + i) * n;
          for (int64_t x = 0; x < first; ++x) out[x] = 0;
          std::memcpy(out + first, row + first + j,
                      static_cast<size_t>(last - first) * sizeof(float));
          for (int64_t x = last; x < n; ++x) out[x] = 0;
        }
      }
    }
  }
}

Peer im2col_gemm(const std::string& name, std::span<const float> weights, const ConvShape& shape,
                 Gemm gemm) {
  auto columns = std::make_shared<std::vector<float>>();
  const ConvShape s = shape;
  return {name, [=](const float* x, float* y) {
            const uint64_t in = s.in / s.groups;
            const uint64_t out = s.out / s.groups;
            const uint64_t k = in * s.kernel * s.kernel;
            const uint64_t pixels = s.size * s.size;
            columns->resize(k * pixels);
            for (uint64_t g = 0; g < s.groups; ++g) {
              im2col(x + g * in * pixels, in, s.size, s.kernel, columns->data());
              gemm(out, pixels, k, weights.data() + g * out * k, columns->data(),
                   y + g * out * pixels);
            }
          }};
}

#if DCF_HAVE_OPENBLAS
void openblas_sgemm(uint64_t m, uint64_t n, uint64_t k, const float* a, const float* b, float* y) {
  const auto rows = static_cast<blasint>(m);
  const auto cols = static_cast<blasint>(n);
  const auto inner = static_cast<blasint>(k);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, cols, inner, 1, a, inner, b, cols, 0,
              y, cols);
}
#endif

}  // namespace

std::vector<Peer> conv_peers(std::span<const float> weights, const ConvShape& shape,
                             const float* x) {
  std::vector<Peer> peers;
#if DCF_HAVE_OPENBLAS
  peers.push_back(im2col_gemm("OpenBLAS", weights, shape, openblas_sgemm));
#endif
  if (have_onednn()) {
    peers.push_back(im2col_gemm("oneDNN", weights, shape, onednn_sgemm));
    peers.push_back(onednn_direct(weights, shape, x));
  }
  return peers;
}

std::vector<std::string> conv_peer_names() {
  return {"OpenBLAS", "oneDNN", "direct"};
}

}  // namespace dcf::bench
