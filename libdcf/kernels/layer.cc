// SPDX-License-Identifier: Apache-2.0
// The choice of a kernel follows measurements (bench/layer_bench.cc and bench/conv_bench.cc, one
// thread of a Xeon with AVX-512 unless said otherwise). Times are per nonzero weight.
//  - Single samples: row windows win at every density. They move 2.6 to 4.6 bytes per nonzero
//    weight, a dense product moves 4 bytes per weight of the matrix.
//  - Single samples without AVX-512: code groups win if the palette is small enough, with 0.25 ns;
//    rows of columns and weights take 0.6 ns. A dense product overtakes code groups above a density
//    of kDenseShareGroups and rows above kDenseShareRows.
//  - Single samples with few nonzero inputs: columns win. On a Skylake they take 0.8 ns per weight
//    that meets such an input, 1.5 ns without a small palette; row windows take 0.15 to 0.5 ns
//    there and code groups 0.5 ns, for every weight. On the six layers of bench/ columns
//    overtake row windows where the fraction of nonzero inputs falls below 0.17 to 0.62, and code
//    groups where it falls below 0.62 to 0.75; on a newer Xeon and on Zen 3 below 0.22 and 0.55.
//    They always beat rows, and dense products up to the densities below.
//  - From kFewSamples samples on a tile is cheaper: it reads each entry once for all samples.
//  - Above a density of kDenseShareTiles a dense product with the tile wins: it reads a vector of x
//    once for several rows. The two are equally fast at densities of 0.61 and 0.67 with AVX-512,
//    0.69 and 0.76 with AVX2 (a convolution of 1152 columns and a layer of 4096).
#include "kernels/layer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/checked.h"
#include "kernels/batch.h"
#include "kernels/code_groups.h"
#include "kernels/columns.h"
#include "kernels/entries.h"
#include "kernels/packed_conv.h"
#include "kernels/row_windows.h"
#include "kernels/rows.h"

namespace dcf::impl::kernels {
namespace {

constexpr uint64_t kFewSamples = 6;
constexpr double kDenseShare = 0.8;
constexpr double kDenseShareTiles = 0.65;
constexpr double kDenseShareGroups = 0.55;
constexpr double kDenseShareRows = 0.3;
constexpr double kActiveWindows = 0.25;
constexpr double kActiveGroups = 0.55;

double density(const LayerEntries& e) {
  const double all = static_cast<double>(e.rows) * static_cast<double>(e.cols);
  return all == 0 ? 0 : static_cast<double>(e.nonzeros) / all;
}

bool is_dense_for_one(const LayerEntries& e) {
  // With a codebook a sparse entry takes half the bytes of a dense one.
  return density(e) > kDenseShare && !e.has_codes();
}

bool is_dense_for_tiles(const LayerEntries& e) {
  return density(e) > kDenseShareTiles;
}

constexpr std::array<const char*, 10> kNames = {
    "rows",  "code-groups", "columns",         "columns-f32",  "blocked",
    "dense", "row-windows", "row-windows-f32", "conv-blocked", "conv-dense"};

Status check_name(std::string_view name) {
  if (name.empty() || std::find(kNames.begin(), kNames.end(), name) != kNames.end())
    return ok_status();
  return fail(Code::InvalidArgument, "", "there is no kernel of that name");
}

// The kernel if it has this name, else null: the form that a packing takes depends on the layer.
std::unique_ptr<LayerKernel> named(std::string_view name, std::unique_ptr<LayerKernel> kernel) {
  return kernel && kernel->name() == name ? std::move(kernel) : nullptr;
}

Result<std::unique_ptr<LayerKernel>> make_linear(std::string_view name, const TensorEntries& source,
                                                 const Parallel& parallel) {
  if (name == "rows") return make_rows(source);
  if (name == "code-groups") return make_code_groups(source);
  if (name == "columns" || name == "columns-f32") {
    DCF_ASSIGN(const LayerEntries all, source.all());
    return named(name, make_columns(all, parallel));
  }
  if (name == "blocked") return make_batch(source, false);
  if (name == "dense") return make_batch(source, true);
  if (name == "row-windows" || name == "row-windows-f32") {
    return named(name, make_row_windows(source));
  }
  return std::unique_ptr<LayerKernel>();
}

// The entries for the packings that are tried. They are decoded a slab at a time for the first
// packing and all at once for the later ones, so that the tensor is decoded at most twice. If all
// entries do not fit in the memory limit, each packing decodes them again.
class Entries {
 public:
  Entries(const TensorEntries& tensor, const Parallel& parallel)
      : tensor_(tensor), parallel_(parallel) {}

  // All entries; null if they do not fit.
  Result<const LayerEntries*> all() {
    if (!listed_ && fits_) {
      Result<LayerEntries> all = tensor_.all();
      if (all.ok()) {
        listed_.emplace(kept_ = all.take(), parallel_);
      } else if (all.status().code == Code::LimitMemory) {
        fits_ = false;
      } else {
        return all.status();
      }
    }
    return listed_ ? &kept_ : nullptr;
  }
  // The entries for the next packing.
  Result<const EntrySource*> next() {
    const EntrySource* source = &tensor_;
    if (used_) DCF_TRY(all().status());
    if (listed_) source = &*listed_;
    used_ = true;
    return source;
  }

 private:
  const TensorEntries& tensor_;
  const Parallel& parallel_;
  bool used_ = false;  // a packing has read the entries
  bool fits_ = true;   // all entries fit at once, as far as is known
  LayerEntries kept_;
  std::optional<AllEntries> listed_;
};

Result<std::unique_ptr<LayerKernel>> fastest_linear(const TensorEntries& tensor,
                                                    const LayerOptions& options,
                                                    const Parallel& parallel) {
  const LayerEntries& e = tensor.shape();
  if (options.batch >= kFewSamples) return make_batch(tensor, is_dense_for_tiles(e));
  Entries entries(tensor, parallel);
  const auto columns = [&]() -> Result<std::unique_ptr<LayerKernel>> {
    DCF_ASSIGN(const LayerEntries* all, entries.all());
    return all != nullptr ? make_columns(*all, parallel) : nullptr;
  };
  const auto packed = [&](auto make) -> Result<std::unique_ptr<LayerKernel>> {
    DCF_ASSIGN(const EntrySource* source, entries.next());
    return make(*source);
  };
  const auto dense = [](const EntrySource& source) { return make_batch(source, true); };
  const auto windows = [](const EntrySource& source) { return make_row_windows(source); };
  const bool sparse = density(e) <= kDenseShareGroups && columns_possible(e);
  const bool very_few = options.input_density < kActiveWindows;
  if (sparse && very_few) {
    DCF_ASSIGN(auto kernel, columns());
    if (kernel) return kernel;
  }
  if (is_dense_for_one(e)) return packed(dense);
  if (row_windows_pay()) {
    DCF_ASSIGN(auto kernel, packed(windows));
    if (kernel) return kernel;
  }
  if (sparse && !very_few && options.input_density < kActiveGroups) {
    DCF_ASSIGN(auto kernel, columns());
    if (kernel) return kernel;
  }
  if (density(e) > kDenseShareGroups) return packed(dense);
  if (code_groups_possible(e)) {
    DCF_ASSIGN(auto kernel, packed(make_code_groups));
    if (kernel) return kernel;
  }
  if (density(e) > kDenseShareRows) return packed(dense);
  return packed(make_rows);
}

std::unique_ptr<LayerKernel> make_convolution(std::string_view name, const LayerEntries& e,
                                              const Conv2d& conv, const Parallel& parallel) {
  if (name == "conv-blocked") return make_packed_conv(e, conv, false, parallel);
  if (name == "conv-dense") return make_packed_conv(e, conv, true, parallel);
  return nullptr;
}

Status too_large(const model::Model& model, size_t tensor) {
  return model.in_data(
      model.data_tensor(tensor),
      fail(Code::LimitMemory, "L-01", "the packed layer takes more than max_memory"));
}

// An upper bound on the memory that packing allocates, known before anything is packed: for each
// entry a column and a weight in four lanes; for each row its end, its place in an order and its
// share of a panel; for each cell its ends; for each thread the lists that it sorts by code with. A
// dense kernel that was chosen, not asked for by name, needs less than its entries would.
uint64_t packing_estimate(const model::Model& model, size_t tensor, std::string_view kernel) {
  constexpr uint64_t kEntryBytes = 4 * sizeof(float);
  constexpr uint64_t kRowBytes = 24;
  const format::Tensor& shape = model.manifest()->tensors[tensor];
  const format::Tensor& t = model.manifest()->tensors[model.data_tensor(tensor)];
  const uint64_t entries = t.encoding.is_sparse() ? t.entries : t.elements;
  const uint64_t blocks = ceil_div(shape.cols(), Blocked::kBlock);
  const bool sorts = t.encoding.palette_size <= CodeGroups::kCodes;
  uint64_t bytes = sorts ? t.encoding.palette_size * CodeGroups::kSortBytes : 0;
  uint64_t part = 0;
  const auto add = [&](uint64_t count, uint64_t each) {
    return checked_mul(count, each, &part) && checked_add(bytes, part, &bytes);
  };
  const bool dense = kernel == "dense" || kernel == "conv-dense";
  const bool fits = checked_mul(bytes, model.parallel().width(), &bytes) &&
                    add(entries, kEntryBytes) && add(shape.rows(), kRowBytes) &&
                    add(ceil_div(shape.rows(), Blocked::kPanel) * sizeof(Blocked::Cell), blocks) &&
                    (!dense || add(shape.elements, sizeof(float)));
  return fits ? bytes : UINT64_MAX;
}

}  // namespace

std::span<const char* const> layer_kernel_names() {
  return kNames;
}

Result<std::unique_ptr<Layer>> Layer::linear(const model::Model& model, size_t tensor,
                                             const LayerOptions& options) {
  DCF_TRY(check_name(options.kernel));
  const uint64_t held = packing_estimate(model, tensor, options.kernel);
  DCF_ASSIGN(const auto source, TensorEntries::open(model, tensor, held, options.progress));
  std::unique_ptr<LayerKernel> kernel;
  if (options.kernel.empty()) {
    DCF_ASSIGN(kernel, fastest_linear(*source, options, model.parallel()));
  } else {
    DCF_ASSIGN(kernel, make_linear(options.kernel, *source, model.parallel()));
  }
  DCF_TRY(source->failure());
  const LayerEntries& shape = source->shape();
  return around(std::move(kernel), model, tensor, options, shape.nonzeros, shape.cols, shape.rows);
}

Result<std::unique_ptr<Layer>> Layer::convolution(const model::Model& model, size_t tensor,
                                                  const Conv2d& conv, const LayerOptions& options) {
  DCF_TRY(check_name(options.kernel));
  uint64_t held = packing_estimate(model, tensor, options.kernel);
  uint64_t image = 0;
  if (!checked_mul(conv.y.size + 2 * conv.y.pad, conv.x.size + 2 * conv.x.pad, &image) ||
      !checked_mul(image, sizeof(float), &image) || !checked_mul(image, conv.in_channels, &image) ||
      !checked_add(held, image, &held)) {
    return too_large(model, tensor);
  }
  DCF_ASSIGN(const auto source, TensorEntries::open(model, tensor, held, options.progress));
  DCF_ASSIGN(const LayerEntries entries, source->all());
  auto kernel = options.kernel.empty()
                    ? make_packed_conv(entries, conv, is_dense_for_tiles(entries), model.parallel())
                    : make_convolution(options.kernel, entries, conv, model.parallel());
  return around(std::move(kernel), model, tensor, options, entries.nonzeros, conv.in_size,
                conv.out_size);
}

Result<std::unique_ptr<Layer>> Layer::around(std::unique_ptr<LayerKernel> kernel,
                                             const model::Model& model, size_t tensor,
                                             const LayerOptions& options, uint64_t nonzeros,
                                             uint64_t inputs, uint64_t outputs) {
  if (!kernel) return fail(Code::InvalidArgument, "", "the kernel does not fit this layer");
  std::unique_ptr<Layer> layer(new Layer);
  layer->kernel_ = std::move(kernel);
  uint64_t bytes = options.bias.size_bytes();
  if (!checked_add(bytes, layer->kernel_->packed_bytes(), &bytes) ||
      bytes > model.working_memory()) {
    return too_large(model, tensor);
  }
  layer->bias_.assign(options.bias.begin(), options.bias.end());
  layer->relu_ = options.relu;
  layer->parallel_ = options.parallel;
  layer->nonzeros_ = nonzeros;
  layer->inputs_ = inputs;
  layer->outputs_ = outputs;
  layer->scratch_.reset(model.working_memory() - bytes);
  return layer;
}

Status Layer::apply(const float* x, uint64_t batch, float* y) const {
  if (batch == 0 || outputs_ == 0) return ok_status();
  const MemoryShare share = scratch_.take({working_bytes(batch), 0});
  if (!share) return fail(Code::LimitMemory, "L-01", "the product takes more than max_memory");
  const Epilogue epilogue{bias_.empty() ? nullptr : bias_.data(), relu_};
  kernel_->apply(x, batch, y, parallel_, epilogue);
  return ok_status();
}

}  // namespace dcf::impl::kernels
