// SPDX-License-Identifier: Apache-2.0
#include "encode/round/error_feedback.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "base/checked.h"
#include "base/float_convert.h"
#include "base/rank_one.h"
#include "encode/round/grid_store.h"
#include "encode/round/upper_factor.h"

namespace dcf::impl::encode {
namespace {

// Added to every mean square, in parts of the mean of all. With less, rounding fits the inputs that
// were seen and is worse on others: most of all where these are fewer than the columns.
constexpr double kDamping = 0.1;
constexpr double kDampingOfFew = 1;
// The least mean of a group that counts, in parts of the mean of all groups: one whose inputs were
// never seen is not worth less.
constexpr double kFaintest = 1e-6;

// Rows that are worked on at once. In each array of lanes, the first half is for the multiples to
// be found and the second for those of before, whose error is measured beside them.
constexpr size_t kRows = 8;
constexpr size_t kLanes = 2 * kRows;
constexpr size_t kPanel = 16;   // columns whose sums over those before are taken together
constexpr size_t kBatch = 256;  // tiles of rows between two looks at the progress
constexpr size_t kTaskElements = 1 << 14;
constexpr uint64_t kSampleStep = 8;  // tiles of a single group of which one is in the sample

using Lanes = std::array<double, kLanes>;
typedef double Half __attribute__((vector_size(kRows * sizeof(double))));

// Of each row in `errors`, row-major [n][kLanes]: the sums of the products with a and b.
void add_products(const double* a, const double* b, size_t n, const Lanes* errors, Lanes* sums) {
  for (size_t half = 0; half < kLanes; half += kRows) {
    Half of_a = {};
    Half of_b = {};
    for (size_t s = 0; s < n; ++s) {
      Half error;
      std::memcpy(&error, errors[s].data() + half, sizeof error);
      of_a += a[s] * error;
      of_b += b[s] * error;
    }
    std::memcpy(sums[0].data() + half, &of_a, sizeof of_a);
    std::memcpy(sums[1].data() + half, &of_b, sizeof of_b);
  }
}

// The moments of one group, damped, in the order of work: place n - 1 goes first.
struct Order {
  std::vector<size_t> column;  // of each place
  double damping = 0;
  // What (error of place p + what those before ask of it)^2 costs.
  std::vector<double> weight;
  // Asked of place p by the errors e: the sum of factor[p][s] e[s] over s > p. Or without a matrix:
  // share[p] * (sum of mean[s] e[s] over s > p).
  std::vector<double> factor;
  std::vector<double> share;
  std::vector<double> mean;

  bool has_matrix() const { return !factor.empty(); }
  size_t size() const { return column.size(); }
};

template <typename MeanSquare>
void sort_columns(size_t n, MeanSquare mean_square, Order* order) {
  order->column.resize(n);
  std::iota(order->column.begin(), order->column.end(), size_t{0});
  std::sort(order->column.begin(), order->column.end(), [&](size_t a, size_t b) {
    const double x = mean_square(a);
    const double y = mean_square(b);
    return x != y ? x < y : a > b;
  });
}

Result<Order> order_matrix(std::span<const float> matrix, size_t n, double damping,
                           const Parallel& parallel, const Progress* progress) {
  Order order;
  order.damping = damping;
  sort_columns(
      n, [&](size_t c) { return double{matrix[c * n + c]}; }, &order);
  order.factor.resize(n * n);
  for (size_t p = 0; p < n; ++p) {
    const float* const row = matrix.data() + order.column[p] * n;
    for (size_t s = p; s < n; ++s) {
      // The mean with the mirror image, which rounding may have made another number.
      const size_t column = order.column[s];
      order.factor[p * n + s] = (double{row[column]} + matrix[column * n + order.column[p]]) / 2;
    }
    order.factor[p * n + p] += damping;
  }
  // All eigenvalues of a positive semidefinite matrix are `damping` and more now.
  DCF_ASSIGN(const bool factored, factor_upper(order.factor, n, damping / 2, parallel, progress));
  if (!factored) return invalid("the matrix of moments is not positive semidefinite");
  order.weight.resize(n);
  for (size_t p = 0; p < n; ++p) {
    double* const row = order.factor.data() + p * n;
    const double root = row[p];
    order.weight[p] = root * root;
    for (size_t s = p + 1; s < n; ++s) row[s] /= root;
  }
  return order;
}

// diag(d) + m m^T. What is left to place p and those after it (below it) when the sum of the others
// is A: the least of the sum of d e^2 + (A + sum of m e)^2.
Order order_vectors(std::span<const float> mean, std::span<const float> mean_square,
                    double damping) {
  Order order;
  order.damping = damping;
  const size_t n = mean.size();
  sort_columns(
      n, [&](size_t c) { return double{mean_square[c]}; }, &order);
  order.weight.resize(n);
  order.share.resize(n);
  order.mean.resize(n);
  double below = 0;  // sum of m^2 / d
  for (size_t p = 0; p < n; ++p) {
    const double m = mean[order.column[p]];
    const double d = std::max(mean_square[order.column[p]] - m * m, 0.0) + damping;
    order.mean[p] = m;
    order.weight[p] = d + m * m / (1 + below);
    below += m * m / d;
    order.share[p] = m / d / (1 + below);
  }
  return order;
}

// Some rows of one group.
class Tile {
 public:
  struct Effect {
    double error = 0;           // E|(W - W') x|^2, of all rows
    double sampled = 0;         // of those in the sample
    double greatest_error = 0;  // of an element
  };

  // `result`: what `rounded` becomes, or null where no more than its error is asked for.
  Tile(DType dtype, Bytes words, bool inputs_first, MatrixShape shape, const Order& order,
       const RoundedTensor& rounded, RoundedTensor* result)
      : dtype_(dtype),
        words_(words),
        inputs_first_(inputs_first),
        shape_(shape),
        order_(order),
        rounded_(rounded),
        result_(result),
        weights_(order.size()),
        errors_(order.size()),
        multiples_(order.size()) {}

  static uint64_t bytes(uint64_t cols) {
    return cols * (sizeof(weights_[0]) + sizeof(errors_[0]) + sizeof(multiples_[0]));
  }

  Effect run(uint64_t first_row, size_t rows) {
    first_row_ = first_row;
    rows_ = rows;
    damped_ = {};
    squares_ = {};
    impossible_ = {};
    gather();
    order_.has_matrix() ? sweep_matrix() : sweep_vectors();
    return store();
  }

 private:
  using Values = std::array<float, kRows>;

  uint64_t index_of(size_t place, size_t row) const {
    const uint64_t column = order_.column[place];
    const uint64_t r = first_row_ + row;
    return inputs_first_ ? column * shape_.rows + r : r * shape_.cols + column;
  }

  float scale_of(uint64_t index) const {
    const GridScales& grid = rounded_.grid;
    if (grid.scales.size() == 1) return grid.scales[0];
    return grid.scales[static_cast<size_t>(index / grid.axis.run % grid.axis.units)];
  }

  float value_in(Bytes words, uint64_t index) const {
    const size_t width = dtype_bits(dtype_) / 8;
    return word_to_float(dtype_,
                         load_word(words.data() + static_cast<size_t>(index) * width, width));
  }

  // Weights, and the errors of the multiples of before. Lanes without a row are 0.
  void gather() {
    for (size_t p = 0; p < order_.size(); ++p) {
      weights_[p] = {};
      errors_[p] = {};
    }
    // Row by row where rows lie together, as the caches want it.
    const auto take = [&](size_t p, size_t row) {
      const uint64_t index = index_of(p, row);
      weights_[p][row] = value_in(words_, index);
      errors_[p][kRows + row] = double{weights_[p][row]} - double{value_in(rounded_.words, index)};
    };
    for (size_t row = 0; !inputs_first_ && row < rows_; ++row) {
      for (size_t p = 0; p < order_.size(); ++p) take(p, row);
    }
    for (size_t p = 0; inputs_first_ && p < order_.size(); ++p) {
      for (size_t row = 0; row < rows_; ++row) take(p, row);
    }
  }

  void sweep_matrix() {
    const size_t n = order_.size();
    std::array<Lanes, kPanel> asked;
    for (size_t end = n; end > 0;) {
      const size_t top = end - std::min(end, kPanel);
      for (size_t p = top; p < end; p += 2) {
        const double* const a = order_.factor.data() + p * n + end;
        std::array<Lanes, 2> pair;
        add_products(a, p + 1 < end ? a + n : a, n - end, errors_.data() + end, pair.data());
        asked[p - top] = pair[0];
        if (p + 1 < end) asked[p + 1 - top] = pair[1];
      }
      for (size_t p = end; p-- > top;) {
        Lanes& sums = asked[p - top];
        for (size_t s = p + 1; s < end; ++s) {
          const double f = order_.factor[p * n + s];
          for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += f * errors_[s][lane];
        }
        settle(p, sums);
      }
      end = top;
    }
  }

  void sweep_vectors() {
    Lanes sums{};
    for (size_t p = order_.size(); p-- > 0;) {
      Lanes asked;
      for (size_t lane = 0; lane < kLanes; ++lane) asked[lane] = order_.share[p] * sums[lane];
      settle(p, asked);
      for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += order_.mean[p] * errors_[p][lane];
    }
  }

  // Chooses the multiples of place p, and adds up what the errors there cost.
  void settle(size_t p, const Lanes& asked) {
    for (size_t row = 0; row < rows_; ++row) {
      const float weight = weights_[p][row];
      const float scale = scale_of(index_of(p, row));
      const float inverse = scale == 0 ? 0 : 1 / scale;
      const float steps = static_cast<float>(weight + asked[row]) * inverse;
      const bool fits = std::abs(steps) < static_cast<float>(kMaxGridInteger);
      const int32_t multiple = fits ? nearest_multiple(steps) : 0;
      const float value = grid_value(dtype_, multiple, scale);
      if (!fits || !std::isfinite(value)) impossible_[row] = true;
      multiples_[p][row] = multiple;
      errors_[p][row] = std::isfinite(value) ? double{weight} - double{value} : 0.0;
    }
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const double error = errors_[p][lane];
      damped_[lane] += order_.weight[p] * (error + asked[lane]) * (error + asked[lane]);
      squares_[lane] += error * error;
    }
  }

  // Without the damping, which is a part of both.
  double error_of(size_t lane) const {
    return std::max(damped_[lane] - order_.damping * squares_[lane], 0.0);
  }

  Effect store() {
    Effect effect;
    for (size_t row = 0; row < rows_; ++row) {
      const double before = error_of(kRows + row);
      const double after = error_of(row);
      const bool better = result_ != nullptr && !impossible_[row] && after < before;
      effect.error += better ? after : before;
      for (size_t p = 0; p < order_.size(); ++p) {
        double error = std::abs(errors_[p][kRows + row]);
        if (better) {
          const uint64_t index = index_of(p, row);
          error = store_multiple(dtype_, index, weights_[p][row], multiples_[p][row],
                                 scale_of(index), result_);
        }
        effect.greatest_error = std::max(effect.greatest_error, error);
      }
    }
    return effect;
  }

  const DType dtype_;
  const Bytes words_;
  const bool inputs_first_;
  const MatrixShape shape_;
  const Order& order_;
  const RoundedTensor& rounded_;
  RoundedTensor* const result_;
  uint64_t first_row_ = 0;
  size_t rows_ = 0;
  // By place.
  std::vector<Values> weights_;
  std::vector<Lanes> errors_;
  std::vector<std::array<int32_t, kRows>> multiples_;
  // Of each lane, or row.
  Lanes damped_{};
  Lanes squares_{};
  std::array<bool, kRows> impossible_{};
};

class Feedback {
 public:
  // `result`: as of a tile.
  Feedback(DType dtype, Bytes words, std::span<const uint64_t> dims, const Moments& moments,
           const Work& work, const RoundedTensor& rounded, RoundedTensor* result)
      : dtype_(dtype),
        words_(words),
        moments_(moments),
        work_(work),
        rounded_(rounded),
        result_(result),
        shape_(matrix_shape(dims, words.size() / (dtype_bits(dtype) / 8), moments.inputs_first)),
        rows_(shape_.rows / moments.groups),
        cols_(static_cast<size_t>(shape_.cols)) {}

  // `sampled`: only the rows of the sample, where they are not all of them.
  Result<OutputError> run(bool sampled) {
    DCF_TRY(choose_form());
    DCF_TRY(measure_means());
    std::vector<Tile::Effect> effects(static_cast<size_t>(moments_.groups));
    if (moments_.groups == 1) {
      DCF_TRY(work_on_one(sampled ? kSampleStep : 1, &effects[0]));
    } else {
      DCF_TRY(work_on_groups(effects));
    }
    OutputError result{.use = matrix_ ? MomentsUse::kMatrix : MomentsUse::kVectors};
    Tile::Effect all;
    for (const Tile::Effect& effect : effects) merge(effect, &all);
    if (result_ != nullptr) result_->greatest_error = all.greatest_error;
    result.error = all.error;
    result.sampled = all.sampled;
    return result;
  }

 private:
  uint64_t tile_bytes() const { return Tile::bytes(cols_) + 4 * sizeof(double) * cols_; }

  // The matrix where it fits, else vectors, those of the caller or others.
  Status choose_form() {
    if (cols_ == 0) return invalid("the tensor has no columns");
    const uint64_t of_matrix = uint64_t{sizeof(double)} * cols_ * cols_;  // fits: cols^2 floats do
    matrix_ = !moments_.matrix.empty() && of_matrix <= work_.memory &&
              tile_bytes() <= work_.memory - of_matrix;
    of_group_ = tile_bytes() + (matrix_ ? of_matrix : 0);
    if (matrix_ || moments_.matrix.empty() || !moments_.mean.empty()) return ok_status();
    const size_t n = moments_.groups * cols_;
    if (2 * sizeof(float) * n > work_.memory) {
      return fail(Code::LimitMemory, "", "the moments need more memory than the limit");
    }
    fitted_.resize(2 * n);
    for (uint64_t g = 0; g < moments_.groups; ++g) {
      const std::span<const float> matrix = matrix_of(g);
      DCF_TRY(check_matrix(matrix, cols_));
      fit_rank_one(
          cols_,
          [&](size_t i, std::span<float> row) {
            std::copy_n(matrix.data() + i * cols_, cols_, row.data());
          },
          std::span(fitted_).subspan(g * cols_, cols_),
          std::span(fitted_).subspan(n + g * cols_, cols_));
    }
    return ok_status();
  }

  std::span<const float> matrix_of(uint64_t group) const {
    const size_t size = cols_ * cols_;
    return moments_.matrix.subspan(static_cast<size_t>(group) * size, size);
  }
  std::span<const float> mean_of(uint64_t group) const {
    const std::span<const float> means =
        fitted_.empty() ? moments_.mean : std::span(fitted_).first(fitted_.size() / 2);
    return means.subspan(static_cast<size_t>(group) * cols_, cols_);
  }
  std::span<const float> mean_square_of(uint64_t group) const {
    const std::span<const float> squares =
        fitted_.empty() ? moments_.mean_square : std::span(fitted_).last(fitted_.size() / 2);
    return squares.subspan(static_cast<size_t>(group) * cols_, cols_);
  }

  // Of the mean squares of each group, and of all.
  Status measure_means() {
    group_means_.resize(static_cast<size_t>(moments_.groups));
    mean_ = 0;
    for (size_t g = 0; g < group_means_.size(); ++g) {
      if (matrix_) {
        DCF_TRY(check_matrix(matrix_of(g), cols_));
        for (size_t c = 0; c < cols_; ++c) group_means_[g] += matrix_of(g)[c * cols_ + c];
      } else {
        DCF_TRY(check_vectors(mean_of(g), mean_square_of(g)));
        for (const float square : mean_square_of(g)) group_means_[g] += square;
      }
      group_means_[g] /= static_cast<double>(cols_);
      mean_ += group_means_[g] / static_cast<double>(group_means_.size());
    }
    return ok_status();
  }

  Result<Order> order_of(uint64_t group, const Parallel& parallel, const Progress* progress) const {
    const bool few = moments_.inputs != 0 && moments_.inputs < cols_;
    const double damping = (few ? kDampingOfFew : kDamping) *
                           std::max(group_means_[static_cast<size_t>(group)], kFaintest * mean_);
    // Nothing is known: every row keeps what it has, as identity moments would do.
    if (damping < std::numeric_limits<double>::min()) {
      Order order;
      order.column.resize(cols_);
      std::iota(order.column.begin(), order.column.end(), size_t{0});
      order.weight.assign(cols_, 0);
      order.share = order.mean = order.weight;
      return order;
    }
    if (!matrix_) return order_vectors(mean_of(group), mean_square_of(group), damping);
    return order_matrix(matrix_of(group), cols_, damping, parallel, progress);
  }

  // Every `step`th tile.
  Status work_on_one(uint64_t step, Tile::Effect* sum) {
    DCF_ASSIGN(const Order order, order_of(0, work_.parallel, &work_.progress));
    const Work beside{work_.parallel, work_.progress,
                      work_.memory - std::min(work_.memory, of_group_ - tile_bytes())};
    DCF_ASSIGN(const Parallel parallel, beside.threads_for(tile_bytes()));
    const uint64_t tiles = ceil_div(ceil_div(rows_, kRows), step);
    const uint64_t from = work_.progress.done();
    for (uint64_t first = 0; first < tiles; first += kBatch) {
      const auto count = static_cast<size_t>(std::min<uint64_t>(kBatch, tiles - first));
      std::vector<Tile::Effect> effects(count);
      DCF_TRY(run_fallible(parallel, count, [&](size_t i) {
        Tile tile(dtype_, words_, moments_.inputs_first, shape_, order, rounded_, result_);
        effects[i] = run_tile(&tile, 0, (first + i) * step);
        if ((first + i) * step % kSampleStep == 0) effects[i].sampled = effects[i].error;
        return ok_status();
      }));
      DCF_TRY(work_.progress.update_part(from, first + count, tiles));
      for (const Tile::Effect& effect : effects) merge(effect, sum);
    }
    return ok_status();
  }

  Status work_on_groups(std::span<Tile::Effect> effects) {
    DCF_ASSIGN(const Parallel parallel, work_.threads_for(of_group_));
    const size_t groups = effects.size();
    const uint64_t of_group = std::max<uint64_t>(rows_ * cols_, 1);
    const auto of_task = static_cast<size_t>(std::max<uint64_t>(kTaskElements / of_group, 1));
    return work_.run_reporting(
        parallel, (groups + of_task - 1) / of_task, [&](size_t task) -> Status {
          for (size_t g = task * of_task; g < std::min(groups, (task + 1) * of_task); ++g) {
            DCF_ASSIGN(const Order order, order_of(g, Parallel{}, nullptr));
            Tile tile(dtype_, words_, moments_.inputs_first, shape_, order, rounded_, result_);
            for (uint64_t t = 0; t < ceil_div(rows_, kRows); ++t) {
              merge(run_tile(&tile, g, t), &effects[g]);
            }
            effects[g].sampled = effects[g].error;
          }
          return ok_status();
        });
  }

  Tile::Effect run_tile(Tile* tile, uint64_t group, uint64_t number) const {
    const uint64_t first = number * kRows;
    return tile->run(group * rows_ + first,
                     static_cast<size_t>(std::min<uint64_t>(kRows, rows_ - first)));
  }

  static void merge(const Tile::Effect& effect, Tile::Effect* sum) {
    sum->error += effect.error;
    sum->sampled += effect.sampled;
    sum->greatest_error = std::max(sum->greatest_error, effect.greatest_error);
  }

  const DType dtype_;
  const Bytes words_;
  const Moments& moments_;
  const Work& work_;
  const RoundedTensor& rounded_;
  RoundedTensor* const result_;
  const MatrixShape shape_;
  const uint64_t rows_;  // of a group
  const size_t cols_;
  bool matrix_ = false;
  uint64_t of_group_ = 0;      // bytes that one group takes
  std::vector<float> fitted_;  // means, then mean squares
  std::vector<double> group_means_;
  double mean_ = 0;
};

}  // namespace

Result<OutputError> feed_errors(DType dtype, Bytes words, std::span<const uint64_t> dims,
                                const Moments& moments, const Work& work, RoundedTensor* rounded) {
  return Feedback(dtype, words, dims, moments, work, *rounded, rounded).run(false);
}

Result<double> measure_error(DType dtype, Bytes words, std::span<const uint64_t> dims,
                             const Moments& moments, bool sampled, const Work& work,
                             const RoundedTensor& rounded) {
  Feedback feedback(dtype, words, dims, moments, work, rounded, nullptr);
  DCF_ASSIGN(const OutputError output, feedback.run(sampled));
  return sampled ? output.sampled : output.error;
}

}  // namespace dcf::impl::encode
