// SPDX-License-Identifier: Apache-2.0
#include "cli/parts/tensor_places.h"

#include <algorithm>

namespace dcf::tools {

TensorPlaces::TensorPlaces(const ModelSource& source) : places_(source.tensors().size()) {
  if (source.layout() == nullptr) return;
  const std::vector<uint8_t> encoded = source.layout()->encoded();
  LayoutReader reader(source.path(), encoded);
  std::vector<uint64_t> taken(places_.size());
  LayoutFile file;
  for (uint64_t f = 0; reader.next_file(&file); ++f) {
    uint64_t at = 0;
    std::vector<FileRange> rest;
    bool has_tensors = f == 0;
    for (Segment segment; reader.next_segment(&segment); at += segment.bytes) {
      const FileRange range{f, at, segment.bytes};
      if (segment.kind == Segment::Kind::kRest) rest.push_back(range);
      for (const BlockPart& part : segment.parts) {
        has_tensors = true;
        const bool plain = segment.kind == Segment::Kind::kTensor;
        places_[part.tensor].push_back({range, taken[part.tensor], plain});
        taken[part.tensor] += plain ? segment.bytes : part.bytes * segment.blocks;
      }
    }
    if (has_tensors) rest_.insert(rest_.end(), rest.begin(), rest.end());
  }
}

std::vector<FileRange> TensorPlaces::of(size_t i, uint64_t offset, uint64_t bytes) const {
  std::vector<FileRange> result;
  for (const Place& place : places_[i]) {
    if (!place.is_plain) {
      append_range(place.range, &result);
      continue;
    }
    const uint64_t begin = std::max(offset, place.offset);
    const uint64_t end = std::min(offset + bytes, place.offset + place.range.bytes);
    if (begin >= end) continue;
    append_range({place.range.file, place.range.offset + begin - place.offset, end - begin},
                 &result);
  }
  return result;
}

size_t TensorPlaces::only_file(size_t i) const {
  const std::vector<Place>& places = places_[i];
  if (places.size() != 1 || !places[0].is_plain) return StatsTask::kNone;
  return static_cast<size_t>(places[0].range.file);
}

void append_range(const FileRange& range, std::vector<FileRange>* ranges) {
  if (range.bytes == 0) return;
  if (!ranges->empty()) {
    FileRange& last = ranges->back();
    if (last.file == range.file && last.offset + last.bytes == range.offset) {
      last.bytes += range.bytes;
      return;
    }
  }
  ranges->push_back(range);
}

}  // namespace dcf::tools
