// SPDX-License-Identifier: Apache-2.0
// dcf.h: read .dcf files (compressed neural-network weights). Stable C ABI of the decoder.
//
// Conventions, for every function here:
//  - Returns DCF_OK or a pinned code of dcf/errors.h. On failure outputs are unspecified but
//    initialised, and, where `error` is not NULL, it receives the details.
//  - Sizes are in bytes unless a name says elements, rows or entries. All data is little-endian and
//    row-major. Rows are rows of the first dimension: a tensor of shape [d0, d1, ...] has d0 rows
//    of d1*d2*... columns; rank 0 is one row of one column, rank 1 has columns of one element.
//  - Threads: a const dcf_file may be used by any number of threads at once. Opening and closing
//    are the caller's to order. The library keeps no global mutable state, never aborts, never
//    exits, never prints, and no exception leaves it.
//  - Untrusted input: safe for any bytes. Limits are on by default and are checked before memory
//    is taken. Checksums find accidents, not attackers.
#ifndef DCF_DCF_H_
#define DCF_DCF_H_

#include <stddef.h>
#include <stdint.h>

#include "errors.h"  // beside this file, whatever else is called dcf/errors.h
#include "version.h"

#if defined(__GNUC__)
#define DCF_API __attribute__((visibility("default")))
#else
#define DCF_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

// ---- Status ---------------------------------------------------------------------------------

typedef enum dcf_status {
#define DCF_DEFINE_STATUS(name, number, sentence) DCF_STATUS_##name = number,
  DCF_STATUS_LIST(DCF_DEFINE_STATUS)
#undef DCF_DEFINE_STATUS
} dcf_status;
#define DCF_OK DCF_STATUS_Ok

// "ChecksumMismatch"; "Unknown" for a number that is not in the list. Static storage.
DCF_API const char* dcf_status_name(dcf_status status);
// One English sentence, static storage.
DCF_API const char* dcf_status_sentence(dcf_status status);
// Library version as major * 10000 + minor * 100 + patch, and as text.
DCF_API uint32_t dcf_version_number(void);
DCF_API const char* dcf_version_string(void);

#define DCF_NO_OFFSET UINT64_MAX
#define DCF_NO_TENSOR UINT64_MAX

// Where and why a call failed. Filled by any function that takes one; plain data, nothing to free.
typedef struct dcf_error {
  dcf_status status;
  uint64_t offset;    // byte offset in the file of the broken structure, or DCF_NO_OFFSET
  uint64_t tensor;    // index of the tensor concerned, or DCF_NO_TENSOR
  char rule[8];       // id of the broken rule in spec/dcf-format.md ("H-02"), or ""
  char message[168];  // one sentence
} dcf_error;

// ---- Types ------------------------------------------------------------------------------------

typedef enum dcf_dtype {  // the numbers are those of the file format
  DCF_DTYPE_NONE = 0,
  DCF_F64 = 1,
  DCF_F32 = 2,
  DCF_F16 = 3,
  DCF_BF16 = 4,
  DCF_F8E4M3 = 5,
  DCF_F8E5M2 = 6,
  DCF_I64 = 7,
  DCF_I32 = 8,
  DCF_I16 = 9,
  DCF_I8 = 10,
  DCF_U64 = 11,
  DCF_U32 = 12,
  DCF_U16 = 13,
  DCF_U8 = 14,
  DCF_BOOL = 15,
  DCF_C64 = 16,
  DCF_F8E8M0 = 17,
  DCF_F6E2M3 = 18,
  DCF_F6E3M2 = 19,
  DCF_F4 = 20,
  DCF_OPAQUE = 31  // width in bits and a name are stored with the tensor
} dcf_dtype;
// "f32", "bf16", ...; "" for an unknown number. Static storage.
DCF_API const char* dcf_dtype_name(dcf_dtype dtype);
// Width of one element in bits; 0 for DCF_OPAQUE and unknown numbers.
DCF_API uint32_t dcf_dtype_bits(dcf_dtype dtype);

typedef enum dcf_positions {
  DCF_POS_DENSE = 0,
  DCF_POS_BITMAP = 1,
  DCF_POS_GAP = 2,
  DCF_POS_GAP_BUCKET = 3
} dcf_positions;
typedef enum dcf_values {
  DCF_VAL_RAW = 0,
  DCF_VAL_PALETTE = 1,
  DCF_VAL_GRID = 2,
  DCF_VAL_SPLIT = 3,
  DCF_VAL_INT = 4
} dcf_values;
DCF_API const char* dcf_positions_name(dcf_positions positions);
DCF_API const char* dcf_values_name(dcf_values values);

typedef enum dcf_fidelity {
  DCF_BIT_EXACT = 0,    // every bit of the original
  DCF_VALUE_EXACT = 1,  // equal values; signs of zeros were dropped
  DCF_LOSSY = 2         // pruned or clustered; error_bound says how far off at most
} dcf_fidelity;

#define DCF_MAX_RANK 32

// Everything the manifest says of one tensor, without touching its data.
typedef struct dcf_tensor_info {
  size_t struct_size;  // set by the caller to sizeof(dcf_tensor_info)
  const char* name;    // UTF-8, NUL-terminated (a name holds no NUL); owned by the file
  size_t name_size;    // without the NUL
  dcf_dtype dtype;
  uint32_t dtype_bits;  // width of one element in bits, also for DCF_OPAQUE
  uint32_t rank;        // 0..DCF_MAX_RANK
  uint64_t dims[DCF_MAX_RANK];
  uint64_t elements;     // product of dims
  uint64_t rows, cols;   // rows * cols == elements
  uint64_t dense_bytes;  // ceil(elements * dtype_bits / 8)
  dcf_positions positions;
  dcf_values values;
  uint32_t gap_bits;       // gap mode: width b; otherwise 0
  uint32_t codebook_size;  // palette: entries without the filler zero; otherwise 0
  uint64_t nonzeros;       // elements that are not +-0; gap mode: entries without fillers
  uint64_t entries;        // coded entries: nonzeros + fillers in gap mode, elements in dense
  uint64_t chunks;
  uint64_t encoded_bytes;  // of all chunks
  uint64_t alias_of;       // index of the tensor whose data this one shares, or DCF_NO_TENSOR
  dcf_fidelity fidelity;
  double error_bound;  // greatest |original - decoded|; 0 unless fidelity is DCF_LOSSY
} dcf_tensor_info;

// Where the bytes of one tensor are spent. Sum of `total` over all tensors plus
// dcf_file_info.overhead_bytes is the file size. A shared table counts for its first user.
typedef struct dcf_tensor_bytes {
  size_t struct_size;
  uint64_t positions;  // gaps, bitmap, entries per row, zero signs
  uint64_t values;     // codes, symbols, packed rest, raw data
  uint64_t codebook;
  uint64_t tables;  // Huffman code lengths
  uint64_t other;   // padding in front of raw data
  uint64_t total;
} dcf_tensor_bytes;

typedef struct dcf_file_info {
  size_t struct_size;
  uint32_t format_major, format_minor;
  uint64_t file_bytes;
  uint64_t manifest_bytes;
  uint64_t overhead_bytes;  // header, manifest, ancillary sections
  uint64_t dense_bytes;     // sum of the tensors' dense_bytes, aliases counted each time
  uint64_t tensors;
  uint64_t metadata;  // string pairs
} dcf_file_info;

// ---- Opening ----------------------------------------------------------------------------------

// Runs task(arg, i) once for every i in [0, n), in any order, on any threads, and returns when all
// are done. Lets a host with its own thread pool replace ours. n is at most `threads` of the
// options, and less where the memory limit wants fewer at once.
typedef void (*dcf_parallel_fn)(void* ctx, size_t n, void (*task)(void* arg, size_t i), void* arg);

// Zero in a limit means its default (spec/dcf-format.md, section "Default limits").
typedef struct dcf_open_options {
  size_t struct_size;        // sizeof(dcf_open_options)
  uint64_t max_memory;       // bytes the library may hold at once for this file (default 1 GiB)
  uint64_t max_tensors;      // default 1 Mi
  uint64_t max_output;       // approved total of decoded bytes, aliases counted each time (2^48)
  uint64_t max_entries;      // approved total of coded entries (2^40)
  uint64_t max_manifest;     // unpacked bytes (256 MiB)
  uint32_t threads;          // 0: one per processor; 1: the calling thread only
  dcf_parallel_fn parallel;  // NULL: own threads
  void* parallel_ctx;
} dcf_open_options;
// Fills in defaults. Always start from this.
DCF_API void dcf_open_options_init(dcf_open_options* options);

typedef struct dcf_file dcf_file;

// Reads `size` bytes at `offset` into dst. Returns 0, or nonzero on failure. Must be callable from
// several threads at once when options.threads != 1.
typedef struct dcf_reader {
  void* ctx;
  uint64_t size;
  int (*read_at)(void* ctx, uint64_t offset, void* dst, size_t size);
} dcf_reader;

// Open reads and checks header, manifest and tables; tensor data is read when it is asked for.
// `options` may be NULL. The memory of dcf_open_memory is borrowed until dcf_close.
DCF_API dcf_status dcf_open_path(const char* path, const dcf_open_options* options, dcf_file** out,
                                 dcf_error* error);
DCF_API dcf_status dcf_open_memory(const void* data, size_t size, const dcf_open_options* options,
                                   dcf_file** out, dcf_error* error);
DCF_API dcf_status dcf_open_reader(const dcf_reader* reader, const dcf_open_options* options,
                                   dcf_file** out, dcf_error* error);
DCF_API void dcf_close(dcf_file* file);  // NULL is fine

// ---- Describing -------------------------------------------------------------------------------

DCF_API dcf_status dcf_file_describe(const dcf_file* file, dcf_file_info* out, dcf_error* error);
DCF_API size_t dcf_tensor_count(const dcf_file* file);  // tensors are sorted by name, bytewise
DCF_API dcf_status dcf_tensor_find(const dcf_file* file, const char* name, size_t* index,
                                   dcf_error* error);
DCF_API dcf_status dcf_tensor_describe(const dcf_file* file, size_t index, dcf_tensor_info* out,
                                       dcf_error* error);
// Reads the tensor's chunks to split them by part. Cost: as verifying this tensor.
DCF_API dcf_status dcf_tensor_measure(const dcf_file* file, size_t index, dcf_tensor_bytes* out,
                                      dcf_error* error);
// Model metadata, sorted by key. Pointers are owned by the file and NUL-terminated (a value may
// hold further NULs: use the sizes). Any of the outputs may be NULL.
DCF_API dcf_status dcf_metadata_at(const dcf_file* file, size_t index, const char** key,
                                   size_t* key_size, const char** value, size_t* value_size,
                                   dcf_error* error);
// Name of a DCF_OPAQUE dtype, "" for every other; owned by the file.
DCF_API const char* dcf_tensor_opaque_name(const dcf_file* file, size_t index);

// ---- Decoding ---------------------------------------------------------------------------------

// Bytes dcf_decode writes for this tensor as `as` (DCF_DTYPE_NONE: its own dtype), and the most
// memory the library takes meanwhile. Known before anything is decoded.
DCF_API dcf_status dcf_decode_bound(const dcf_file* file, size_t index, dcf_dtype as,
                                    uint64_t* dst_bytes, uint64_t* working_bytes, dcf_error* error);
// Dense, row-major. `as` is DCF_DTYPE_NONE or the tensor's own dtype for its exact bytes, or
// DCF_F32 to widen f64 (rounded to nearest even), f16, bf16, f8 or integers (rounded) to float.
// dst_size may exceed the bound; dst needs no alignment.
DCF_API dcf_status dcf_decode(const dcf_file* file, size_t index, dcf_dtype as, void* dst,
                              size_t dst_size, dcf_error* error);
// Rows [first_row, first_row + rows); reads and decodes only the chunks they touch.
DCF_API dcf_status dcf_decode_rows(const dcf_file* file, size_t index, dcf_dtype as,
                                   uint64_t first_row, uint64_t rows, void* dst, size_t dst_size,
                                   dcf_error* error);
// CSR of rows x cols. row_ptr: rows + 1 values; col: nonzeros values (columns rise strictly in a
// row); values: nonzeros elements of the tensor's dtype or, with `as` = DCF_F32, floats. Capacities
// are in elements. Entries are the stored nonzeros of sparse positions (fillers dropped, a trained
// centroid of exactly zero kept) and the elements that are not +-0 of dense ones: info.nonzeros.
// InvalidArgument where info.cols is above 2^32 - 1, be there no row at all.
typedef struct dcf_csr {
  size_t struct_size;
  uint64_t* row_ptr;
  uint64_t row_ptr_capacity;
  uint32_t* col;
  uint64_t col_capacity;
  void* values;
  uint64_t values_capacity;
  uint64_t nonzeros;  // out
} dcf_csr;
DCF_API dcf_status dcf_decode_csr(const dcf_file* file, size_t index, dcf_dtype as, dcf_csr* csr,
                                  dcf_error* error);
// Palette tensors: the codebook (info.codebook_size elements of the tensor's dtype, ascending) ...
DCF_API dcf_status dcf_decode_codebook(const dcf_file* file, size_t index, void* dst,
                                       size_t dst_size, dcf_error* error);
// ... and one code per element. Dense positions: code in [0, codebook_size). Sparse positions:
// 0 is "no entry" (zero or filler), code c > 0 is codebook entry c - 1; as c may be 256, u16.
DCF_API dcf_status dcf_decode_codes(const dcf_file* file, size_t index, uint16_t* dst,
                                    size_t dst_elements, dcf_error* error);

// ---- Computing --------------------------------------------------------------------------------

// y = W x straight from the compressed tensor: x has info.cols, y info.rows floats. Sums the stored
// entries of each row in double, in an order that is fixed by the file, then rounds once to float:
// the result is the same for any number of threads. Skipped zeros contribute nothing (no NaN from
// 0 * Inf). Float and integer dtypes; UnsupportedDType for the raw-only ones.
DCF_API dcf_status dcf_matvec(const dcf_file* file, size_t index, const float* x, float* y,
                              dcf_error* error);
// Y = W X: X is [cols, batch] and Y [rows, batch], both row-major.
DCF_API dcf_status dcf_matmul(const dcf_file* file, size_t index, const float* x, float* y,
                              uint64_t batch, dcf_error* error);

// Images with a tensor of shape [out, in / groups, kernel_h, kernel_w]: x is [batch, in_channels,
// height, width] and y [batch, out, out_h, out_w], all row-major, where
//   out_h = (height + 2 * pad_h - dilation_h * (kernel_h - 1) - 1) / stride_h + 1, rounded down,
// and out_w in the same way. A stride, dilation or number of groups of 0 counts as 1. The kernel is
// not flipped. Sums in double in the order of the tensor, rounded once, as dcf_matvec: the same for
// any encoding, batch and number of threads. Decodes the entries once per call, so batches are
// cheaper than images one by one. InvalidArgument where shape and tensor do not fit together.
typedef struct dcf_conv2d_shape {
  size_t struct_size;
  uint64_t in_channels, height, width;
  uint64_t stride_h, stride_w;
  uint64_t pad_h, pad_w;  // zeros on either side
  uint64_t dilation_h, dilation_w;
  uint64_t groups;
} dcf_conv2d_shape;
DCF_API dcf_status dcf_conv2d(const dcf_file* file, size_t index, const dcf_conv2d_shape* shape,
                              const float* x, float* y, uint64_t batch, dcf_error* error);

// Pooling, which needs no file: x is [batch, channels, height, width] and y [batch, channels,
// out_h, out_w] with out_h = (height + 2 * pad_h - kernel_h) / stride_h + 1, rounded down. A stride
// of 0 is the kernel's size; the padding is at most half of it. The maximum leaves the padding out,
// and is NaN where an element is; the average counts it as zeros, sums in double and rounds once.
typedef enum dcf_pool { DCF_POOL_MAX = 0, DCF_POOL_AVERAGE = 1 } dcf_pool;
typedef struct dcf_pool2d_shape {
  size_t struct_size;
  uint32_t pool;  // a dcf_pool
  uint64_t channels, height, width;
  uint64_t kernel_h, kernel_w;
  uint64_t stride_h, stride_w;
  uint64_t pad_h, pad_w;
} dcf_pool2d_shape;
DCF_API dcf_status dcf_pool2d(const dcf_pool2d_shape* shape, const float* x, float* y,
                              uint64_t batch, dcf_error* error);

// ---- Layers -----------------------------------------------------------------------------------

// Weights packed once for being multiplied many times. dcf_matvec, dcf_matmul and dcf_conv2d decode
// at every call and keep nothing: they are the form for little memory. A layer is immutable, needs
// its file no longer, and any number of threads may apply it at once.
typedef struct dcf_layer dcf_layer;

typedef struct dcf_layer_options {
  size_t struct_size;
  uint64_t batch;    // that the layer is mostly applied to: chooses the packing; 0: 1
  uint32_t threads;  // of one call of dcf_layer_apply; 0 or 1: the calling thread only
  const char*
      kernel;  // a name that dcf_layer_describe gave, for tests and benchmarks; NULL: the fastest
  // The share of x that is mostly not zero, 0 < share <= 1, as after a ReLU: where it is small, the
  // packing may be one that skips zeros. Another x is as right, only slower. 0: unknown, as 1.
  // Convolutions take no notice of it.
  double input_density;
} dcf_layer_options;
DCF_API void dcf_layer_options_init(dcf_layer_options* options);

// y = W x for each sample of a batch: x is [batch, info.cols], y [batch, info.rows], row-major.
// `options` may be NULL. LimitMemory where the packed layer does not fit into the file's
// max_memory; UnsupportedDType for dtypes without arithmetic. *out is to be freed with
// dcf_layer_free.
DCF_API dcf_status dcf_layer_prepare(const dcf_file* file, size_t index,
                                     const dcf_layer_options* options, dcf_layer** out,
                                     dcf_error* error);
// Convolution of images, as dcf_conv2d: x is [batch, in_channels, height, width], y [batch, out,
// out_h, out_w].
DCF_API dcf_status dcf_layer_prepare_conv2d(const dcf_file* file, size_t index,
                                            const dcf_conv2d_shape* shape,
                                            const dcf_layer_options* options, dcf_layer** out,
                                            dcf_error* error);

typedef struct dcf_layer_info {
  size_t struct_size;
  const char* kernel;      // how it multiplies; static storage
  uint64_t inputs;         // floats of one sample of x ...
  uint64_t outputs;        // ... and of y
  uint64_t nonzeros;       // weights that are not zero
  uint64_t packed_bytes;   // that the layer keeps
  uint64_t working_bytes;  // that one call with the batch of the options takes besides, at most
} dcf_layer_info;
DCF_API dcf_status dcf_layer_describe(const dcf_layer* layer, dcf_layer_info* out,
                                      dcf_error* error);

// Sums in float, products fused into them where the machine can: for an output of k weights
//   |error| <= (k + 1) 2^-24 / (1 - (k + 1) 2^-24) * sum |w x|,
// if no |x| is above a quarter of FLT_MAX (inputs may be added before they are multiplied), in an
// order that depends on kernel, machine and, within a batch, the sample's place, not on threads.
// Weights of zero contribute nothing (no NaN from 0 * Inf). LimitMemory where a call would take
// more than the file's max_memory beside the layer.
DCF_API dcf_status dcf_layer_apply(const dcf_layer* layer, const float* x, float* y, uint64_t batch,
                                   dcf_error* error);
DCF_API void dcf_layer_free(dcf_layer* layer);  // NULL is fine

// ---- Verifying --------------------------------------------------------------------------------

// Called after each chunk with encoded bytes done and in all; return nonzero to cancel. Called from
// one thread at a time.
typedef int (*dcf_progress_fn)(void* ctx, uint64_t done, uint64_t total);
// Everything: checksums, padding, sections, and a full decode of every chunk against every rule.
// Cost O(entries + rows); memory one chunk per thread, whatever the file's size. Reports the
// failure with the lowest offset, for any number of threads.
DCF_API dcf_status dcf_verify(const dcf_file* file, dcf_progress_fn progress, void* progress_ctx,
                              dcf_error* error);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // DCF_DCF_H_
