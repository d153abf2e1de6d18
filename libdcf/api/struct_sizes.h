// SPDX-License-Identifier: Apache-2.0
// The size that each struct of the ABI had in the first release that has it. Fields are appended
// only, so that the size is the end of that release's last field; later fields may be absent.
#pragma once

#include <cstddef>

#include "dcf/dcf_encode.h"

namespace dcf::impl::api {

// No struct of any release is larger. A greater struct_size was never set.
inline constexpr size_t kMaxStructBytes = 4096;

template <typename Struct>
inline constexpr size_t kFirstSize = 0;

#define DCF_FIRST_SIZE(type, last_field) \
  template <>                            \
  inline constexpr size_t kFirstSize<type> = offsetof(type, last_field) + sizeof(type::last_field)

DCF_FIRST_SIZE(dcf_error, message);
DCF_FIRST_SIZE(dcf_tensor_info, error_bound);
DCF_FIRST_SIZE(dcf_tensor_bytes, total);
DCF_FIRST_SIZE(dcf_file_info, metadata);
DCF_FIRST_SIZE(dcf_section_info, offset);
DCF_FIRST_SIZE(dcf_open_options, parallel_ctx);
DCF_FIRST_SIZE(dcf_reader, read_at);
DCF_FIRST_SIZE(dcf_dense_output, dst_size);
DCF_FIRST_SIZE(dcf_csr, nonzeros);
DCF_FIRST_SIZE(dcf_conv2d_shape, groups);
DCF_FIRST_SIZE(dcf_pool2d_shape, pad_w);
DCF_FIRST_SIZE(dcf_layer_options, kernel);
DCF_FIRST_SIZE(dcf_layer_info, working_bytes);
DCF_FIRST_SIZE(dcf_moments, use);
DCF_FIRST_SIZE(dcf_encode_options, canonical_zeros);
DCF_FIRST_SIZE(dcf_writer_options, overwrite);
DCF_FIRST_SIZE(dcf_sink, write);
DCF_FIRST_SIZE(dcf_tensor_spec, dims);
DCF_FIRST_SIZE(dcf_dense_tensor, ctx);
DCF_FIRST_SIZE(dcf_prune_layer, mask);
DCF_FIRST_SIZE(dcf_share_options, lambda);
DCF_FIRST_SIZE(dcf_dead_units, span);
#undef DCF_FIRST_SIZE

}  // namespace dcf::impl::api
