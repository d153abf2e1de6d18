// SPDX-License-Identifier: Apache-2.0
#include "encode/round/grid_round.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/checked.h"
#include "base/float_convert.h"
#include "compress/quality.h"
#include "encode/round/error_feedback.h"
#include "encode/round/grid_block.h"
#include "encode/round/grid_codes.h"
#include "encode/round/grid_store.h"
#include "encode/round/output_channels.h"
#include "encode/round/trellis.h"
#include "encode/round/unit_scales.h"

namespace dcf::impl::encode {
namespace {

// Elements that are read at once, and that one task works on.
constexpr uint64_t kRoundBlock = uint64_t{1} << 12;
constexpr uint64_t kTask = uint64_t{1} << 18;
// The scale of a unit takes 32 bits: with so many elements at most half a bit for each.
constexpr uint64_t kLeastOfGridUnit = 64;
// From so many times as many rows as columns on a matrix is a table.
constexpr uint64_t kTableRows = 16;
// Columns are taken in groups, for the sums of one pass to fit in the cache.
constexpr uint64_t kColumnsOfTask = 1024;
// Rows or columns differ from so many bits of spread_of() on. In nets of which the rows are alike,
// it is below; in those that lose most by one scale, it is 0.2 to 3.
constexpr double kLeastSpread = 0.1;
constexpr double kScaleBits = 32;
// The step of a unit is not finer than this part of that of the whole tensor: a unit so faint
// hardly matters beside the others, and one of numbers near 0 would have no step at all.
constexpr double kFinest = 1.0 / 64;
// Sums are kept in tensors of at most so many elements, as kernels of convolutions have; in so many
// elements of columns, and so many columns, at once.
constexpr uint64_t kMostSummed = uint64_t{1} << 24;
constexpr uint64_t kSummedAtOnce = uint64_t{1} << 17;
constexpr uint64_t kMostColumns = 64;
// In shorter rows the first elements of trellis values, whose offsets are 0, lose most of the gain;
// longer ones are rare.
constexpr uint64_t kLeastTrellisRow = 32;
constexpr uint64_t kMostTrellisRow = uint64_t{1} << 16;
// Zeros stay zeros, which leaves the elements between them fewer integers: where more than one of
// so many elements is zero, a grid loses less.
constexpr uint64_t kZeroShare = 16;
// Steps beyond are left alone: the inverse of a lower one is no float, and a multiple of a greater
// one may be infinite.
constexpr double kLeastStep = std::numeric_limits<float>::min();
constexpr double kGreatestStep = 0x1p100;

// Where more of the weights that are not 0 would be, a few outliers make up the root mean square,
// which says nothing of the others. Of normally distributed weights 0.61 vanish at the lowest SQNR.
constexpr double kMostVanished = 0.875;

// To 12 significant bits, of which it has more; it is a normal float.
float short_scale(double step) {
  const auto bits = std::bit_cast<uint32_t>(static_cast<float>(step));
  return std::bit_cast<float>((bits + 0x800) & ~uint32_t{0xFFF});
}

class Rounder {
 public:
  Rounder(DType dtype, Bytes words, std::span<const uint64_t> dims, double sqnr_db,
          const Work& work, const Moments* moments)
      : dtype_(dtype),
        width_(dtype_bits(dtype) / 8),
        words_(words),
        dims_(dims),
        sqnr_db_(sqnr_db),
        work_(work),
        moments_(moments),
        elements_(words.size() / width_) {}

  Result<std::optional<RoundedTensor>> run() {
    const std::optional<RoundedTensor> nothing;
    if (work_.memory < rounded_bytes(elements_, dtype_bits(dtype_))) return too_large();
    DCF_TRY(measure());
    if (!is_possible(step_)) return nothing;
    DCF_TRY(choose_scales());
    rounded_.words.resize(words_.size());
    rounded_.numbers.resize(static_cast<size_t>(elements_));
    DCF_TRY(moments_ == nullptr ? round_nearest() : round_with_moments());
    if (!good_) return nothing;
    if (rounded_.greatest_error == 0 || !std::isfinite(rounded_.greatest_error)) return nothing;
    DCF_TRY(set_symbols());
    return std::optional<RoundedTensor>(std::move(rounded_));
  }

 private:
  static bool is_possible(double step) { return step >= kLeastStep && step <= kGreatestStep; }

  static Status too_large() {
    return fail(Code::LimitMemory, "",
                "clustering or rounding the tensor needs more memory than the limit");
  }

  // Calls body(first, n, task) for parts of [0, elements).
  template <typename Body>
  Status each_part(Body body) {
    DCF_ASSIGN(const Parallel parallel, work_.threads_for(4 * kRoundBlock * sizeof(float)));
    const auto tasks = static_cast<size_t>(ceil_div(elements_, kTask));
    DCF_TRY(run_fallible(parallel, tasks, [&](size_t task) {
      const uint64_t first = task * kTask;
      body(first, std::min(kTask, elements_ - first), task);
      return ok_status();
    }));
    return work_.progress.poll();
  }

  // Calls use(first, values) for the elements [first, first + n) in blocks.
  template <typename Use>
  void each_block(uint64_t first, uint64_t n, Use use) const {
    std::array<float, kRoundBlock> values;
    for (uint64_t at = first; at < first + n; at += kRoundBlock) {
      const auto size = static_cast<size_t>(std::min(kRoundBlock, first + n - at));
      const std::span<float> block(values.data(), size);
      words_to_floats(dtype_, words_.subspan(static_cast<size_t>(at) * width_, size * width_),
                      block);
      use(at, block);
    }
  }

  static double sum_of_squares(std::span<const float> values) {
    // Several sums, so that an addition does not wait for the one before.
    std::array<double, 8> sums{};
    size_t i = 0;
    for (; i + 8 <= values.size(); i += 8) {
      for (size_t k = 0; k < 8; ++k) {
        const double x = values[i + k];
        sums[k] += x * x;
      }
    }
    double sum = 0;
    for (const double part : sums) sum += part;
    for (; i < values.size(); ++i) sum += double{values[i]} * double{values[i]};
    return sum;
  }

  // Step of the whole tensor; 0 where there is none.
  Status measure() {
    std::vector<double> sums(static_cast<size_t>(ceil_div(elements_, kTask)));
    std::vector<uint64_t> zeros(sums.size());
    DCF_TRY(each_part([&](uint64_t first, uint64_t n, size_t task) {
      each_block(first, n, [&](uint64_t, std::span<float> values) {
        sums[task] += sum_of_squares(values);
        zeros[task] += static_cast<uint64_t>(std::count(values.begin(), values.end(), 0.0F));
      });
    }));
    double sum = 0;
    for (const double part : sums) sum += part;
    for (const uint64_t part : zeros) zeros_ += part;
    // NaN and Inf stay what they are in the sum of squares.
    step_ = std::isfinite(sum) ? step_of(sum, elements_) : 0;
    return ok_status();
  }

  double step_of(double squares, uint64_t n) const {
    return compress::step_for(std::sqrt(squares / static_cast<double>(n)), sqnr_db_);
  }

  float unit_scale(double squares, uint64_t n) const {
    if (squares == 0) return 0;
    return short_scale(
        std::clamp(step_of(squares, n), std::max(kLeastStep, step_ * kFinest), kGreatestStep));
  }

  // ---- Scales ----------------------------------------------------------------------------------

  // The sum of the squares of each unit, of an axis whose units are rows or columns of a matrix.
  Result<std::vector<double>> squares_of(ClassAxis axis) {
    std::vector<double> squares(axis.units);
    // Rows whole, or a range of all columns.
    const uint64_t of_task =
        axis.run == 1 ? kColumnsOfTask : std::max(kTask / axis.run, uint64_t{1});
    DCF_ASSIGN(const Parallel parallel, work_.threads_for(2 * kRoundBlock * sizeof(float)));
    DCF_TRY(run_fallible(
        parallel, static_cast<size_t>(ceil_div(axis.units, of_task)), [&](size_t task) {
          const uint64_t first = task * of_task;
          const uint64_t units = std::min(of_task, axis.units - first);
          const std::span<double> sums =
              std::span(squares).subspan(static_cast<size_t>(first), static_cast<size_t>(units));
          axis.run == 1 ? add_columns(axis.units, first, sums) : add_rows(axis.run, first, sums);
          return ok_status();
        }));
    DCF_TRY(work_.progress.poll());
    return squares;
  }

  void add_rows(uint64_t cols, uint64_t first, std::span<double> sums) const {
    for (double& sum : sums) {
      each_block(first++ * cols, cols,
                 [&](uint64_t, std::span<float> values) { sum += sum_of_squares(values); });
    }
  }

  void add_columns(uint64_t cols, uint64_t first, std::span<double> sums) const {
    for (uint64_t at = first; at < elements_; at += cols) {
      each_block(at, sums.size(), [&](uint64_t, std::span<float> values) {
        for (size_t c = 0; c < values.size(); ++c) sums[c] += double{values[c]} * double{values[c]};
      });
    }
  }

  // By how many bits the root mean square of all units is above that of a unit, in the mean: what a
  // scale for each takes more than one scale, at the same ratio. That of a unit counts from
  // kFinest on.
  double spread_of(std::span<const double> squares) const {
    double sum = 0;
    for (const double square : squares) sum += square;
    const double mean = sum / static_cast<double>(squares.size());
    double bits = 0;
    for (const double square : squares) {
      bits += std::log2(mean / std::max(square, mean * kFinest * kFinest)) / 2;
    }
    return bits / static_cast<double>(squares.size());
  }

  // Scales of their own keep faint rows or columns as exact as the others, which what reads them
  // may scale up again. Where all are alike this costs the bits of the scales and gains nothing.
  Status choose_scales() {
    rounded_.grid.axis = axis_of(std::min<uint64_t>(elements_, UINT32_MAX), 1);
    rounded_.grid.scales = {short_scale(step_)};
    std::vector<ClassAxis> axes = {output_channels(dims_, elements_)};
    if (axes[0].units == 0) axes = matrix_axes();
    double greatest = kLeastSpread;
    for (const ClassAxis axis : axes) {
      if (axis.units < 2 || elements_ / axis.units < kLeastOfGridUnit) continue;
      DCF_ASSIGN(const std::vector<double> squares, squares_of(axis));
      const uint64_t of_unit = elements_ / axis.units;
      const double spread = spread_of(squares);
      if (spread < greatest || spread < kScaleBits / static_cast<double>(of_unit)) continue;
      greatest = spread;
      rounded_.grid.axis = axis;
      rounded_.grid.scales.clear();
      for (const double square : squares) {
        rounded_.grid.scales.push_back(unit_scale(square, of_unit));
      }
    }
    return ok_status();
  }

  // Rows and columns. What has many more rows than columns is a table of which single rows are
  // used: all are of one kind.
  std::vector<ClassAxis> matrix_axes() const {
    const uint64_t cols = dims_.back();
    const uint64_t rows = elements_ / cols;
    if (rows > kTableRows * cols) return {};
    return {axis_of(cols, rows), axis_of(1, cols)};
  }

  // ---- Multiples -------------------------------------------------------------------------------

  double store(uint64_t index, float value, int32_t multiple, float scale) {
    return store_multiple(dtype_, index, value, multiple, scale, &rounded_);
  }

  Status round_all() {
    const BlockKernels& kernels = active_block_kernels();
    std::vector<RoundingEffect> effects(static_cast<size_t>(ceil_div(elements_, kTask)));
    DCF_TRY(each_part([&](uint64_t first, uint64_t n, size_t task) {
      UnitScales by(rounded_.grid);
      each_block(first, n, [&](uint64_t at, std::span<float> values) {
        const auto to = static_cast<size_t>(at);
        by.move_to(at, values.size());
        effects[task].add(kernels.round(dtype_, values, by.scales(), by.inverses(),
                                        rounded_.numbers.data() + to,
                                        rounded_.words.data() + to * width_));
      });
    }));
    note(effects);
    return ok_status();
  }

  void note(std::span<const RoundingEffect> effects) {
    RoundingEffect all;
    for (const RoundingEffect& effect : effects) all.add(effect);
    rounded_.greatest_error = all.greatest_error;
    good_ = std::isfinite(all.greatest_error) &&
            static_cast<double>(all.vanished) <= kMostVanished * static_cast<double>(all.nonzeros);
  }

  // ---- Trellis ---------------------------------------------------------------------------------

  // Whether the rows are long enough, few elements are 0, no multiple vanishes, and sums that are
  // kept are those of rows.
  bool may_be_trellis() const {
    const uint64_t cols = format::default_view_cols(dims_, elements_);
    if (zeros_ > elements_ / kZeroShare) return false;
    if (cols < kLeastTrellisRow || cols > kMostTrellisRow) return false;
    const ClassAxis summed = output_channels(dims_, elements_);
    if (summed.units != 0 && summed.run != cols) return false;
    const std::vector<float>& scales = rounded_.grid.scales;
    const bool of_rows = rounded_.grid.axis.run == cols;
    return std::all_of(scales.begin(), scales.end(), [&](float scale) {
      return scale == 0 ? of_rows : grid_value(dtype_, 1, trellis_scale(scale)) != 0;
    });
  }

  // The scale with which trellis values lose what those of a grid lose with this one.
  static float trellis_scale(float scale) {
    static const double kFactor = 1 / std::sqrt(4 * kTrellisGain);
    return short_scale(scale * kFactor);
  }

  Status round_trellis() {
    const auto cols = static_cast<size_t>(format::default_view_cols(dims_, elements_));
    const bool keeps_sums = output_channels(dims_, elements_).units != 0;
    const uint64_t rows = elements_ / cols;
    const uint64_t of_task = std::max(kTask / cols, uint64_t{1});
    GridScales grid = rounded_.grid;
    for (float& scale : grid.scales) scale = trellis_scale(scale);
    // Where the elements of a row have scales of their own, a step is not as much in each of them.
    const bool by_columns = grid.scales.size() > 1 && grid.axis.run < cols;
    const float greatest = *std::max_element(grid.scales.begin(), grid.scales.end());
    const BlockKernels& kernels = active_block_kernels();
    constexpr size_t kTogether = 2;  // rows, as the search prefers
    DCF_ASSIGN(const Parallel parallel,
               work_.threads_for(kTogether * cols * (5 * sizeof(float) + sizeof(int32_t)) +
                                 TrellisSearch::row_bytes(cols)));
    std::vector<RoundingEffect> effects(static_cast<size_t>(ceil_div(rows, of_task)));
    DCF_TRY(work_.run_reporting(parallel, effects.size(), [&](size_t task) {
      TrellisSearch search;
      UnitScales by(grid);
      std::vector<float> values(kTogether * cols);
      std::vector<float> steps(kTogether * cols);
      std::vector<float> weights(kTogether * cols, 1.0F);
      std::vector<int32_t> integers(kTogether * cols);
      const uint64_t end = std::min(rows, (task + 1) * of_task);
      for (uint64_t row = task * of_task; row < end; row += kTogether) {
        const auto together = static_cast<size_t>(std::min<uint64_t>(kTogether, end - row));
        const uint64_t first = row * cols;
        const size_t n = together * cols;
        values.resize(n);
        steps.resize(n);
        words_to_floats(dtype_, words_.subspan(static_cast<size_t>(first) * width_, n * width_),
                        values);
        by.move_to(first, n);
        uint32_t most = 0;  // the bits of a float that is not negative rise with it
        for (size_t i = 0; i < n; ++i) {
          steps[i] = values[i] * by.inverses()[i];
          most = std::max(most, std::bit_cast<uint32_t>(std::abs(steps[i])));
        }
        if (most >= std::bit_cast<uint32_t>(TrellisSearch::kMostSteps)) {
          effects[task].greatest_error = std::numeric_limits<double>::infinity();
          return ok_status();
        }
        if (by_columns) {
          for (size_t i = 0; i < n; ++i) {
            const float part = by.scales()[i] / greatest;
            weights[i] = part * part;
          }
        }
        search.nearest(steps, std::span(weights).first(n), together, integers.data());
        for (size_t k = 0; keeps_sums && k < together; ++k) {
          search.keep_sum(std::span(steps).subspan(k * cols, cols), integers.data() + k * cols);
        }
        const auto to = static_cast<size_t>(first);
        effects[task].add(kernels.set_multiples(dtype_, values, integers.data(), by.scales(),
                                                rounded_.numbers.data() + to,
                                                rounded_.words.data() + to * width_));
      }
      return ok_status();
    }));
    note(effects);
    if (!good_) return ok_status();
    rounded_.grid = std::move(grid);
    rounded_.values = format::Values::kTrellis;
    return ok_status();
  }

  // ---- Sums ------------------------------------------------------------------------------------

  Status keep_sums() {
    const ClassAxis axis = output_channels(dims_, elements_);
    const bool one_scale = rounded_.grid.scales.size() == 1;
    if (axis.units == 0 || elements_ > kMostSummed || !(one_scale || rounded_.grid.axis == axis))
      return ok_status();
    const uint64_t of_unit = elements_ / axis.units;
    // Columns are read several at once.
    const uint64_t together =
        axis.run == 1 ? std::clamp<uint64_t>(kSummedAtOnce / of_unit, 1, kMostColumns) : 1;
    DCF_ASSIGN(
        const Parallel parallel,
        work_.threads_for(of_unit * (together * sizeof(float) + sizeof(uint32_t)) + kRoundBlock));
    std::vector<double> greatest(axis.units);
    const auto tasks = static_cast<size_t>(ceil_div(axis.units, together));
    DCF_TRY(run_fallible(parallel, tasks, [&](size_t task) {
      const uint64_t first = task * together;
      const uint64_t count = std::min(together, axis.units - first);
      std::vector<float> scales(static_cast<size_t>(count), rounded_.grid.scales[0]);
      if (!one_scale) {
        std::copy_n(rounded_.grid.scales.begin() + static_cast<ptrdiff_t>(first), count,
                    scales.begin());
      }
      const std::vector<float> above = above_multiples(axis, first, scales);
      for (size_t k = 0; k < scales.size(); ++k) {
        if (scales[k] == 0) continue;
        const auto own = std::span(above).subspan(k * static_cast<size_t>(of_unit),
                                                  static_cast<size_t>(of_unit));
        greatest[first + k] = keep_sum(axis, first + k, scales[k], own);
      }
      return ok_status();
    }));
    for (const double most : greatest) {
      rounded_.greatest_error = std::max(rounded_.greatest_error, most);
    }
    return work_.progress.poll();
  }

  // What the multiples are in the file.
  Status set_symbols() {
    rounded_.symbols.resize(static_cast<size_t>(elements_));
    return each_part([&](uint64_t first, uint64_t n, size_t) {
      const std::span numbers(rounded_.numbers.data() + first, static_cast<size_t>(n));
      code_grid_numbers(rounded_.values, numbers,
                        {rounded_.symbols.data() + first, numbers.size()});
    });
  }

  float value_at(uint64_t index) const {
    return word_to_float(dtype_,
                         load_word(words_.data() + static_cast<size_t>(index) * width_, width_));
  }

  // By how many steps each weight is above its multiple, in units from `first` on, one after the
  // other; there are as many as scales.
  std::vector<float> above_multiples(ClassAxis axis, uint64_t first,
                                     std::span<const float> scales) const {
    std::vector<float> inverse;
    for (const float scale : scales) inverse.push_back(scale == 0 ? 0 : 1 / scale);
    const auto of_unit = static_cast<size_t>(elements_ / axis.units);
    std::vector<float> above(of_unit * scales.size());
    // Elements of one unit that follow each other, or one element of each unit.
    const bool columns = axis.run == 1;
    const uint64_t length = columns ? scales.size() : axis.run;
    size_t done = 0;  // of each unit
    for (uint64_t from = first * axis.run; from < elements_; from += axis.period()) {
      each_block(from, length, [&](uint64_t at, std::span<const float> values) {
        const auto begin = static_cast<size_t>(at - from);
        for (size_t i = 0; i < values.size(); ++i) {
          const size_t unit = columns ? begin + i : 0;
          const float steps = values[i] * inverse[unit];
          above[columns ? unit * of_unit + done : done + begin + i] =
              steps - static_cast<float>(nearest_multiple(steps));
        }
      });
      done += columns ? 1 : static_cast<size_t>(length);
    }
    return above;
  }

  // Moves by one step as many elements of a unit as bring the sum of the multiples next to that of
  // the weights: those that were the nearest to it. Returns their greatest error.
  double keep_sum(ClassAxis axis, size_t unit, float scale, std::span<const float> above) {
    const float inverse = 1 / scale;
    double sum = 0;
    for (const float steps : above) sum += steps;
    const float sign = sum < 0 ? -1 : 1;
    const auto moved = std::min(static_cast<size_t>(std::abs(std::round(sum))), above.size());
    double greatest = 0;
    for (const uint32_t k : greatest_of(above, sign, moved)) {
      const uint64_t index = unit * axis.run + k / axis.run * axis.period() + k % axis.run;
      const float value = value_at(index);
      const int32_t multiple = nearest_multiple(value * inverse) + (sign < 0 ? -1 : 1);
      greatest = std::max(greatest, store(index, value, multiple, scale));
    }
    return greatest;
  }

  // The indices of the `count` greatest of sign * values[k]; of equal ones those of lower k.
  static std::vector<uint32_t> greatest_of(std::span<const float> values, float sign,
                                           size_t count) {
    std::vector<uint32_t> found;
    if (count == 0) return found;
    // Values spread about evenly from -0.5 to 0.5: few are looked at.
    double share = 2 * static_cast<double>(count + 8) / static_cast<double>(values.size());
    do {
      const auto least = static_cast<float>(share > 1 ? -1 : 0.5 - share);
      found.clear();
      for (size_t k = 0; k < values.size(); ++k) {
        if (sign * values[k] >= least) found.push_back(static_cast<uint32_t>(k));
      }
      share *= 2;
    } while (found.size() < count && share <= 4);
    count = std::min(count, found.size());
    const auto before = [&](uint32_t a, uint32_t b) {
      const float x = sign * values[a];
      const float y = sign * values[b];
      return x != y ? x > y : a < b;
    };
    std::nth_element(found.begin(), found.begin() + static_cast<ptrdiff_t>(count), found.end(),
                     before);
    found.resize(count);
    return found;
  }

  // ---- Moments ---------------------------------------------------------------------------------

  Status round_nearest() {
    if (may_be_trellis()) {
      DCF_TRY(round_trellis());
    }
    if (good_) return ok_status();
    DCF_TRY(round_all());
    return good_ ? keep_sums() : ok_status();
  }

  // Errors are fed on from weight to weight, which needs all integers; where the inputs have little
  // in common trellis values, in fewer bits, are as good.
  Status round_with_moments() {
    const GridScales scales = rounded_.grid;
    double of_trellis = std::numeric_limits<double>::infinity();
    if (may_be_trellis()) {
      DCF_TRY(round_trellis());
      if (good_) {
        DCF_ASSIGN(of_trellis, output_error(true));
      }
      rounded_.grid = scales;
      rounded_.values = format::Values::kGrid;
    }
    DCF_TRY(round_all());
    if (!good_) return ok_status();
    DCF_TRY(keep_sums());
    DCF_ASSIGN(OutputError output,
               feed_errors(dtype_, words_, dims_, *moments_, beside_result(), &rounded_));
    if (of_trellis * kTrellisGain <= output.sampled) {
      DCF_TRY(round_trellis());
      DCF_ASSIGN(output.error, output_error(false));
    }
    rounded_.output_error = output.error;
    rounded_.use = output.use;
    return ok_status();
  }

  Result<double> output_error(bool sampled) const {
    return measure_error(dtype_, words_, dims_, *moments_, sampled, beside_result(), rounded_);
  }

  Work beside_result() const {
    return {work_.parallel, work_.progress,
            work_.memory - rounded_bytes(elements_, dtype_bits(dtype_))};
  }

  const DType dtype_;
  const size_t width_;
  const Bytes words_;
  const std::span<const uint64_t> dims_;
  const double sqnr_db_;
  const Work& work_;
  const Moments* const moments_;
  const uint64_t elements_;
  uint64_t zeros_ = 0;  // elements that are 0
  double step_ = 0;
  bool good_ = false;
  RoundedTensor rounded_;
};

}  // namespace

Result<std::optional<RoundedTensor>> round_to_grid(DType dtype, Bytes words,
                                                   std::span<const uint64_t> dims, double sqnr_db,
                                                   const Work& work, const Moments* moments) {
  return Rounder(dtype, words, dims, sqnr_db, work, moments).run();
}

}  // namespace dcf::impl::encode
