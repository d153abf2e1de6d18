// SPDX-License-Identifier: Apache-2.0
// A plan for compressing a model in parts, on any number of machines: a JSON file that `dcf plan`
// makes from headers alone, `dcf stats` settles, and `dcf compress --item` and `dcf merge` follow.
#pragma once

#include <dcf/dcf_write.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/file_layout.h"
#include "formats/model_source.h"

namespace dcf::tools {

// Ranges of a tensor are multiples of so many bytes: whole elements of every width that is cut.
inline constexpr uint64_t kRangeUnit = 64;
// What a plan can hold, as its JSON can be read again.
inline constexpr size_t kMostPlannedTensors = 200'000;

// Bytes of a file of the model.
struct FileRange {
  uint64_t file = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

struct PlannedFile {
  std::string name;
  uint64_t bytes = 0;
  std::optional<Sha256> sha256;  // known once the plan is settled
};

struct PlannedTensor {
  std::string name;
  uint64_t bytes = 0;
  size_t encoding = 0;  // index into WorkPlan::encodings
  // A tensor that is measured and encoded in ranges: bytes of each but the last. 0: it is not.
  uint64_t range_bytes = 0;
  bool may_be_alias = false;      // another tensor has as many elements of the same type
  std::string alias_of;           // settled: the name of the tensor with the same data, or empty
  std::vector<uint8_t> measured;  // settled: statistics of all ranges; empty: it stays whole
};

// What one call of `dcf compress --item` encodes: whole tensors, or one range of one tensor.
struct WorkItem {
  std::vector<size_t> tensors;  // in the order of the model
  uint64_t first = 0;           // range: the first element
  uint64_t elements = 0;        // range: how many; 0: whole tensors
  uint64_t bytes = 0;
  uint64_t peak_memory = 0;  // of the process
  std::vector<FileRange> reads;

  bool is_range() const { return elements != 0; }
};

// What one call of `dcf stats --item` reads: a file from front to end, or what an item encodes.
struct StatsTask {
  static constexpr size_t kNone = std::numeric_limits<size_t>::max();
  size_t file = kNone;
  size_t item = kNone;  // one of the two is set
  uint64_t bytes = 0;
  uint64_t peak_memory = 0;
  std::vector<FileRange> reads;
};

struct WorkPlan {
  std::string source;       // path of the model
  std::string fingerprint;  // of all that its headers say
  bool dequantize = false;
  bool exact_file = true;
  bool lossy = false;
  bool settled = false;
  uint64_t max_memory = 0;  // of the library, in each process
  uint32_t threads = 0;     // of each process; 0: one per processor
  uint64_t item_bytes = 0;  // what an item has at most, unless it is one tensor
  std::vector<dcf_encode_options> encodings;
  std::vector<PlannedFile> files;      // those that the tensors lie in as they are; may be none
  std::vector<FileRange> opens;        // what opening the model reads
  std::vector<PlannedTensor> tensors;  // in the order of the model
  std::vector<StatsTask> tasks;
  std::vector<WorkItem> items;
  // Bytes per second of one process, as measured or told.
  uint64_t encode_speed = 0;
  uint64_t stats_speed = 0;

  const dcf_encode_options& options_of(size_t tensor) const {
    return encodings[tensors[tensor].encoding];
  }
};

// SHA-256 of what the headers of the model say, in hexadecimal digits.
std::string fingerprint_of(const ModelSource& source);

// Equal for equal options.
std::string options_key(const dcf_encode_options& options);

std::string plan_text(const WorkPlan& plan);
// Throws Error where the file is no plan of this version.
WorkPlan read_plan(const std::string& path);

// The model of a plan, at `path` or, if that is empty, where the plan says. Throws Error where its
// headers are not those that the plan was made from.
std::unique_ptr<ModelSource> open_planned(const WorkPlan& plan, const std::string& path);

// The item or task `number` of `count`; throws UsageError.
size_t checked_number(const std::string& what, uint64_t number, size_t count);

}  // namespace dcf::tools
