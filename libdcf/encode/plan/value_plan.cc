// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/value_plan.h"

#include <algorithm>

#include "base/checked.h"

namespace dcf::impl::encode {
namespace {

constexpr unsigned kMinPrefixBits = 5;
constexpr unsigned kUsualPrefixBits = 8;
// From so many entries on all lengths of prefixes are planned.
constexpr uint64_t kManyEntries = 4096;
constexpr size_t kFewWords = 16;

class Planner {
 public:
  Planner(const Content& content, const ValueStats& stats, format::Positions positions,
          ExtraValues extra, uint64_t chunks)
      : content_(content),
        stats_(stats),
        positions_(positions),
        extra_(extra),
        chunks_(chunks),
        coded_(stats.entries + extra.zeros + extra.negatives) {}

  std::vector<ValuePlan> run() {
    add_palette();
    // Codes that the caller gave or clustering made stay codes. Only codes can be entries of value
    // zero, which no other sparse values may have (V-02).
    const bool sparse = positions_ != format::Positions::kDense;
    if (content_.coded && coded_ > 0 && (sparse || !plans_.empty())) return std::move(plans_);
    if (is_split(content_.dtype)) {
      add_splits();
    } else {
      add_int();
    }
    return std::move(plans_);
  }

 private:
  struct Count {
    uint64_t key;
    uint64_t count;
  };
  static void add(uint64_t key, uint64_t count, std::vector<Count>* counts) {
    const auto at = std::lower_bound(counts->begin(), counts->end(), key,
                                     [](const Count& c, uint64_t k) { return c.key < k; });
    if (at != counts->end() && at->key == key) {
      at->count += count;
    } else {
      counts->insert(at, {key, count});
    }
  }

  void add_palette() {
    if (!stats_.palette || coded_ == 0) return;
    // Floats that are nearly all distinct take as much in a codebook as in their places.
    const size_t distinct = stats_.palette->words.size();
    if (is_split(content_.dtype) && !content_.coded && 10 * distinct > 9 * stats_.entries &&
        distinct > kFewWords) {
      return;
    }
    ValuePlan plan;
    plan.encoding.values = format::Values::kPalette;
    std::vector<Count> counts;  // by key, which rise in a palette
    counts.reserve(distinct + 2);
    for (size_t i = 0; i < distinct; ++i) {
      counts.push_back(
          {codebook_key(content_.dtype, stats_.palette->words[i]), stats_.palette->counts[i]});
    }
    codec::Histogram histogram{};
    size_t code = 0;
    if (positions_ == format::Positions::kGap) {
      histogram[code++] = extra_.zeros;
    } else {
      if (extra_.zeros > 0) add(codebook_key(content_.dtype, 0), extra_.zeros, &counts);
      if (extra_.negatives > 0) {
        const uint64_t sign = uint64_t{1} << (content_.bits - 1);
        add(codebook_key(content_.dtype, sign), extra_.negatives, &counts);
      }
    }
    if (counts.size() + code > kMaxPalette) return;
    for (const auto& [key, count] : counts) {
      plan.codebook.push_back(codebook_word(content_.dtype, key));
      histogram[code++] = count;
    }
    plan.encoding.palette_size = static_cast<uint32_t>(counts.size());
    plan.stream = plan_stream(histogram, static_cast<unsigned>(code), chunks_);
    std::vector<uint8_t> book;
    // The keys of the map rise, so they are a codebook.
    (void)codec::append_codebook(plan.codebook, content_.dtype, &book);
    plan.bytes = plan.stream.bytes + book.size() + 1;
    plans_.push_back(std::move(plan));
  }

  // The counts of the prefixes of t bits that occur, and those between them.
  struct Prefixes {
    size_t first = 0;
    std::vector<uint64_t> counts;
  };

  Prefixes longest_prefixes() const {
    PrefixCounts all = stats_.prefixes;
    const uint64_t zeros = extra_.zeros + extra_.negatives;
    all.add(0, {&zeros, 1});
    Prefixes longest{static_cast<size_t>(all.first()), {all.counts().begin(), all.counts().end()}};
    if (longest.counts.empty()) longest.counts.push_back(0);
    return longest;
  }
  // Prefixes of t bits are pairs of those of t + 1 bits.
  static Prefixes one_bit_less(const Prefixes& longer) {
    Prefixes shorter{longer.first / 2, {}};
    shorter.counts.resize((longer.first + longer.counts.size() - 1) / 2 - shorter.first + 1);
    for (size_t i = 0; i < longer.counts.size(); ++i) {
      shorter.counts[(longer.first + i) / 2 - shorter.first] += longer.counts[i];
    }
    return shorter;
  }

  void add_splits() {
    std::array<Prefixes, kPrefixBits + 1> of;
    of[kPrefixBits] = longest_prefixes();
    for (unsigned t = kPrefixBits; t-- > kMinPrefixBits;) of[t] = one_bit_less(of[t + 1]);
    const auto fits = [&](unsigned t) { return of[t].counts.size() <= codec::kMaxSymbols; };
    if (coded_ >= kManyEntries) {
      for (unsigned t = kMinPrefixBits; t <= kPrefixBits && fits(t); ++t) {
        plans_.push_back(split(t, of[t]));
      }
      return;
    }
    // What a plan costs to find counts where tensors are small: as t grows the size falls to its
    // least and rises again, nearly always.
    const size_t before = plans_.size();
    plans_.push_back(split(kUsualPrefixBits, of[kUsualPrefixBits]));
    for (const int step : {1, -1}) {
      uint64_t least = plans_[before].bytes;
      for (unsigned t = kUsualPrefixBits + step; t >= kMinPrefixBits && t <= kPrefixBits && fits(t);
           t += step) {
        ValuePlan plan = split(t, of[t]);
        if (plan.bytes > least) break;
        least = plan.bytes;
        plans_.push_back(std::move(plan));
      }
    }
    std::sort(plans_.begin() + static_cast<ptrdiff_t>(before), plans_.end(),
              [](const ValuePlan& a, const ValuePlan& b) {
                return a.encoding.split_t < b.encoding.split_t;
              });
  }

  ValuePlan split(unsigned t, const Prefixes& prefixes) const {
    ValuePlan plan;
    format::Encoding& e = plan.encoding;
    e.values = format::Values::kSplit;
    e.split_t = static_cast<uint8_t>(t);
    e.split_base = static_cast<uint16_t>(prefixes.first);
    e.split_symbols = static_cast<uint16_t>(prefixes.counts.size());
    // Zero bits between the sign (bit 0) and the symbol.
    const unsigned room = content_.bits - t - 1;
    const uint64_t mantissa = stats_.mantissa_bits >> 1;
    e.split_z = static_cast<uint8_t>(
        mantissa == 0
            ? room
            : std::min<unsigned>(room, static_cast<unsigned>(std::countr_zero(mantissa))));
    codec::Histogram histogram{};
    std::copy(prefixes.counts.begin(), prefixes.counts.end(), histogram.begin());
    plan.stream = plan_stream(histogram, e.split_symbols, chunks_);
    // Of the parameters, bytes that are zero take no place.
    std::vector<uint8_t> parameters;
    parameters.reserve(8);
    format::append_params(e, &parameters);
    const auto zeros = std::count(parameters.begin(), parameters.end(), 0);
    plan.bytes = plan.stream.bytes + parameters.size() - static_cast<uint64_t>(zeros);
    if (coded_ > 0)
      plan.bytes += codec::packed_size(coded_, content_.bits - t - e.split_z) + chunks_ / 2;
    return plan;
  }

  void add_int() {
    ValuePlan plan;
    plan.encoding.values = format::Values::kInt;
    codec::Histogram histogram = stats_.symbols;
    histogram[0] += extra_.zeros;
    if (content_.bits == 8) {
      if (extra_.negatives > 0) histogram[0x80] += extra_.negatives;
      plan.stream = plan_stream(histogram, 256, chunks_);
      plan.bytes = plan.stream.bytes;
    } else {
      const BucketCode code = int_buckets(content_.dtype);
      plan.stream = plan_stream(histogram, code.alphabet(content_.bits), chunks_);
      plan.bytes = plan.stream.bytes + codec::bucket_extra_size(histogram, code);
    }
    plans_.push_back(std::move(plan));
  }

  const Content& content_;
  const ValueStats& stats_;
  format::Positions positions_;
  ExtraValues extra_;
  uint64_t chunks_;
  uint64_t coded_;
  std::vector<ValuePlan> plans_;
};

}  // namespace

std::vector<ValuePlan> plan_values(const Content& content, const ValueStats& stats,
                                   format::Positions positions, ExtraValues extra,
                                   uint64_t chunks) {
  return Planner(content, stats, positions, extra, chunks).run();
}

}  // namespace dcf::impl::encode
