// SPDX-License-Identifier: Apache-2.0
#include "reassemble.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>

#include "formats/text.h"

namespace dcf::tools::test {
namespace {

std::string text_of(std::span<const uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

class Reassembler {
 public:
  explicit Reassembler(const ModelSource& source)
      : source_(source), used_(source.tensors().size()) {}

  std::vector<ReassembledFile> run() {
    if (source_.layout() == nullptr) throw std::logic_error("there is no layout");
    const std::vector<uint8_t> encoded = source_.layout()->encoded();
    LayoutReader reader("layout", encoded);
    if (!reader.types().empty() && reader.types().rbegin()->first >= used_.size()) {
      throw std::logic_error("a type is noted of a tensor that does not exist");
    }
    std::vector<ReassembledFile> files;
    std::set<std::string> names;
    for (LayoutFile file; reader.next_file(&file);) {
      if (!names.insert(file.name).second) throw std::logic_error("two files share a name");
      std::string content;
      source_.with_file(files.size(), [&](const InputFile& input) {
        if (input.size() != file.bytes) throw std::logic_error("a file has another size");
        for (Segment segment; reader.next_segment(&segment);) append(input, segment, &content);
      });
      files.push_back({.name = file.name, .content = std::move(content)});
    }
    for (size_t i = 0; i < used_.size(); ++i) {
      if (used_[i] != source_.tensors()[i].bytes()) fail(i, "is not used to its end");
    }
    return files;
  }

 private:
  [[noreturn]] void fail(uint64_t tensor, const char* what) const {
    throw std::logic_error("tensor " + quote(source_.tensors()[tensor].name) + " " + what);
  }

  void append(const InputFile& input, const Segment& segment, std::string* content) {
    if (segment.kind == Segment::Kind::kRest || segment.kind == Segment::Kind::kDescriptions) {
      *content += text_of(input.read_range(content->size(), segment.bytes));
      return;
    }
    for (const BlockPart& part : segment.parts) begin(part.tensor, segment.parts);
    for (uint64_t block = 0; block < segment.blocks; ++block) {
      for (const BlockPart& part : segment.parts) {
        const std::string& bytes = open_.at(part.tensor);
        uint64_t& used = used_[part.tensor];
        if (part.bytes > bytes.size() - used) fail(part.tensor, "is used beyond its end");
        content->append(bytes, used, part.bytes);
        used += part.bytes;
      }
    }
    std::erase_if(open_,
                  [&](const auto& entry) { return used_[entry.first] == entry.second.size(); });
  }

  // Only the tensors of this segment may be open.
  void begin(uint64_t tensor, const std::vector<BlockPart>& parts) {
    if (tensor >= used_.size())
      throw std::logic_error("a segment has a tensor that does not exist");
    if (open_.contains(tensor)) return;
    if (used_[tensor] != 0) fail(tensor, "is used twice");
    for (const auto& [other, bytes] : open_) {
      const bool beside = std::any_of(parts.begin(), parts.end(),
                                      [other = other](auto& part) { return part.tensor == other; });
      if (!beside) fail(tensor, "begins where another is used in part");
    }
    open_[tensor] = text_of(source_.read(tensor));
  }

  const ModelSource& source_;
  std::vector<uint64_t> used_;            // bytes of each tensor
  std::map<uint64_t, std::string> open_;  // whole bytes of the tensors that are used in part
};

}  // namespace

std::vector<ReassembledFile> reassemble(const ModelSource& source) {
  return Reassembler(source).run();
}

std::string layout_fault(const ModelSource& source) {
  try {
    const std::vector<ReassembledFile> files = reassemble(source);
    if (files.size() != source.layout()->files()) return "not every file is put together";
    std::string fault;
    for (size_t i = 0; i < files.size(); ++i) {
      source.with_file(i, [&](const InputFile& file) {
        if (files[i].content == text_of(file.read_range(0, file.size()))) return;
        fault = "file " + quote(files[i].name) + " has other bytes";
      });
    }
    return fault;
  } catch (const std::logic_error& error) {
    return error.what();
  }
}

}  // namespace dcf::tools::test
