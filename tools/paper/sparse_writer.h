// SPDX-License-Identifier: Apache-2.0
// Large sparse layers into a .dcf file, clustered on the way.
#pragma once

#include <dcf/dcf_write.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/tensor_meta.h"

namespace dcf::tools {

struct SparseLayer {
  std::vector<uint64_t> row_ptr;
  std::vector<uint32_t> col;
  std::vector<float> values;  // none of them 0
};

// Replaces a file of the same name. Throws DcfError.
class SparseWriter {
 public:
  explicit SparseWriter(const std::string& path);

  // Shares the values among so many centroids (linear initialisation), and stores codes at gap
  // positions of the best width.
  void add(const std::string& name, const std::vector<uint64_t>& dims, const SparseLayer& layer,
           uint32_t clusters);
  // As it is.
  void add_dense(const TensorMeta& meta, std::span<const uint8_t> bytes);
  void finish();

 private:
  struct Closer {
    void operator()(dcf_writer* writer) const { dcf_writer_close(writer); }
  };
  void check(dcf_status status, const dcf_error& error) const;

  std::string path_;
  std::unique_ptr<dcf_writer, Closer> writer_;
};

}  // namespace dcf::tools
