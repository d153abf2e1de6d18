// SPDX-License-Identifier: Apache-2.0
#include "cli/peer_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/display.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr double kMargin = 0.01;

struct PeerComparison {
  dcf_tensor_info info;
  uint64_t bytes = 0;            // in the file
  std::vector<uint64_t> packed;  // by each peer; empty where the memory limit forbids it

  uint64_t least() const { return *std::min_element(packed.begin(), packed.end()); }
  // Share of what the smallest peer takes.
  double loss() const {
    const double least_bytes = static_cast<double>(std::max<uint64_t>(least(), 1));
    return static_cast<double>(bytes) / least_bytes - 1;
  }
  bool loses() const { return !packed.empty() && loss() > kMargin; }
  uint64_t lost_bytes() const { return bytes - least(); }  // where it loses
};

PeerComparison compare(const DcfFile& file, size_t index, const std::vector<PeerCoder>& peers) {
  PeerComparison result{file.tensor(index), file.measure(index).total, {}};
  const uint64_t dense_bytes = result.info.dense_bytes;
  if (dense_bytes > file.max_memory()) return result;
  const uint64_t room = file.max_memory() - dense_bytes;
  for (const PeerCoder& peer : peers) {
    if (peer.memory_for(dense_bytes) > room) return result;
  }
  const std::vector<uint8_t> data = file.decode(index);
  const size_t width = std::max<size_t>(result.info.dtype_bits / 8, 1);
  for (const PeerCoder& peer : peers) result.packed.push_back(peer.packed_bytes(data, width));
  return result;
}

struct Sums {
  uint64_t bytes = 0;  // of the tensors that were compared
  std::vector<uint64_t> packed;
  size_t compared = 0;
};

Sums add_up(const std::vector<PeerComparison>& all, size_t peers) {
  Sums sums{0, std::vector<uint64_t>(peers), 0};
  for (const PeerComparison& tensor : all) {
    if (tensor.packed.empty()) continue;
    sums.bytes += tensor.bytes;
    for (size_t i = 0; i < peers; ++i) sums.packed[i] += tensor.packed[i];
    ++sums.compared;
  }
  return sums;
}

void print_as_json(const DcfFile& file, const std::vector<PeerComparison>& all,
                   const std::vector<PeerCoder>& peers) {
  const Sums sums = add_up(all, peers.size());
  JsonWriter json;
  const auto write_packed = [&](const std::vector<uint64_t>& packed) {
    json.key("peers");
    json.begin_object();
    for (size_t i = 0; i < packed.size(); ++i) json.member(peers[i].name(), packed[i]);
    json.end();
  };
  json.begin_object();
  json.member("file_bytes", file.info().file_bytes);
  json.key("compared");
  json.begin_object();
  json.member("tensors", uint64_t{sums.compared});
  json.member("encoded_bytes", sums.bytes);
  write_packed(sums.packed);
  json.end();
  json.key("tensors");
  json.begin_array();
  for (const PeerComparison& tensor : all) {
    const dcf_tensor_info& t = tensor.info;
    json.begin_object();
    json.member("name", std::string_view(t.name, t.name_size));
    json.member("dtype", dcf_dtype_name(t.dtype));
    json.member("dense_bytes", t.dense_bytes);
    json.member("encoded_bytes", tensor.bytes);
    write_packed(tensor.packed);
    json.member("loses", tensor.loses());
    json.end();
  }
  json.end();
  json.end();
  json.finish();
}

std::string to_text(const DcfFile& file, const std::vector<PeerComparison>& all,
                    const std::vector<PeerCoder>& peers) {
  std::vector<const PeerComparison*> losing;
  for (const PeerComparison& tensor : all) {
    if (tensor.loses()) losing.push_back(&tensor);
  }
  std::stable_sort(losing.begin(), losing.end(),
                   [](const PeerComparison* a, const PeerComparison* b) {
                     return a->lost_bytes() > b->lost_bytes();
                   });
  std::vector<Column> columns = {
      {"tensor", Align::kLeft}, {"dtype", Align::kLeft}, {"shape", Align::kLeft}, {"dcf bytes"}};
  for (const PeerCoder& peer : peers) columns.push_back({peer.name()});
  columns.push_back({"loss"});
  Table table(std::move(columns));
  for (const PeerComparison* tensor : losing) {
    const dcf_tensor_info& t = tensor->info;
    std::vector<std::string> row = {printable_name({t.name, t.name_size}), dcf_dtype_name(t.dtype),
                                    human_shape({t.dims, t.rank}),
                                    fmt::format("{}", tensor->bytes)};
    for (const uint64_t bytes : tensor->packed) row.push_back(fmt::format("{}", bytes));
    row.push_back(fmt::format("{:.1f} %", tensor->loss() * 100));
    table.add_row(std::move(row));
  }
  const Sums sums = add_up(all, peers.size());
  std::string text = table.empty() ? "" : table.render(table_width());
  text += fmt::format("{} of {} over 1 % larger than with a peer\n", losing.size(),
                      human_count(sums.compared, "tensor"));
  std::vector<std::string> totals = {fmt::format("all compared: dcf {}", sums.bytes)};
  for (size_t i = 0; i < peers.size(); ++i) {
    totals.push_back(fmt::format("{} {}", peers[i].name(), sums.packed[i]));
  }
  totals.push_back(fmt::format("the whole file {} bytes", file.info().file_bytes));
  text += fold_list(totals, table_width());
  if (sums.compared < all.size()) {
    text += human_count(all.size() - sums.compared, "tensor") +
            " left out: no room within the memory limit (-M)\n";
  }
  return text;
}

}  // namespace

void print_peer_report(const DcfFile& file, const std::vector<PeerCoder>& peers,
                       const CommonOptions& common) {
  std::vector<PeerComparison> all;
  {
    Progress progress("comparing", file.tensor_count(), common.progress(), Progress::Unit::kSteps);
    for (size_t i = 0; i < file.tensor_count(); ++i) {
      all.push_back(compare(file, i, peers));
      progress.update(i + 1);
    }
  }
  if (common.json) {
    print_as_json(file, all, peers);
  } else if (!common.quiet) {
    print_out(to_text(file, all, peers));
  }
}

}  // namespace dcf::tools
