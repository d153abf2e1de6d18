// SPDX-License-Identifier: Apache-2.0
// Part of dcf/dcf.hpp: layers and pooling.
#ifndef DCF_HPP_LAYER_HPP_
#define DCF_HPP_LAYER_HPP_

#include "dcf/hpp/file.hpp"

namespace dcf {

inline dcf_layer_options layer_options() {
  dcf_layer_options options;
  dcf_layer_options_init(&options);
  return options;
}

// The names that dcf_layer_options.kernel takes are layer_kernel_name(i) for i below
// layer_kernel_count(). Beyond that layer_kernel_name(i) is "".
inline size_t layer_kernel_count() {
  return dcf_layer_kernel_count();
}
inline std::string_view layer_kernel_name(size_t index) {
  return dcf_layer_kernel_name(index);
}

// Weights packed to be multiplied many times; does not need its file any more. Movable; a const
// Layer may be applied by many threads.
class Layer {
 public:
  static Result<Layer> prepare(const Tensor& tensor,
                               const dcf_layer_options& options = layer_options()) {
    return make([&](dcf_layer** layer, dcf_error* error) {
      return dcf_layer_prepare(tensor.file(), tensor.index(), &options, layer, error);
    });
  }
  static Result<Layer> prepare_conv2d(const Tensor& tensor, const dcf_conv2d_shape& shape,
                                      const dcf_layer_options& options = layer_options()) {
    return make([&](dcf_layer** layer, dcf_error* error) {
      return dcf_layer_prepare_conv2d(tensor.file(), tensor.index(), &shape, &options, layer,
                                      error);
    });
  }
  const dcf_layer_info& info() const { return info_; }
  // x has batch times info().inputs floats, y batch times info().outputs; InvalidArgument for other
  // sizes.
  Status apply(std::span<const float> x, std::span<float> y, uint64_t batch = 1) const {
    if (!detail::is_batch(x.size(), batch, info_.inputs) ||
        !detail::is_batch(y.size(), batch, info_.outputs)) {
      return detail::no_batch();
    }
    return detail::call([&](dcf_error* error) {
      return dcf_layer_apply(layer_.get(), x.data(), x.size(), y.data(), y.size(), batch, error);
    });
  }
  const dcf_layer* get() const { return layer_.get(); }

 private:
  struct Closer {
    void operator()(dcf_layer* layer) const { dcf_layer_close(layer); }
  };
  explicit Layer(dcf_layer* layer) : layer_(layer) {
    (void)dcf_layer_describe(layer, &info_, nullptr);  // fails for NULL only
  }
  template <typename Prepare>
  static Result<Layer> make(Prepare prepare) {
    dcf_layer* layer = nullptr;
    const Status status = detail::call([&](dcf_error* error) { return prepare(&layer, error); });
    if (!status) return status.error();
    return Layer(layer);
  }

  std::unique_ptr<dcf_layer, Closer> layer_;
  dcf_layer_info info_ = DCF_LAYER_INFO_INIT;
};

// x is [batch, channels, height, width], y [batch, channels, out_h, out_w].
inline Status pool2d(const dcf_pool2d_shape& shape, std::span<const float> x, std::span<float> y,
                     uint64_t batch = 1) {
  if (!detail::is_batch(x.size(), batch, shape.channels * shape.height * shape.width)) {
    return detail::no_batch();
  }
  return detail::call([&](dcf_error* error) {
    return dcf_pool2d(&shape, x.data(), x.size(), y.data(), y.size(), batch, error);
  });
}

}  // namespace dcf

#endif  // DCF_HPP_LAYER_HPP_
