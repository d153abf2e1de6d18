// SPDX-License-Identifier: Apache-2.0
#include "formats/npz_sink.h"

#include <numeric>
#include <utility>

#include "formats/npy_header.h"
#include "formats/npz_extra.h"
#include "formats/zip_writer.h"

namespace dcf::tools {
namespace {

class NpzSink : public ModelSink {
 public:
  NpzSink(std::unique_ptr<OutputFile> file, std::vector<TensorMeta> tensors,
          const std::map<std::string, std::string>& metadata)
      : ModelSink(std::move(tensors)), file_(std::move(file)), zip_(file_.get()) {
    order_.resize(tensors_.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    const std::string extra = make_npz_extra(file_->path(), tensors_, metadata);
    if (extra.empty()) return;
    start_entry({.name = kNpzExtraName,
                 .dtype = DCF_DTYPE_U8,
                 .bits = dcf_dtype_bits(DCF_DTYPE_U8),
                 .opaque_name = {},
                 .dims = {extra.size()}});
    write_data({reinterpret_cast<const uint8_t*>(extra.data()), extra.size()});
    end_entry();
  }

 protected:
  void start_entry(const TensorMeta& meta) final {
    const std::vector<uint8_t> header = make_npy_header(meta);
    uint64_t bytes = 0;
    if (__builtin_add_overflow(meta.bytes(), header.size(), &bytes)) {
      throw_invalid(file_->path(), "a tensor does not fit into 64 bits");
    }
    zip_.begin_entry(meta.name + ".npy", bytes);
    zip_.append(header);
  }
  void write_data(std::span<const uint8_t> bytes) final { zip_.append(bytes); }
  void end_entry() final { zip_.end_entry(); }
  void close() final {
    zip_.write_directory();
    file_->commit();
  }

 private:
  std::unique_ptr<OutputFile> file_;
  ZipWriter zip_;
};

}  // namespace

std::unique_ptr<ModelSink> create_npz_sink(std::unique_ptr<OutputFile> file,
                                           std::vector<TensorMeta> tensors,
                                           const std::map<std::string, std::string>& metadata) {
  return std::make_unique<NpzSink>(std::move(file), std::move(tensors), metadata);
}

}  // namespace dcf::tools
