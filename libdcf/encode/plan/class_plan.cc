// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/class_plan.h"

#include <array>
#include <bit>
#include <cstring>

#include "base/checked.h"
#include "encode/plan/class_costs.h"
#include "encode/plan/class_sample.h"
#include "encode/plan/class_zeros.h"
#include "encode/plan/split_words.h"
#include "encode/round/grid_codes.h"

namespace dcf::impl::encode {

using codec::Histogram;

namespace {

constexpr uint64_t kLeastClassElements = uint64_t{1}
                                         << 14;  // of a tensor; tables cost too much in less
constexpr uint64_t kLeastOfUnit = 8;
constexpr size_t kMostDims = 4;
constexpr uint64_t kBlockUnits = uint64_t{1} << 12;  // that are assigned at once
// An axis is followed up where its sample saves at least 1/kWorthwhile of the tensor; where the
// smallest encoding is asked for, the best few that save 1/kWorthwhileAtAll.
constexpr uint64_t kWorthwhile = 128;
constexpr uint64_t kWorthwhileAtAll = 4096;
constexpr size_t kAxesTried = 4;
// How classes are sought along an axis that is followed up.
struct Search {
  uint64_t units;     // of the sample, at most
  uint64_t of_unit;   // elements of each
  size_t classes;     // that its units are divided into
  unsigned rounds;    // of k-means
  uint64_t deciding;  // elements of a unit that decide its class
};
// The cost of the deciding elements fits 32 bits.
constexpr Search kThorough = {512, 1024, kMaxClasses, 6, uint64_t{1} << 21};
// Where the smallest encoding is not asked for: of 18 models the files are up to 0.7 % larger than
// by a search in four times the sample, and planning takes half of the time.
constexpr Search kQuick = {128, 256, 12, 3, 128};
constexpr uint64_t kPlaces = 8;  // of the tensor, at least, from which the deciding elements come
// Of a sample and a map, with what is made of them.
constexpr uint64_t kPlanBytes = uint64_t{4} << 20;
// Of the sums, counts and block of one thread.
constexpr uint64_t kPartBytes = uint64_t{1} << 20;

// The symbols of a tensor, range by range.
class SymbolReader {
 public:
  SymbolReader(const Content& content, const format::Encoding& encoding, const GridScales& scales)
      : content_(content), encoding_(encoding), scales_(scales) {}

  // Of elements [first, first + n); valid until the next call.
  Result<Bytes> read(uint64_t first, uint64_t n) {
    DCF_ASSIGN(const Bytes words, content_.dense(first, first + n, &words_));
    if (encoding_.values == format::Values::kSplit) {
      split_symbols(content_.dtype, encoding_, words, &symbols_);
      return Bytes(symbols_);
    }
    if (content_.bits == 8) return words;
    if (encoding_.has_scales()) {
      // Those of the plan are on the grid.
      return grid_codes(content_, encoding_.values, scales_, first, words, &grid_)->symbols;
    }
    symbols_.resize(static_cast<size_t>(n));
    with_words(content_.dtype, words, [&](auto view) {
      const BucketCode code = int_buckets(content_.dtype);
      for (size_t i = 0; i < view.size(); ++i) {
        symbols_[i] = static_cast<uint8_t>(code.symbol(int_number(content_.dtype, view[i])));
      }
    });
    return Bytes(symbols_);
  }

 private:
  const Content& content_;
  const format::Encoding& encoding_;
  const GridScales& scales_;
  std::vector<uint8_t> words_;
  GridScratch grid_;
  std::vector<uint8_t> symbols_;
};

// No code is longer than 15 bits.
constexpr uint16_t kMostOfSymbol = 15u << kFractionBits;

// The cost of each symbol in each class.
struct ClassCosts {
  std::array<std::array<uint16_t, kMaxClasses>, codec::kMaxSymbols> of_symbol{};
};

// Symbols that a class lacks cost what they would if it had a little of the whole tensor.
ClassCosts costs_of(const std::vector<Histogram>& classes, const Histogram& whole,
                    unsigned alphabet) {
  uint64_t sum = 1;
  for (const uint64_t n : whole) sum += n;
  ClassCosts costs;
  for (size_t c = 0; c < classes.size(); ++c) {
    std::array<uint64_t, codec::kMaxSymbols> weights{};
    uint64_t total = 0;
    for (unsigned s = 0; s < alphabet; ++s) {
      weights[s] = 256 * classes[c][s] + 512 * whole[s] / sum + 1;
      total += weights[s];
    }
    const uint32_t log_total = log2_of(total);
    for (unsigned s = 0; s < alphabet; ++s) {
      costs.of_symbol[s][c] =
          static_cast<uint16_t>(std::min<uint32_t>(log_total - log2_of(weights[s]), kMostOfSymbol));
    }
  }
  return costs;
}

using Sums = std::array<uint32_t, kMaxClasses>;  // costs of a unit, by class

// Adds what symbols of a unit cost.
void add_costs(Bytes symbols, const ClassCosts& costs, Sums* sums) {
  Sums sum = *sums;
  if (symbols.size() == 1) {  // units that are columns
    const auto& cost = costs.of_symbol[symbols[0]];
    for (size_t c = 0; c < kMaxClasses; ++c) sum[c] += cost[c];
    *sums = sum;
    return;
  }
  constexpr size_t kFit = UINT16_MAX / kMostOfSymbol;  // that can be added in 16 bits
  for (size_t at = 0; at < symbols.size(); at += kFit) {
    std::array<uint16_t, kMaxClasses> part{};
    for (const uint8_t symbol : symbols.subspan(at, std::min(kFit, symbols.size() - at))) {
      const auto& cost = costs.of_symbol[symbol];
      for (size_t c = 0; c < kMaxClasses; ++c) part[c] = static_cast<uint16_t>(part[c] + cost[c]);
    }
    for (size_t c = 0; c < kMaxClasses; ++c) sum[c] += part[c];
  }
  *sums = sum;
}

// What the class of a unit costs in the map.
Sums map_costs(const std::vector<uint64_t>& units_of) {
  uint64_t units = 0;
  for (const uint64_t n : units_of) units += n + 1;
  Sums costs{};
  for (size_t c = 0; c < units_of.size(); ++c) costs[c] = log2_of(units) - log2_of(units_of[c] + 1);
  return costs;
}

class Classifier {
 public:
  Classifier(const Content& content, const ValuePlan& plain, const GridScales& scales,
             uint64_t chunks, bool smallest, const Work& work)
      : content_(content),
        plain_(plain),
        scales_(scales),
        alphabet_(alphabet_of(plain.encoding, content.dtype)),
        chunks_(chunks),
        smallest_(smallest),
        search_(smallest ? kThorough : kQuick),
        work_(work) {}

  // What classes along the axis save of the tensor, in 1/64 bit, as a sample shows it; 0 if that is
  // less than `least`.
  Result<uint64_t> estimate(ClassAxis axis, uint64_t least) const {
    constexpr uint64_t kUnits = 64;
    constexpr uint64_t kShare = 8;  // of the tensor at most
    const uint64_t of_unit = std::clamp<uint64_t>(content_.elements / kShare / kUnits, 32, 512);
    const uint64_t size = content_.elements / axis.units;  // of a unit
    const uint64_t most = (smallest_ ? 16 : 4) * kUnits;
    const uint64_t units = std::clamp<uint64_t>(kUnits * of_unit / size, kUnits, most);
    DCF_ASSIGN(const ClassSample sample, take_sample(axis, units, of_unit));
    // The classes that the units start in show most of it, and seldom less than a third.
    if (3 * saved_of(axis, sample, 0) < least) return uint64_t{0};
    const uint64_t saved = saved_of(axis, sample, 3);
    return saved < least ? 0 : saved;
  }

  Result<std::optional<ClassPlan>> plan(ClassAxis axis) const {
    DCF_ASSIGN(const ClassSample sample, take_sample(axis, search_.units, search_.of_unit));
    std::vector<uint8_t> map;
    std::vector<Histogram> classes = cluster(sample, search_.classes, search_.rounds, &map);
    std::vector<uint64_t> units_of(classes.size());
    for (const uint8_t c : map) ++units_of[c];
    // Of the sample, then of all units; then once more, when classes that do not pay are gone.
    if (smallest_) {
      DCF_TRY(assign(axis, &classes, &units_of, &map));
    } else {
      // The sample stands for them.
      for (size_t c = 0; c < classes.size(); ++c) {
        units_of[c] = units_of[c] * axis.units / map.size();
        for (uint64_t& n : classes[c]) n = n * content_.elements / sample.elements();
      }
    }
    merge(&classes, &units_of);
    if (classes.size() < 2) return std::optional<ClassPlan>();
    DCF_TRY(assign(axis, &classes, &units_of, &map));
    drop_empty(&classes, &units_of, &map);
    if (classes.size() < 2) return std::optional<ClassPlan>();
    return std::optional<ClassPlan>(price(axis, classes, std::move(map)));
  }

 private:
  static unsigned alphabet_of(const format::Encoding& encoding, DType dtype) {
    const format::Roles roles = format::roles_of(encoding, dtype);
    return roles.list[roles.find(format::Role::kValues)].alphabet;
  }

  uint64_t saved_of(ClassAxis axis, const ClassSample& sample, unsigned rounds) const {
    std::vector<uint8_t> map;
    const std::vector<Histogram> classes = cluster(sample, 4, rounds, &map);
    Histogram whole{};
    uint64_t cost = 0;
    for (const Histogram& h : classes) {
      add_to(&whole, h);
      cost += entropy_of(h);
    }
    // Codes that fit a sample fit the rest less, by about half a bit for each symbol.
    const auto used = static_cast<uint64_t>(
        std::count_if(whole.begin(), whole.end(), [](uint64_t n) { return n > 0; }));
    cost += (classes.size() - 1) * used << (kFractionBits - 1);
    const uint64_t without = entropy_of(whole);
    if (without <= cost || sample.elements() == 0) return 0;
    Histogram classes_of{};
    for (const uint8_t c : map) ++classes_of[c];
    const uint64_t for_map = entropy_of(classes_of) * axis.units / map.size();
    const uint64_t saved = (without - cost) * content_.elements / sample.elements();
    return saved > for_map ? saved - for_map : 0;
  }

  // Up to `most_units` units, in windows of neighbours where units are short, and up to `of_unit`
  // elements of each.
  Result<ClassSample> take_sample(ClassAxis axis, uint64_t most_units, uint64_t of_unit) const {
    const uint64_t units = std::min<uint64_t>(most_units, axis.units);
    const uint64_t run = std::min<uint64_t>(axis.run, of_unit);
    const uint64_t window = run < axis.run ? 1 : std::min(ceil_div(16, run), units);
    const uint64_t windows = units / window;
    const uint64_t repeats = content_.elements / axis.period();
    const uint64_t taken = std::clamp<uint64_t>(of_unit / run, 1, repeats);
    SymbolReader reader(content_, plain_.encoding, scales_);
    ClassSample sample;
    std::vector<std::array<uint16_t, codec::kMaxSymbols>> counts(static_cast<size_t>(window));
    for (uint64_t w = 0; w < windows; ++w) {
      const uint64_t unit = w * axis.units / windows;  // windows do not overlap
      std::fill(counts.begin(), counts.end(), std::array<uint16_t, codec::kMaxSymbols>{});
      for (uint64_t r = 0; r < taken; ++r) {
        const uint64_t first = r * repeats / taken * axis.period() + unit * axis.run;
        DCF_ASSIGN(const Bytes symbols, reader.read(first, window * run));
        const uint8_t* next = symbols.data();
        for (auto& histogram : counts) {
          for (uint64_t i = 0; i < run; ++i) ++histogram[*next++];
        }
      }
      for (const auto& unit_counts : counts) {
        sample.add_unit(std::span(unit_counts).first(alphabet_));
      }
    }
    return sample;
  }

  // K-means over the units of a sample. Units that differ from the mean of all by like amounts
  // start together.
  std::vector<Histogram> cluster(const ClassSample& sample, size_t count, unsigned rounds,
                                 std::vector<uint8_t>* map) const {
    const Histogram whole = sample.whole();
    const std::vector<uint32_t> order = initial_order(sample, whole);
    const size_t n = sample.units();
    count = std::min(count, n);
    map->resize(n);
    for (size_t i = 0; i < n; ++i) (*map)[order[i]] = static_cast<uint8_t>(i * count / n);
    std::vector<Histogram> classes;
    for (unsigned round = 0;; ++round) {
      classes.assign(count, Histogram{});
      std::vector<uint64_t> units_of(count);
      for (size_t u = 0; u < n; ++u) {
        ++units_of[(*map)[u]];
        Histogram& to = classes[(*map)[u]];
        for (const auto& [symbol, times] : sample.unit(u)) to[symbol] += times;
      }
      if (round == rounds) return classes;
      const ClassCosts costs = costs_of(classes, whole, alphabet_);
      const Sums for_map = map_costs(units_of);
      for (size_t u = 0; u < n; ++u) {
        Sums sums = for_map;
        for (const auto& [symbol, times] : sample.unit(u)) {
          const auto& cost = costs.of_symbol[symbol];
          for (size_t c = 0; c < kMaxClasses; ++c) sums[c] += uint32_t{times} * cost[c];
        }
        (*map)[u] = cheapest(sums.data(), count);
      }
    }
  }

  std::vector<uint32_t> initial_order(const ClassSample& sample, const Histogram& whole) const {
    // Symbols of split values and of the bucket code rise with the magnitude; other bytes lie
    // around their mean.
    uint64_t sum = 0;
    uint64_t moment = 0;
    for (unsigned s = 0; s < alphabet_; ++s) {
      sum += whole[s];
      moment += s * whole[s];
    }
    const bool spread = content_.bits == 8 && (plain_.encoding.values == format::Values::kInt ||
                                               is_signed_integer(content_.dtype));
    const uint64_t mean = spread && sum > 0 ? moment / sum : 0;
    std::vector<uint64_t> keys;
    for (size_t u = 0; u < sample.units(); ++u) {
      uint64_t count = 1;
      uint64_t distance = 0;
      for (const auto& [s, times] : sample.unit(u)) {
        count += times;
        // With the sign of a byte, integers have their zero at 0, and 255 next to it.
        uint64_t d = s > mean ? s - mean : mean - s;
        if (spread && is_signed_integer(content_.dtype)) d = std::min<uint64_t>(s, 256u - s);
        distance += times * d;
      }
      keys.push_back(256 * distance / count);
    }
    std::vector<uint32_t> order(keys.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(i);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return keys[a] < keys[b]; });
    return order;
  }

  static uint8_t cheapest(const uint32_t* sums, size_t count) {
    return static_cast<uint8_t>(std::min_element(sums, sums + count) - sums);
  }

  // Gives each unit of the tensor the class that costs least, and counts the symbols of each class.
  Status assign(ClassAxis axis, std::vector<Histogram>* classes, std::vector<uint64_t>* units_of,
                std::vector<uint8_t>* map) const {
    Histogram whole{};
    for (const Histogram& h : *classes) add_to(&whole, h);
    const ClassCosts costs = costs_of(*classes, whole, alphabet_);
    const Sums for_map = map_costs(*units_of);
    const size_t count = classes->size();
    classes->assign(count, Histogram{});
    units_of->assign(count, 0);
    map->resize(axis.units);
    const uint64_t block = axis.run > kThorough.deciding ? 1 : kBlockUnits;
    DCF_ASSIGN(const Parallel parallel, work_.threads_for(kPartBytes + PieceStore::kReaderBytes));
    for (uint64_t begin = 0; begin < axis.units; begin += block) {
      const uint64_t end = std::min<uint64_t>(begin + block, axis.units);
      const uint64_t elements = (end - begin) * (content_.elements / axis.units);
      std::vector<Part> parts(
          static_cast<size_t>(std::clamp<uint64_t>(elements / kReadElements, 1, parallel.width())));
      const auto for_parts = [&](uint64_t most, auto f) {
        return run_fallible(parallel, parts.size(), [&](size_t i) {
          return visit({axis, begin, end, most, i, parts.size()}, [&, i](uint64_t first, Bytes s) {
            for_each_unit(axis, first, s.size(), [&](uint64_t at, uint64_t n, uint32_t unit) {
              f(parts[i], s.subspan(static_cast<size_t>(at), static_cast<size_t>(n)), unit);
            });
          });
        });
      };
      for (Part& part : parts) part.sums.resize(static_cast<size_t>(end - begin));
      const uint64_t most = search_.deciding;
      DCF_TRY(for_parts(most, [&](Part& part, Bytes symbols, uint32_t unit) {
        add_costs(symbols.first(std::min<size_t>(symbols.size(), most)), costs,
                  &part.sums[static_cast<size_t>(unit - begin)]);
      }));
      for (uint64_t u = begin; u < end; ++u) {
        Sums sums = for_map;
        for (const Part& part : parts) {
          const auto& sum = part.sums[static_cast<size_t>(u - begin)];
          for (size_t c = 0; c < kMaxClasses; ++c) sums[c] += sum[c];
        }
        const uint8_t c = cheapest(sums.data(), count);
        (*map)[static_cast<size_t>(u)] = c;
        ++(*units_of)[c];
      }
      for (Part& part : parts) part.classes.resize(count);
      DCF_TRY(for_parts(UINT64_MAX, [&](Part& part, Bytes symbols, uint32_t unit) {
        Histogram& to = part.classes[(*map)[unit]];
        for (const uint8_t symbol : symbols) ++to[symbol];
      }));
      for (const Part& part : parts) {
        for (size_t c = 0; c < count; ++c) add_to(&(*classes)[c], part.classes[c]);
      }
      DCF_TRY(work_.progress.poll());
    }
    return ok_status();
  }

  // What one thread adds up.
  struct Part {
    std::vector<Sums> sums;  // of each unit
    std::vector<Histogram> classes;
  };

  // Every parts-th block of units [begin, end), of each unit at most about `most` elements, which
  // are from all over the tensor.
  struct Visit {
    ClassAxis axis;
    uint64_t begin;
    uint64_t end;
    uint64_t most;
    size_t part;
    size_t parts;
  };
  // Calls f(first element, symbols).
  template <typename F>
  Status visit(const Visit& v, F f) const {
    SymbolReader reader(content_, plain_.encoding, scales_);
    const bool all = v.end - v.begin == v.axis.units;
    const uint64_t period = v.axis.period();
    // Whole periods follow each other without a gap; those that stand for more come from kPlaces.
    const uint64_t of_place = ceil_div(v.most, kPlaces * v.axis.run);
    const uint64_t step = all ? std::clamp<uint64_t>(kReadElements / period, 1, of_place) : 1;
    const uint64_t repeats = ceil_div(content_.elements, step * period);
    const uint64_t wanted = std::min(repeats, ceil_div(v.most, step * v.axis.run));
    size_t turn = 0;
    for (uint64_t i = 0; i < wanted; ++i) {
      const uint64_t at = i * repeats / wanted * step * period;
      const uint64_t from = at + v.begin * v.axis.run;
      const uint64_t to = std::min(content_.elements,
                                   from + (all ? step * period : (v.end - v.begin) * v.axis.run));
      for (uint64_t first = from; first < to; first += kReadElements) {
        if (v.end - v.begin == 1 && first - from >= v.most) break;
        if (turn++ % v.parts != v.part) continue;
        DCF_ASSIGN(const Bytes symbols, reader.read(first, std::min(kReadElements, to - first)));
        f(first, symbols);
      }
    }
    return ok_status();
  }

  // Joins classes as long as that saves more for tables, streams and the map than it costs.
  void merge(std::vector<Histogram>* classes, std::vector<uint64_t>* units_of) const {
    const auto cost = [&](const Histogram& h, uint64_t units) {
      uint64_t all = 1;
      for (const uint64_t n : *units_of) all += n;
      return class_cost(h, chunks_) +
             units * (log2_of(all) - log2_of(std::max<uint64_t>(units, 1)));
    };
    std::vector<uint64_t> costs;
    for (size_t c = 0; c < classes->size(); ++c) {
      costs.push_back(cost((*classes)[c], (*units_of)[c]));
    }
    while (classes->size() > 1) {
      uint64_t most = 0;
      size_t first = 0;
      size_t second = 0;
      uint64_t joined_cost = 0;
      for (size_t a = 0; a < classes->size(); ++a) {
        for (size_t b = a + 1; b < classes->size(); ++b) {
          Histogram joined = (*classes)[a];
          add_to(&joined, (*classes)[b]);
          const uint64_t after = cost(joined, (*units_of)[a] + (*units_of)[b]);
          if (costs[a] + costs[b] <= after + most) continue;
          most = costs[a] + costs[b] - after;
          first = a;
          second = b;
          joined_cost = after;
        }
      }
      if (most == 0) return;
      add_to(&(*classes)[first], (*classes)[second]);
      (*units_of)[first] += (*units_of)[second];
      costs[first] = joined_cost;
      const auto gone = static_cast<std::ptrdiff_t>(second);
      classes->erase(classes->begin() + gone);
      units_of->erase(units_of->begin() + gone);
      costs.erase(costs.begin() + gone);
    }
  }

  static void drop_empty(std::vector<Histogram>* classes, std::vector<uint64_t>* units_of,
                         std::vector<uint8_t>* map) {
    std::array<uint8_t, kMaxClasses> number{};
    size_t kept = 0;
    for (size_t c = 0; c < classes->size(); ++c) {
      number[c] = static_cast<uint8_t>(kept);
      if ((*units_of)[c] == 0) continue;
      (*classes)[kept] = (*classes)[c];
      (*units_of)[kept++] = (*units_of)[c];
    }
    classes->resize(kept);
    units_of->resize(kept);
    for (uint8_t& c : *map) c = number[c];
  }

  ClassPlan price(ClassAxis axis, const std::vector<Histogram>& classes,
                  std::vector<uint8_t> map) const {
    ClassPlan plan;
    plan.encoding = plain_.encoding;
    plan.encoding.classes = static_cast<uint16_t>(classes.size());
    plan.encoding.class_run = axis.run;
    plan.encoding.class_units = axis.units;
    plan.map = std::move(map);
    const Histogram of_map = codec::histogram_of(plan.map);
    plan.map_stream = plan_stream(of_map, plan.encoding.classes, 1);
    constexpr uint64_t kParameters = 9;
    plan.bytes = plain_.bytes - plain_.stream.bytes + plan.map_stream.bytes + kParameters;
    for (const Histogram& h : classes) {
      plan.streams.push_back(plan_stream(h, alphabet_, chunks_));
      plan.bytes += plan.streams.back().bytes;
    }
    return plan;
  }

  const Content& content_;
  const ValuePlan& plain_;
  const GridScales& scales_;
  const unsigned alphabet_;
  const uint64_t chunks_;
  const bool smallest_;
  const Search& search_;
  const Work& work_;
};

}  // namespace

std::vector<ClassAxis> class_axes(const std::vector<uint64_t>& dims) {
  std::vector<uint64_t> sizes;
  for (const uint64_t d : dims) {
    if (d != 1) sizes.push_back(d);
  }
  while (sizes.size() > kMostDims) {
    sizes[0] *= sizes[1];
    sizes.erase(sizes.begin() + 1);
  }
  uint64_t elements = 1;
  for (const uint64_t d : sizes) elements *= d;
  std::vector<ClassAxis> axes;
  for (size_t a = 0; a < sizes.size(); ++a) {
    uint64_t before = 1;
    for (size_t i = 0; i < a; ++i) before *= sizes[i];
    uint64_t units = 1;
    for (size_t b = a; b < sizes.size(); ++b) {
      units *= sizes[b];
      const uint64_t run = elements / before / units;
      if (units > kMaxClassUnits || run > UINT32_MAX || elements / units < kLeastOfUnit) continue;
      axes.push_back({static_cast<uint32_t>(run), static_cast<uint32_t>(units)});
    }
  }
  return axes;
}

Result<std::optional<ClassPlan>> plan_classes(const Content& content,
                                              const std::vector<uint64_t>& dims,
                                              const ValuePlan& plain, const GridScales& scales,
                                              uint64_t chunks, bool smallest, const Work& work) {
  if (content.elements < kLeastClassElements) return std::optional<ClassPlan>();
  DCF_ASSIGN(const Parallel parallel, work.threads_for(kPlanBytes + PieceStore::kReaderBytes));
  const Classifier classifier(content, plain, scales, chunks, smallest, work);
  const uint64_t least =
      (plain.bytes << (3 + kFractionBits)) / (smallest ? kWorthwhileAtAll : kWorthwhile);
  struct Promise {
    ClassAxis axis;
    uint64_t by_codes = 0;  // what classes along it save
    uint64_t by_zeros = 0;
    uint64_t sum() const { return by_codes + by_zeros; }
  };
  std::vector<Promise> promising;
  for (const ClassAxis axis : class_axes(dims)) promising.push_back({axis});
  DCF_TRY(run_fallible(parallel, promising.size(), [&](size_t i) -> Status {
    Promise& p = promising[i];
    DCF_ASSIGN(p.by_codes, classifier.estimate(p.axis, least));
    DCF_ASSIGN(p.by_zeros, estimate_zeros(content, p.axis, plain));
    if (p.by_zeros < least) p.by_zeros = 0;
    return ok_status();
  }));
  std::erase_if(promising, [](const Promise& p) { return p.sum() == 0; });
  std::stable_sort(promising.begin(), promising.end(),
                   [](const Promise& a, const Promise& b) { return a.sum() > b.sum(); });
  promising.resize(std::min(promising.size(), smallest ? kAxesTried : 1));
  std::optional<ClassPlan> best;
  for (const Promise& p : promising) {
    std::optional<ClassPlan> plan;
    if (p.by_codes > 0) {
      DCF_ASSIGN(plan, classifier.plan(p.axis));
    }
    if (p.by_zeros > 0) {
      DCF_ASSIGN(std::optional<ClassPlan> finer,
                 plan_zeros(content, p.axis, plain, plan, chunks, work));
      if (finer && (!plan || finer->bytes < plan->bytes)) plan = std::move(finer);
    }
    if (plan && (!best || plan->bytes < best->bytes)) best = std::move(plan);
  }
  return best;
}

}  // namespace dcf::impl::encode
