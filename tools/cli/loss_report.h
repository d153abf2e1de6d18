// SPDX-License-Identifier: Apache-2.0
// What pruning, clustering or rounding did to each tensor of a model, and why they left others
// alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/common_options.h"
#include "cli/encode_plan.h"
#include "cli/json_writer.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Measured against the input, after the output was written. Keeps 24 bytes for each tensor; names
// stay with the source, which must outlive the report.
class LossReport {
 public:
  // `plan` was bound to `source`; `output` is the path of the .dcf file that was written. Reads in
  // pieces the tensors that were to lose bits, and no others; one of which a single
  // row is beyond the limit of memory has the SQNR NaN. Throws Error.
  LossReport(const ModelSource& source, const std::string& output, const EncodePlan& plan,
             const CommonOptions& common);

  // The members "loss" and "left_out", into an object that was begun.
  void write_members(JsonWriter* json) const;
  // To standard output: the worst and the median SQNR, then the tensors that were left alone,
  // grouped by reason; what surprises, each by name. Nothing where nothing was asked for.
  void print_text() const;
  // A table of all tensors. `width` as in TableLayout::limit().
  void print_table(size_t width) const;

 private:
  enum class Fate : uint8_t {
    kLossy,
    kUnchanged,  // no more values than asked for, nothing to prune, as small without loss
    kHasNan,
    kHasInf,
    kNotAsked,
    kKept,
    kIgnored,
    kScale,
    kNotFloat,
    kLowRank,
    kSmall,
    kNoGrid
  };
  struct Outcome {
    Fate fate = Fate::kNotAsked;
    bool rounded = false;               // was to be; else pruned or clustered
    uint32_t nans = 0, infinities = 0;  // at most 2^32 - 1 is told
    double sqnr_db = 0;
  };

  static Fate fate_of(LeftOut left_out);
  Outcome measure(size_t i, const ModelSource& restored, size_t in_restored) const;
  std::string reason_of(const Outcome& outcome) const;
  const std::string& name_of(size_t i) const { return source_.tensors()[i].name; }
  void print_group(const Outcome& like) const;

  const ModelSource& source_;
  bool asked_ = false;
  std::string done_;               // to tensors: "rounded", ...
  std::string doing_;              // "rounding", ...
  std::vector<Outcome> outcomes_;  // by tensor of the source
  std::vector<size_t> lossy_;      // tensors, from the lowest SQNR to the highest
};

}  // namespace dcf::tools
