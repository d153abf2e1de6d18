// SPDX-License-Identifier: Apache-2.0
#include "kernels/packed_conv.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "kernels/aligned.h"
#include "kernels/matrix.h"
#include "kernels/tasks.h"

namespace dcf::impl::kernels {
namespace {

// The image of one group with its padding, so that no element of a window lies outside.
class Padded {
 public:
  Padded(const Conv2d& conv, uint64_t channels)
      : conv_(conv),
        channels_(channels),
        height_(conv.y.size + 2 * conv.y.pad),
        width_(conv.x.size + 2 * conv.x.pad) {}

  uint64_t row() const { return width_; }
  uint64_t plane() const { return height_ * width_; }
  uint64_t floats() const { return channels_ * plane() + kSlack; }

  void fill(const float* x, float* to) const {
    std::fill_n(to, floats(), 0.0f);
    for (uint64_t c = 0; c < channels_; ++c) {
      for (uint64_t y = 0; y < conv_.y.size; ++y, x += conv_.x.size) {
        std::copy_n(x, conv_.x.size, to + c * plane() + (y + conv_.y.pad) * width_ + conv_.x.pad);
      }
    }
  }

  static constexpr uint64_t kSlack = 16;  // floats; a copy of kSlack floats may end past the image

 private:
  const Conv2d& conv_;
  uint64_t channels_;
  uint64_t height_;
  uint64_t width_;
};

// Positions of a tile that lie in one row of the output.
struct Segment {
  uint64_t from;  // index into the padded image, for the window's first element
  uint64_t count;
};

class PackedConv final : public LayerKernel {
 public:
  PackedConv(const LayerEntries& entries, const Conv2d& conv, bool dense, const Parallel& parallel,
             const TileLoops& loops)
      : conv_(conv), padded_(conv_, conv.in_channels / conv.groups), loops_(loops) {
    const uint64_t rows = entries.rows / conv_.groups;
    const AllEntries source(entries, parallel);
    for (uint64_t g = 0; g < conv_.groups; ++g) {
      groups_.emplace_back(source, g * rows, (g + 1) * rows, dense);
    }
  }

  const char* name() const override {
    return groups_.front().is_dense() ? "conv-dense" : "conv-blocked";
  }
  uint64_t packed_bytes() const override {
    uint64_t bytes = 0;
    for (const TileMatrix& matrix : groups_) bytes += matrix.bytes();
    return bytes;
  }
  uint64_t working_bytes(uint64_t batch, const Parallel& parallel) const override {
    const uint64_t threads = std::min<uint64_t>(parallel.width(), batch * tiles());
    return threads * (padded_.floats() + tile_floats() + Blocked::kPanel * widest()) *
           sizeof(float);
  }

  void apply(const float* x, uint64_t batch, float* y, const Parallel& parallel,
             const Epilogue& epilogue) const override {
    const uint64_t in = conv_.in_size / conv_.groups;
    const uint64_t out = conv_.out_size / conv_.groups;
    // Threads share an image only if there are few images: each item makes a padded image.
    const uint64_t parts = batch * conv_.groups >= parallel.width() ? 1 : tiles();
    run_tasks(parallel, batch * conv_.groups * parts, [&](size_t item) {
      const uint64_t image = item / parts;  // and group
      const uint64_t part = item % parts;
      convolve(groups_[image % conv_.groups], x + image * in, part * tiles() / parts,
               (part + 1) * tiles() / parts, epilogue, image % conv_.groups, y + image * out);
    });
  }

 private:
  uint64_t positions() const { return conv_.y.out * conv_.x.out; }
  uint64_t widest() const { return loops_.width_for(positions()); }
  uint64_t tiles() const { return ceil_div(positions(), widest()); }
  uint64_t tile_floats() const { return groups_.front().cols() * widest() + Padded::kSlack; }

  // Computes tiles [first, last) of one group of one image.
  void convolve(const TileMatrix& matrix, const float* x, uint64_t first, uint64_t last,
                const Epilogue& epilogue, uint64_t group, float* y) const {
    const bool finite = !matrix.is_dense() || all_finite(x, conv_.in_size / conv_.groups);
    const AlignedFloats image(padded_.floats());
    padded_.fill(x, image.data());
    const AlignedFloats tile(tile_floats());
    const AlignedFloats sums(Blocked::kPanel * widest());
    std::vector<Segment> segments;
    const uint64_t end = std::min(last * widest(), positions());
    for (uint64_t at = first * widest(); at < end;) {
      // Only the image's last tile is narrower, whatever the number of threads that share the
      // tiles.
      const uint64_t wide = loops_.width_for(std::min(widest(), end - at));
      const uint64_t count = std::min(wide, end - at);
      find_segments(at, count, &segments);
      fill_tile(segments, image.data(), wide, tile.data());
      for (uint64_t panel = 0; panel < matrix.panels(); ++panel) {
        matrix.multiply(loops_, wide, panel, finite, tile.data(), sums.data());
        for (uint64_t row = 0; row < matrix.panel_rows(panel); ++row) {
          const uint64_t channel = panel * Blocked::kPanel + row;
          float* const to = y + channel * positions() + at;
          std::copy_n(sums.data() + row * wide, count, to);
          epilogue.finish_row(to, count, group * matrix.rows() + channel);
        }
      }
      at += count;
    }
  }

  void find_segments(uint64_t first, uint64_t count, std::vector<Segment>* segments) const {
    segments->clear();
    while (count != 0) {
      const uint64_t oy = first / conv_.x.out;
      const uint64_t ox = first % conv_.x.out;
      const uint64_t n = std::min(count, conv_.x.out - ox);
      segments->push_back({oy * conv_.y.stride * padded_.row() + ox * conv_.x.stride, n});
      first += n;
      count -= n;
    }
  }

  // Fills one row of the tile per element of the window.
  void fill_tile(const std::vector<Segment>& segments, const float* image, uint64_t wide,
                 float* tile) const {
    const uint64_t channels = conv_.in_channels / conv_.groups;
    for (uint64_t c = 0; c < channels; ++c) {
      for (uint64_t ky = 0; ky < conv_.y.kernel; ++ky) {
        for (uint64_t kx = 0; kx < conv_.x.kernel; ++kx, tile += wide) {
          const float* const from = image + c * padded_.plane() +
                                    ky * conv_.y.dilation * padded_.row() + kx * conv_.x.dilation;
          uint64_t filled = conv_.x.stride == 1 ? fill_dense(segments, from, tile)
                                                : fill_strided(segments, from, tile);
          for (; filled < wide; ++filled) tile[filled] = 0;
        }
      }
    }
  }

  // Copies kSlack floats at a time; the next copy overwrites those beyond the end.
  static uint64_t fill_dense(const std::vector<Segment>& segments, const float* from, float* to) {
    uint64_t filled = 0;
    for (const Segment& s : segments) {
      for (uint64_t i = 0; i < s.count; i += Padded::kSlack) {
        std::memcpy(to + filled + i, from + s.from + i, Padded::kSlack * sizeof(float));
      }
      filled += s.count;
    }
    return filled;
  }
  uint64_t fill_strided(const std::vector<Segment>& segments, const float* from, float* to) const {
    uint64_t filled = 0;
    for (const Segment& s : segments) {
      for (uint64_t i = 0; i < s.count; ++i) to[filled++] = from[s.from + i * conv_.x.stride];
    }
    return filled;
  }

  Conv2d conv_;
  Padded padded_;
  std::vector<TileMatrix> groups_;
  const TileLoops& loops_;
};

}  // namespace

std::unique_ptr<LayerKernel> make_packed_conv(const LayerEntries& entries, const Conv2d& conv,
                                              bool dense, const Parallel& parallel,
                                              const TileLoops& loops) {
  return std::make_unique<PackedConv>(entries, conv, dense, parallel, loops);
}

}  // namespace dcf::impl::kernels
