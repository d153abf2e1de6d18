// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/grid_finder.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/checked.h"
#include "base/float_word.h"
#include "encode/plan/class_plan.h"

namespace dcf::impl::encode {
namespace {

constexpr uint64_t kLeastGridElements = 64;  // of a tensor
constexpr uint64_t kProbedUnits = 4;         // of which one without a scale refutes an axis
constexpr uint64_t kProbedOfUnit = 16;       // elements
constexpr uint64_t kSampledForScale = 64;    // elements from which a scale is worked out
constexpr uint64_t kUnitsAtOnce = 4096;      // that are sampled at once
constexpr unsigned kRounds = 8;              // over the tensor, in which scales are corrected
constexpr unsigned kMostPartsOfScale = 256;  // that a value may divide a scale into
constexpr std::array<uint64_t, 3> kBlockRuns = {32, 64, 128};  // of blocks within a row

// Groups of neighbours that vote: of three parts, of which the border of two rows lies in one.
constexpr size_t kVotingPart = 32;  // elements
constexpr size_t kVotingGroup = 3 * kVotingPart;
constexpr size_t kVotes = 4;  // of words that come at once

// The greatest integer that is looked for. With 8 or 11 bits in a value, more would fit any value.
template <typename Float>
constexpr double kMostInteger = 255;
template <>
constexpr double kMostInteger<F32Word> = 65535;

// The numbers that are rounded to a word without its sign, which is finite and not 0: first to f32,
// as products are, then to the dtype.
struct Interval {
  double low = 0;
  double high = 0;
};
template <typename Float>
Interval rounds_to(typename Float::Word magnitude) {
  using Word = typename Float::Word;
  float low = Float::value(magnitude);
  float high = low;
  if constexpr (sizeof(Word) < sizeof(float)) {
    // The floats in the middle between neighbours go to the even one.
    const float below = (Float::value(static_cast<Word>(magnitude - 1)) + low) / 2;
    const float above = (Float::value(static_cast<Word>(magnitude + 1)) + high) / 2;
    low = Float::word(below) == magnitude ? below : std::nextafter(below, HUGE_VALF);
    high = Float::word(above) == magnitude ? above : std::nextafter(above, 0.0F);
  }
  const double below = std::nextafter(low, 0.0F);
  const double above = std::nextafter(high, HUGE_VALF);
  return {(low + below) / 2, std::isinf(above) ? high + (high - below) / 2 : (high + above) / 2};
}

// What the values of a unit say of its scale.
class UnitScale {
 public:
  UnitScale() = default;
  // Of one value, which is `integer` times the scale.
  UnitScale(Interval value, unsigned integer)
      : scale_{value.low / integer, value.high / integer}, greatest_(value.high) {}

  // Takes in a value, which may divide the scale into so many parts. False where no scale fits all
  // of them with integers up to `most_integer`.
  bool add(Interval value, double most_integer, unsigned most_parts = kMostPartsOfScale) {
    if (scale_.high == 0) {
      scale_ = value;
      greatest_ = value.high;
      return true;
    }
    const double greatest = std::max(greatest_, value.high);
    const double least_multiple = value.low / scale_.high;
    const double most_multiple = value.high / scale_.low;
    for (unsigned parts = 1; parts <= most_parts; ++parts) {
      if (greatest * parts > scale_.high * (most_integer + 1)) return false;
      const double most = std::floor(most_multiple * parts);
      const double least = std::max(std::ceil(least_multiple * parts), 1.0);
      if (least > most) continue;
      Interval narrowed = {scale_.low / parts, scale_.high / parts};
      if (least == most) {
        narrowed.low = std::max(narrowed.low, value.low / least);
        narrowed.high = std::min(narrowed.high, value.high / least);
        if (narrowed.low > narrowed.high) continue;
      }
      scale_ = narrowed;
      greatest_ = greatest;
      return true;
    }
    return false;
  }

  // The float in the middle; 0 where no value was added.
  float scale() const {
    const double middle = (scale_.low + scale_.high) / 2;
    const auto nearest = static_cast<float>(middle);
    if (nearest < scale_.low) return std::nextafter(nearest, HUGE_VALF);
    return nearest > scale_.high ? std::nextafter(nearest, 0.0F) : nearest;
  }

 private:
  Interval scale_;
  double greatest_ = 0;
};

template <typename Float>
constexpr auto kSignOf = static_cast<typename Float::Word>(
    typename Float::Word{1} << (8 * sizeof(typename Float::Word) - 1));

// Takes in the word of a magnitude. False for 0, infinity and NaN, too.
template <typename Float>
bool add_word(typename Float::Word magnitude, UnitScale* unit) {
  constexpr auto kInfinity = Float::word(HUGE_VALF);
  return magnitude > 0 && magnitude < kInfinity &&
         unit->add(rounds_to<Float>(magnitude), kMostInteger<Float>);
}

// Works out a scale from magnitudes that are not 0, in any order. False where none fits them.
template <typename Float>
bool work_out(std::vector<typename Float::Word>* magnitudes, UnitScale* unit) {
  // The least first: it has the least integer, which leaves the fewest scales.
  std::sort(magnitudes->begin(), magnitudes->end());
  magnitudes->erase(std::unique(magnitudes->begin(), magnitudes->end()), magnitudes->end());
  *unit = {};
  const bool worked_out = std::all_of(magnitudes->begin(), magnitudes->end(), [&](auto magnitude) {
    return add_word<Float>(magnitude, unit);
  });
  if (worked_out || sizeof(typename Float::Word) == sizeof(float)) return worked_out;
  // Values of few bits may divide a scale into the wrong number of parts: every integer of the
  // least value is tried.
  constexpr double kMost = kMostInteger<Float>;
  std::vector<Interval> values;
  for (const auto magnitude : *magnitudes) values.push_back(rounds_to<Float>(magnitude));
  for (unsigned k = 2; values.back().low * k <= values.front().high * (kMost + 1); ++k) {
    *unit = UnitScale(values.front(), k);
    if (std::all_of(values.begin(), values.end(),
                    [&](Interval value) { return unit->add(value, kMost, 1); })) {
      return true;
    }
  }
  return false;
}

template <typename Float>
GridVotes vote(Words<typename Float::Word> words) {
  using Word = typename Float::Word;
  GridVotes votes;
  const size_t groups = std::min(kVotes, words.size() / kVotingGroup);
  for (size_t g = 0; g < groups; ++g) {
    size_t at = g * words.size() / groups;
    unsigned fitting = 0;
    for (size_t part = 0; part < kVotingGroup / kVotingPart; ++part) {
      std::vector<Word> magnitudes;
      for (size_t i = 0; i < kVotingPart; ++i) {
        const auto magnitude = static_cast<Word>(words[at++] & ~kSignOf<Float>);
        if (magnitude != 0) magnitudes.push_back(magnitude);
      }
      UnitScale unit;
      fitting += work_out<Float>(&magnitudes, &unit);
    }
    ++(fitting >= 2 ? votes.on : votes.off);
  }
  return votes;
}

template <typename Float>
class Finder {
 public:
  Finder(const Content& content, const Work& work) : content_(content), work_(work) {}

  // Nothing where the units of an axis have no scales.
  Result<std::optional<GridScales>> scales_of(ClassAxis axis) {
    const uint64_t probed = std::min<uint64_t>(kProbedUnits, axis.units);
    for (uint64_t i = 0; i < probed; ++i) {
      const uint64_t unit = i * axis.units / probed;
      DCF_ASSIGN(const bool possible, sample(axis, unit, unit + 1, kProbedOfUnit));
      if (!possible) return std::optional<GridScales>();
    }
    const uint64_t bytes = axis.units * (sizeof(UnitScale) + sizeof(float)) +
                           kUnitsAtOnce * kSampledForScale * sizeof(Word) +
                           kReadElements * 2 * sizeof(uint32_t) + PieceStore::kReaderBytes;
    DCF_TRY(work_.threads_for(bytes).status());
    units_.clear();
    for (uint64_t first = 0; first < axis.units; first += kUnitsAtOnce) {
      const uint64_t last = std::min<uint64_t>(first + kUnitsAtOnce, axis.units);
      DCF_ASSIGN(const bool possible, sample(axis, first, last, kSampledForScale));
      if (!possible) return std::optional<GridScales>();
      units_.insert(units_.end(), sampled_.begin(), sampled_.end());
    }
    GridScales grid{axis, {}};
    for (const UnitScale& unit : units_) grid.scales.push_back(unit.scale());
    unproven_.assign(axis.units, true);
    for (unsigned round = 0; round < kRounds; ++round) {
      DCF_ASSIGN(const Comparison found, compare(&grid));
      if (found == Comparison::kRefuted) break;
      if (found == Comparison::kCorrected) continue;
      const bool any =
          std::any_of(grid.scales.begin(), grid.scales.end(), [](float s) { return s > 0; });
      if (any) return std::optional<GridScales>(std::move(grid));
      break;
    }
    return std::optional<GridScales>();
  }

 private:
  using Word = typename Float::Word;
  enum class Comparison : uint8_t { kSame, kCorrected, kRefuted };

  // Works out the scales of units [first, last) from up to about `of_unit` elements of each, in
  // sampled_. False where one has none.
  Result<bool> sample(ClassAxis axis, uint64_t first, uint64_t last, uint64_t of_unit) {
    const auto units = static_cast<size_t>(last - first);
    const uint64_t run = std::min<uint64_t>(axis.run, of_unit);
    const uint64_t repeats = run < axis.run ? 1 : ceil_div(of_unit, run);
    words_.assign(units, {});
    for (uint64_t r = 0; r < repeats; ++r) {
      const uint64_t start = r * axis.period() + first * axis.run;
      if (run < axis.run) {
        for (size_t u = 0; u < units; ++u) DCF_TRY(take(start + u * axis.run, run, run, u));
        continue;
      }
      DCF_TRY(take(start, units * run, run, 0));
    }
    sampled_.assign(units, {});
    for (size_t u = 0; u < units; ++u) {
      if (!work_out<Float>(&words_[u], &sampled_[u])) return false;
    }
    return true;
  }

  // Adds the words of elements [first, first + n) that are not 0, without signs, to words_: `run`
  // of them to that of `unit`, as many to the next, and so on.
  Status take(uint64_t first, uint64_t n, uint64_t run, size_t unit) {
    if (first >= content_.elements) return ok_status();
    const uint64_t end = std::min(first + n, content_.elements);
    DCF_ASSIGN(const Bytes bytes, content_.dense(first, end, &scratch_));
    const Words<Word> view(bytes);
    for (size_t i = 0; i < view.size(); ++i) {
      const auto magnitude = static_cast<Word>(view[i] & ~kSignOf<Float>);
      if (magnitude != 0) words_[unit + i / run].push_back(magnitude);
    }
    return ok_status();
  }

  // Whether elements [begin, end) have a unit whose scale was corrected since all its words were
  // compared.
  bool are_unproven(ClassAxis axis, uint64_t begin, uint64_t end) const {
    bool any = false;
    for_each_unit(axis, begin, end - begin,
                  [&](uint64_t, uint64_t, uint32_t unit) { any = any || unproven_[unit]; });
    return any;
  }

  // Compares the words of unproven units with those of the grid. Scales that miss a word are
  // corrected.
  Result<Comparison> compare(GridScales* grid) {
    Comparison result = Comparison::kSame;
    std::vector<bool> corrected(unproven_.size());
    numbers_.resize(static_cast<size_t>(std::min(kReadElements, content_.elements)));
    for (uint64_t begin = 0; begin < content_.elements; begin += kReadElements) {
      const uint64_t end = std::min(begin + kReadElements, content_.elements);
      if (!are_unproven(grid->axis, begin, end)) continue;
      DCF_ASSIGN(const Bytes words, content_.dense(begin, end, &scratch_));
      if (grid_numbers(content_.dtype, *grid, begin, words, numbers_.data())) continue;
      const Words<Word> view(words);
      bool possible = true;
      for_each_unit(grid->axis, begin, end - begin, [&](uint64_t at, uint64_t n, uint32_t unit) {
        for (auto i = static_cast<size_t>(at); i < at + n && possible; ++i) {
          if (numbers_[i] != kOffGrid) continue;
          const auto magnitude = static_cast<Word>(view[i] & ~kSignOf<Float>);
          possible = add_word<Float>(magnitude, &units_[unit]);
          grid->scales[unit] = units_[unit].scale();
          corrected[unit] = true;
        }
      });
      if (!possible) return Comparison::kRefuted;
      result = Comparison::kCorrected;
      DCF_TRY(work_.progress.poll());
    }
    unproven_ = std::move(corrected);
    return result;
  }

  const Content& content_;
  const Work& work_;
  std::vector<UnitScale> units_;
  std::vector<UnitScale> sampled_;
  std::vector<bool> unproven_;            // by unit
  std::vector<std::vector<Word>> words_;  // of each sampled unit
  std::vector<uint8_t> scratch_;
  std::vector<uint32_t> numbers_;
};

// The whole tensor, then finer and finer units.
std::vector<ClassAxis> axes_of(const std::vector<uint64_t>& dims, uint64_t elements) {
  std::vector<ClassAxis> axes = class_axes(dims);
  for (const uint64_t run : kBlockRuns) {
    if (dims.size() < 2 || dims.back() % run != 0 || elements / run > kMaxClassUnits) continue;
    axes.push_back({static_cast<uint32_t>(run), static_cast<uint32_t>(elements / run)});
  }
  const uint64_t whole = std::min<uint64_t>(elements, UINT32_MAX);
  axes.insert(axes.begin(), {static_cast<uint32_t>(whole), 1});
  std::stable_sort(axes.begin(), axes.end(),
                   [](ClassAxis a, ClassAxis b) { return a.units < b.units; });
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  return axes;
}

template <typename Float>
Result<std::optional<GridScales>> find(const Content& content, const std::vector<ClassAxis>& axes,
                                       const Work& work) {
  Finder<Float> finder(content, work);
  for (const ClassAxis axis : axes) {
    DCF_ASSIGN(std::optional<GridScales> found, finder.scales_of(axis));
    if (found) return found;
  }
  return std::optional<GridScales>();
}

Result<std::optional<GridScales>> find_along(const Content& content,
                                             const std::vector<ClassAxis>& axes, const Work& work) {
  switch (content.dtype) {
    case DType::kF32:
      return find<F32Word>(content, axes, work);
    case DType::kBF16:
      return find<BF16Word>(content, axes, work);
    default:
      return find<F16Word>(content, axes, work);
  }
}

uint64_t row_size(std::span<const uint64_t> dims) {
  uint64_t size = 1;
  for (const uint64_t d : dims.subspan(1)) size *= d;
  return size;
}

}  // namespace

Result<std::optional<GridScales>> find_scales(const Content& content,
                                              const std::vector<uint64_t>& dims, const Work& work) {
  if (content.coded || content.elements < kLeastGridElements || !has_grid(content.dtype)) {
    return std::optional<GridScales>();
  }
  return find_along(content, axes_of(dims, content.elements), work);
}

bool may_have_row_scales(DType dtype, std::span<const uint64_t> dims) {
  return has_grid(dtype) && dims.size() >= 2 && dims[0] <= UINT32_MAX &&
         row_size(dims) >= kVotingGroup && row_size(dims) <= UINT32_MAX;
}

Result<std::optional<GridScales>> find_row_scales(const Content& content,
                                                  const std::vector<uint64_t>& dims,
                                                  const Work& work) {
  if (content.coded) return std::optional<GridScales>();
  const ClassAxis rows{static_cast<uint32_t>(row_size(dims)), static_cast<uint32_t>(dims[0])};
  return find_along(content, {rows}, work);
}

GridVotes vote_on_grid(DType dtype, Bytes words) {
  switch (dtype) {
    case DType::kF32:
      return vote<F32Word>(Words<uint32_t>(words));
    case DType::kBF16:
      return vote<BF16Word>(Words<uint16_t>(words));
    default:
      return vote<F16Word>(Words<uint16_t>(words));
  }
}

}  // namespace dcf::impl::encode
