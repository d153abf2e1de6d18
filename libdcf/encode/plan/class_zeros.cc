// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/class_zeros.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/checked.h"
#include "encode/plan/class_costs.h"
#include "encode/plan/split_words.h"

namespace dcf::impl::encode {
namespace {

constexpr uint64_t kSampledUnits = 1024;
constexpr uint64_t kSampledOfUnit = 16;
constexpr uint64_t kSampledShare = 16;  // of the tensor at most
// Values of random bits have as many zeros with a probability of 2^-14.
constexpr uint64_t kEvidence = 14;
// Where so many values are zero, units of zeros are chance.
constexpr uint64_t kManyZeros = 4;
constexpr size_t kMostLevels = 4;
constexpr size_t kMostParts = kMostLevels * kMaxClasses;

// The most zeros that a field can leave out.
unsigned room_of(const Content& content, const ValuePlan& plain) {
  return content.bits - plain.encoding.split_t - 1;
}

// The zeros below words that were joined by "or". Their signs do not count.
unsigned zeros_of(const Content& content, unsigned room, uint64_t joined) {
  const uint64_t mantissa = joined & magnitude_mask(content.dtype);
  return mantissa == 0 ? room : std::min(room, static_cast<unsigned>(std::countr_zero(mantissa)));
}

// Some elements of a unit.
struct SampledUnit {
  uint64_t joined = 0;
  uint64_t nonzeros = 0;
  uint64_t elements = 0;
};

Result<std::vector<SampledUnit>> sample_units(const Content& content, ClassAxis axis) {
  const uint64_t run = std::min<uint64_t>(axis.run, kSampledOfUnit);
  const uint64_t repeats = content.elements / axis.period();
  const uint64_t taken = std::clamp<uint64_t>(kSampledOfUnit / run, 1, repeats);
  const uint64_t most = std::clamp<uint64_t>(content.elements / kSampledShare / kSampledOfUnit,
                                             kSampledOfUnit, kSampledUnits);
  // Short units are read with their neighbours.
  const uint64_t window =
      run < axis.run ? 1 : std::min<uint64_t>(ceil_div(kSampledOfUnit, run), axis.units);
  const uint64_t windows = std::clamp<uint64_t>(most / window, 1, axis.units / window);
  std::vector<SampledUnit> units(static_cast<size_t>(windows * window));
  std::vector<uint8_t> scratch;
  for (uint64_t w = 0; w < windows; ++w) {
    const uint64_t unit = w * axis.units / windows;
    for (uint64_t r = 0; r < taken; ++r) {
      const uint64_t first = r * repeats / taken * axis.period() + unit * axis.run;
      DCF_ASSIGN(const Bytes words, content.dense(first, first + window * run, &scratch));
      with_words(content.dtype, words, [&](auto view) {
        for (size_t i = 0; i < view.size(); ++i) {
          SampledUnit& to = units[static_cast<size_t>(w * window + i / run)];
          to.joined |= view[i];
          to.nonzeros += (view[i] & magnitude_mask(content.dtype)) != 0;
          ++to.elements;
        }
      });
    }
  }
  return units;
}

// Calls f(part, first element, words) for all blocks of the tensor, on several threads: each has a
// part of its own, made by make(). Returns the parts.
template <typename Part, typename Make, typename F>
Result<std::vector<Part>> in_parts(const Content& content, uint64_t part_bytes, const Work& work,
                                   Make make, F f) {
  DCF_ASSIGN(
      const Parallel parallel,
      work.threads_for(part_bytes + kReadElements * content.width() + PieceStore::kReaderBytes));
  const uint64_t blocks = ceil_div(content.elements, kReadElements);
  const auto count = static_cast<size_t>(std::min<uint64_t>(blocks, parallel.width()));
  std::vector<Part> parts;
  for (size_t i = 0; i < count; ++i) parts.push_back(make());
  DCF_TRY(run_fallible(parallel, count, [&](size_t i) -> Status {
    std::vector<uint8_t> scratch;
    for (uint64_t b = i; b < blocks; b += count) {
      const uint64_t first = b * kReadElements;
      const uint64_t end = std::min(content.elements, first + kReadElements);
      DCF_ASSIGN(const Bytes words, content.dense(first, end, &scratch));
      f(&parts[i], first, words);
    }
    return ok_status();
  }));
  DCF_TRY(work.progress.poll());
  return parts;
}

// The zeros of each unit.
Result<std::vector<uint8_t>> zeros_of_units(const Content& content, ClassAxis axis, unsigned room,
                                            const Work& work) {
  using Joined = std::vector<uint64_t>;
  DCF_ASSIGN(std::vector<Joined> parts,
             in_parts<Joined>(
                 content, axis.units * sizeof(uint64_t), work, [&] { return Joined(axis.units); },
                 [&](Joined* joined, uint64_t first, Bytes words) {
                   with_words(content.dtype, words, [&]<typename Word>(Words<Word> view) {
                     for_each_unit(axis, first, view.size(),
                                   [&](uint64_t at, uint64_t n, uint32_t unit) {
                                     Word all = 0;
                                     for (uint64_t i = at; i < at + n; ++i)
                                       all |= view[static_cast<size_t>(i)];
                                     (*joined)[unit] |= all;
                                   });
                   });
                 }));
  std::vector<uint8_t> zeros(axis.units);
  for (size_t u = 0; u < zeros.size(); ++u) {
    uint64_t all = 0;
    for (const Joined& joined : parts) all |= joined[u];
    zeros[u] = static_cast<uint8_t>(zeros_of(content, room, all));
  }
  return zeros;
}

// The few numbers of zeros, ascending, that leave out the most bits if each unit takes the greatest
// that it has.
std::vector<uint8_t> levels_of(const std::vector<uint8_t>& zeros) {
  std::array<uint64_t, 64> units{};
  for (const uint8_t z : zeros) ++units[z];
  std::vector<uint8_t> levels = {*std::min_element(zeros.begin(), zeros.end())};
  while (levels.size() < kMostLevels) {
    uint64_t most = 0;
    uint8_t best = 0;
    for (size_t level = levels[0] + size_t{1}; level < units.size(); ++level) {
      const auto above = std::upper_bound(levels.begin(), levels.end(), level);
      const size_t end = above == levels.end() ? units.size() : *above;
      uint64_t gain = 0;
      for (size_t z = level; z < end; ++z) gain += units[z] * (level - *(above - 1));
      if (gain > most) {
        most = gain;
        best = static_cast<uint8_t>(level);
      }
    }
    if (most == 0) break;
    levels.insert(std::upper_bound(levels.begin(), levels.end(), best), best);
  }
  return levels;
}

// Classes as they are joined.
struct Group {
  codec::Histogram symbols{};
  uint64_t elements = 0;
  uint64_t units = 0;
  unsigned zeros = 0;
  std::vector<uint8_t> parts;  // their numbers before
};

class Grouper {
 public:
  Grouper(const Content& content, const ValuePlan& plain, uint64_t units, uint64_t chunks)
      : bits_(content.bits - plain.encoding.split_t), units_(units), chunks_(chunks) {}

  // Joins groups as long as that saves anything, and until they are few enough.
  void join(std::vector<Group>* groups) const {
    std::vector<uint64_t> costs;
    for (const Group& g : *groups) costs.push_back(cost(g));
    while (groups->size() > 1) {
      const bool too_many = groups->size() > kMaxClasses;
      int64_t most = too_many ? INT64_MIN : 0;
      size_t first = 0;
      size_t second = 0;
      for (size_t a = 0; a < groups->size(); ++a) {
        for (size_t b = a + 1; b < groups->size(); ++b) {
          const uint64_t together = cost(joined((*groups)[a], (*groups)[b]));
          const auto saved = static_cast<int64_t>(costs[a] + costs[b] - together);
          if (saved <= most) continue;
          most = saved;
          first = a;
          second = b;
        }
      }
      if (second == 0) return;
      (*groups)[first] = joined((*groups)[first], (*groups)[second]);
      costs[first] = cost((*groups)[first]);
      groups->erase(groups->begin() + static_cast<std::ptrdiff_t>(second));
      costs.erase(costs.begin() + static_cast<std::ptrdiff_t>(second));
    }
  }

 private:
  uint64_t cost(const Group& g) const {
    const uint64_t fields = g.elements * (bits_ - g.zeros) + 4 * chunks_;
    const uint64_t map = g.units * (log2_of(units_) - log2_of(std::max<uint64_t>(g.units, 1)));
    return class_cost(g.symbols, chunks_) + (fields << kFractionBits) + map;
  }
  static Group joined(const Group& a, const Group& b) {
    Group both = a;
    add_to(&both.symbols, b.symbols);
    both.elements += b.elements;
    both.units += b.units;
    both.zeros = std::min(a.zeros, b.zeros);
    both.parts.insert(both.parts.end(), b.parts.begin(), b.parts.end());
    return both;
  }

  unsigned bits_;
  uint64_t units_;
  uint64_t chunks_;
};

ClassPlan price(const ValuePlan& plain, const std::vector<Group>& groups, ClassAxis axis,
                const std::vector<uint8_t>& part_of, uint64_t chunks, uint32_t bits) {
  ClassPlan plan;
  format::Encoding& e = plan.encoding;
  e = plain.encoding;
  e.values = format::Values::kClassSplit;
  e.split_z = 0;
  e.classes = static_cast<uint16_t>(groups.size());
  e.class_run = axis.run;
  e.class_units = axis.units;
  constexpr uint64_t kParameters = 9 + 4;  // and z of each class
  plan.bytes = kParameters + groups.size();
  std::array<uint8_t, kMostParts> class_of{};
  for (size_t c = 0; c < groups.size(); ++c) {
    const Group& g = groups[c];
    e.class_z[c] = static_cast<uint8_t>(g.zeros);
    for (const uint8_t part : g.parts) class_of[part] = static_cast<uint8_t>(c);
    plan.streams.push_back(plan_stream(g.symbols, e.split_symbols, chunks));
    plan.bytes += plan.streams.back().bytes +
                  codec::packed_size(g.elements, bits - e.split_t - g.zeros) + chunks / 2;
  }
  for (const uint8_t part : part_of) plan.map.push_back(class_of[part]);
  plan.map_stream = plan_stream(codec::histogram_of(plan.map), e.classes, 1);
  plan.bytes += plan.map_stream.bytes;
  return plan;
}

}  // namespace

Result<uint64_t> estimate_zeros(const Content& content, ClassAxis axis, const ValuePlan& plain) {
  if (plain.encoding.values != format::Values::kSplit) return uint64_t{0};
  DCF_ASSIGN(const std::vector<SampledUnit> units, sample_units(content, axis));
  uint64_t nonzeros = 0;
  uint64_t elements = 0;
  for (const SampledUnit& unit : units) {
    nonzeros += unit.nonzeros;
    elements += unit.elements;
  }
  const bool many_zeros = (elements - nonzeros) * kManyZeros > elements;
  const unsigned room = room_of(content, plain);
  codec::Histogram levels{};
  uint64_t bits = 0;
  for (const SampledUnit& unit : units) {
    const unsigned more = zeros_of(content, room, unit.joined) - plain.encoding.split_z;
    const bool sure = unit.nonzeros == 0 ? !many_zeros : more * unit.nonzeros >= kEvidence;
    ++levels[sure ? more : 0];
    if (sure) bits += more * unit.elements;
  }
  if (bits == 0) return uint64_t{0};
  const uint64_t saved = (bits << kFractionBits) * (content.elements / elements);
  const uint64_t map = entropy_of(levels) * axis.units / units.size();
  return saved > map ? saved - map : 0;
}

Result<std::optional<ClassPlan>> plan_zeros(const Content& content, ClassAxis axis,
                                            const ValuePlan& plain,
                                            const std::optional<ClassPlan>& classes,
                                            uint64_t chunks, const Work& work) {
  DCF_ASSIGN(const std::vector<uint8_t> zeros,
             zeros_of_units(content, axis, room_of(content, plain), work));
  const std::vector<uint8_t> levels = levels_of(zeros);
  if (levels.size() == 1) return std::optional<ClassPlan>();
  // A part is a class and a level.
  std::vector<uint8_t> part_of(zeros.size());
  std::array<uint64_t, kMostParts> units{};
  for (size_t u = 0; u < part_of.size(); ++u) {
    const auto above = std::upper_bound(levels.begin(), levels.end(), zeros[u]);
    const size_t level = static_cast<size_t>(above - levels.begin()) - 1;
    const size_t of_class = classes ? classes->map[u] : 0;
    part_of[u] = static_cast<uint8_t>(of_class * kMostLevels + level);
    ++units[part_of[u]];
  }
  using Counts = std::vector<codec::Histogram>;
  DCF_ASSIGN(const std::vector<Counts> counted,
             in_parts<Counts>(
                 content, kMostParts * sizeof(codec::Histogram) + kReadElements, work,
                 [] { return Counts(kMostParts); },
                 [&](Counts* counts, uint64_t first, Bytes words) {
                   std::vector<uint8_t> symbols;
                   split_symbols(content.dtype, plain.encoding, words, &symbols);
                   for_each_unit(axis, first, symbols.size(),
                                 [&](uint64_t at, uint64_t n, uint32_t unit) {
                                   codec::Histogram& to = (*counts)[part_of[unit]];
                                   for (uint64_t i = at; i < at + n; ++i)
                                     ++to[symbols[static_cast<size_t>(i)]];
                                 });
                 }));
  std::vector<Group> groups;
  for (size_t part = 0; part < kMostParts; ++part) {
    if (units[part] == 0) continue;
    Group group;
    for (const Counts& counts : counted) add_to(&group.symbols, counts[part]);
    for (const uint64_t n : group.symbols) group.elements += n;
    group.units = units[part];
    group.zeros = levels[part % kMostLevels];
    group.parts.push_back(static_cast<uint8_t>(part));
    groups.push_back(std::move(group));
  }
  Grouper(content, plain, axis.units, chunks).join(&groups);
  const bool all_alike = std::all_of(groups.begin(), groups.end(),
                                     [&](const Group& g) { return g.zeros == groups[0].zeros; });
  if (all_alike) return std::optional<ClassPlan>();
  return std::optional<ClassPlan>(price(plain, groups, axis, part_of, chunks, content.bits));
}

}  // namespace dcf::impl::encode
