// SPDX-License-Identifier: Apache-2.0
// How far two tensors of the same dtype and shape are apart.
#pragma once

#include <dcf/dcf.h>

#include <cstdint>
#include <span>

namespace dcf::tools {

// What has no value is NaN: a cosine with zero, errors where one side only is NaN or infinite, all
// three numbers of a dtype that is only ever stored as it is.
struct Difference {
  bool same_bytes = true;
  bool same_values = true;  // as same_bytes, but +0 equals -0
  double max_error = 0;     // greatest |a - b|
  double sqnr_db = 0;       // 10 log10(sum a^2 / sum (a - b)^2); infinite if that is 0
  double cosine = 1;
};

// The running sums of a comparison, over two tensors cut into pieces in the same way.
class Comparison {
 public:
  explicit Comparison(dcf_dtype dtype) : dtype_(dtype) {}

  // The next whole elements of both, as many bytes of one as of the other.
  void add(std::span<const uint8_t> a, std::span<const uint8_t> b);
  // Of all that was added.
  Difference result() const;

 private:
  template <typename Word, typename ValueOf>
  void add_words(std::span<const uint8_t> a, std::span<const uint8_t> b, const ValueOf& value_of);
  void add_pair(double a, double b, double error);

  dcf_dtype dtype_;
  bool same_bytes_ = true;
  bool same_values_ = true;
  bool has_values_ = true;  // false for dtypes of which only the bytes can be compared
  // Over all elements that are finite on both sides.
  bool comparable_ = true;  // no element is NaN or infinite on one side only, or in another way
  double max_error_ = 0;
  double signal_ = 0;
  double other_ = 0;
  double product_ = 0;
  double noise_ = 0;
};

}  // namespace dcf::tools
