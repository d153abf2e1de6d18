// SPDX-License-Identifier: Apache-2.0
#include "cli/quality_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <unordered_set>

#include "cli/copy_model.h"
#include "cli/display.h"
#include "cli/failures.h"
#include "cli/quality_estimate.h"
#include "cli/quality_levels.h"
#include "cli/score_metadata.h"
#include "cli/temp_directory.h"
#include "cli/write_dcf.h"
#include "formats/input_file.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

// Trials of qualities, in steps of a quarter of a dB.
constexpr int kTrialsPerDecibel = 4;
constexpr int kLowest = static_cast<int>(kLeastQuality) * kTrialsPerDecibel;
constexpr int kHighest = static_cast<int>(kGreatestQuality) * kTrialsPerDecibel;

double decibels_of(int step) {
  return static_cast<double>(step) / kTrialsPerDecibel;
}

// Trials next to each other differ in few bytes: they are told exactly.
void tell(const SearchJob& job, const std::string& step) {
  if (job.common.quiet) return;
  std::fputs(("dcf: " + step + "\n").c_str(), stderr);
}

void write_trial(const SearchJob& job, const EncodePlan& plan, const OutputOptions& to) {
  write_dcf(job.source, plan, job.exact_file, to, job.common);
}

// A model before and after, in files that nobody else sees.
class Judge {
 public:
  Judge(const SearchJob& job, const Gate& gate) : job_(job), gate_(gate) {
    const OutputOptions original{.path = temp_.make_file("original.safetensors"), .force = true};
    copy_as_safetensors(job.source, original);
    scores_.before = evaluate(gate.command, original.path);
    std::filesystem::remove(original.path);  // never two whole models at a time
  }

  // Encodes and scores. A file that is accepted is kept, in place of one that was before unless
  // that is smaller: a low quality can take more than a higher one.
  bool accepts(const EncodePlan& plan) {
    const OutputOptions encoded{.path = temp_.make_file("model.dcf"), .force = true};
    const OutputOptions restored{.path = temp_.make_file("restored.safetensors"), .force = true};
    write_trial(job_, plan, encoded);
    bytes_ = InputFile(encoded.path).size();
    restore_model(DcfFile(encoded.path, job_.common.hints()), restored, SinkFormat::kSafetensors,
                  job_.common);
    Scores scores = scores_;
    scores.after = evaluate(gate_.command, restored.path);
    std::filesystem::remove(restored.path);
    last_ = scores;
    if (scores.drops_more_than(gate_.max_drop)) {
      std::filesystem::remove(encoded.path);
      return false;
    }
    if (!good_.empty() && bytes_ > kept_bytes_) {
      std::filesystem::remove(encoded.path);
      return true;
    }
    kept_ = scores;
    kept_bytes_ = bytes_;
    if (good_.empty()) good_ = temp_.make_file("good.dcf");
    std::filesystem::rename(encoded.path, good_);
    return true;
  }
  uint64_t bytes() const { return bytes_; }                 // of the last file
  bool kept_last() const { return bytes_ == kept_bytes_; }  // of those accepted
  const Scores& last() const { return last_; }

  // Puts what was accepted in place.
  Scores write() const {
    const OutputOptions scored{.path = temp_.make_file("scored.dcf"), .force = true};
    add_scores(DcfFile(good_, job_.common.hints()), kept_, scored.path);
    copy_file(scored.path, job_.output);
    return kept_;
  }

  [[noreturn]] void refuse(const std::string& where) const {
    throw ScoreError(
        fmt::format("{}: not written: {}the score drops from {} to {}, by more than {}",
                    job_.output.path, where, last_.before, last_.after, gate_.max_drop));
  }

 private:
  const SearchJob& job_;
  const Gate& gate_;
  const TempDirectory temp_;
  std::string good_;
  Scores scores_, last_, kept_;
  uint64_t bytes_ = 0, kept_bytes_ = 0;
};

// Files of several qualities, of which the best that is small enough is kept.
class SizeTrials {
 public:
  SizeTrials(const SearchJob& job, uint64_t most, EncodePlan* plan)
      : job_(job), most_(most), plan_(*plan) {}

  // The best quality that fits from step `low` on, as far as size grows with quality: away from the
  // guess in growing strides until it is between two trials, then by bisection.
  void search(int low, int guess) {
    int high = kHighest + 1;  // the first that is larger
    for (int stride = 1; low < high; stride *= 2) {
      const int step = std::clamp(guess, low, high - 1);
      fits(step) ? low = step + 1 : high = step;
      const bool enclosed = found_ && high <= kHighest;
      guess = enclosed ? low + (high - low) / 2 : found_ ? step + stride : step - stride;
    }
  }

  // A few steps upwards from the lowest quality, in growing strides; more as long as they leave
  // tensors lossless that a higher one may round.
  void climb() {
    constexpr uint64_t kHopeless = 4;  // nothing seen so far falls as far as that
    if (least_ / kHopeless > most_) return;
    constexpr int kFew = 8 * kTrialsPerDecibel;
    for (int stride = kTrialsPerDecibel;
         kLowest + stride <= kHighest && (stride <= kFew || leaves_lossless_); stride *= 2) {
      if (fits(kLowest + stride)) return search(kLowest + stride + 1, kLowest + stride + 1);
    }
  }

  const std::optional<int>& found() const { return found_; }
  void write() const { copy_file(best_, job_.output); }

  // `lossless`: bytes without loss.
  [[noreturn]] void refuse(uint64_t lossless) const {
    const bool rounded = least_ < lossless;
    const uint64_t least = rounded ? least_ : lossless;
    std::string takes = human_bytes(least);
    std::string limit = human_bytes(most_);
    if (takes == limit) {
      takes = human_count(least, "byte");
      limit = std::to_string(most_);
    }
    throw SizeError(fmt::format(
        "{}: not written: the smallest that was tried, {}, takes {}, more than {}",
        job_.output.path, rounded ? fmt::format("{} dB", decibels_of(least_step_)) : "lossless",
        takes, limit));
  }

 private:
  bool fits(int step) {
    plan_.share_quality(decibels_of(step), job_.source);
    write_trial(job_, plan_, trial_);
    const uint64_t bytes = InputFile(trial_.path).size();
    tell(job_, fmt::format("{} dB: {}", decibels_of(step), exact_bytes(bytes)));
    if (bytes < least_) {
      least_ = bytes;
      least_step_ = step;
    }
    if (bytes <= most_) {
      found_ = step;
      std::filesystem::rename(trial_.path, best_);
      return true;
    }
    if (!found_) leaves_lossless_ = has_lossless(DcfFile(trial_.path, own_hints()));
    return false;
  }

  // Whether a tensor that was to be rounded was not.
  bool has_lossless(const DcfFile& file) const {
    std::unordered_set<std::string_view> exact;
    for (size_t i = 0; i < file.tensor_count(); ++i) {
      const dcf_tensor_info info = file.tensor(i);
      if (info.fidelity != DCF_FIDELITY_LOSSY) exact.emplace(info.name, info.name_size);
    }
    const std::vector<TensorMeta>& tensors = job_.source.tensors();
    return std::any_of(tensors.begin(), tensors.end(), [&](const TensorMeta& tensor) {
      return exact.contains(tensor.name) && plan_.choice_for(tensor).options.sqnr_db != 0;
    });
  }

  // The limit is for the files of strangers.
  OpenHints own_hints() const {
    OpenHints hints = job_.common.hints();
    hints.max_memory = UINT64_MAX;
    return hints;
  }

  const SearchJob& job_;
  const uint64_t most_;
  EncodePlan& plan_;
  const TempDirectory temp_;
  const OutputOptions trial_{.path = temp_.make_file("trial.dcf"), .force = true};
  const std::string best_ = temp_.make_file("best.dcf");
  std::optional<int> found_;
  uint64_t least_ = UINT64_MAX;
  int least_step_ = kLowest;
  bool leaves_lossless_ = false;  // the last that did not fit
};

}  // namespace

std::optional<int> lowest_accepted(int low, int high, const std::function<bool(int)>& accepts) {
  if (!accepts(high)) return std::nullopt;
  while (low < high) {
    const int middle = low + (high - low) / 2;
    accepts(middle) ? high = middle : low = middle + 1;
  }
  return high;
}

Scores write_if_good(const SearchJob& job, const EncodePlan& plan, const Gate& gate) {
  Judge judge(job, gate);
  if (!judge.accepts(plan)) judge.refuse("");
  return judge.write();
}

Scores write_lowest_good(const SearchJob& job, const Gate& gate, EncodePlan* plan) {
  Judge judge(job, gate);
  int kept = 0;
  const auto accepts = [&](int quality) {
    plan->share_quality(quality, job.source);
    const bool good = judge.accepts(*plan);
    if (good && judge.kept_last()) kept = quality;
    tell(job,
         fmt::format("{} dB: {}, score {} ({} before): {}", quality, exact_bytes(judge.bytes()),
                     judge.last().after, judge.last().before, good ? "accepted" : "not accepted"));
    return good;
  };
  const std::optional<int> lowest =
      lowest_accepted(static_cast<int>(kLeastQuality), static_cast<int>(kGreatestQuality), accepts);
  if (!lowest) judge.refuse(fmt::format("even at {} dB ", kGreatestQuality));
  plan->share_quality(kept, job.source);
  return judge.write();
}

void write_within(const SearchJob& job, uint64_t most, EncodePlan* plan) {
  const TempDirectory temp;
  const OutputOptions lossless{.path = temp.make_file("lossless.dcf"), .force = true};
  write_trial(job, *plan, lossless);
  const uint64_t all = InputFile(lossless.path).size();
  tell(job, fmt::format("lossless: {}", exact_bytes(all)));
  if (all <= most) return copy_file(lossless.path, job.output);

  int guess = kLowest;
  {
    const DcfFile file(lossless.path, job.common.hints());
    for (int step = kLowest; step <= kHighest; ++step) {
      plan->share_quality(decibels_of(step), job.source);
      if (estimated_bytes(job.source, *plan, file) <= most) guess = step;
    }
  }
  std::filesystem::remove(lossless.path);
  SizeTrials trials(job, most, plan);
  trials.search(kLowest, guess);
  if (!trials.found()) trials.climb();
  if (!trials.found()) trials.refuse(all);
  plan->share_quality(decibels_of(*trials.found()), job.source);
  trials.write();
}

}  // namespace dcf::tools
