// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include <algorithm>

#include "peers.h"

#if DCF_HAVE_OPENBLAS
#include <cblas.h>
#endif
#if DCF_HAVE_XNNPACK
#include <xnnpack.h>

#include <limits>
#endif

namespace dcf::bench {
namespace {

#if DCF_HAVE_OPENBLAS
Peer openblas(std::span<const float> weights, uint64_t rows, uint64_t cols, uint64_t batch) {
  const float* const w = weights.data();
  const auto m = static_cast<blasint>(rows);
  const auto k = static_cast<blasint>(cols);
  const auto n = static_cast<blasint>(batch);
  if (batch == 1) {
    return {"OpenBLAS", [=](const float* x, float* y) {
              cblas_sgemv(CblasRowMajor, CblasNoTrans, m, k, 1, w, k, x, 1, 0, y, 1);
            }};
  }
  return {"OpenBLAS", [=](const float* x, float* y) {
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, m, k, 1, x, k, w, k, 0, y, m);
          }};
}
#endif

#if DCF_HAVE_XNNPACK
Peer xnnpack(std::span<const float> weights, uint64_t rows, uint64_t cols, uint64_t batch) {
  constexpr float kAll = std::numeric_limits<float>::infinity();
  xnn_operator_t raw = nullptr;
  require(xnn_initialize(nullptr) == xnn_status_success &&
              xnn_create_fully_connected_nc_f32(cols, rows, cols, rows, weights.data(), nullptr,
                                                -kAll, kAll, 0, &raw) == xnn_status_success,
          "XNNPACK reports an error");
  const std::shared_ptr<xnn_operator> product(raw, xnn_delete_operator);
  return {"XNNPACK", [=](const float* x, float* y) {
            require(xnn_setup_fully_connected_nc_f32(product.get(), batch, x, y, nullptr) ==
                            xnn_status_success &&
                        xnn_run_operator(product.get(), nullptr) == xnn_status_success,
                    "XNNPACK reports an error");
          }};
}
#endif

}  // namespace

std::vector<Peer> dense_peers(std::span<const float> weights, uint64_t rows, uint64_t cols,
                              uint64_t batch) {
  std::vector<Peer> peers;
#if DCF_HAVE_OPENBLAS
  peers.push_back(openblas(weights, rows, cols, batch));
#endif
  if (have_onednn()) peers.push_back(onednn_inner_product(weights, rows, cols, batch));
#if DCF_HAVE_XNNPACK
  peers.push_back(xnnpack(weights, rows, cols, batch));
#endif
  return peers;
}

std::vector<std::string> dense_peer_names() {
  return {"OpenBLAS", "oneDNN", "XNNPACK"};
}

void use_one_thread() {
#if DCF_HAVE_OPENBLAS
  openblas_set_num_threads(1);
#endif
  // oneDNN has OpenMP's threads. Asked by name, so that no library is needed where there is none.
  if (void* const set = dlsym(RTLD_DEFAULT, "omp_set_num_threads")) {
    reinterpret_cast<void (*)(int)>(set)(1);
  }
}

void leave_out_missing(const std::vector<std::string>& names, const std::vector<Peer>& peers,
                       Suite* suite) {
  for (const std::string& name : names) {
    if (std::ranges::none_of(peers, [&](const Peer& peer) { return peer.name == name; })) {
      suite->leave_out(name + ": its library is not there");
    }
  }
}

}  // namespace dcf::bench
