// SPDX-License-Identifier: Apache-2.0
// dcf.h: layers.
#include "api/shapes.h"
#include "kernels/layer.h"

struct dcf_layer {
  std::unique_ptr<dcf::impl::kernels::Layer> layer;
  uint64_t batch;  // as in the options
};

using dcf::impl::invalid;
using dcf::impl::ok_status;
using dcf::impl::Parallel;
using dcf::impl::Status;
using dcf::impl::api::check_tensor;
using dcf::impl::api::clear_out;
using dcf::impl::api::guarded;
using dcf::impl::api::number_in;
using dcf::impl::api::set_out;
using dcf::impl::kernels::Conv2d;
using dcf::impl::kernels::Layer;
using dcf::impl::kernels::LayerOptions;

namespace {

// The threads of the file if it has as many, so that many layers do not have many threads. They
// then live as long as the layer.
Parallel parallel_of_layer(const dcf::impl::model::Model& model, const dcf_layer_options& options) {
  Parallel parallel =
      Parallel::of_handle(std::max(options.threads, 1u), options.parallel, options.parallel_ctx);
  const Parallel& of_file = model.parallel();
  if (parallel.pool && of_file.pool && of_file.threads >= parallel.threads) {
    parallel.pool = of_file.pool;
  }
  return parallel;
}

// One for each row of the tensor.
Status read_bias(const dcf_file& file, size_t index, const dcf_layer_options& options,
                 LayerOptions* wanted) {
  if (options.bias == nullptr && options.bias_elements == 0) return ok_status();
  const uint64_t rows = file.model->manifest()->tensors[index].rows();
  if (options.bias == nullptr) return invalid("the bias is NULL");
  if (options.bias_elements < rows) return invalid("the bias is too short");
  wanted->bias = {options.bias, static_cast<size_t>(rows)};
  return ok_status();
}

// prepare(options) -> Result of a Layer, which *out gets.
template <typename Prepare>
dcf_status prepare_layer(const dcf_file* file, size_t index, const dcf_layer_options* options,
                         dcf_layer** out, dcf_error* error, Prepare prepare) {
  set_out<dcf_layer*>(out, nullptr);
  return guarded(error, [&]() -> Status {
    if (out == nullptr) return invalid("the output is NULL");
    DCF_TRY(check_tensor(file, index));
    dcf_layer_options o;
    dcf_layer_options_init(&o);
    DCF_TRY(dcf::impl::api::copy_in(options, &o));
    LayerOptions wanted;
    wanted.batch = dcf::impl::api::or_default(o.batch, 1);
    if (o.kernel != nullptr) wanted.kernel = o.kernel;
    wanted.parallel = parallel_of_layer(*file->model, o);
    if (!(o.input_density >= 0 && o.input_density <= 1)) {
      return invalid("the density of the inputs is not in [0, 1]");
    }
    if (o.input_density != 0) wanted.input_density = o.input_density;
    if (number_in(o.activation) > DCF_ACTIVATION_RELU) return invalid("the activation is unknown");
    wanted.relu = o.activation == DCF_ACTIVATION_RELU;
    DCF_TRY(read_bias(*file, index, o, &wanted));
    wanted.progress = file->progress;
    DCF_ASSIGN(std::unique_ptr<Layer> layer, prepare(wanted));
    *out = new dcf_layer{std::move(layer), wanted.batch};
    return ok_status();
  });
}

}  // namespace

void dcf_layer_options_init(dcf_layer_options* options) {
  if (options == nullptr) return;
  *options = dcf_layer_options{};
  options->struct_size = sizeof *options;
  options->batch = 1;
  options->threads = 1;
}

size_t dcf_layer_kernel_count() {
  return dcf::impl::kernels::layer_kernel_names().size();
}

const char* dcf_layer_kernel_name(size_t index) {
  const auto names = dcf::impl::kernels::layer_kernel_names();
  return index < names.size() ? names[index] : "";
}

dcf_status dcf_layer_prepare(const dcf_file* file, size_t index, const dcf_layer_options* options,
                             dcf_layer** out, dcf_error* error) {
  return prepare_layer(file, index, options, out, error, [&](const LayerOptions& wanted) {
    return Layer::linear(*file->model, index, wanted);
  });
}

dcf_status dcf_layer_prepare_conv2d(const dcf_file* file, size_t index,
                                    const dcf_conv2d_shape* shape, const dcf_layer_options* options,
                                    dcf_layer** out, dcf_error* error) {
  using Prepared = dcf::impl::Result<std::unique_ptr<Layer>>;
  return prepare_layer(file, index, options, out, error,
                       [&](const LayerOptions& wanted) -> Prepared {
                         Conv2d conv;
                         DCF_TRY(dcf::impl::api::read_conv2d(*file, index, shape, &conv));
                         return Layer::convolution(*file->model, index, conv, wanted);
                       });
}

dcf_status dcf_layer_describe(const dcf_layer* layer, dcf_layer_info* out, dcf_error* error) {
  clear_out(out);
  return guarded(error, [&]() -> Status {
    if (layer == nullptr) return invalid("the layer is NULL");
    const Layer& l = *layer->layer;
    const dcf_layer_info info{sizeof(dcf_layer_info),
                              l.kernel().name(),
                              l.inputs(),
                              l.outputs(),
                              l.nonzeros(),
                              l.packed_bytes(),
                              l.working_bytes(layer->batch),
                              l.bias().size(),
                              l.has_relu() ? DCF_ACTIVATION_RELU : DCF_ACTIVATION_NONE};
    return dcf::impl::api::copy_out(info, out);
  });
}

dcf_status dcf_layer_apply(const dcf_layer* layer, const float* x, size_t x_elements, float* y,
                           size_t y_elements, uint64_t batch, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    if (layer == nullptr) return invalid("the layer is NULL");
    const Layer& l = *layer->layer;
    dcf::impl::api::Samples samples;
    DCF_TRY(samples.check(x, x_elements, l.inputs(), y, y_elements, l.outputs(), batch));
    return l.apply(x, batch, y);
  });
}

void dcf_layer_close(dcf_layer* layer) {
  delete layer;
}
