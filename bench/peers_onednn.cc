// SPDX-License-Identifier: Apache-2.0
#include "peers.h"

#if DCF_HAVE_ONEDNN
#include <dnnl.hpp>
#endif

namespace dcf::bench {

#if DCF_HAVE_ONEDNN

namespace {

using dnnl::memory;

memory::dims dims_of(std::initializer_list<uint64_t> dims) {
  return memory::dims(dims.begin(), dims.end());
}

memory::desc plain(const memory::dims& dims, memory::format_tag tag) {
  return {dims, memory::data_type::f32, tag};
}
// In whatever layout the primitive likes best.
memory::desc any(const memory::dims& dims) {
  return plain(dims, memory::format_tag::any);
}

struct Engine {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
};

memory reordered(Engine* e, const memory::desc& from, const float* data, const memory::desc& to) {
  memory source(from, e->engine, const_cast<float*>(data));
  memory target(to, e->engine);
  dnnl::reorder(source, target).execute(e->stream, source, target);
  e->stream.wait();
  return target;
}

}  // namespace

bool have_onednn() {
  return true;
}

Peer onednn_inner_product(std::span<const float> weights, uint64_t rows, uint64_t cols,
                          uint64_t batch) {
  auto e = std::make_shared<Engine>();
  const auto x_desc = plain(dims_of({batch, cols}), memory::format_tag::nc);
  const auto y_desc = plain(dims_of({batch, rows}), memory::format_tag::nc);
  const auto w_dims = dims_of({rows, cols});
  const dnnl::inner_product_forward::primitive_desc desc(
      {dnnl::prop_kind::forward_inference, x_desc, any(w_dims), y_desc}, e->engine);
  const memory w = reordered(e.get(), plain(w_dims, memory::format_tag::oi), weights.data(),
                             desc.weights_desc());
  const dnnl::inner_product_forward product(desc);
  return {"oneDNN", [=](const float* x, float* y) {
            product.execute(e->stream,
                            {{DNNL_ARG_SRC, memory(x_desc, e->engine, const_cast<float*>(x))},
                             {DNNL_ARG_WEIGHTS, w},
                             {DNNL_ARG_DST, memory(y_desc, e->engine, y)}});
            e->stream.wait();
          }};
}

Peer onednn_direct(std::span<const float> weights, const ConvShape& shape, const float* x) {
  auto e = std::make_shared<Engine>();
  const uint64_t k = shape.kernel;
  const uint64_t g = shape.groups;
  const auto pad = static_cast<memory::dim>(k / 2);
  const auto w_dims = g == 1 ? dims_of({shape.out, shape.in, k, k})
                             : dims_of({g, shape.out / g, shape.in / g, k, k});
  const auto x_dims = dims_of({1, shape.in, shape.size, shape.size});
  const auto y_dims = dims_of({1, shape.out, shape.size, shape.size});
  const dnnl::convolution_forward::primitive_desc desc(
      {dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, any(x_dims),
       any(w_dims), any(y_dims), memory::dims{1, 1}, memory::dims{pad, pad},
       memory::dims{pad, pad}},
      e->engine);
  const memory w = reordered(
      e.get(), plain(w_dims, g == 1 ? memory::format_tag::oihw : memory::format_tag::goihw),
      weights.data(), desc.weights_desc());
  const memory src =
      reordered(e.get(), plain(x_dims, memory::format_tag::nchw), x, desc.src_desc());
  const memory dst(desc.dst_desc(), e->engine);
  const dnnl::convolution_forward convolution(desc);
  return {"direct", [=](const float* /*x*/, float* y) {
            convolution.execute(e->stream,
                                {{DNNL_ARG_SRC, src}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, dst}});
            if (y != nullptr) {
              memory plain_y(plain(y_dims, memory::format_tag::nchw), e->engine, y);
              dnnl::reorder(dst, plain_y).execute(e->stream, const_cast<memory&>(dst), plain_y);
            }
            e->stream.wait();
          }};
}

void onednn_sgemm(uint64_t m, uint64_t n, uint64_t k, const float* a, const float* b, float* y) {
  const auto rows = static_cast<dnnl_dim_t>(m);
  const auto cols = static_cast<dnnl_dim_t>(n);
  const auto inner = static_cast<dnnl_dim_t>(k);
  require(dnnl_sgemm('N', 'N', rows, cols, inner, 1, a, inner, b, cols, 0, y, cols) == dnnl_success,
          "oneDNN reports an error");
}

#else

bool have_onednn() {
  return false;
}

Peer onednn_inner_product(std::span<const float> /*weights*/, uint64_t /*rows*/, uint64_t /*cols*/,
                          uint64_t /*batch*/) {
  return {};
}

Peer onednn_direct(std::span<const float> /*weights*/, const ConvShape& /*shape*/,
                   const float* /*x*/) {
  return {};
}

void onednn_sgemm(uint64_t /*m*/, uint64_t /*n*/, uint64_t /*k*/, const float* /*a*/,
                  const float* /*b*/, float* /*y*/) {}

#endif

}  // namespace dcf::bench
