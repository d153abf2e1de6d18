// SPDX-License-Identifier: Apache-2.0
// Files that are written more than once: until the user's command accepts one, or until one is
// small enough. Nothing appears at the output before that.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cli/common_options.h"
#include "cli/encode_plan.h"
#include "cli/evaluation.h"
#include "formats/model_source.h"

namespace dcf::tools {

// How the user's command judges a model.
struct Gate {
  std::string command;
  double max_drop = 0;  // greatest loss of score to accept
};

struct SearchJob {
  const ModelSource& source;
  bool exact_file = true;
  const OutputOptions& output;
  const CommonOptions& common;
};

// Encodes as `plan` says, scores the model as it was and as it comes back, and puts the file in
// place, with the scores. Throws ScoreError where the score drops too far; then nothing is written.
Scores write_if_good(const SearchJob& job, const EncodePlan& plan, const Gate& gate);

// The same for the lowest quality, in whole dB, that the command accepts, found by bisection: what
// it accepts it is taken to accept at any higher one. A higher one that was tried wins where its
// file is smaller. Sets the quality of `plan`, which was bound to the source. Tells each step on
// stderr, unless that is quiet. Throws ScoreError where even the greatest quality is not accepted.
Scores write_lowest_good(const SearchJob& job, const Gate& gate, EncodePlan* plan);

// Writes the file of the best quality that takes at most `most` bytes: the lossless one where that
// fits, otherwise at the best quality that was found to fit. Size mostly grows with quality, and
// then that is within a quarter of a dB of the best; but a tensor may stay lossless, or do without
// a trellis, where nearly all of it would be 0, so that a low quality can take more than a higher
// one. Estimates come first, then files are written. Sets the quality of `plan`, which is lossless
// and was bound to the source. Throws SizeError where none of the qualities tried fits.
void write_within(const SearchJob& job, uint64_t most, EncodePlan* plan);

// The lowest of the whole numbers low..high that `accepts` accepts, by bisection; nothing where it
// does not accept `high`. Asks for no number twice, and for the last number it accepted last of
// those that it accepted.
std::optional<int> lowest_accepted(int low, int high, const std::function<bool(int)>& accepts);

}  // namespace dcf::tools
