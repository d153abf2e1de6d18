// SPDX-License-Identifier: Apache-2.0
#include "api/writer.h"

#include <array>

#include "codec/codebook.h"
#include "codec/stream.h"
#include "encode/content/grid_scales.h"

namespace dcf::impl::api {
namespace {

// The coding of a tensor with data, as a writer would have made it.
Result<encode::EncodedTensor> coding_of(const model::Model& model, size_t index) {
  const format::ManifestParts& manifest = *model.manifest();
  const model::Tables& tables = model.tables();
  encode::EncodedTensor result;
  result.tensor = manifest.tensors[index];
  format::Tensor& tensor = result.tensor;
  const std::array<uint32_t, format::kMaxRoles> numbers = tensor.tables;
  result.tables.resize(format::roles_of(tensor.encoding, tensor.dtype).count);
  for (size_t k = 0; k < result.tables.size(); ++k) {
    const uint32_t id = std::exchange(tensor.tables[k], 0);
    if (id != 0) codec::append_code_lengths(tables.codes[id - 1], &result.tables[k]);
  }
  if (tensor.encoding.has_codebook()) {
    const std::span<const uint64_t> words(tables.codebook_words);
    DCF_TRY(codec::append_codebook(words.subspan(static_cast<size_t>(tables.codebook_starts[index]),
                                                 tensor.encoding.palette_size),
                                   tensor.dtype, &result.codebook));
  }
  if (tensor.encoding.has_scales()) {
    encode::append_scales(
        std::span(tables.scales)
            .subspan(static_cast<size_t>(tables.scale_starts[index]), tensor.encoding.grid_units),
        &result.codebook);
  }
  const format::Roles roles = format::roles_of(tensor.encoding, tensor.dtype);
  auto at = static_cast<size_t>(tables.codebook_starts[index]);
  for (const auto& [role, units] :
       {std::pair{format::Role::kPredictors, tensor.encoding.delta_units},
        {format::Role::kClasses, tensor.encoding.class_units}}) {
    if (units == 0) continue;
    const size_t k = roles.find(role);
    codec::encode_stream(Bytes(tables.unit_maps).subspan(at, units), roles.list[k].alphabet,
                         numbers[k] == 0 ? nullptr : &tables.codes[numbers[k] - 1],
                         codec::HuffmanLayout::kAuto, &result.codebook);
    at += units;
  }
  const auto first =
      manifest.chunks.begin() + static_cast<ptrdiff_t>(std::exchange(tensor.first_chunk, 0));
  result.chunks.assign(first, first + static_cast<ptrdiff_t>(std::exchange(tensor.chunks, 0)));
  return result;
}

static_assert(sizeof(encode::MomentsUse) == sizeof(dcf_moments_use) &&
              static_cast<int>(encode::MomentsUse::kVectors) == DCF_MOMENTS_VECTORS);

Status read_moments(const dcf_moments* moments, encode::Moments* out) {
  dcf_moments m = DCF_MOMENTS_INIT;
  DCF_TRY(copy_in(moments, &m));
  if ((m.matrix == nullptr && m.matrix_size != 0) ||
      ((m.mean == nullptr || m.mean_square == nullptr) && m.vector_size != 0)) {
    return invalid("the moments are NULL");
  }
  out->groups = m.groups;
  DCF_TRY(read_flag(m.inputs_first, "inputs_first is not 0 or 1", &out->inputs_first));
  out->matrix = {m.matrix, m.matrix_size};
  out->mean = {m.mean, m.vector_size};
  out->mean_square = {m.mean_square, m.vector_size};
  out->inputs = m.inputs;
  out->use = reinterpret_cast<encode::MomentsUse*>(m.use);
  set_out(m.use, DCF_MOMENTS_NOT_USED);
  return ok_status();
}

}  // namespace

Status check_writer(const dcf_writer* writer) {
  if (writer == nullptr) return invalid("the writer is NULL");
  if (writer->process == ::getpid()) return ok_status();
  return fail(Code::BadState, "", "the writer belongs to the process that opened it");
}

Status read_spec(const dcf_tensor_spec* spec, encode::TensorSpec* out) {
  if (spec == nullptr) return invalid("the tensor spec is NULL");
  dcf_tensor_spec s = DCF_TENSOR_SPEC_INIT;
  DCF_TRY(copy_in(spec, &s));
  if ((s.name == nullptr && s.name_size != 0) || (s.dims == nullptr && s.rank != 0) ||
      (s.opaque_name == nullptr && s.opaque_name_size != 0)) {
    return invalid("an argument is NULL");
  }
  if (s.rank > DCF_MAX_RANK) return invalid("the rank is above 32");
  out->name = std::string_view(s.name == nullptr ? "" : s.name, s.name_size);
  out->dtype = dtype_in(s.dtype);
  out->opaque_bits = s.opaque_bits;
  out->opaque_name =
      std::string_view(s.opaque_name == nullptr ? "" : s.opaque_name, s.opaque_name_size);
  out->dims = {s.dims, s.rank};
  return ok_status();
}

Status read_options(const dcf_encode_options* options, encode::EncodeOptions* out) {
  dcf_encode_options o;
  dcf_encode_options_init(&o);
  DCF_TRY(copy_in(options, &o));
  const uint32_t init = number_in(o.init);
  const uint32_t positions = number_in(o.positions);
  if (init > DCF_INIT_OPTIMAL) return invalid("the initialisation is unknown");
  if (positions > DCF_POSITIONS_GAP_BUCKET && positions != DCF_POSITIONS_AUTO)
    return invalid("the positions are unknown");
  const uint32_t effort = number_in(o.effort);
  if (effort > DCF_EFFORT_FAST) return invalid("the effort is unknown");
  out->sparsity = o.sparsity;
  out->bits = o.bits;
  out->init = static_cast<compress::ClusterInit>(init);
  out->seed = o.seed;
  if (positions != DCF_POSITIONS_AUTO) {
    out->positions = static_cast<format::Positions>(positions);
  }
  out->gap_bits = o.gap_bits;
  DCF_TRY(read_flag(o.canonical_zeros, "canonical_zeros is not 0 or 1", &out->canonical_zeros));
  const uint32_t fidelity = number_in(o.source_fidelity);
  if (fidelity > DCF_FIDELITY_LOSSY) return invalid("the fidelity of the source is unknown");
  out->source_fidelity = static_cast<format::Fidelity>(fidelity);
  out->source_bound = o.source_error_bound + 0.0;  // never -0
  DCF_TRY(read_flag(o.fill_clusters, "fill_clusters is not 0 or 1", &out->fill_clusters));
  out->effort = static_cast<encode::Effort>(effort);
  out->sqnr_db = o.sqnr_db;
  if (o.moments != nullptr) DCF_TRY(read_moments(o.moments, &out->moments.emplace()));
  return ok_status();
}

Status read_writer_options(const dcf_writer_options* options, encode::WriterOptions* out,
                           bool* overwrite) {
  dcf_writer_options o;
  dcf_writer_options_init(&o);
  DCF_TRY(copy_in(options, &o));
  if (o.max_memory != 0) out->max_memory = o.max_memory;
  out->parallel = Parallel::of_handle(o.threads, o.parallel, o.parallel_ctx);
  out->progress = encode::Progress(o.progress, o.progress_ctx);
  DCF_TRY(read_flag(o.part, "part is not 0 or 1", &out->part));
  bool replaces = false;
  DCF_TRY(read_flag(o.overwrite, "overwrite is not 0 or 1", &replaces));
  set_out(overwrite, replaces);
  return ok_status();
}

Result<encode::CopySource> copy_source(const dcf_file& file, size_t index,
                                       BigVector<uint8_t>* storage) {
  const model::Model& model = *file.model;
  const format::Tensor& tensor = model.manifest()->tensors[index];
  const size_t data = model.data_tensor(index);
  encode::CopySource source;
  source.file = file.identity;
  source.data = data;
  source.spec = {tensor.name, tensor.dtype, 0, tensor.opaque_name, tensor.dims};
  if (tensor.dtype == DType::kOpaque) source.spec.opaque_bits = tensor.bits;
  DCF_ASSIGN(source.encoded, coding_of(model, data));
  source.read = [&model, data, storage](uint64_t chunk) {
    return model.read_chunk(data, chunk, storage);
  };
  return source;
}

}  // namespace dcf::impl::api
