// SPDX-License-Identifier: Apache-2.0
#include "cli/parts/shard_writer.h"

#include <fmt/format.h>

#include <map>

#include "cli/dcf_output.h"
#include "cli/folder_output.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/write_dcf.h"
#include "formats/dcf_file.h"
#include "formats/input_file.h"

namespace dcf::tools {
namespace {

constexpr const char* kIndexName = "model.dcf.index.json";

// The first item of each shard, and the number of items. Ranges of one tensor stay together.
std::vector<size_t> cut_into_shards(const WorkPlan& plan, const std::vector<uint64_t>& sizes,
                                    uint64_t shard_bytes) {
  std::vector<size_t> first;
  uint64_t filled = 0;
  for (size_t i = 0; i < plan.items.size(); ++i) {
    const WorkItem& item = plan.items[i];
    const bool goes_on = item.is_range() && item.first > 0;
    uint64_t bytes = sizes[i];
    for (size_t k = i + 1; item.is_range() && k < plan.items.size(); ++k) {
      if (!plan.items[k].is_range() || plan.items[k].first == 0) break;
      bytes += sizes[k];
    }
    if (first.empty() || (!goes_on && (filled >= shard_bytes || bytes > shard_bytes - filled))) {
      first.push_back(i);
      filled = 0;
    }
    filled += sizes[i];
  }
  first.push_back(plan.items.size());
  return first;
}

std::vector<uint64_t> sizes_of(const std::vector<std::string>& parts) {
  std::vector<uint64_t> sizes;
  sizes.reserve(parts.size());
  for (const std::string& part : parts) sizes.push_back(InputFile(part).size());
  return sizes;
}

void write_index(const WorkPlan& plan, const std::map<std::string, std::string>& shard_of,
                 OutputFile* file) {
  uint64_t total = 0;
  for (const PlannedTensor& tensor : plan.tensors) total += tensor.bytes;
  OrderedJson index;
  index["metadata"]["total_size"] = total;
  index["weight_map"] = OrderedJson::object();
  for (const auto& [tensor, shard] : shard_of) index["weight_map"][tensor] = shard;
  const std::string text = dump_json(index) + "\n";
  file->write(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  file->commit();
}

}  // namespace

WrittenShards write_shards(const WorkPlan& plan, const ModelSource& source,
                           const std::vector<std::string>& parts, uint64_t shard_bytes,
                           const OutputOptions& output, const CommonOptions& common) {
  const std::vector<uint64_t> sizes = sizes_of(parts);
  const std::vector<size_t> first = cut_into_shards(plan, sizes, shard_bytes);
  const size_t shards = first.size() - 1;
  std::vector<std::string> names;
  for (size_t s = 0; s < shards; ++s) {
    names.push_back(fmt::format("model-{:05}-of-{:05}.dcf", s + 1, shards));
  }
  names.emplace_back(kIndexName);
  std::map<std::string, std::vector<size_t>> aliases;  // by the name of their data
  for (size_t i = 0; i < plan.tensors.size(); ++i) {
    if (!plan.tensors[i].alias_of.empty()) aliases[plan.tensors[i].alias_of].push_back(i);
  }
  uint64_t total = 0;
  for (const uint64_t size : sizes) total += size;
  Progress progress("merging", total, common.progress());
  uint64_t done = 0;
  std::map<std::string, std::string> shard_of;
  WrittenShards written{.files = names.size(), .bytes = 0};
  FolderOutput folder(output.path, names, output.force);
  for (size_t s = 0; s < shards; ++s) {
    DcfOutput out(folder.create(names[s]), writer_options_of(common));
    for (size_t i = first[s]; i < first[s + 1]; ++i) {
      throw_if_interrupted();
      out.writer()->add_part(DcfFile(parts[i], common.hints()));
      progress.update(done += sizes[i]);
    }
    for (size_t i = first[s]; i < first[s + 1]; ++i) {
      for (const size_t tensor : plan.items[i].tensors) {
        const std::string& name = plan.tensors[tensor].name;
        if (!shard_of.emplace(name, names[s]).second) continue;  // another range of it
        for (const size_t alias : aliases[name]) {
          out.writer()->add_alias(source.tensors()[alias], name);
          shard_of.emplace(plan.tensors[alias].name, names[s]);
        }
      }
    }
    add_metadata(source, plan.lossy, out.writer());
    out.finish();
    written.bytes += out.bytes();
  }
  const auto index = folder.create(kIndexName);
  write_index(plan, shard_of, index.get());
  written.bytes += index->position();
  folder.commit();
  return written;
}

}  // namespace dcf::tools
