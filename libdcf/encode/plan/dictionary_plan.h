// SPDX-License-Identifier: Apache-2.0
// Dictionaries (spec, section 8.1): tensors of 257 to 65,536 distinct words, as computed tables and
// rounded scales have.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "encode/content/content.h"
#include "encode/content/work.h"
#include "encode/plan/palette.h"
#include "encode/plan/stream_plan.h"

namespace dcf::impl::encode {

struct DictionaryPlan {
  format::Encoding encoding;  // the fields of the values
  std::vector<uint64_t> codebook;
  std::shared_ptr<const WordIndex> index;  // of the words in the codebook
  StreamPlan stream;                       // of the high parts of the indices
  uint64_t bytes = 0;                      // stream, table, fields, codebook and parameters
};

// The dictionary of a tensor whose values take `plain` bytes otherwise, in `chunks` chunks. Nothing
// where there are fewer or more distinct words, or where a sample shows that it is larger, or
// unless `smallest` that it hardly saves anything. Fails with LimitMemory, Cancelled, or as a store
// does.
Result<std::optional<DictionaryPlan>> plan_dictionary(const Content& content, uint64_t plain,
                                                      uint64_t chunks, bool smallest,
                                                      const Work& work);

// The memory of the index of a dictionary.
uint64_t dictionary_index_bytes();

}  // namespace dcf::impl::encode
