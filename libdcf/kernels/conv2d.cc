// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv2d.h"

#include <algorithm>

#include "base/float_convert.h"
#include "model/decode.h"

namespace dcf::impl::kernels {
namespace {

// The most images, and the most bytes of images, that are computed side by side. They make the
// inner loop long even if rows are short.
constexpr uint64_t kMaxBlock = 16;
constexpr uint64_t kBlockBytes = uint64_t{256} << 10;

// sum += weight * x
void accumulate(double weight, const double* __restrict x, uint64_t n, double* __restrict sum) {
  // The constant length of the inner loop lets the compiler use vectors at any optimisation level.
  constexpr uint64_t kStep = 8;
  uint64_t i = 0;
  for (; i + kStep <= n; i += kStep) {
    for (uint64_t k = 0; k < kStep; ++k) sum[i + k] += weight * x[i + k];
  }
  for (; i < n; ++i) sum[i] += weight * x[i];
}

// The entries of the tensor, rows in order and columns rising.
struct Entries {
  std::vector<uint64_t> row_ptr;
  std::vector<uint32_t> col;
  std::vector<uint8_t> words;
  uint64_t longest_row = 0;
};

// One weight and the outputs it takes part in.
struct Tap {
  double weight;
  uint64_t plane;  // first row of its input channel, counting the rows of all channels
  uint64_t ky, kx;
  uint64_t first_y, last_y;
  uint64_t first_x, last_x;
};

class Convolution {
 public:
  Convolution(const model::Model& model, size_t tensor, const Conv2d& conv,
              std::span<const float> x, uint64_t batch, std::span<float> y)
      : model_(model),
        tensor_(tensor),
        weight_(model.manifest()->tensors[tensor]),
        conv_(conv),
        x_(x),
        batch_(batch),
        y_(y),
        block_(std::clamp(kBlockBytes / sizeof(double) / std::max<uint64_t>(conv.in_size, 1),
                          uint64_t{1}, std::clamp(batch, uint64_t{1}, kMaxBlock))) {}

  Status run(model::ProgressStep progress) {
    if (y_.empty()) return ok_status();
    DCF_TRY(decode(std::move(progress)));
    // complete() has seen that the sizes of an image fit; block_ is small, and x.out is not 0.
    const uint64_t doubles = block_ * (conv_.in_size + conv_.x.out);
    const uint64_t blocks = ceil_div(batch_, block_);
    uint64_t block_bytes = 0;
    MemoryShare share;
    if (checked_mul(doubles, sizeof(double), &block_bytes) &&
        checked_add(block_bytes, entries_.longest_row * sizeof(Tap), &block_bytes)) {
      share = model_.take_memory({0, block_bytes},
                                 std::min<uint64_t>(blocks, model_.parallel().width()));
    }
    if (!share) return too_much();
    return model_.for_items(blocks, share.workers(),
                            [&](size_t i) { return convolve_block(i * block_); });
  }

 private:
  static Status too_much() {
    return fail(Code::LimitMemory, "L-01", "the convolution takes more than max_memory");
  }

  // Decodes all entries.
  Status decode(model::ProgressStep progress) {
    const format::Tensor& data = model_.manifest()->tensors[model_.data_tensor(tensor_)];
    DCF_ASSIGN(const uint64_t word_bytes,
               model::decoded_bytes(weight_, DType::kNone, data.nonzeros));
    uint64_t row_bytes = 0;
    uint64_t col_bytes = 0;
    uint64_t bytes = 0;
    if (!checked_mul(conv_.out_channels + 1, sizeof(uint64_t), &row_bytes) ||
        !checked_mul(data.nonzeros, sizeof(uint32_t), &col_bytes) ||
        !checked_add(row_bytes, col_bytes, &bytes) || !checked_add(bytes, word_bytes, &bytes)) {
      return too_much();
    }
    entries_share_ = model_.take_memory({bytes, 0});
    if (!entries_share_) return too_much();
    entries_.row_ptr.resize(conv_.out_channels + 1);
    entries_.col.resize(data.nonzeros);
    entries_.words.resize(word_bytes);
    DCF_TRY(model::decode_csr(model_, tensor_, DType::kNone,
                              {entries_.row_ptr, entries_.col, entries_.words},
                              std::move(progress)));
    for (uint64_t row = 0; row < conv_.out_channels; ++row) {
      entries_.longest_row =
          std::max(entries_.longest_row, entries_.row_ptr[row + 1] - entries_.row_ptr[row]);
    }
    return ok_status();
  }

  // Computes images [first, first + block_), or up to the last.
  Status convolve_block(uint64_t first) const {
    const uint64_t count = std::min(block_, batch_ - first);
    std::vector<double> images(conv_.in_size * count);  // [in, height, width, count]
    for (uint64_t b = 0; b < count; ++b) {
      const float* image = x_.data() + (first + b) * conv_.in_size;
      for (uint64_t i = 0; i < conv_.in_size; ++i)
        images[i * count + b] = static_cast<double>(image[i]);
    }
    std::vector<double> sums(conv_.x.out * count);
    std::vector<Tap> taps;
    taps.reserve(entries_.longest_row);
    for (uint64_t out = 0; out < conv_.out_channels; ++out) {
      list_taps(out, &taps);
      for (uint64_t oy = 0; oy < conv_.y.out; ++oy) {
        std::fill(sums.begin(), sums.end(), 0.0);
        for (const Tap& tap : taps) {
          if (oy >= tap.first_y && oy < tap.last_y)
            add_row(tap, oy, count, images.data(), sums.data());
        }
        float* row = y_.data() + first * conv_.out_size + (out * conv_.y.out + oy) * conv_.x.out;
        for (uint64_t b = 0; b < count; ++b, row += conv_.out_size) {
          for (uint64_t ox = 0; ox < conv_.x.out; ++ox)
            row[ox] = static_cast<float>(sums[ox * count + b]);
        }
      }
    }
    return ok_status();
  }

  void list_taps(uint64_t out, std::vector<Tap>* taps) const {
    taps->clear();
    const uint64_t width = weight_.bits / 8;
    const uint64_t group = out / (conv_.out_channels / conv_.groups);
    const uint64_t first_channel = group * (conv_.in_channels / conv_.groups);
    for (uint64_t i = entries_.row_ptr[out]; i < entries_.row_ptr[out + 1]; ++i) {
      Tap tap{};
      tap.weight =
          word_to_double(weight_.dtype, load_word(entries_.words.data() + i * width, width));
      if (tap.weight == 0) continue;  // as in matmul.cc
      tap.kx = entries_.col[i] % conv_.x.kernel;
      tap.ky = entries_.col[i] / conv_.x.kernel % conv_.y.kernel;
      tap.plane =
          (first_channel + entries_.col[i] / conv_.x.kernel / conv_.y.kernel) * conv_.y.size;
      tap.first_y = conv_.y.first(tap.ky);
      tap.last_y = conv_.y.last(tap.ky);
      tap.first_x = conv_.x.first(tap.kx);
      tap.last_x = conv_.x.last(tap.kx);
      if (tap.first_x < tap.last_x) taps->push_back(tap);
    }
  }

  void add_row(const Tap& tap, uint64_t oy, uint64_t count, const double* images,
               double* sums) const {
    const uint64_t row = tap.plane + conv_.y.at(oy, tap.ky);
    const double* x = images + (row * conv_.x.size + conv_.x.at(tap.first_x, tap.kx)) * count;
    double* sum = sums + tap.first_x * count;
    if (conv_.x.stride == 1)
      return accumulate(tap.weight, x, (tap.last_x - tap.first_x) * count, sum);
    for (uint64_t ox = tap.first_x; ox < tap.last_x;
         ++ox, x += conv_.x.stride * count, sum += count) {
      accumulate(tap.weight, x, count, sum);
    }
  }

  const model::Model& model_;
  size_t tensor_;
  const format::Tensor& weight_;
  const Conv2d& conv_;
  std::span<const float> x_;
  uint64_t batch_;
  std::span<float> y_;
  uint64_t block_;
  MemoryShare entries_share_;
  Entries entries_;
};

}  // namespace

Status Conv2d::complete(const format::Tensor& weight) {
  if (is_raw_only(weight.dtype))
    return fail(Code::UnsupportedDType, "", "the dtype has no arithmetic");
  const size_t rank = weight.dims.size();
  if (rank != 3 && rank != 4)
    return fail(Code::InvalidArgument, "", "the tensor is not [out, in / groups, kh, kw]");
  out_channels = weight.dims[0];
  y.kernel = rank == 4 ? weight.dims[2] : 1;
  x.kernel = weight.dims[rank - 1];
  uint64_t channels = 0;
  if (groups == 0 || !checked_mul(weight.dims[1], groups, &channels) || channels != in_channels ||
      out_channels % groups != 0) {
    return fail(Code::InvalidArgument, "", "channels and groups do not fit the tensor");
  }
  DCF_TRY(y.complete());
  DCF_TRY(x.complete());
  if (weight.cols() > UINT32_MAX)
    return fail(Code::InvalidArgument, "", "columns do not fit 32 bits");
  // Rows of all planes are counted too.
  uint64_t in_rows = 0;
  uint64_t out_rows = 0;
  constexpr uint64_t kMaxSize = PTRDIFF_MAX / (kMaxBlock * sizeof(double));
  if (!checked_mul(in_channels, y.size, &in_rows) || !checked_mul(in_rows, x.size, &in_size) ||
      in_size > kMaxSize || !checked_mul(out_channels, y.out, &out_rows) ||
      !checked_mul(out_rows, x.out, &out_size) || out_size > kMaxSize || x.out > kMaxSize ||
      in_rows > kMaxSize) {
    return fail(Code::InvalidArgument, "", "an image is too large");
  }
  return ok_status();
}

Status convolve(const model::Model& model, size_t tensor, const Conv2d& conv,
                std::span<const float> x, uint64_t batch, std::span<float> y,
                model::ProgressStep progress) {
  return model.in_data(model.data_tensor(tensor),
                       Convolution(model, tensor, conv, x, batch, y).run(std::move(progress)));
}

}  // namespace dcf::impl::kernels
