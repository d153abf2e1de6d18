// SPDX-License-Identifier: Apache-2.0
// dcf_write.h: files that are made in parts, and tensors in ranges.
#include "api/writer.h"
#include "base/hash.h"
#include "encode/write/part_index.h"
#include "encode/write/range_encoder.h"

using dcf::impl::BigVector;
using dcf::impl::Bytes;
using dcf::impl::Code;
using dcf::impl::fail;
using dcf::impl::invalid;
using dcf::impl::ok_status;
using dcf::impl::Result;
using dcf::impl::Status;
using dcf::impl::api::change;
using dcf::impl::api::guarded;
using dcf::impl::api::read_options;
using dcf::impl::api::read_spec;
using dcf::impl::api::set_out;
using dcf::impl::encode::EncodeOptions;
using dcf::impl::encode::FileWriter;
using dcf::impl::encode::TensorSpec;
using dcf::impl::encode::TensorStats;
using dcf::impl::model::Model;

struct dcf_stats {
  std::vector<uint64_t> dims;
  TensorSpec spec;  // without a name; its dims are those above
  EncodeOptions options;
  TensorStats stats;
};

namespace {

Status check_stats(const dcf_stats* stats) {
  return stats == nullptr ? invalid("the statistics are NULL") : ok_status();
}

// What counting and planning may use: one thread, and memory that does not grow with the tensor.
template <typename Body>
auto with_work(Body body) {
  const dcf::impl::Parallel parallel = dcf::impl::Parallel::of_handle(1, nullptr, nullptr);
  dcf::impl::encode::Progress progress;
  return body(
      dcf::impl::encode::Work{parallel, progress, dcf::impl::encode::WriterOptions{}.max_memory});
}

// The index of a part, whose checksum is right.
Result<std::vector<uint8_t>> read_index(const Model& model) {
  const auto& sections = model.manifest()->sections;
  for (size_t i = 0; i < sections.size(); ++i) {
    if (sections[i].kind != dcf::impl::encode::kPartKind) continue;
    const uint64_t offset = model.layout().section_offsets[i];
    if (sections[i].bytes > model.limits().max_memory) {
      return fail(Code::LimitMemory, "L-01", "the index of the part is larger than max_memory");
    }
    std::vector<uint8_t> index(static_cast<size_t>(sections[i].bytes));
    DCF_TRY(model.source().read_at(offset, index));
    if (dcf::impl::hash_bytes(index) != sections[i].hash) {
      return fail(Code::ChecksumMismatch, "A-03", "the checksum of a section does not match")
          .at(offset);
    }
    return index;
  }
  return fail(Code::BadSection, "", "the file is no part of a larger one");
}

}  // namespace

dcf_status dcf_writer_add_part(dcf_writer* writer, const dcf_file* part, dcf_error* error) {
  return change(writer, error, [&](FileWriter& out) -> Status {
    if (part == nullptr) return invalid("the file is NULL");
    const Model& model = *part->model;
    DCF_ASSIGN(const std::vector<uint8_t> index, read_index(model));
    BigVector<uint8_t> storage;
    dcf::impl::encode::PartSource source;
    source.index = index;
    source.tensors = model.manifest()->tensors.size();
    for (const dcf::impl::format::Chunk& chunk : model.manifest()->chunks)
      source.payload += chunk.bytes;
    source.open = [&](size_t tensor) {
      return dcf::impl::api::copy_source(*part, tensor, &storage);
    };
    return out.add_part(source);
  });
}

dcf_status dcf_writer_add_alias(dcf_writer* writer, const dcf_tensor_spec* spec, const char* target,
                                size_t target_size, dcf_error* error) {
  return change(writer, error, [&](FileWriter& out) -> Status {
    TensorSpec s;
    DCF_TRY(read_spec(spec, &s));
    if (target == nullptr && target_size != 0) return invalid("an argument is NULL");
    return out.add_alias(s, {target == nullptr ? "" : target, target_size});
  });
}

dcf_status dcf_writer_add_range(dcf_writer* writer, const dcf_tensor_spec* spec,
                                const dcf_stats* stats, uint64_t first_element, const void* data,
                                size_t size, const dcf_encode_options* options, dcf_error* error) {
  return change(writer, error, [&](FileWriter& out) -> Status {
    TensorSpec s;
    DCF_TRY(read_spec(spec, &s));
    DCF_TRY(check_stats(stats));
    if (data == nullptr && size != 0) return invalid("the data is NULL");
    EncodeOptions encode;
    DCF_TRY(read_options(options, &encode));
    return out.add_range(s, encode, stats->stats, first_element,
                         {static_cast<const uint8_t*>(data), size});
  });
}

dcf_status dcf_stats_open(const dcf_tensor_spec* spec, const dcf_encode_options* options,
                          dcf_stats** out, dcf_error* error) {
  set_out<dcf_stats*>(out, nullptr);
  return guarded(error, [&]() -> Status {
    if (out == nullptr) return invalid("the output is NULL");
    TensorSpec s;
    DCF_TRY(read_spec(spec, &s));
    EncodeOptions encode;
    DCF_TRY(read_options(options, &encode));
    encode.moments.reset();  // borrowed for this call; what is rounded is not cut into ranges
    DCF_ASSIGN(TensorStats stats, TensorStats::create(s, encode));
    auto handle = std::make_unique<dcf_stats>(
        dcf_stats{{s.dims.begin(), s.dims.end()}, s, encode, std::move(stats)});
    handle->spec.name = "";
    handle->spec.opaque_name = "";
    handle->spec.dims = handle->dims;
    *out = handle.release();
    return ok_status();
  });
}

dcf_status dcf_stats_add(dcf_stats* stats, const void* data, size_t size, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_stats(stats));
    if (data == nullptr && size != 0) return invalid("the data is NULL");
    return with_work([&](const dcf::impl::encode::Work& work) {
      return stats->stats.add({static_cast<const uint8_t*>(data), size}, work);
    });
  });
}

dcf_status dcf_stats_merge(dcf_stats* stats, const void* saved, size_t size, dcf_error* error) {
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_stats(stats));
    if (saved == nullptr && size != 0) return invalid("the data is NULL");
    return stats->stats.merge({static_cast<const uint8_t*>(saved), size});
  });
}

dcf_status dcf_stats_save(const dcf_stats* stats, void* dst, size_t dst_size, size_t* size,
                          dcf_error* error) {
  set_out<size_t>(size, 0);
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_stats(stats));
    if (size == nullptr || (dst == nullptr && dst_size != 0)) return invalid("the output is NULL");
    const std::vector<uint8_t> saved = stats->stats.save();
    *size = saved.size();
    if (dst_size == 0) return ok_status();
    if (dst_size < saved.size()) {
      return fail(Code::BufferTooSmall, "", "the output buffer is too small");
    }
    std::copy(saved.begin(), saved.end(), static_cast<uint8_t*>(dst));
    return ok_status();
  });
}

dcf_status dcf_stats_cut(const dcf_stats* stats, uint64_t* chunk_elements, dcf_error* error) {
  set_out<uint64_t>(chunk_elements, 0);
  return guarded(error, [&]() -> Status {
    DCF_TRY(check_stats(stats));
    if (chunk_elements == nullptr) return invalid("the output is NULL");
    return with_work([&](const dcf::impl::encode::Work& work) -> Status {
      DCF_ASSIGN(const dcf::impl::encode::RangePlan plan,
                 plan_ranges(stats->spec, stats->options, stats->stats, work));
      *chunk_elements = plan.chunk_elements;
      return ok_status();
    });
  });
}

void dcf_stats_close(dcf_stats* stats) {
  delete stats;
}
