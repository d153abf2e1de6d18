// SPDX-License-Identifier: Apache-2.0
// Writes a .dcf file: dcf::Writer with exceptions that name the file and the tensor.
#pragma once

#include <cstdint>
#include <dcf/dcf.hpp>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/dcf_file.h"
#include "formats/range_stats.h"
#include "formats/tensor_meta.h"

namespace dcf::tools {

// Codes of the stored entries of a matrix into a codebook; everything is borrowed.
struct SparseCodes {
  std::span<const uint64_t> row_ptr;
  std::span<const uint32_t> col;
  std::span<const uint8_t> codes;
  const void* codebook;  // elements of the tensor's dtype
  uint32_t codebook_size;
};

// Belongs to one thread at a time. All members throw DcfError. A file appears with finish() or not
// at all.
class DcfWriter {
 public:
  DcfWriter(std::string path, const dcf_writer_options& options);
  // Into a sink; `name` stands for it in errors.
  DcfWriter(std::string name, const dcf_sink& sink, const dcf_writer_options& options);

  void add(const TensorMeta& meta, std::span<const uint8_t> data,
           const dcf_encode_options& options);
  // Several tensors, of which more than one is in progress at a time. `read` fills dst with the
  // bytes of one of them, on any thread; what it throws comes back.
  struct Tensor {
    const TensorMeta* meta;
    dcf_encode_options options;
  };
  using Read = std::function<void(size_t index, std::span<uint8_t> dst)>;
  void add_all(std::span<const Tensor> tensors, const Read& read);
  // The same file from a tensor in pieces: produce(consume) calls consume for all of its bytes, in
  // order, cut anywhere.
  using Consume = std::function<void(std::span<const uint8_t>)>;
  void add_pieces(const TensorMeta& meta, const dcf_encode_options& options,
                  const std::function<void(const Consume&)>& produce);
  void add_codes(const TensorMeta& meta, const SparseCodes& codes,
                 const dcf_encode_options& options);
  // As it is stored.
  void copy(const DcfFile& file, size_t tensor);
  // All tensors of a part of the file.
  void add_part(const DcfFile& part);
  // A tensor with the same data as `target`, which was added before.
  void add_alias(const TensorMeta& meta, const std::string& target);
  // To a part: the elements from `first` on of a tensor with these statistics.
  void add_range(const TensorMeta& meta, const RangeStats& stats, uint64_t first,
                 std::span<const uint8_t> data, const dcf_encode_options& options);
  void add_metadata(const std::string& key, const std::string& value);
  void add_section(uint32_t kind, std::span<const uint8_t> bytes);
  void finish();

 private:
  DcfWriter(std::string name, const dcf_writer_options& options, dcf::Result<dcf::Writer> writer);
  void check(const dcf::Status& status,
             const std::optional<std::string>& tensor = std::nullopt) const;

  std::string name_;
  MemoryLimit limit_;
  std::optional<dcf::Writer> writer_;  // there once the constructor is done
};

// The library's default options, with these positions.
dcf_encode_options encode_options(dcf_positions positions);

// A tensor of floats, and its bytes.
TensorMeta float_meta(std::string name, std::vector<uint64_t> dims);
std::span<const uint8_t> bytes_of(std::span<const float> values);

}  // namespace dcf::tools
