// SPDX-License-Identifier: Apache-2.0
#include "formats/dcf_source.h"

#include "formats/dcf_file.h"

namespace dcf::tools {
namespace {

class DcfSource final : public ModelSource {
 public:
  DcfSource(const std::string& path, const OpenHints& hints) : file_(path, hints) {
    tensors_.reserve(file_.tensor_count());
    for (size_t i = 0; i < file_.tensor_count(); ++i) tensors_.push_back(file_.meta(i));
    metadata_ = file_.metadata();
    file_bytes_ = file_.info().file_bytes;
  }

  std::vector<uint8_t> read(size_t i) const override { return file_.decode(i); }

 private:
  DcfFile file_;
};

}  // namespace

std::unique_ptr<ModelSource> open_dcf_model(const std::string& path, const OpenHints& hints) {
  return std::make_unique<DcfSource>(path, hints);
}

}  // namespace dcf::tools
