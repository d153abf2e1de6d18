// SPDX-License-Identifier: Apache-2.0
// dcf_write.h: write .dcf files. Stable C ABI of the encoder; conventions as in dcf/dcf.h.
//
// A writer belongs to one thread at a time. Inputs are borrowed for the duration of a call. The
// bytes of a file depend only on the tensors, metadata, sections and options: not on the order of
// the calls, the pieces of a tensor, the number of threads or the machine. A finished file can be
// opened under the default limits and under the max_memory of the writer.
//
// A call that adds something (add, begin, write, end, copy) and fails for any reason, a bad
// argument included, breaks the writer: dcf_writer_finish then returns BadState and writes nothing.
// So do further additions whose arguments are valid. Such a writer can only be closed.
#ifndef DCF_DCF_WRITE_H_
#define DCF_DCF_WRITE_H_

#include "dcf/dcf.h"

#ifdef __cplusplus
extern "C" {
#endif

// Centroid initialisation (Deep Compression, section 3.2) or the exact optimum.
typedef enum dcf_init DCF_ENUM_TYPE {
  DCF_INIT_LINEAR = 0,
  DCF_INIT_DENSITY = 1,
  DCF_INIT_FORGY = 2,
  DCF_INIT_OPTIMAL = 3,
  DCF_ENUM_END(DCF_INIT_END_)
} dcf_init;
// "linear", "density", "forgy", "optimal"; "" for an unknown number. Static storage.
DCF_API const char* dcf_init_name(dcf_init init);

// How far the search for a small encoding goes.
typedef enum dcf_effort DCF_ENUM_TYPE {
  // Of dense positions, which decode faster and of which rows are read alone, unless others save
  // 1/128 of the tensor. A tensor of more than 2^25 elements gets what one pass over it finds.
  DCF_EFFORT_NORMAL = 0,
  // Of all encodings the smallest, whatever it costs; of more than 2^27 elements as above.
  DCF_EFFORT_SMALLEST = 1,
  // As normal, but of more than 2^20 elements what one pass finds: less time, and ranges of it can
  // be encoded apart (dcf_stats_cut).
  DCF_EFFORT_FAST = 2,
  DCF_ENUM_END(DCF_EFFORT_END_)
} dcf_effort;
// "normal", "smallest", "fast"; "" for an unknown number. Static storage.
DCF_API const char* dcf_effort_name(dcf_effort effort);

// How the moments of a tensor were used.
typedef enum dcf_moments_use DCF_ENUM_TYPE {
  DCF_MOMENTS_NOT_USED = 0,  // the tensor was not rounded
  DCF_MOMENTS_MATRIX = 1,    // as the matrix that they are
  DCF_MOMENTS_VECTORS = 2,   // as mean and mean square alone
  DCF_ENUM_END(DCF_MOMENTS_END_)
} dcf_moments_use;

// Second moments of the inputs of a tensor, which say what an error of a weight means to the
// outputs. The tensor is a matrix W of rows (outputs: the first dimension) and cols (inputs: the
// product of the others; of a convolution those of one group times the kernel, in the order of the
// weights). With inputs x, E|W x - W' x|^2 is then the sum of d M d^T over the rows d of W - W'.
//
// Arrays are borrowed: for one call, or from dcf_writer_begin_tensor to dcf_writer_end_tensor.
// Sizes are in floats, and must be those given here; an array of size 0 may be NULL. At least one
// of matrix and vectors is given. Numbers are finite. A matrix is symmetric and positive
// semidefinite, a mean square at least the square of its mean, each within 2 %: InvalidArgument
// otherwise, when the tensor is added or ended.
typedef struct dcf_moments {
  size_t struct_size;
  // Equal parts of the rows, one after the other, each of which has moments of its own: the groups
  // of a convolution. 1 otherwise.
  uint64_t groups;
  const float* matrix;  // [groups, cols, cols]: M = E[x x^T]
  size_t matrix_size;
  // Where there is no matrix, or none that fits max_memory: M is taken as the diagonal matrix of
  // mean_square - mean^2, and mean mean^T. Without these vectors, those nearest to the matrix are.
  const float* mean;         // [groups, cols]
  const float* mean_square;  // [groups, cols]
  size_t vector_size;        // of each of the two
  // 1: the last dimension is the rows, and the product of the others the columns, as where a matrix
  // is stored as [inputs, outputs] or a kernel as [height, width, inputs, outputs].
  uint32_t inputs_first;
  dcf_moments_use* use;  // out, set where the tensor is added or ended; may be NULL
  // The inputs x, of each group, that M is the mean of; 0: many. Moments of fewer inputs than cols
  // say little of others, and count less.
  uint64_t inputs;
} dcf_moments;
#define DCF_MOMENTS_INIT \
  { sizeof(dcf_moments), 1, NULL, 0, NULL, NULL, 0, 0, NULL, 0 }

// How one tensor is encoded. As dcf_encode_options_init sets it: lossless, bit-exact, small.
typedef struct dcf_encode_options {
  size_t struct_size;
  // Prune: the fraction of the elements that become zero, those of least magnitude, [0, 1); 0: none
  // (Deep Compression, section 2). Floats only. Of equal magnitudes the lower indices go first.
  double sparsity;
  // Cluster the nonzero weights into at most 2^bits centroids by one-dimensional k-means (Deep
  // Compression, section 3), 1..8; 0: no. If sparsity is 0 and the positions are dense, all weights
  // are clustered. 8 bits are 255 centroids, with fill_clusters and dense positions 256.
  uint32_t bits;
  dcf_init init;
  uint64_t seed;             // used by DCF_INIT_FORGY only
  dcf_positions positions;   // DCF_POSITIONS_AUTO: chosen by size
  uint32_t gap_bits;         // gap positions: 2..8; 0: the width that gives the smallest tensor
  uint32_t canonical_zeros;  // 1: drop the signs of zeros (value-exact); 0: keep them
  // What the data given here have lost already, as dcf_tensor_info of the file that they come from
  // says it. The tensor gets the worse of both fidelities, and the sum of both bounds. A bound is
  // finite, not negative, and 0 unless the fidelity is lossy.
  double source_error_bound;
  dcf_fidelity source_fidelity;
  // 1: clusters that end empty start anew at the weights that are farthest from their centroids, as
  // KMeans of scikit-learn has it. So there are 2^bits centroids wherever the nonzero weights have
  // as many values (with sparse positions at most 255). 0: there may be fewer, as in the paper.
  uint32_t fill_clusters;
  dcf_effort effort;
  // Round the weights to whole multiples of a scale, one for the tensor or for each row or column,
  // such that this signal-to-noise ratio is left, in dB: the mean square of the weights to that of
  // their errors. 6 to 100; 0: no. f32, f16 and bf16 only, without sparsity and bits. Where that is
  // hardly larger, the tensor stays lossless. A model's quality is shared among its tensors by
  // dcf_allot_quality.
  double sqnr_db;
  // What is known of the inputs of a tensor that is rounded; NULL: nothing. The error of each
  // weight is then fed into the weights of its row that are still to be rounded, all of them to
  // multiples of a scale (E. Frantar et al., "GPTQ", ICLR 2023), so that E|W x - W' x|^2 falls; a
  // row in which it would not gets the nearest multiples, and a tensor in which it hardly would
  // stays as without. A tenth of the mean of M's diagonal is added to it, so that what the inputs
  // did not show is not forgotten. A matrix takes 8 cols^2 bytes of max_memory, in each thread
  // where there are groups.
  const dcf_moments* moments;
} dcf_encode_options;
DCF_API void dcf_encode_options_init(dcf_encode_options* options);

// Shares a quality among the tensors of a model that are to be rounded, of so many elements each:
// sqnr_db[i] = quality_db - 10 log10(elements[i] / m), where m is the geometric mean of all
// elements[i], each weighted by itself; but 6 to 60. So large tensors are coarser, which at equal
// output takes fewer bytes than the same ratio in all, and the mean over all weights is quality_db.
// 40 dB changes the outputs of most models little at about 7 bits a weight; each bit less costs 6
// dB. quality_db: 6 to 60. sqnr_db: out, `count` values.
//
// Where it was measured what errors cost, costs[i] is the change of the model's output, in any
// unit, when tensor i alone is rounded, at one SQNR for all tensors and in the way in which it will
// be. Then sqnr_db[i] = quality_db - 10 log10(x[i]), where x[i] is elements[i] / costs[i] divided
// by the geometric mean of these, each weighted by its elements: all tensors lose the same for the
// bits that they save (the slopes are equal). Costs are finite; one of less than a millionth of
// their sum, or less than 0, counts as a millionth. NULL: not measured.
DCF_API dcf_status dcf_allot_quality(double quality_db, const uint64_t* elements,
                                     const double* costs, size_t count, double* sqnr_db,
                                     dcf_error* error);

typedef struct dcf_writer_options {
  size_t struct_size;
  // Bytes that the writer may hold besides the caller's inputs (default 1 GiB). A quarter of them,
  // at most 64 MiB, holds coded data; what exceeds it waits in a temporary file without a name in
  // $TMPDIR or /tmp. Encoding uses a few MiB per thread.
  uint64_t max_memory;
  uint32_t threads;  // as in dcf_open_options
  dcf_parallel_fn parallel;
  void* parallel_ctx;
  uint32_t overwrite;  // dcf_writer_open_path: 1 replaces an existing file, 0 gives FileExists
  // Called on the caller's thread (but see dcf_writer_add_tensors) while a tensor is added, ended
  // or copied and while the file is finished; NULL: never. `total` is the dense bytes of the
  // tensor, the coded bytes of the copy or the bytes of the file. `done` rises from 0 to `total`.
  // A nonzero result cancels: the call returns Cancelled, the writer is broken, and no file
  // appears.
  dcf_progress_fn progress;
  void* progress_ctx;
  // 1: the file is a part, for dcf_writer_add_part of a writer of a larger file; 0: it is not. A
  // part has each tensor in every encoding between which only the larger file can choose, under
  // names of its own (spec/dcf-format.md, section 10.2).
  uint32_t part;
} dcf_writer_options;
DCF_API void dcf_writer_options_init(dcf_writer_options* options);

typedef struct dcf_writer dcf_writer;

// Receives the finished file in order. Returns 0, or nonzero on failure.
typedef struct dcf_sink {
  size_t struct_size;
  void* ctx;
  int (*write)(void* ctx, const void* data, size_t size);
} dcf_sink;
#define DCF_SINK_INIT \
  { sizeof(dcf_sink), NULL, NULL }

// Writes to a path: the file appears whole, flushed to the disk and renamed into place, or not at
// all.
DCF_API dcf_status dcf_writer_open_path(const char* path, const dcf_writer_options* options,
                                        dcf_writer** out, dcf_error* error);
// Writes to a callback, which dcf_writer_finish calls and nothing before it.
DCF_API dcf_status dcf_writer_open_sink(const dcf_sink* sink, const dcf_writer_options* options,
                                        dcf_writer** out, dcf_error* error);

// Name, dtype and shape of a tensor to add.
typedef struct dcf_tensor_spec {
  size_t struct_size;
  const char* name;  // UTF-8 without NUL, at most DCF_MAX_NAME bytes, unique, may be empty
  size_t name_size;
  dcf_dtype dtype;
  uint32_t opaque_bits;     // DCF_DTYPE_OPAQUE only: width of one element, 1..65535
  const char* opaque_name;  // DCF_DTYPE_OPAQUE only: at most 255 bytes of UTF-8 without NUL
  size_t opaque_name_size;
  uint32_t rank;
  const uint64_t* dims;  // rank values
} dcf_tensor_spec;
#define DCF_TENSOR_SPEC_INIT \
  { sizeof(dcf_tensor_spec), NULL, 0, DCF_DTYPE_NONE, 0, NULL, 0, 0, NULL }

// Rounds a tensor as `options` say and writes nothing: *output_error (not NULL) is E|W x - W' x|^2
// under its moments or, without them, the sum of the squares of the errors of all weights; 0 for a
// tensor that stays as it is. That times the change of the output for each unit of it is a cost for
// dcf_allot_quality. `data` as in dcf_writer_add_dense; of `writer` (may be NULL) the memory,
// threads and progress.
DCF_API dcf_status dcf_measure_rounding(const dcf_tensor_spec* spec, const void* data, size_t size,
                                        const dcf_encode_options* options,
                                        const dcf_writer_options* writer, double* output_error,
                                        dcf_error* error);

// `data`: ceil(elements * bits / 8) bytes, row-major. Without sparsity and bits the tensor is kept
// losslessly, in a small form: at most 256 distinct values can become a palette, many
// zeros sparse positions, and a tensor with the same bytes as an earlier one becomes an alias of
// it. A float tensor that holds NaN or Inf, one of rank 0 or 1, or one with fewer than 512 elements
// is never pruned, clustered or rounded.
DCF_API dcf_status dcf_writer_add_dense(dcf_writer* writer, const dcf_tensor_spec* spec,
                                        const void* data, size_t size,
                                        const dcf_encode_options* options, dcf_error* error);
// One of the tensors of dcf_writer_add_tensors.
typedef struct dcf_dense_tensor {
  size_t struct_size;  // the same in every tensor of an array: the distance from one to the next
  const dcf_tensor_spec* spec;
  const dcf_encode_options* options;  // NULL: as dcf_encode_options_init sets them
  // As in dcf_writer_add_dense; NULL and 0 where `read` gives the bytes.
  const void* data;
  size_t size;
  // Fills dst with all `size` bytes of the tensor and returns 0, or nonzero if that fails (IoRead).
  // Called once, when the tensor's turn comes, on any thread and for several tensors at once. NULL:
  // `data` has the bytes.
  int (*read)(void* ctx, void* dst, size_t size);
  void* ctx;
} dcf_dense_tensor;
#define DCF_DENSE_TENSOR_INIT \
  { sizeof(dcf_dense_tensor), NULL, NULL, NULL, 0, NULL, NULL }
// Adds tensors as dcf_writer_add_dense does, one after the other, but reads and encodes several at
// a time, as far as threads and max_memory allow: a model of many tensors is written in a fraction
// of the time. The file is the same, byte for byte. What was read counts toward max_memory. On a
// failure dcf_error.tensor is the index in `tensors`; those before it were added, and the writer is
// broken as by any failure. `progress` counts the dense bytes of all of them. It may be called on
// any thread, by one at a time.
DCF_API dcf_status dcf_writer_add_tensors(dcf_writer* writer, const dcf_dense_tensor* tensors,
                                          size_t count, dcf_error* error);
// A tensor in pieces, which need not fit into memory together. The pieces are the bytes of
// `data` above in order, any number of them, cut anywhere, also inside an element; the file is the
// same, byte for byte. Between begin and end only pieces, metadata and sections may be added: a
// second begin, an add, a copy or finish is BadState, and so are a piece and an end without a
// begin. More bytes than the tensor has, or fewer at its end, are InvalidArgument.
//
// The pieces wait in a temporary file (see max_memory) of at most the tensor's size; a word of zero
// takes about one bit. The encoder reads the file several times. Memory grows by only 64 bytes per
// MiB of the tensor and, for a shape of rank 2 or more, by 8 bytes per column of the flattened rows
// while the transposed order is tried. A tensor that is to be clustered (bits) is read into memory:
// LimitMemory at begin if it and its codes do not fit. So is one that is to be rounded (sqnr_db),
// which takes its bytes twice and 4 more for each element.
DCF_API dcf_status dcf_writer_begin_tensor(dcf_writer* writer, const dcf_tensor_spec* spec,
                                           const dcf_encode_options* options, dcf_error* error);
DCF_API dcf_status dcf_writer_write_piece(dcf_writer* writer, const void* data, size_t size,
                                          dcf_error* error);
DCF_API dcf_status dcf_writer_end_tensor(dcf_writer* writer, dcf_error* error);
// Copies tensor `index` of an open file as it is stored: coded bytes, encoding, codebook, Huffman
// tables, count of nonzeros, fidelity and error bound. Checksums are verified, but nothing is
// decoded: damage that no checksum shows is copied too. If `name` is NULL, the tensor keeps its
// name. If a tensor and its alias are both copied, under any names, they share their data in the
// copy too; an alias that is copied alone gets the data. Copied data are not compared with added
// data. A file whose tensors, metadata and sections are all copied has equal records; one that this
// library wrote is copied byte for byte. The file may be closed after the call.
DCF_API dcf_status dcf_writer_copy_tensor(dcf_writer* writer, const dcf_file* file, size_t index,
                                          const char* name, size_t name_size, dcf_error* error);
// Adds all tensors of a part, which another writer wrote: nothing is decoded or compared. The file
// is the same, byte for byte, as if the tensors had been added here, but for equal tensors of
// different parts: see dcf_writer_add_alias. Metadata and sections of the part are not copied. The
// ranges of one tensor (dcf_writer_add_range) must be added in order, with nothing between them:
// BadState. BadSection for a file that is no part.
DCF_API dcf_status dcf_writer_add_part(dcf_writer* writer, const dcf_file* part, dcf_error* error);
// Adds a tensor that has the same data as the tensor `target`, which was added before and whose
// name is lower, as the caller knows: no data are read. (Adding equal data finds that out by
// itself.) NotFound without a target. InvalidArgument if dtype or number of elements differ, if the
// shape differs and the new name is the lower one, or in a writer of a part.
DCF_API dcf_status dcf_writer_add_alias(dcf_writer* writer, const dcf_tensor_spec* spec,
                                        const char* target, size_t target_size, dcf_error* error);

// Statistics of the values of one tensor, taken range by range on any number of machines, and
// merged in any order. Those of the whole tensor decide how it is encoded. A handle belongs to one
// thread at a time; it and the bytes that it saves take at most 256 KiB.
typedef struct dcf_stats dcf_stats;
// Of no element yet. The name of `spec` does not matter; `options` may be NULL.
DCF_API dcf_status dcf_stats_open(const dcf_tensor_spec* spec, const dcf_encode_options* options,
                                  dcf_stats** out, dcf_error* error);
// Counts `size` bytes of whole elements, from anywhere in the tensor. InvalidArgument for more
// elements than it has, all together.
DCF_API dcf_status dcf_stats_add(dcf_stats* stats, const void* data, size_t size, dcf_error* error);
// Adds what dcf_stats_save gave for other elements of the same tensor with the same options;
// InvalidArgument for any other bytes.
DCF_API dcf_status dcf_stats_merge(dcf_stats* stats, const void* saved, size_t size,
                                   dcf_error* error);
// Copies the statistics to `dst` and sets *size (not NULL) to their bytes. With `dst_size` 0 only
// that; BufferTooSmall if they do not fit.
DCF_API dcf_status dcf_stats_save(const dcf_stats* stats, void* dst, size_t dst_size, size_t* size,
                                  dcf_error* error);
// How the tensor may be cut, once all of its elements are counted: after every `*chunk_elements`
// elements. InvalidArgument if it can only be encoded as a whole: one that is pruned, clustered or
// rounded, one of no more elements than the effort of `options` keeps whole (dcf_effort) or of
// a dtype narrower than a byte, one that has so many zeros that its positions may not be dense, or
// that `options` give others, while its dtype is not always stored raw, and one whose rows seem to
// be integers times a scale each (DCF_VALUES_GRID).
DCF_API dcf_status dcf_stats_cut(const dcf_stats* stats, uint64_t* chunk_elements,
                                 dcf_error* error);
// Frees the handle (NULL is fine).
DCF_API void dcf_stats_close(dcf_stats* stats);
// Adds a range of a tensor to a part: the elements from `first_element` on. The range begins and
// ends where the tensor may be cut, or with its end; `stats` are those of the whole tensor, opened
// with this spec and these options. InvalidArgument where it does not, and where `data` has values
// that are not in `stats`. BadState in a writer of no part.
DCF_API dcf_status dcf_writer_add_range(dcf_writer* writer, const dcf_tensor_spec* spec,
                                        const dcf_stats* stats, uint64_t first_element,
                                        const void* data, size_t size,
                                        const dcf_encode_options* options, dcf_error* error);
// CSR of rows = dims[0] (1 at rank 0) and cols = product of the other dims. row_ptr has
// row_ptr_elements = rows + 1 values, which rise from 0 to `entries`. col and values have `entries`
// elements, values of the dtype; columns rise strictly in each row. No dense copy is made. An
// explicit zero is dropped, but its sign is kept unless canonical_zeros is 1; the rest of the
// tensor is +0. Options as for dense, except that sparsity and sqnr_db must be 0.
DCF_API dcf_status dcf_writer_add_csr(dcf_writer* writer, const dcf_tensor_spec* spec,
                                      const uint64_t* row_ptr, size_t row_ptr_elements,
                                      const uint32_t* col, const void* values, uint64_t entries,
                                      const dcf_encode_options* options, dcf_error* error);
// The weights of a trained, clustered network: CSR with one code per entry. A code is an index into
// a codebook of codebook_size elements of the dtype (any order, distinct; 1..255 of them, or 256
// without gap positions). Every entry is kept, even if its centroid is exactly 0. If row_ptr and
// col are NULL and row_ptr_elements is 0, there is one code per element, `entries` of them, and
// positions are dense unless options ask for others. Unused centroids are dropped.
DCF_API dcf_status dcf_writer_add_codes(dcf_writer* writer, const dcf_tensor_spec* spec,
                                        const uint64_t* row_ptr, size_t row_ptr_elements,
                                        const uint32_t* col, const uint8_t* codes, uint64_t entries,
                                        const void* codebook, uint32_t codebook_size,
                                        const dcf_encode_options* options, dcf_error* error);
// Adds a pair of model metadata: any UTF-8 strings; keys are unique.
DCF_API dcf_status dcf_writer_add_metadata(dcf_writer* writer, const char* key, size_t key_size,
                                           const char* value, size_t value_size, dcf_error* error);
// Adds an ancillary section: `size` bytes at the end of the file, which readers may skip. Kinds are
// 0 and 5 to 2^31 - 1; 1 to 4 are reserved by the format (InvalidArgument). Each kind may be added
// once (DuplicateName). The critical bit, bit 31, is UnsupportedSection, as no reader of this
// version would open the file.
DCF_API dcf_status dcf_writer_add_section(dcf_writer* writer, uint32_t kind, const void* data,
                                          size_t size, dcf_error* error);
// Writes the file. Afterwards the writer can only be closed, whatever the result.
DCF_API dcf_status dcf_writer_finish(dcf_writer* writer, dcf_error* error);
// Frees the writer (NULL is fine). If it was not finished successfully, no file remains.
DCF_API void dcf_writer_close(dcf_writer* writer);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // DCF_DCF_WRITE_H_
