// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/dictionary_plan.h"

#include <algorithm>

#include "base/checked.h"
#include "compress/radix_sort.h"
#include "encode/plan/class_costs.h"

namespace dcf::impl::encode {
namespace {

constexpr unsigned kLogSlots = 17;
static_assert(kMaxDictionary == 1u << (kLogSlots - 1), "half of the slots");

constexpr uint64_t kLeastDictionaryElements = 2048;
constexpr uint64_t kSampledPart = 4;  // of the tensor at most
constexpr uint64_t kSampledRuns = 256;
constexpr uint64_t kRun = 16;
// What a sample misses: for the smallest encoding a plan is made where it may cost 1/kSlack more
// than other values; otherwise where it seems to save 1/kGain, or 1/kGainOfMany where there are
// more words than the sample has elements. Of those it finds too few: 135 tensors of two fp16 nets
// seemed up to 3.7 % smaller than they were, and 190 of two bf16 nets, which have fewer words, were
// within 1.5 %.
constexpr uint64_t kSlack = 16;
constexpr uint64_t kGain = 128;
constexpr uint64_t kGainOfMany = 24;

// The keys of some words, sorted.
Result<std::vector<uint64_t>> sample_keys(const Content& content) {
  const uint64_t runs = std::min(kSampledRuns, content.elements / kRun / kSampledPart);
  std::vector<uint64_t> keys;
  std::vector<uint8_t> scratch;
  for (uint64_t r = 0; r < runs; ++r) {
    const uint64_t first = r * (content.elements / runs);
    DCF_ASSIGN(const Bytes words, content.dense(first, first + kRun, &scratch));
    with_words(content.dtype, words, [&](auto view) {
      for (size_t i = 0; i < view.size(); ++i) keys.push_back(codebook_key(content.dtype, view[i]));
    });
  }
  compress::sort_keys(&keys);
  return keys;
}

// As a sample shows it.
struct Estimate {
  uint64_t words = 0;
  uint64_t cost = 0;  // in 1/64 bit
};

// About what a dictionary takes, as sorted keys of a sample show it; nothing where there are too
// many distinct ones.
std::optional<Estimate> estimate(const std::vector<uint64_t>& keys, uint64_t elements) {
  std::vector<uint64_t> counts = {1};  // of each distinct key, ascending
  uint64_t steps = 0;                  // logarithms of those between them
  for (size_t i = 1; i < keys.size(); ++i) {
    if (keys[i] != keys[i - 1]) {
      counts.push_back(0);
      steps += log2_of(keys[i] - keys[i - 1]);
    }
    ++counts.back();
  }
  const auto of_count = [&](uint64_t n) {
    return static_cast<uint64_t>(std::count(counts.begin(), counts.end(), n));
  };
  // A tensor of which one word is the half has better encodings.
  if (2 * *std::max_element(counts.begin(), counts.end()) > keys.size()) return std::nullopt;
  // The number of words by those seen once and twice (A. Chao, "Nonparametric estimation of the
  // number of classes in a population", Scand. J. Statist. 11, 1984).
  const uint64_t once = of_count(1);
  const uint64_t words = counts.size() + once * once / (2 * std::max<uint64_t>(of_count(2), 1));
  if (words > 2 * uint64_t{kMaxDictionary}) return std::nullopt;
  // The high parts of the indices are the 256th parts of the distinct keys.
  codec::Histogram high{};
  for (size_t i = 0; i < counts.size(); ++i)
    high[i * codec::kMaxSymbols / counts.size()] += counts[i];
  const uint64_t low_bits =
      words > codec::kMaxSymbols ? log2_of(words) - log2_of(codec::kMaxSymbols) : 0;
  const uint64_t of_index = entropy_of(high) / keys.size() + low_bits;
  // The words between those of the sample make the steps shorter.
  const uint64_t step = steps / counts.size();
  const uint64_t shorter = log2_of(words) - log2_of(counts.size());
  const uint64_t of_word = (step > shorter ? step - shorter : 0) + (uint64_t{1} << kFractionBits);
  return Estimate{words, elements * of_index + words * of_word};
}

// The distinct words of a tensor as they come, and how often each does.
struct Found {
  Found() {
    words.reserve(kMaxDictionary);
    counts.reserve(kMaxDictionary);
  }

  WordIndex index{kLogSlots};
  std::vector<uint64_t> words;
  std::vector<uint64_t> counts;

  // False if there is no room for another word.
  template <typename Word>
  bool add(Words<Word> view) {
    for (size_t i = 0; i < view.size(); ++i) {
      uint32_t at = index.find(view[i]);
      if (at == WordIndex::kAbsent) {
        if (words.size() == kMaxDictionary) return false;
        at = static_cast<uint32_t>(words.size());
        index.insert(view[i], at);
        words.push_back(view[i]);
        counts.push_back(0);
      }
      ++counts[at];
    }
    return true;
  }
};

// False if the tensor has too many distinct words.
Result<bool> find_words(const Content& content, const Work& work, Found* found) {
  std::vector<uint8_t> scratch;
  for (uint64_t first = 0; first < content.elements; first += kReadElements) {
    const uint64_t end = std::min(content.elements, first + kReadElements);
    DCF_ASSIGN(const Bytes words, content.dense(first, end, &scratch));
    if (!with_words(content.dtype, words, [&](auto view) { return found->add(view); }))
      return false;
    DCF_TRY(work.progress.poll());
  }
  return true;
}

DictionaryPlan make_plan(const Content& content, Found found, uint64_t chunks) {
  std::vector<std::pair<uint64_t, uint64_t>> sorted;  // keys and counts
  sorted.reserve(found.words.size());
  for (size_t i = 0; i < found.words.size(); ++i) {
    sorted.emplace_back(codebook_key(content.dtype, found.words[i]), found.counts[i]);
  }
  std::sort(sorted.begin(), sorted.end());
  DictionaryPlan plan;
  plan.encoding.values = format::Values::kDictionary;
  plan.encoding.palette_size = static_cast<uint32_t>(sorted.size());
  const unsigned low_bits = plan.encoding.index_bits();
  plan.codebook.reserve(sorted.size());
  codec::Histogram high{};
  for (size_t i = 0; i < sorted.size(); ++i) {
    const uint64_t word = codebook_word(content.dtype, sorted[i].first);
    plan.codebook.push_back(word);
    found.index.insert(word, static_cast<uint32_t>(i));  // in place of its old number
    high[i >> low_bits] += sorted[i].second;
  }
  plan.index = std::make_shared<const WordIndex>(std::move(found.index));
  const auto alphabet = static_cast<unsigned>((sorted.size() - 1) >> low_bits) + 1;
  plan.stream = plan_stream(high, alphabet, chunks);
  std::vector<uint8_t> book;
  // The keys rise, so they are a codebook.
  (void)codec::append_codebook(plan.codebook, content.dtype, &book);
  plan.bytes = plan.stream.bytes + codec::packed_size(content.elements, low_bits) + chunks / 2 +
               book.size() + sizeof(uint16_t);
  return plan;
}

}  // namespace

uint64_t dictionary_index_bytes() {
  return WordIndex::bytes(kLogSlots);
}

Result<std::optional<DictionaryPlan>> plan_dictionary(const Content& content, uint64_t plain,
                                                      uint64_t chunks, bool smallest,
                                                      const Work& work) {
  const std::optional<DictionaryPlan> none;
  if (content.coded || content.bits < 16 || content.elements < kLeastDictionaryElements)
    return none;
  DCF_ASSIGN(const std::vector<uint64_t> keys, sample_keys(content));
  const std::optional<Estimate> expected = estimate(keys, content.elements);
  if (!expected) return none;
  const uint64_t gain = expected->words > keys.size() ? kGainOfMany : kGain;
  const uint64_t most = smallest ? plain + plain / kSlack : plain - plain / gain;
  if (expected->cost > most << kByteShift) return none;
  // Words, counts, keys with counts, and the codebook.
  constexpr uint64_t kWordBytes = 5 * sizeof(uint64_t);
  DCF_TRY(work.threads_for(dictionary_index_bytes() + kMaxDictionary * kWordBytes +
                           kReadElements * content.width() + PieceStore::kReaderBytes)
              .status());
  Found found;
  DCF_ASSIGN(const bool fits, find_words(content, work, &found));
  if (!fits || found.words.size() <= kMaxPalette) return none;
  return std::optional<DictionaryPlan>(make_plan(content, std::move(found), chunks));
}

}  // namespace dcf::impl::encode
