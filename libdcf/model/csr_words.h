// SPDX-License-Identifier: Apache-2.0
// The values of entries as a CSR output holds them: in the tensor's dtype, or converted to f32.
#pragma once

#include "model/count_nonzeros.h"
#include "model/word_table.h"

namespace dcf::impl::model {

class CsrWords {
 public:
  CsrWords(const TensorCoding& coding, DType as)
      : dtype_(coding.tensor().dtype),
        convert_(as == DType::kF32 && dtype_ != DType::kF32),
        stored_bytes_(coding.word_bytes()),
        mask_(magnitude_mask(dtype_)),
        words_(words_by_code<uint64_t>(coding, convert_)) {
    size_t code = coding.reserved_codes();  // after the code of the fillers
    for (const uint64_t word : coding.codebook()) {
      keep_[code++] = coding.tensor().encoding.is_sparse() || !is_zero(word);
    }
  }

  size_t bytes() const { return convert_ ? sizeof(float) : stored_bytes_; }
  bool converts() const { return convert_; }
  bool is_zero(uint64_t stored) const { return (stored & mask_) == 0; }
  uint64_t converted(uint64_t stored) const {
    return convert_ ? std::bit_cast<uint32_t>(word_to_float(dtype_, stored)) : stored;
  }

  // By code: the value, and whether an entry with that code belongs to the output. Fillers do not;
  // dense elements do if they are not zero.
  const std::array<uint64_t, 257>& by_code() const { return words_; }
  const std::array<bool, 257>& kept() const { return keep_; }

 private:
  DType dtype_;
  bool convert_;
  size_t stored_bytes_;
  uint64_t mask_;
  std::array<uint64_t, 257> words_;
  std::array<bool, 257> keep_{};
};

}  // namespace dcf::impl::model
