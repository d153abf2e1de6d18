// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/tensor_stats.h"

#include <algorithm>
#include <numeric>

#include "codec/codebook.h"

namespace dcf::impl::encode {
namespace {

constexpr uint64_t kVersion = 1;

Status bad_stats() {
  return fail(Code::InvalidArgument, "", "the bytes are no statistics of a range of this tensor");
}

class Saver {
 public:
  void number(uint64_t v) {
    out.resize(out.size() + sizeof v);
    store_le(out.data() + out.size() - sizeof v, v);
  }
  // The counts that are not 0, each after its index. The first is that of `first`.
  void counts(std::span<const uint64_t> all, uint64_t first = 0) {
    number(static_cast<uint64_t>(
        std::count_if(all.begin(), all.end(), [](uint64_t n) { return n > 0; })));
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i] == 0) continue;
      number(first + i);
      number(all[i]);
    }
  }
  std::vector<uint8_t> out;
};

class Loader {
 public:
  explicit Loader(Bytes bytes) : reader_(bytes) {}
  uint64_t number() {
    Bytes bytes;
    if (!reader_.read_bytes(sizeof(uint64_t), &bytes)) {
      good_ = false;
      return 0;
    }
    return load_le<uint64_t>(bytes.data());
  }
  void counts(std::span<uint64_t> all) {
    uint64_t next = 0;  // the least index that may follow
    for (uint64_t n = number(); n > 0 && good_; --n) {
      const uint64_t i = number();
      const uint64_t count = number();
      good_ = good_ && i >= next && i < all.size() && count > 0;
      if (!good_) return;
      all[static_cast<size_t>(i)] = count;
      next = i + 1;
    }
  }
  bool good() const { return good_; }
  bool ended() const { return good_ && reader_.remaining() == 0; }

 private:
  ByteReader reader_;
  bool good_ = true;
};

// The sum, or more than any tensor has where it is more.
uint64_t sum_of(std::span<const uint64_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0}, [](uint64_t sum, uint64_t n) {
    return std::min(sum, kMaxElements + 1) + std::min(n, kMaxElements + 1);
  });
}

bool none_exceeds(std::span<const uint64_t> part, std::span<const uint64_t> whole) {
  return std::equal(part.begin(), part.end(), whole.begin(), whole.end(),
                    [](uint64_t p, uint64_t w) { return p <= w; });
}

bool none_exceeds(const PrefixCounts& part, const PrefixCounts& whole) {
  for (size_t i = 0; i < part.counts().size(); ++i) {
    if (part.counts()[i] > whole.of(part.first() + i)) return false;
  }
  return true;
}

void add_counts(std::span<uint64_t> to, std::span<const uint64_t> from) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

// The union of two palettes; nothing if it is too large.
std::optional<Palette> joined(DType dtype, const std::optional<Palette>& a,
                              const std::optional<Palette>& b) {
  if (!a || !b) return std::nullopt;
  Palette result;
  size_t i = 0;
  size_t j = 0;
  const auto key = [&](const Palette& p, size_t at) {
    return at < p.words.size() ? codebook_key(dtype, p.words[at]) : UINT64_MAX;
  };
  while (i < a->words.size() || j < b->words.size()) {
    const bool of_a = j == b->words.size() || (i < a->words.size() && key(*a, i) <= key(*b, j));
    const bool of_b = i == a->words.size() || (j < b->words.size() && key(*b, j) <= key(*a, i));
    result.words.push_back(of_a ? a->words[i] : b->words[j]);
    result.counts.push_back((of_a ? a->counts[i] : 0) + (of_b ? b->counts[j] : 0));
    i += of_a;
    j += of_b;
  }
  if (result.words.size() > kMaxPalette) return std::nullopt;
  return result;
}

}  // namespace

TensorStats::TensorStats(DType dtype, uint32_t bits, bool drop_signs, uint64_t total)
    : dtype_(dtype), bits_(bits), drop_signs_(drop_signs), total_(total) {
  values_.palette.emplace();
}

Result<TensorStats> TensorStats::create(const TensorSpec& spec, const EncodeOptions& options) {
  DCF_ASSIGN(const TensorSize size, check_spec(spec, options));
  return TensorStats(spec.dtype, size.bits,
                     options.canonical_zeros && has_negative_zero(spec.dtype), size.elements);
}

Status TensorStats::add(Bytes data, const Work& work) {
  TensorStats range(dtype_, bits_, drop_signs_, total_);
  if (data.size() * 8 % bits_ != 0) {
    return fail(Code::InvalidArgument, "", "the data are no whole elements");
  }
  range.elements_ = data.size() * 8 / bits_;
  if (!is_raw_only(dtype_)) {
    Content content;
    content.dtype = dtype_;
    content.bits = bits_;
    content.elements = range.elements_;
    content.drop_signs = drop_signs_;
    content.words = data;
    DCF_ASSIGN(range.values_, measure_values(content, Measure::kAll, work));
    if (has_grid(dtype_)) range.votes_ = vote_on_grid(dtype_, data);
  }
  return add(range);
}

Status TensorStats::add(const TensorStats& other) {
  if (other.elements_ > total_ - elements_) {
    return fail(Code::InvalidArgument, "", "there are more elements than the tensor has");
  }
  elements_ += other.elements_;
  votes_.on += other.votes_.on;
  votes_.off += other.votes_.off;
  const ValueStats& from = other.values_;
  values_.entries += from.entries;
  values_.negative_zeros += from.negative_zeros;
  values_.zeros += from.zeros;
  values_.mantissa_bits |= from.mantissa_bits;
  values_.palette = joined(dtype_, values_.palette, from.palette);
  values_.prefixes.add(from.prefixes.first(), from.prefixes.counts());
  add_counts(values_.symbols, from.symbols);
  return ok_status();
}

std::vector<uint8_t> TensorStats::save() const {
  Saver saver;
  for (const uint64_t v :
       {kVersion, static_cast<uint64_t>(dtype_), uint64_t{bits_}, uint64_t{drop_signs_}, total_,
        elements_, votes_.on, votes_.off, values_.entries, values_.negative_zeros, values_.zeros,
        values_.mantissa_bits, uint64_t{values_.palette ? values_.palette->words.size() + 1 : 0}}) {
    saver.number(v);
  }
  if (values_.palette) {
    for (const uint64_t word : values_.palette->words) saver.number(word);
    for (const uint64_t count : values_.palette->counts) saver.number(count);
  }
  saver.counts(values_.prefixes.counts(), values_.prefixes.first());
  saver.counts(values_.symbols);
  return saver.out;
}

Status TensorStats::merge(Bytes saved) {
  Loader loader(saved);
  for (const uint64_t expected :
       {kVersion, static_cast<uint64_t>(dtype_), uint64_t{bits_}, uint64_t{drop_signs_}, total_}) {
    if (loader.number() != expected) return bad_stats();
  }
  TensorStats other(dtype_, bits_, drop_signs_, total_);
  ValueStats& values = other.values_;
  for (uint64_t* const field :
       {&other.elements_, &other.votes_.on, &other.votes_.off, &values.entries,
        &values.negative_zeros, &values.zeros, &values.mantissa_bits}) {
    *field = loader.number();
  }
  const uint64_t palette = loader.number();
  if (!loader.good() || palette > kMaxPalette + 1) return bad_stats();
  if (palette == 0) {
    values.palette.reset();
  } else {
    values.palette->words.resize(static_cast<size_t>(palette - 1));
    values.palette->counts.resize(static_cast<size_t>(palette - 1));
    for (uint64_t& word : values.palette->words) word = loader.number();
    for (uint64_t& count : values.palette->counts) count = loader.number();
  }
  std::vector<uint64_t> prefixes(is_split(dtype_) ? kPrefixes : 0);
  loader.counts(prefixes);
  values.prefixes.add(0, prefixes);
  loader.counts(values.symbols);
  if (!loader.ended() || !other.is_consistent()) return bad_stats();
  return add(other);
}

// Whether the counts could be those of a range: what is computed from them stays in its bounds.
bool TensorStats::is_consistent() const {
  const uint64_t counts[] = {values_.entries, values_.negative_zeros, values_.zeros};
  const uint64_t votes[] = {votes_.on, votes_.off};
  if (elements_ > total_ || sum_of(votes) > (has_grid(dtype_) ? elements_ : 0)) return false;
  if (is_raw_only(dtype_)) return sum_of(counts) == 0;
  if (sum_of(counts) != elements_) return false;
  if (values_.palette) {
    const Palette& palette = *values_.palette;
    if (sum_of(palette.counts) != values_.entries) return false;
    for (size_t i = 0; i < palette.words.size(); ++i) {
      if (palette.counts[i] == 0 || palette.words[i] > codec::low_mask(bits_)) return false;
      if (i > 0 &&
          codebook_key(dtype_, palette.words[i - 1]) >= codebook_key(dtype_, palette.words[i])) {
        return false;
      }
    }
  }
  if (is_split(dtype_)) {
    return sum_of(values_.prefixes.counts()) == values_.entries && sum_of(values_.symbols) == 0 &&
           values_.mantissa_bits <= codec::low_mask(bits_);
  }
  return sum_of(values_.symbols) == values_.entries && values_.mantissa_bits == 0;
}

bool TensorStats::cover(const TensorStats& part) const {
  const ValueStats& whole = values_;
  const ValueStats& some = part.values_;
  if (dtype_ != part.dtype_ || part.elements_ > elements_ || some.entries > whole.entries ||
      some.zeros > whole.zeros || some.negative_zeros > whole.negative_zeros ||
      (some.mantissa_bits & ~whole.mantissa_bits) != 0 ||
      !none_exceeds(some.prefixes, whole.prefixes) || !none_exceeds(some.symbols, whole.symbols)) {
    return false;
  }
  if (!whole.palette) return true;
  const std::optional<Palette> both = joined(dtype_, whole.palette, some.palette);
  return both && both->words.size() == whole.palette->words.size();
}

}  // namespace dcf::impl::encode
