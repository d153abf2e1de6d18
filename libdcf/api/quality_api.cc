// SPDX-License-Identifier: Apache-2.0
// dcf_write.h: what rounding loses, and how a loss is shared among tensors.
#include <algorithm>
#include <cmath>

#include "api/writer.h"
#include "compress/quality.h"
#include "encode/round/rounding_error.h"

using dcf::impl::invalid;
using dcf::impl::ok_status;
using dcf::impl::Status;
using dcf::impl::api::guarded;
using dcf::impl::encode::EncodeOptions;

dcf_status dcf_allot_quality(double quality_db, const uint64_t* elements, const double* costs,
                             size_t count, double* sqnr_db, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    if (count != 0 && (elements == nullptr || sqnr_db == nullptr)) {
      return invalid("an argument is NULL");
    }
    if (!(quality_db >= dcf::impl::compress::kLeastSqnr &&
          quality_db <= dcf::impl::compress::kGreatestShare)) {
      return invalid("the quality must be 6 to 60 dB");
    }
    std::span<const double> measured;
    if (costs != nullptr) measured = {costs, count};
    if (!std::all_of(measured.begin(), measured.end(), [](double c) { return std::isfinite(c); })) {
      return invalid("a cost is NaN or infinite");
    }
    const std::vector<double> sqnr =
        dcf::impl::compress::allot_sqnr(quality_db, {elements, count}, measured);
    std::copy(sqnr.begin(), sqnr.end(), sqnr_db);
    return ok_status();
  });
}

dcf_status dcf_measure_rounding(const dcf_tensor_spec* spec, const void* data, size_t size,
                                const dcf_encode_options* options, const dcf_writer_options* writer,
                                double* output_error, dcf_error* error) {
  dcf::impl::api::set_out(output_error, 0.0);
  return guarded(error, [&]() -> Status {
    if (output_error == nullptr) return invalid("the output is NULL");
    if (data == nullptr && size != 0) return invalid("the data is NULL");
    dcf::impl::encode::TensorInput input;
    DCF_TRY(dcf::impl::api::read_spec(spec, &input.spec));
    input.data = dcf::impl::encode::DenseData{{static_cast<const uint8_t*>(data), size}};
    EncodeOptions encode;
    DCF_TRY(dcf::impl::api::read_options(options, &encode));
    dcf::impl::encode::WriterOptions work_options;
    DCF_TRY(dcf::impl::api::read_writer_options(writer, &work_options));
    DCF_ASSIGN(const auto checked, dcf::impl::encode::CheckedInput::check(input, encode));
    DCF_TRY(work_options.progress.begin(size));
    const dcf::impl::encode::Work work{work_options.parallel, work_options.progress,
                                       work_options.max_memory};
    DCF_ASSIGN(*output_error, dcf::impl::encode::measure_rounding(checked, work));
    return work_options.progress.update(size);
  });
}
