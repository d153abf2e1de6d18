// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/delta_plan.h"

#include <algorithm>

#include "base/checked.h"
#include "encode/content/delta_words.h"
#include "encode/content/piece_transpose.h"
#include "encode/plan/bit_costs.h"
#include "encode/plan/class_costs.h"
#include "encode/plan/class_plan.h"
#include "encode/plan/delta_sample.h"

namespace dcf::impl::encode {
namespace {

constexpr uint64_t kLeastDeltaElements = 64;
constexpr uint64_t kMostElements = uint64_t{1} << 27;
// Elements of the first sample, which is all that most tensors see, and of the second.
constexpr uint64_t kFirstLook = 256;
constexpr uint64_t kSample = 1024;
// The second of columns, each of which seems to gain by one distance or another when it shows few
// elements.
constexpr uint64_t kSampleOfColumns = uint64_t{1} << 14;
// The second where the smallest encoding is asked for.
constexpr uint64_t kLargeSample = uint64_t{1} << 17;
// A sample must promise to save this part of a tensor.
constexpr uint64_t kDeltaWorthwhile = 64;
constexpr uint64_t kDeltaWorthwhileAtAll = 512;
// The columns of a matrix, whose elements lie far apart in the output, this part: integers only, as
// no float tensor is known to gain by them.
constexpr uint64_t kWorthwhileFarApart = 32;
// Rows of a transposed view, each with one element of every column, that decide on the predictors.
constexpr uint64_t kDecidingRows = 256;
// The number of elements of a chunk of a transposed view: a decoder writes as many consecutive
// elements as the chunk has rows.
constexpr uint64_t kTransposedChunkEntries = uint64_t{1} << 20;

class DeltaPlanner {
 public:
  DeltaPlanner(const DeltaLayout& layout, const DeltaChoice& choice, bool smallest,
               const Work& work, const Content& content)
      : layout_(layout), choice_(choice), smallest_(smallest), work_(work), content_(content) {
    const bool transposed = layout.view.transposed;
    plan_.grid = view_grid(layout.view, content.elements,
                           transposed ? kTransposedChunkEntries : kClassChunkEntries);
  }

  Result<std::optional<DeltaPlan>> run() {
    // Words, keys and numbers of a chunk; the costs of the units.
    const uint64_t chunk = plan_.grid.chunk_end(0) * (2 * content_.width() + sizeof(uint64_t) + 1);
    const uint64_t costs = layout_.units.units * (choice_.distances.size() + 1) * sizeof(uint64_t);
    DCF_TRY(work_.threads_for(chunk + costs).status());
    format::Encoding& e = plan_.encoding;
    e.values = format::Values::kDelta;
    e.delta_run = layout_.units.run;
    e.delta_units = layout_.units.units;
    e.distance_count = static_cast<uint8_t>(choice_.distances.size());
    std::copy(choice_.distances.begin(), choice_.distances.end(), e.distances.begin());
    DCF_TRY(choose_predictors());
    if (!drop_unused()) return std::optional<DeltaPlan>();
    codec::Histogram used{};
    for (const uint8_t p : plan_.predictors) ++used[p];
    plan_.predictor_stream = plan_stream(used, e.distance_count + 1u, 1);
    const uint64_t parameters = 1 + 4 * (uint64_t{e.distance_count} + 2);
    plan_.bytes = plan_.predictor_stream.bytes + parameters;

    PieceStore symbols(1, std::min(content_.elements, work_.memory / 4));
    codec::Histogram histogram{};
    DCF_TRY(code_symbols(&symbols, &histogram));
    const format::Roles roles = format::roles_of(e, content_.dtype);
    const unsigned alphabet = roles.list[roles.find(format::Role::kValues)].alphabet;
    ValuePlan plain;
    plain.encoding = e;
    plain.stream = plan_stream(histogram, alphabet, plan_.grid.chunks);
    plan_.bytes += plain.stream.bytes;
    if (content_.bits > 8) plan_.bytes += codec::bucket_extra_size(histogram, buckets());
    plan_.streams = {plain.stream};
    plain.bytes = plan_.bytes;
    DCF_TRY(add_classes(symbols, plain));
    return std::optional<DeltaPlan>(std::move(plan_));
  }

 private:
  BucketCode buckets() const { return int_buckets(content_.dtype); }

  // Calls f(first element, words) for whole rows of the view, a chunk at a time, of each chunk at
  // most so many.
  template <typename F>
  Status for_each_chunk(uint64_t most_rows, F f) const {
    std::vector<uint8_t> scratch;
    for (uint64_t chunk = 0; chunk < plan_.grid.chunks; ++chunk) {
      const uint64_t row = plan_.grid.first_row(chunk);
      const uint64_t rows = std::min(plan_.grid.chunk_rows(chunk), most_rows);
      DCF_ASSIGN(const Bytes words, content_.rows(layout_.view, row, rows, &scratch));
      DCF_TRY(f(plan_.grid.chunk_begin(chunk), words));
      DCF_TRY(work_.progress.poll());
    }
    return ok_status();
  }

  // Gives each unit the predictor that costs least, of all its elements or, where every row of the
  // view has one of each unit, of as many as decide.
  Status choose_predictors() {
    const size_t predictors = plan_.encoding.distance_count + 1u;
    const ClassAxis units = layout_.units;
    std::vector<uint64_t> costs(predictors * units.units);
    const bool all = smallest_ || !layout_.view.transposed;
    const uint64_t rows = all ? UINT64_MAX : ceil_div(kDecidingRows, plan_.grid.chunks);
    DCF_TRY(for_each_chunk(rows, [&](uint64_t first, Bytes words) {
      with_words(content_.dtype, words, [&]<typename Word>(Words<Word> view) {
        std::vector<Word> keys(view.size());
        for (size_t i = 0; i < keys.size(); ++i) keys[i] = key_above_zero(content_.dtype, view[i]);
        const size_t cols = layout_.view.cols;
        for (size_t row = 0; row < keys.size(); row += cols) {
          add_costs(Row<Word>{&keys[row], std::min(cols, keys.size() - row)}, first + row, &costs);
        }
      });
      return ok_status();
    }));
    plan_.predictors.resize(units.units);
    for (size_t u = 0; u < units.units; ++u) {
      const auto from = costs.begin() + static_cast<ptrdiff_t>(u * predictors);
      const auto best = std::min_element(from, from + static_cast<ptrdiff_t>(predictors));
      plan_.predictors[u] = static_cast<uint8_t>(best - from);
    }
    return ok_status();
  }

  template <typename Word>
  struct Row {
    const Word* keys;
    size_t size;
  };

  template <typename Word>
  void add_costs(Row<Word> row, uint64_t first, std::vector<uint64_t>* costs) const {
    const size_t predictors = plan_.encoding.distance_count + 1u;
    for (size_t p = 0; p < predictors; ++p) {
      const size_t distance = p == 0 ? SIZE_MAX : plan_.encoding.distances[p - 1];
      for_each_unit(layout_.units, first, row.size, [&](uint64_t at, uint64_t n, uint32_t unit) {
        uint64_t cost = 0;
        for (size_t i = at; i < at + n; ++i) {
          const Word before = distance <= i ? row.keys[i - distance] : Word{0};
          const Word number = zigzag_of(static_cast<Word>(row.keys[i] - before));
          cost += choice_.costs[static_cast<size_t>(std::bit_width(number))];
        }
        (*costs)[unit * predictors + p] += cost;
      });
    }
  }

  // Leaves out distances that no unit has, and units that are all alike; false: no unit has any.
  bool drop_unused() {
    format::Encoding& e = plan_.encoding;
    std::array<uint8_t, kMaxDistances + 1> number{};
    uint8_t kept = 0;
    for (uint8_t p = 1; p <= e.distance_count; ++p) {
      if (std::find(plan_.predictors.begin(), plan_.predictors.end(), p) ==
          plan_.predictors.end()) {
        continue;
      }
      e.distances[kept] = e.distances[p - 1u];
      number[p] = ++kept;
    }
    std::fill(e.distances.begin() + kept, e.distances.end(), 0);
    e.distance_count = kept;
    for (uint8_t& p : plan_.predictors) p = number[p];
    const uint8_t first = plan_.predictors[0];
    if (std::all_of(plan_.predictors.begin(), plan_.predictors.end(),
                    [first](uint8_t p) { return p == first; })) {
      e.delta_run = 1;
      e.delta_units = 1;
      plan_.predictors = {first};
    }
    return kept > 0;
  }

  Status code_symbols(PieceStore* symbols, codec::Histogram* histogram) const {
    std::vector<uint8_t> coded;
    DCF_TRY(for_each_chunk(UINT64_MAX, [&](uint64_t first, Bytes words) {
      const std::vector<uint64_t> numbers = delta_numbers(
          content_.dtype, plan_.encoding, plan_.predictors, first, layout_.view.cols, words);
      if (content_.bits == 8) {
        coded.assign(numbers.begin(), numbers.end());
      } else {
        coded.resize(numbers.size());
        DCF_TRY(codec::bucket_symbols<uint64_t>(numbers, buckets(),
                                                buckets().alphabet(content_.bits), coded));
      }
      add_to(histogram, codec::histogram_of(coded));
      return symbols->append(coded);
    }));
    return symbols->finish(content_.elements);
  }

  // Classes of the differences, where they pay.
  Status add_classes(const PieceStore& symbols, const ValuePlan& plain) {
    Content content;
    content.dtype = content_.bits == 8 ? DType::kI8 : DType::kU8;
    content.bits = 8;
    content.elements = content_.elements;
    content.pieces = &symbols;
    const Work work{work_.parallel, work_.progress, work_.memory - work_.memory / 4};
    DCF_ASSIGN(std::optional<ClassPlan> plan,
               plan_classes(content, layout_.dims, plain, {}, plan_.grid.chunks, smallest_, work));
    if (!plan || plan->bytes + (smallest_ ? 0 : plan->bytes / 100) >= plan_.bytes) {
      return ok_status();
    }
    plan_.encoding = plan->encoding;
    plan_.class_map = std::move(plan->map);
    plan_.map_stream = plan->map_stream;
    plan_.streams = std::move(plan->streams);
    plan_.bytes = plan->bytes;
    return ok_status();
  }

  const DeltaLayout& layout_;
  const DeltaChoice& choice_;
  const bool smallest_;
  const Work& work_;
  const Content& content_;
  DeltaPlan plan_;
};

}  // namespace

Result<std::optional<DeltaPlan>> plan_delta(const std::vector<uint64_t>& dims, uint64_t other,
                                            bool smallest, const Work& work, Content* content) {
  if (content->coded || content->elements < kLeastDeltaElements ||
      content->elements > kMostElements) {
    return std::optional<DeltaPlan>();
  }
  // What the tensor costs if all of it is like the sample.
  const auto expected = [&](const DeltaSample& sample, const DeltaChoice& choice) {
    return choice.distances.empty() ? UINT64_MAX
                                    : choice.cost * content->elements / sample.elements();
  };
  const uint64_t now = other << (3 + kFractionBits);
  const std::vector<DeltaLayout> layouts =
      delta_layouts(dims, content->elements, smallest || is_integer(content->dtype));
  const DeltaLayout* best = nullptr;
  DeltaChoice best_choice;
  uint64_t least = now - now / (smallest ? kDeltaWorthwhileAtAll : kDeltaWorthwhile);
  for (const DeltaLayout& layout : layouts) {
    if (content->elements > kFirstLook) {
      DCF_ASSIGN(const DeltaSample look,
                 sample_deltas(*content, layout, smallest ? kSample : kFirstLook));
      if (expected(look, choose_distances(layout, look)) >= now) continue;
    }
    const uint64_t size = layout.view.transposed ? kSampleOfColumns : kSample;
    DCF_ASSIGN(const DeltaSample sample,
               sample_deltas(*content, layout, smallest ? kLargeSample : size));
    DeltaChoice choice = choose_distances(layout, sample);
    const uint64_t cost = expected(sample, choice);
    if (cost >= least) continue;
    if (!smallest && layout.view.transposed && cost > now - now / kWorthwhileFarApart) continue;
    best = &layout;
    best_choice = std::move(choice);
    least = cost;
  }
  if (best == nullptr) return std::optional<DeltaPlan>();
  if (best->view.transposed && content->pieces != nullptr) {
    DCF_TRY(transpose_pieces(best->view.cols, work.memory, work.progress, content));
  }
  return DeltaPlanner(*best, best_choice, smallest, work, *content).run();
}

}  // namespace dcf::impl::encode
