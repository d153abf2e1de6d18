// SPDX-License-Identifier: Apache-2.0
#include "cli/quality_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

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

// Trials of qualities, a quarter of a dB apart.
constexpr int kTrialsPerDecibel = 4;

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

  // Encodes and scores. A file that is accepted is kept in place of one that was before.
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
    kept_ = scores;
    if (good_.empty()) good_ = temp_.make_file("good.dcf");
    std::filesystem::rename(encoded.path, good_);
    return true;
  }
  uint64_t bytes() const { return bytes_; }  // of the last file
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
  uint64_t bytes_ = 0;
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
  const auto accepts = [&](int quality) {
    plan->share_quality(quality, job.source);
    const bool good = judge.accepts(*plan);
    tell(job,
         fmt::format("{} dB: {}, score {} ({} before): {}", quality, human_bytes(judge.bytes()),
                     judge.last().after, judge.last().before, good ? "accepted" : "not accepted"));
    return good;
  };
  const std::optional<int> lowest =
      lowest_accepted(static_cast<int>(kLeastQuality), static_cast<int>(kGreatestQuality), accepts);
  if (!lowest) judge.refuse(fmt::format("even at {} dB ", kGreatestQuality));
  plan->share_quality(*lowest, job.source);
  return judge.write();
}

void write_within(const SearchJob& job, uint64_t most, EncodePlan* plan) {
  const TempDirectory temp;
  const OutputOptions lossless{.path = temp.make_file("lossless.dcf"), .force = true};
  write_trial(job, *plan, lossless);
  const uint64_t all = InputFile(lossless.path).size();
  tell(job, fmt::format("lossless: {}", human_bytes(all)));
  if (all <= most) return copy_file(lossless.path, job.output);

  // In steps of a part of a dB.
  const auto quality_at = [](int step) { return static_cast<double>(step) / kTrialsPerDecibel; };
  int low = static_cast<int>(kLeastQuality) * kTrialsPerDecibel;
  int high =
      static_cast<int>(kGreatestQuality) * kTrialsPerDecibel + 1;  // the first that is larger
  int guess = low;
  {
    const DcfFile file(lossless.path, job.common.hints());
    for (int step = low; step < high; ++step) {
      plan->share_quality(quality_at(step), job.source);
      if (estimated_bytes(job.source, *plan, file) <= most) guess = step;
    }
  }
  std::filesystem::remove(lossless.path);
  const OutputOptions trial{.path = temp.make_file("trial.dcf"), .force = true};
  const std::string best = temp.make_file("best.dcf");
  std::optional<int> found;
  uint64_t least = all;
  const auto fits = [&](int step) {
    plan->share_quality(quality_at(step), job.source);
    write_trial(job, *plan, trial);
    const uint64_t bytes = InputFile(trial.path).size();
    least = std::min(least, bytes);
    tell(job, fmt::format("{} dB: {}", quality_at(step), human_bytes(bytes)));
    if (bytes > most) return false;
    found = step;
    std::filesystem::rename(trial.path, best);
    return true;
  };
  // Away from the guess in growing strides until the best is between two trials, then by bisection.
  for (int stride = 1; low < high; stride *= 2) {
    const int step = std::clamp(guess, low, high - 1);
    fits(step) ? low = step + 1 : high = step;
    const bool enclosed = found && high <= static_cast<int>(kGreatestQuality) * kTrialsPerDecibel;
    guess = enclosed ? low + (high - low) / 2 : found ? step + stride : step - stride;
  }
  if (!found) {
    throw ScoreError(fmt::format("{}: not written: even at {} dB it would take {}, more than {}",
                                 job.output.path, kLeastQuality, human_bytes(least),
                                 human_bytes(most)));
  }
  plan->share_quality(quality_at(*found), job.source);
  copy_file(best, job.output);
}

}  // namespace dcf::tools
