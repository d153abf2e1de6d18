// SPDX-License-Identifier: Apache-2.0
#include "encode/plan/lower.h"

#include <cmath>
#include <limits>
#include <unordered_set>

#include "base/float_convert.h"
#include "compress/radix_select.h"
#include "encode/plan/grid_finder.h"
#include "encode/plan/palette.h"
#include "encode/plan/stats.h"
#include "encode/round/grid_round.h"

namespace dcf::impl::encode {
namespace {

constexpr size_t kMaxClusters = 255;  // with codes for "no entry" or the filler zero besides
constexpr size_t kMaxDenseClusters = 256;

// A tensor that takes at most so much more without loss loses nothing.
constexpr double kLossWorthwhile = 0.125;
constexpr uint64_t kSample = uint64_t{1} << 14;  // elements that tell whether it may
constexpr double kDecibelsPerBit = 6.02;         // that halve the step
// A word of 16 bits takes 10 to 14 without loss.
constexpr double kMostBitsOfHalf = 9;

uint64_t negative_zero(DType dtype) {
  return has_negative_zero(dtype) ? uint64_t{1} << (dtype_bits(dtype) - 1) : 0;
}
bool is_zero_word(DType dtype, uint64_t word) {
  return (word & magnitude_mask(dtype)) == 0;
}

Bytes csr_values(const CsrData& csr, uint64_t rows, size_t width) {
  return {csr.values, static_cast<size_t>(csr.row_ptr[rows]) * width};
}

bool all_finite(DType dtype, Bytes words) {
  const size_t width = dtype_bits(dtype) / 8;
  std::array<double, 1024> block;
  for (size_t at = 0; at < words.size();) {
    const size_t bytes = std::min(block.size() * width, words.size() - at);
    words_to_doubles(dtype, words.subspan(at, bytes), {block.data(), bytes / width});
    for (size_t i = 0; i < bytes / width; ++i) {
      if (!std::isfinite(block[i])) return false;
    }
    at += bytes;
  }
  return true;
}

// Not below the sum, whatever the rounding.
double sum_of_bounds(double a, double b) {
  if (a == 0 || b == 0) return a + b;
  return std::min(std::nextafter(a + b, HUGE_VAL), std::numeric_limits<double>::max());
}

// How far the values of a tensor moved.
class Difference {
 public:
  explicit Difference(DType dtype) : dtype_(dtype) {}
  void add(uint64_t before, uint64_t after) {
    if (before == after || (is_zero_word(dtype_, before) && is_zero_word(dtype_, after))) return;
    changed_ = true;
    const double moved = word_to_double(dtype_, before) - word_to_double(dtype_, after);
    greatest_ = std::max(greatest_, std::abs(moved));
  }
  bool changed() const { return changed_; }
  double greatest() const { return greatest_; }

 private:
  DType dtype_;
  bool changed_ = false;
  double greatest_ = 0;
};

class Lowering {
 public:
  Lowering(const CheckedInput& input, const Work& work)
      : input_(input), options_(input.options()), work_(work), dtype_(input.spec().dtype) {
    exact_.dtype = dtype_;
    exact_.bits = input.size().bits;
    exact_.elements = input.size().elements;
    exact_.drop_signs = options_.canonical_zeros && has_negative_zero(dtype_);
  }

  Result<std::vector<Lowered>> run() {
    DCF_ASSIGN(std::vector<Lowered> result, without_history());
    for (Lowered& lowered : result) {
      lowered.fidelity = std::max(lowered.fidelity, options_.source_fidelity);
      lowered.error_bound = sum_of_bounds(lowered.error_bound, options_.source_bound);
    }
    return result;
  }

 private:
  // As if the input had lost nothing before.
  Result<std::vector<Lowered>> without_history() {
    std::vector<Lowered> result;
    if (const auto* codes = input_.as<CodesData>()) {
      result.push_back(from_codes(*codes));
      return result;
    }
    place(exact_);
    if ((options_.bits > 0 || options_.sparsity > 0) && input_.may_be_lossy()) {
      DCF_ASSIGN(const bool finite, is_finite());
      if (finite) {
        DCF_ASSIGN(result, lossy());
      }
    } else if (input_.may_be_rounded()) {
      DCF_ASSIGN(result, rounded());
    }
    if (result.empty()) {
      DCF_ASSIGN(Lowered exact, lossless());
      result.push_back(std::move(exact));
    }
    return result;
  }

  // Points a content to the caller's words.
  void place(Content& content) const {
    if (const auto* csr = input_.as<CsrData>()) {
      place_csr(csr->row_ptr, csr->col, content);
      content.words = csr_values(*csr, content.csr_rows, content.width());
    } else if (const auto* pieces = input_.as<PiecesData>()) {
      content.pieces = pieces->store;
    } else {
      content.words = input_.as<DenseData>()->bytes;
    }
  }
  void place_csr(const uint64_t* row_ptr, const uint32_t* col, Content& content) const {
    content.row_ptr = row_ptr;
    content.col = col;
    content.csr_rows = input_.rows();
    content.csr_cols = input_.cols();
  }

  Result<bool> is_finite() const {
    if (exact_.pieces == nullptr) return all_finite(dtype_, exact_.words);
    bool finite = true;
    DCF_TRY(exact_.pieces->visit(0, exact_.elements, [&](uint64_t, uint64_t word) {
      finite = finite && std::isfinite(word_to_double(dtype_, word));
    }));
    return finite;
  }

  Result<bool> has_negative_zeros() const {
    if (exact_.pieces == nullptr) return count_negative_zeros(dtype_, exact_.words) > 0;
    bool found = false;
    DCF_TRY(exact_.pieces->visit(0, exact_.elements, [&](uint64_t, uint64_t word) {
      found = found || is_zero_word(dtype_, word);
    }));
    return found;
  }

  Result<Lowered> lossless() const {
    Lowered result;
    result.content = exact_;
    if (exact_.drop_signs) {
      DCF_ASSIGN(const bool dropped, has_negative_zeros());
      if (dropped) result.fidelity = format::Fidelity::kValueExact;
    }
    return result;
  }

  Lowered from_codes(const CodesData& codes) const {
    Lowered result;
    Content& content = result.content = exact_;
    content.coded = true;
    content.codes = codes.codes;
    const bool sparse = codes.row_ptr != nullptr;
    if (sparse) place_csr(codes.row_ptr, codes.col, content);
    for (uint32_t i = 0; i < codes.codebook_size; ++i) {
      const uint64_t word = load_word(codes.codebook + i * content.width(), content.width());
      set_code(content, i, word, sparse);
    }
    const uint64_t entries = sparse ? codes.row_ptr[content.csr_rows] : content.elements;
    const bool signs_dropped =
        content.drop_signs && std::any_of(codes.codes, codes.codes + entries, [&](uint8_t code) {
          return load_word(codes.codebook + code * content.width(), content.width()) ==
                 negative_zero(dtype_);
        });
    if (signs_dropped) result.fidelity = format::Fidelity::kValueExact;
    // A caller who gives a code for every element gets the codes back, unless options ask for
    // other positions.
    result.sparse_allowed = sparse || options_.positions.has_value();
    return result;
  }

  // Sets the word of a code, and how sparse positions store it. In CSR every code is an entry, even
  // if its centroid is zero.
  void set_code(Content& content, size_t code, uint64_t word, bool zero_is_entry) const {
    const bool negative = has_negative_zero(dtype_) && word == negative_zero(dtype_);
    if (negative && content.drop_signs) word = 0;
    content.code_words[code] = word;
    content.code_cells[code] = !is_zero_word(dtype_, word) || zero_is_entry ? Cell::kEntry
                               : word != 0                                  ? Cell::kNegativeZero
                                                                            : Cell::kZero;
  }

  // Empty if no value changed, or if the change has no finite bound.
  Result<std::vector<Lowered>> lossy() {
    const bool forced_dense = options_.positions == format::Positions::kDense;
    const bool csr = input_.as<CsrData>() != nullptr;
    std::vector<Lowered> result;
    const auto add = [&](Result<std::optional<Lowered>> lowered) {
      if (lowered.ok() && lowered.value()) result.push_back(std::move(*lowered.value()));
      return lowered.status();
    };
    if (csr || options_.sparsity > 0) {
      DCF_TRY(add(options_.bits > 0 ? cluster_nonzeros() : prune_only()));
      return result;
    }
    const bool has_zeros = count_nonzeros(dtype_, exact_.words) < exact_.elements;
    if (forced_dense || !options_.positions || !has_zeros) {
      DCF_TRY(add(cluster_all()));
      if (!has_zeros || forced_dense) return result;
      if (result.empty()) {
        DCF_ASSIGN(Lowered exact, lossless());
        result.push_back(std::move(exact));
      }
      result[0].sparse_allowed = false;
    }
    DCF_ASSIGN(std::optional<Lowered> sparse, cluster_nonzeros());
    if (!sparse) {
      DCF_ASSIGN(sparse, lossless());
    }
    sparse->dense_allowed = false;
    result.push_back(std::move(*sparse));
    return result;
  }

  // Empty if the tensor is kept as it is.
  Result<std::vector<Lowered>> rounded() const {
    DCF_ASSIGN(std::optional<RoundedTensor> tensor,
               round_to_grid(dtype_, exact_.words, input_.spec().dims, options_.sqnr_db, work_,
                             options_.moments ? &*options_.moments : nullptr));
    std::vector<Lowered> result;
    if (!tensor) return result;
    if (options_.moments && options_.moments->use != nullptr) *options_.moments->use = tensor->use;
    const std::span<const uint64_t> dims = input_.spec().dims;
    DCF_ASSIGN(std::optional<GridScales> own,
               find_scales(exact_, {dims.begin(), dims.end()}, work_));
    if (own || may_be_small_without_loss()) {
      DCF_ASSIGN(Lowered exact, lossless());
      exact.margin = kLossWorthwhile;
      exact.scales = std::move(own);
      result.push_back(std::move(exact));
    }
    Lowered& lowered = result.emplace_back();
    lowered.fidelity = format::Fidelity::kLossy;
    lowered.error_bound = tensor->greatest_error;
    lowered.scales = tensor->grid;
    lowered.content = exact_;
    lowered.content.drop_signs = false;  // there are none
    lowered.content.rounded = std::make_shared<const RoundedTensor>(std::move(*tensor));
    lowered.content.words = lowered.content.rounded->words;
    return result;
  }

  // Whether a sample has fewer values than about as many bits as rounding leaves can tell apart, or
  // is zero for the most part, or the words are so short.
  bool may_be_small_without_loss() const {
    const uint64_t count = std::min(kSample, exact_.elements);
    const uint64_t step = exact_.elements / count;
    std::vector<uint64_t> words;
    for (uint64_t i = 0; i < count; ++i) words.push_back(exact_word(i * step));
    const auto zeros = static_cast<uint64_t>(std::count_if(
        words.begin(), words.end(), [&](uint64_t word) { return is_zero_word(dtype_, word); }));
    const double bits = options_.sqnr_db / kDecibelsPerBit + 1;
    std::unordered_set<uint64_t> distinct;
    const auto are_few = [&] { return std::log2(static_cast<double>(distinct.size())) < bits; };
    for (size_t i = 0; i < words.size() && (i == 0 || are_few()); ++i) distinct.insert(words[i]);
    return 2 * zeros > count || are_few() || (exact_.bits == 16 && bits > kMostBitsOfHalf);
  }

  size_t clusters(size_t most) const { return std::min(size_t{1} << options_.bits, most); }
  compress::Clustering cluster(Bytes words, size_t count) const {
    return compress::cluster_words(dtype_, words, count, options_.init, options_.seed,
                                   options_.fill_clusters);
  }

  // A palette small enough is what clustering would give.
  bool is_clustered(Bytes words) const {
    const std::optional<Palette> palette = find_palette(dtype_, words);
    return palette && palette->words.size() <= size_t{1} << options_.bits;
  }

  std::optional<Lowered> finish(Content content, const Difference& difference) const {
    if (!difference.changed() || !std::isfinite(difference.greatest())) return std::nullopt;
    Lowered lowered;
    lowered.content = std::move(content);
    lowered.content.drop_signs = true;
    lowered.fidelity = format::Fidelity::kLossy;
    lowered.error_bound = difference.greatest();
    return lowered;
  }

  // The pruning that removes the round(sparsity * n) elements of least magnitude; of equal
  // magnitudes the lower indices go first (compress/prune.h).
  Result<Pruning> find_pruning() const {
    const auto size = static_cast<double>(exact_.elements);
    const auto count = static_cast<uint64_t>(std::round(options_.sparsity * size));
    if (count >= exact_.elements) return Pruning{UINT64_MAX, UINT64_MAX};
    Status status;
    const auto for_each = [&](auto visit) {
      uint64_t visited = 0;
      const Status s = exact_.visit(0, exact_.elements, [&](uint64_t, uint64_t word, Cell) {
        ++visited;
        visit(magnitude_of(dtype_, word));
      });
      if (!s.ok()) status = s;
      visit(0, exact_.elements - visited);
    };
    const compress::Cut cut = compress::radix_cut(static_cast<int>(exact_.bits), count, for_each);
    DCF_TRY(status);
    // Zeros never stay, so ties among them do not matter.
    Pruning pruning{cut.key, 0};
    if (cut.key == 0) return pruning;
    uint64_t ties = 0;
    DCF_TRY(exact_.visit(0, exact_.elements, [&](uint64_t index, uint64_t word, Cell) {
      if (magnitude_of(dtype_, word) == cut.key && ties < cut.ties && ++ties == cut.ties) {
        pruning.ties_from = index + 1;
      }
    }));
    return pruning;
  }

  Result<std::optional<Lowered>> prune_only() const {
    Content content = exact_;
    DCF_ASSIGN(content.pruning, find_pruning());
    Difference difference(dtype_);
    DCF_TRY(exact_.visit(0, exact_.elements, [&](uint64_t index, uint64_t word, Cell) {
      if (!content.keeps(index, word)) difference.add(word, 0);
    }));
    return finish(std::move(content), difference);
  }

  Result<std::optional<Lowered>> cluster_all() const {
    if (is_clustered(exact_.words)) return std::optional<Lowered>();
    const bool may_be_dense =
        options_.positions.value_or(format::Positions::kDense) == format::Positions::kDense;
    const size_t most = options_.fill_clusters && may_be_dense ? kMaxDenseClusters : kMaxClusters;
    compress::Clustering clustering = cluster(exact_.words, clusters(most));
    const bool needs_dense = clustering.codebook.size() > kMaxClusters;
    Content content = exact_;
    content.coded = true;
    content.owned_codes = std::move(clustering.codes);
    content.codes = content.owned_codes.data();
    Difference difference(dtype_);
    for (size_t c = 0; c < clustering.codebook.size(); ++c) {
      set_code(content, c, clustering.codebook[c], false);
    }
    for (uint64_t i = 0; i < content.elements; ++i) {
      difference.add(exact_word(i), content.code_words[content.codes[i]]);
    }
    std::optional<Lowered> lowered = finish(std::move(content), difference);
    if (lowered && needs_dense) lowered->sparse_allowed = false;
    return lowered;
  }

  // Code 0 is "no entry", code c > 0 centroid c - 1.
  Result<std::optional<Lowered>> cluster_nonzeros() const {
    const uint64_t places = exact_.words.size() / exact_.width();
    const bool pruned = options_.sparsity > 0;
    Content content = exact_;
    if (pruned) {
      DCF_ASSIGN(content.pruning, find_pruning());
    }
    content.coded = true;
    content.words = {};
    content.owned_codes.resize(places);
    std::vector<uint8_t> kept;
    for (uint64_t i = 0; i < places; ++i) {
      const uint64_t before = exact_word(i);
      const bool stays = !is_zero_word(dtype_, before) && (!pruned || content.keeps(i, before));
      content.owned_codes[i] = stays;
      if (!stays) continue;
      const uint8_t* word = exact_.words.data() + i * exact_.width();
      kept.insert(kept.end(), word, word + exact_.width());
    }
    content.pruning.reset();
    if (kept.empty() && pruned) return prune_only();
    if (!pruned && is_clustered(kept)) return std::optional<Lowered>();
    const compress::Clustering clustering = cluster(kept, clusters(kMaxClusters));
    for (size_t c = 0; c < clustering.codebook.size(); ++c) {
      set_code(content, c + 1, clustering.codebook[c], true);
    }
    Difference difference(dtype_);
    for (uint64_t i = 0, k = 0; i < places; ++i) {
      uint8_t& code = content.owned_codes[i];
      if (code != 0) code = static_cast<uint8_t>(clustering.codes[k++] + 1);
      difference.add(exact_word(i), content.code_words[code]);
    }
    content.codes = content.owned_codes.data();
    return finish(std::move(content), difference);
  }

  uint64_t exact_word(uint64_t i) const {
    return load_word(exact_.words.data() + i * exact_.width(), exact_.width());
  }

  const CheckedInput& input_;
  const EncodeOptions& options_;
  const Work& work_;
  const DType dtype_;
  Content exact_;
};

}  // namespace

Result<std::vector<Lowered>> lower(const CheckedInput& input, const Work& work) {
  return Lowering(input, work).run();
}

}  // namespace dcf::impl::encode
