// SPDX-License-Identifier: Apache-2.0
#include "cli/loss_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "cli/display.h"
#include "cli/model_diff.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/special_values.h"
#include "cli/text_table.h"
#include "formats/dcf_error.h"
#include "formats/dcf_source.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr size_t kFewLost = 3;     // of a group
constexpr size_t kManyNames = 20;  // of tensors that are each worth a line
constexpr size_t kLostNameWidth = 60;

std::string short_name(const std::string& name) {
  return shorten_middle(printable_name(name), kLostNameWidth);
}

uint32_t capped(uint64_t count) {
  return static_cast<uint32_t>(std::min<uint64_t>(count, std::numeric_limits<uint32_t>::max()));
}

std::string db_text(double db) {
  return std::isnan(db) ? "-" : fmt::format("{:.1f} dB", db);
}

void write_db(double db, JsonWriter* json) {
  json->key("sqnr_db");
  std::isfinite(db) ? json->value(db) : json->value(nullptr);
}

// The file is our own: where it cannot be opened under the limit, which is for strangers', there is
// none.
std::unique_ptr<ModelSource> open_output_model(const std::string& path,
                                               const CommonOptions& common) {
  OpenHints hints = common.hints();
  try {
    return open_dcf_model(path, hints);
  } catch (const DcfError& error) {
    if (error.failure.status != DCF_STATUS_LIMIT_MEMORY) throw;
  }
  hints.max_memory = UINT64_MAX;
  return open_dcf_model(path, hints);
}

}  // namespace

LossReport::Fate LossReport::fate_of(LeftOut left_out) {
  switch (left_out) {
    case LeftOut::kNo:
      return Fate::kLossy;
    case LeftOut::kNotAsked:
      return Fate::kNotAsked;
    case LeftOut::kKept:
      return Fate::kKept;
    case LeftOut::kIgnored:
      return Fate::kIgnored;
    case LeftOut::kScale:
      return Fate::kScale;
    case LeftOut::kNotFloat:
      return Fate::kNotFloat;
    case LeftOut::kLowRank:
      return Fate::kLowRank;
    case LeftOut::kSmall:
      return Fate::kSmall;
    case LeftOut::kNoGrid:
      return Fate::kNoGrid;
  }
  return Fate::kNotAsked;
}

LossReport::LossReport(const ModelSource& source, const std::string& output, const EncodePlan& plan,
                       const CommonOptions& common)
    : source_(source),
      asked_(plan.is_lossy()),
      done_(!plan.cuts()     ? "rounded"
            : !plan.rounds() ? "pruned or clustered"
                             : "pruned, clustered or rounded"),
      doing_(!plan.cuts()     ? "rounding"
             : !plan.rounds() ? "pruning and clustering"
                              : "pruning, clustering and rounding"),
      outcomes_(source.tensors().size()) {
  if (!asked_) return;
  const auto opened = open_output_model(output, common);
  const ModelSource& restored = *opened;
  uint64_t total = 0;
  for (size_t i = 0; i < outcomes_.size(); ++i) {
    const TensorChoice choice = plan.choice_for(source.tensors()[i]);
    outcomes_[i].fate = fate_of(choice.left_out);
    outcomes_[i].rounded = choice.options.sqnr_db != 0;
    if (outcomes_[i].fate == Fate::kLossy) total += source.tensors()[i].bytes();
  }
  std::unordered_map<std::string_view, size_t> in_restored;
  for (size_t i = 0; i < restored.tensors().size(); ++i) {
    in_restored.emplace(restored.tensors()[i].name, i);
  }
  Progress progress("measuring", total, common.progress());
  uint64_t done = 0;
  for (size_t i = 0; i < outcomes_.size(); ++i) {
    if (outcomes_[i].fate != Fate::kLossy) continue;
    throw_if_interrupted();
    outcomes_[i] = measure(i, restored, in_restored.at(name_of(i)));
    if (outcomes_[i].fate == Fate::kLossy) lossy_.push_back(i);
    progress.update(done += source.tensors()[i].bytes());
  }
  // What could not be measured comes last.
  std::stable_sort(lossy_.begin(), lossy_.end(), [&](size_t a, size_t b) {
    const double x = outcomes_[a].sqnr_db;
    const double y = outcomes_[b].sqnr_db;
    return std::isnan(y) ? !std::isnan(x) : x < y;
  });
}

LossReport::Outcome LossReport::measure(size_t i, const ModelSource& restored,
                                        size_t in_restored) const {
  Outcome outcome = outcomes_[i];
  Difference difference;
  try {
    difference = compare_tensors(source_, i, restored, in_restored);
  } catch (const DcfError& error) {
    if (error.failure.status != DCF_STATUS_LIMIT_MEMORY) throw;
    outcome.sqnr_db = std::numeric_limits<double>::quiet_NaN();
    return outcome;
  }
  outcome.sqnr_db = difference.sqnr_db;
  outcome.fate = difference.same_values ? Fate::kUnchanged : Fate::kLossy;
  if (!difference.same_values) return outcome;
  SpecialValues special;
  source_.read_pieces(i, [&](std::span<const uint8_t> piece) {
    throw_if_interrupted();
    count_special(source_.tensors()[i].dtype, piece, &special);
  });
  outcome.nans = capped(special.nans);
  outcome.infinities = capped(special.infinities);
  if (special.infinities > 0) outcome.fate = Fate::kHasInf;
  if (special.nans > 0) outcome.fate = Fate::kHasNan;
  return outcome;
}

std::string LossReport::reason_of(const Outcome& outcome) const {
  switch (outcome.fate) {
    case Fate::kLossy:
      return "";
    case Fate::kUnchanged:
      return outcome.rounded ? "as small without loss, or beyond the range of rounding"
                             : "has no more values than asked for";
    case Fate::kHasNan:
      return fmt::format("holds NaN ({})", human_count(outcome.nans, "value"));
    case Fate::kHasInf:
      return fmt::format("holds Inf ({})", human_count(outcome.infinities, "value"));
    case Fate::kNotAsked:
      return "no option or rule asks for it";
    case Fate::kKept:
      return "kept by its rule";
    case Fate::kIgnored:
      return "ignored by the recipe";
    case Fate::kScale:
      return "scales of a quantised tensor";
    case Fate::kNotFloat:
      return "integer or opaque";
    case Fate::kLowRank:
      return "rank below 2";
    case Fate::kSmall:
      return "fewer than 512 elements";
    case Fate::kNoGrid:
      return "a type that is not rounded";
  }
  return "";
}

void LossReport::write_members(JsonWriter* json) const {
  json->key("loss");
  if (lossy_.empty()) {
    json->value(nullptr);
  } else {
    const auto write_tensor = [&](size_t i) {
      json->begin_object();
      json->member("name", name_of(i));
      write_db(outcomes_[i].sqnr_db, json);
      json->end();
    };
    json->begin_object();
    json->key("worst");
    write_tensor(lossy_.front());
    json->key("median");
    write_tensor(lossy_[(lossy_.size() - 1) / 2]);
    json->key("tensors");
    json->begin_array();
    for (const size_t i : lossy_) write_tensor(i);
    json->end();
    json->end();
  }
  json->key("left_out");
  json->begin_array();
  for (size_t i = 0; asked_ && i < outcomes_.size(); ++i) {
    if (outcomes_[i].fate == Fate::kLossy) continue;
    json->begin_object();
    json->member("name", name_of(i));
    json->member("reason", reason_of(outcomes_[i]));
    json->end();
  }
  json->end();
}

void LossReport::print_group(const Outcome& like) const {
  const std::string reason = reason_of(like);
  size_t count = 0;
  std::string names;
  for (size_t i = 0; i < outcomes_.size(); ++i) {
    if (outcomes_[i].fate != like.fate || reason_of(outcomes_[i]) != reason) continue;
    if (++count > kFewLost) continue;
    names += (count == 1 ? "" : ", ") + short_name(name_of(i));
  }
  if (count == 0) return;
  print_out(fmt::format("  {}, {}: {}{}\n", human_count(count, "tensor"), reason, names,
                        count > kFewLost ? ", ..." : ""));
}

void LossReport::print_text() const {
  if (!asked_) return;
  if (lossy_.empty()) {
    print_out("no tensor was " + done_ + "\n");
  } else {
    const size_t worst = lossy_.front();
    const size_t median = lossy_[(lossy_.size() - 1) / 2];
    print_out(fmt::format("SQNR of {}: worst {} ({}), median {} ({})\n",
                          human_count(lossy_.size(), done_ + " tensor"),
                          db_text(outcomes_[worst].sqnr_db), short_name(name_of(worst)),
                          db_text(outcomes_[median].sqnr_db), short_name(name_of(median))));
  }
  if (lossy_.size() == outcomes_.size()) return;
  print_out("left out of " + doing_ + ":\n");
  size_t surprises = 0;
  for (size_t i = 0; i < outcomes_.size(); ++i) {
    const Outcome& outcome = outcomes_[i];
    if (outcome.fate != Fate::kHasNan && outcome.fate != Fate::kHasInf) continue;
    if (++surprises > kManyNames) continue;
    print_out(fmt::format("  {}: {}\n", printable_name(name_of(i)), reason_of(outcome)));
  }
  if (surprises > kManyNames) {
    print_out(fmt::format("  {} more that hold NaN or Inf (-v or --json names them)\n",
                          surprises - kManyNames));
  }
  for (const bool rounded : {true, false}) {
    print_group({.fate = Fate::kUnchanged, .rounded = rounded});
  }
  for (const Fate fate : {Fate::kScale, Fate::kNotFloat, Fate::kLowRank, Fate::kSmall,
                          Fate::kNoGrid, Fate::kIgnored, Fate::kKept, Fate::kNotAsked}) {
    print_group({.fate = fate});
  }
}

void LossReport::print_table(size_t width) const {
  if (!asked_) return;
  TableLayout layout(
      {{"tensor", Align::kLeft}, {"SQNR dB", Align::kRight}, {"left out", Align::kLeft}});
  const auto row_of = [&](size_t i) -> std::vector<std::string> {
    const Outcome& outcome = outcomes_[i];
    const bool has_sqnr = outcome.fate == Fate::kLossy && !std::isnan(outcome.sqnr_db);
    return {printable_name(name_of(i)), has_sqnr ? fmt::format("{:.2f}", outcome.sqnr_db) : "-",
            outcome.fate == Fate::kLossy ? "-" : reason_of(outcome)};
  };
  for (size_t i = 0; i < outcomes_.size(); ++i) layout.fit(row_of(i));
  layout.limit(width);
  print_out(layout.titles());
  for (size_t i = 0; i < outcomes_.size(); ++i) print_out(layout.row(row_of(i)));
}

}  // namespace dcf::tools
