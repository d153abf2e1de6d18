// SPDX-License-Identifier: Apache-2.0
// dcf.h: read .dcf files (compressed neural-network weights). Stable C ABI of the decoder.
//
// Conventions of dcf.h, dcf_write.h and dcf_encode.h:
//  - Names: functions are dcf_<object>_<verb>. Objects are the handles (file, layer, writer), the
//    contents of a file that are found by file and index (tensor, metadata, section), and the
//    numbers of an enum (dcf_dtype_name). Handles end with dcf_<object>_close. Functions on plain
//    arrays of the caller are dcf_<verb> (dcf_pool2d, dcf_prune). Constants are DCF_<TYPE>_<NAME>.
//  - Status: a function returns DCF_OK or a pinned code of dcf/errors.h. If `error` is not NULL, it
//    receives the details. On failure every output is initialised: handles and pointers to NULL, an
//    index to DCF_NO_INDEX, sizes and counts to 0, the fields of a struct to 0. The elements of
//    arrays are unspecified then.
//  - Structs begin with struct_size. The caller sets it to the sizeof of the struct, by the
//    struct's _INIT macro or its _init function. A struct of an older release is shorter; inputs
//    that it lacks have their defaults. A struct of a newer release is longer. It is accepted as an
//    input if the bytes that this library does not know are 0; as an output those bytes are set to
//    0. Any other struct_size is InvalidArgument. No struct exceeds 4096 bytes.
//  - Enums and flags: any number may be passed; one that has no meaning is InvalidArgument.
//  - Arrays come with their size, in elements unless the name says bytes. An input that is too
//    short is InvalidArgument, an output that is too short BufferTooSmall; either may be longer.
//    Inputs and outputs must not overlap; in a product that is InvalidArgument.
//  - Text is UTF-8 with its size in bytes, and need not end in NUL. Paths and names of kernels end
//    in NUL. Text that the library returns ends in NUL and has its size beside it.
//  - Data is little-endian and row-major. Rows are rows of the first dimension: a tensor of shape
//    [d0, d1, ...] has d0 rows of d1*d2*... columns. Rank 0 is one row of one column; rank 1 has
//    one column. Batches come first: [batch, features].
//  - Threads: a const handle may be used by any number of threads at once. The caller must not
//    close a handle while another thread uses it. The library keeps no global mutable state, never
//    aborts, never exits, never prints, and no exception leaves it. A handle with `threads` above 1
//    starts threads of its own at the first call that has work for them. They sleep between calls,
//    serve the later calls, and end when the handle is closed. If the machine cannot start a
//    thread, the call runs on fewer.
//  - fork(): a child may close its parent's handles, and use files and layers on one thread, unless
//    a thread of the parent was inside a call with the handle. Other calls of writers: BadState.
//  - Instruction sets: each part of the library uses the best set that it has code for and that the
//    processor has. The environment variable DCF_KERNEL, read once per process, allows only the set
//    that it names and the sets which that one includes: scalar (portable), ssse3, avx2, avx512bw,
//    avx512vbmi2, neon, simd128. If the name is unknown or the processor lacks the set, every
//    dcf_file_open_* and dcf_writer_open_* returns InvalidArgument with a message that lists the
//    possible names. An empty DCF_KERNEL has no effect.
//  - Untrusted input: any bytes are safe to read. Limits are on by default and are checked before
//    memory is allocated. Checksums detect accidents, not attacks.
#ifndef DCF_DCF_H_
#define DCF_DCF_H_

#include <stddef.h>
#include <stdint.h>

#include "errors.h"  // the one beside this file, whatever the include path holds
#include "version.h"

#if defined(__GNUC__)
#define DCF_API __attribute__((visibility("default")))
#else
#define DCF_API
#endif

// Enums are 32 bits wide for every compiler, and in C++ they can hold any number.
#ifdef __cplusplus
#define DCF_ENUM_TYPE : uint32_t
#define DCF_ENUM_END(last)
#else
#define DCF_ENUM_TYPE
#define DCF_ENUM_END(last) last = 0x7fffffff
#endif

#ifdef __cplusplus
extern "C" {
#endif

// ---- Status ---------------------------------------------------------------------------------

typedef enum dcf_status DCF_ENUM_TYPE {
#define DCF_DEFINE_STATUS(name, constant, number, cls, sentence) DCF_STATUS_##constant = number,
  DCF_STATUS_LIST(DCF_DEFINE_STATUS)
#undef DCF_DEFINE_STATUS
      DCF_ENUM_END(DCF_STATUS_END_)
} dcf_status;
#define DCF_OK DCF_STATUS_OK

// The kind of failure that a status stands for.
enum dcf_status_class DCF_ENUM_TYPE {
  DCF_STATUS_CLASS_OK = 0,
  DCF_STATUS_CLASS_CALLER = 1,          // a call broke its contract, or the caller cancelled it
  DCF_STATUS_CLASS_FILE_STRUCTURE = 2,  // not a .dcf file, or its structure breaks a rule
  DCF_STATUS_CLASS_CODED_DATA = 3,      // the coded data of a tensor break a rule
  DCF_STATUS_CLASS_INTEGRITY = 4,       // a checksum differs
  DCF_STATUS_CLASS_UNSUPPORTED = 5,     // a sound file or operation that this version cannot serve
  DCF_STATUS_CLASS_LIMIT = 6,           // a limit of the caller was exceeded
  DCF_STATUS_CLASS_MACHINE = 7,         // memory, or input and output, of the machine failed
  DCF_STATUS_CLASS_INTERNAL = 8,        // a defect of the library, or a number that is no status
  DCF_ENUM_END(DCF_STATUS_CLASS_END_)
};

// "ChecksumMismatch", ...; "Unknown" for a number that is no status. Static storage.
DCF_API const char* dcf_status_name(dcf_status status);
// One English sentence. Static storage.
DCF_API const char* dcf_status_sentence(dcf_status status);
DCF_API enum dcf_status_class dcf_status_class(dcf_status status);
// Library version as major * 10000 + minor * 100 + patch, and as text.
DCF_API uint32_t dcf_version_number(void);
DCF_API const char* dcf_version_string(void);

#define DCF_NO_OFFSET UINT64_MAX
#define DCF_NO_TENSOR UINT64_MAX
#define DCF_NO_INDEX SIZE_MAX  // the index of what was not found

// Where and why a call failed. Every function that takes one fills it; plain data, nothing to free.
// A dcf_error whose struct_size is not set is left as it is.
typedef struct dcf_error {
  size_t struct_size;
  dcf_status status;
  uint64_t offset;    // byte offset in the file of the broken structure, or DCF_NO_OFFSET
  uint64_t tensor;    // index of the tensor concerned, or DCF_NO_TENSOR
  char rule[8];       // id of the broken rule in spec/dcf-format.md ("H-02"), or ""
  char message[168];  // one sentence
  int system_error;   // errno of a failed system call, or 0
} dcf_error;
#define DCF_ERROR_INIT \
  { sizeof(dcf_error), DCF_STATUS_OK, DCF_NO_OFFSET, DCF_NO_TENSOR, "", "", 0 }

// ---- Types ------------------------------------------------------------------------------------

typedef enum dcf_dtype DCF_ENUM_TYPE {
  // The numbers are those of the file format.
  DCF_DTYPE_NONE = 0,
  DCF_DTYPE_F64 = 1,
  DCF_DTYPE_F32 = 2,
  DCF_DTYPE_F16 = 3,
  DCF_DTYPE_BF16 = 4,
  DCF_DTYPE_F8E4M3 = 5,
  DCF_DTYPE_F8E5M2 = 6,
  DCF_DTYPE_I64 = 7,
  DCF_DTYPE_I32 = 8,
  DCF_DTYPE_I16 = 9,
  DCF_DTYPE_I8 = 10,
  DCF_DTYPE_U64 = 11,
  DCF_DTYPE_U32 = 12,
  DCF_DTYPE_U16 = 13,
  DCF_DTYPE_U8 = 14,
  DCF_DTYPE_BOOL = 15,
  DCF_DTYPE_C64 = 16,
  DCF_DTYPE_F8E8M0 = 17,
  DCF_DTYPE_F6E2M3 = 18,
  DCF_DTYPE_F6E3M2 = 19,
  DCF_DTYPE_F4 = 20,
  DCF_DTYPE_F8E4M3FNUZ = 22,  // no -0, no infinity; one NaN, 0x80
  DCF_DTYPE_F8E5M2FNUZ = 23,
  DCF_DTYPE_OPAQUE = 31,  // width in bits and a name are stored with the tensor
  DCF_ENUM_END(DCF_DTYPE_END_)
} dcf_dtype;
// "f32", "bf16", ...; "" for an unknown number. Static storage.
DCF_API const char* dcf_dtype_name(dcf_dtype dtype);
// Width of one element in bits; 0 for DCF_DTYPE_OPAQUE and unknown numbers.
DCF_API uint32_t dcf_dtype_bits(dcf_dtype dtype);

typedef enum dcf_positions DCF_ENUM_TYPE {
  DCF_POSITIONS_DENSE = 0,
  DCF_POSITIONS_BITMAP = 1,
  DCF_POSITIONS_GAP = 2,
  DCF_POSITIONS_GAP_BUCKET = 3,
  DCF_POSITIONS_CLASSES = 4,  // dense, a Huffman code for each class of rows or columns; a writer's
                              // DCF_POSITIONS_AUTO and DCF_POSITIONS_DENSE may give it
  DCF_POSITIONS_AUTO = 255,   // options of a writer only: the kind that gives the smallest tensor
  DCF_ENUM_END(DCF_POSITIONS_END_)
} dcf_positions;
typedef enum dcf_values DCF_ENUM_TYPE {
  DCF_VALUES_RAW = 0,
  DCF_VALUES_PALETTE = 1,
  DCF_VALUES_GRID = 2,  // integers times the scale of their row, column or other unit
  DCF_VALUES_SPLIT = 3,
  DCF_VALUES_INT = 4,
  DCF_VALUES_DELTA = 5,        // differences to earlier elements of a row
  DCF_VALUES_DICTIONARY = 6,   // 257 to 65,536 distinct words
  DCF_VALUES_CLASS_SPLIT = 7,  // split, with zero low bits by class; DCF_POSITIONS_CLASSES
  DCF_VALUES_TRELLIS = 8,  // grid; each integer is even or odd as those before it in its row say
  DCF_ENUM_END(DCF_VALUES_END_)
} dcf_values;
typedef enum dcf_fidelity DCF_ENUM_TYPE {
  DCF_FIDELITY_BIT_EXACT = 0,    // every bit of the original
  DCF_FIDELITY_VALUE_EXACT = 1,  // equal values; signs of zeros were dropped
  DCF_FIDELITY_LOSSY = 2,        // pruned or clustered; error_bound is the greatest difference
  DCF_ENUM_END(DCF_FIDELITY_END_)
} dcf_fidelity;
// "gap-bucket", "palette", "bit-exact", ...; "" for an unknown number. Static storage.
DCF_API const char* dcf_positions_name(dcf_positions positions);
DCF_API const char* dcf_values_name(dcf_values values);
DCF_API const char* dcf_fidelity_name(dcf_fidelity fidelity);

#define DCF_MAX_NAME 4096  // bytes of a tensor's name
#define DCF_MAX_RANK 32

// Everything the manifest says about one tensor; its data is not read.
typedef struct dcf_tensor_info {
  size_t struct_size;
  const char* name;  // UTF-8, NUL-terminated (a name holds no NUL); owned by the file
  size_t name_size;  // without the NUL
  dcf_dtype dtype;
  uint32_t dtype_bits;  // width of one element in bits, also for DCF_DTYPE_OPAQUE
  uint32_t rank;        // 0..DCF_MAX_RANK
  uint64_t dims[DCF_MAX_RANK];
  uint64_t elements;     // product of dims
  uint64_t rows, cols;   // rows * cols == elements
  uint64_t dense_bytes;  // ceil(elements * dtype_bits / 8)
  dcf_positions positions;
  dcf_values values;
  uint32_t gap_bits;       // gap positions: bits of a gap; otherwise 0
  uint32_t codebook_size;  // palette, dictionary: entries without the filler zero; otherwise 0
  uint64_t nonzeros;       // elements that are not +-0; gap positions: entries without fillers
  uint64_t entries;        // coded entries: all elements if dense, nonzeros + fillers if sparse
  uint64_t chunks;
  uint64_t encoded_bytes;  // sum over all chunks
  uint64_t alias_of;       // index of the tensor whose data this one shares, or DCF_NO_TENSOR
  dcf_fidelity fidelity;
  double error_bound;  // greatest |original - decoded|; 0 unless fidelity is DCF_FIDELITY_LOSSY
} dcf_tensor_info;
// clang-format off
#define DCF_TENSOR_INFO_INIT                                                                       \
  {sizeof(dcf_tensor_info), NULL, 0, DCF_DTYPE_NONE, 0, 0, {0}, 0, 0, 0, 0, DCF_POSITIONS_DENSE,   \
   DCF_VALUES_RAW, 0, 0, 0, 0, 0, 0, 0, DCF_FIDELITY_BIT_EXACT, 0}
// clang-format on

// Where the bytes of one tensor are spent. The sum of `total` over all tensors plus
// dcf_file_info.overhead_bytes is the file size. A shared table counts for its first tensor.
typedef struct dcf_tensor_bytes {
  size_t struct_size;
  uint64_t positions;  // gaps, bitmap, entries per row, zero signs
  uint64_t values;     // codes, symbols, packed rest, raw data
  uint64_t codebook;
  uint64_t tables;  // Huffman code lengths
  uint64_t other;   // padding before raw data
  uint64_t total;
} dcf_tensor_bytes;
#define DCF_TENSOR_BYTES_INIT \
  { sizeof(dcf_tensor_bytes), 0, 0, 0, 0, 0, 0 }

typedef struct dcf_file_info {
  size_t struct_size;
  uint32_t format_major, format_minor;
  uint64_t file_bytes;
  uint64_t manifest_bytes;
  uint64_t overhead_bytes;  // header, manifest, ancillary sections
  uint64_t dense_bytes;     // sum of the tensors' dense_bytes, aliases counted each time
  uint64_t tensors;
  uint64_t metadata;      // string pairs
  uint64_t memory_bytes;  // the most that the open file itself takes of max_memory
  uint64_t name_bytes;    // of manifest_bytes, before they are packed: names and their lengths
  uint64_t features;      // critical feature bits (spec/dcf-format.md, section 12)
} dcf_file_info;
#define DCF_FILE_INFO_INIT \
  { sizeof(dcf_file_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define DCF_FEATURE_CODED_NAMES 8u  // of dcf_file_info.features

// ---- Opening ----------------------------------------------------------------------------------

// Runs task(arg, i) once for every i in [0, n), in any order, on any threads, and returns when all
// are done. Lets a host with its own thread pool replace ours. n is at most the `threads` of the
// options, and fewer where the memory limit does not allow as many at once.
typedef void (*dcf_parallel_fn)(void* ctx, size_t n, void (*task)(void* arg, size_t i), void* arg);

// A limit of zero means its default (spec/dcf-format.md, section "Default limits").
//
// max_memory bounds the memory of the open file plus that of all calls that run at the same time.
// A call reserves its share before it allocates, never waits for memory, and returns the share at
// its end. Where less is left, it decodes fewer chunks at once and leaves half of the rest to other
// calls; if not even one chunk fits, it fails with LimitMemory. So calls that run side by side may
// fail where each alone would succeed: threads = 1 and a larger max_memory leave room for more of
// them. Buffers of the caller do not count. Working memory of small chunks, up to 4 MiB for each
// thread, stays with the file for its next calls until one of them lacks memory.
// The unpacked manifest counts five times toward max_memory. So the default max_memory allows a
// manifest of 2^30 / 5 bytes; the default max_manifest is reached only with a larger max_memory.
typedef struct dcf_open_options {
  size_t struct_size;
  uint64_t max_memory;    // bytes that the library may hold at once for this file (default 1 GiB)
  uint64_t max_tensors;   // default 1 Mi
  uint64_t max_output;    // approved total of decoded bytes, aliases counted each time (2^48)
  uint64_t max_entries;   // approved total of coded entries (2^40)
  uint64_t max_manifest;  // unpacked bytes (256 MiB)
  // 0: one per processor, counted at open; 1: the calling thread only. The library never starts
  // more threads than there are processors.
  uint32_t threads;
  dcf_parallel_fn parallel;  // NULL: threads of the library
  void* parallel_ctx;
} dcf_open_options;
// Fills in defaults. Always start from this.
DCF_API void dcf_open_options_init(dcf_open_options* options);

typedef struct dcf_file dcf_file;

// Reads `size` bytes at `offset` into dst. Returns 0, or nonzero on failure. Must be callable from
// several threads at once when options.threads != 1.
typedef struct dcf_reader {
  size_t struct_size;
  void* ctx;
  uint64_t size;
  int (*read_at)(void* ctx, uint64_t offset, void* dst, size_t size);
} dcf_reader;
#define DCF_READER_INIT \
  { sizeof(dcf_reader), NULL, 0, NULL }

// Opening reads and checks header, manifest and tables; tensor data is read when it is asked for.
// `options` may be NULL. The memory given to dcf_file_open_memory is borrowed until dcf_file_close.
DCF_API dcf_status dcf_file_open_path(const char* path, const dcf_open_options* options,
                                      dcf_file** out, dcf_error* error);
DCF_API dcf_status dcf_file_open_memory(const void* data, size_t size,
                                        const dcf_open_options* options, dcf_file** out,
                                        dcf_error* error);
DCF_API dcf_status dcf_file_open_reader(const dcf_reader* reader, const dcf_open_options* options,
                                        dcf_file** out, dcf_error* error);
DCF_API void dcf_file_close(dcf_file* file);  // NULL is fine

// ---- Describing -------------------------------------------------------------------------------

DCF_API dcf_status dcf_file_describe(const dcf_file* file, dcf_file_info* out, dcf_error* error);
DCF_API size_t dcf_tensor_count(const dcf_file* file);  // sorted by name, bytewise; 0 for NULL
// NotFound, with *index set to DCF_NO_INDEX, if no tensor has this name.
DCF_API dcf_status dcf_tensor_find(const dcf_file* file, const char* name, size_t name_size,
                                   size_t* index, dcf_error* error);
DCF_API dcf_status dcf_tensor_describe(const dcf_file* file, size_t index, dcf_tensor_info* out,
                                       dcf_error* error);
// Decodes the tensor's chunks to count their bytes by part. Costs as much as dcf_tensor_verify;
// nothing for a tensor without elements.
DCF_API dcf_status dcf_tensor_measure(const dcf_file* file, size_t index, dcf_tensor_bytes* out,
                                      dcf_error* error);
// Model metadata, sorted by key, bytewise. Pointers are owned by the file and end in NUL (a value
// may hold further NULs: use the sizes). Any of the outputs may be NULL.
DCF_API size_t dcf_metadata_count(const dcf_file* file);  // 0 for NULL
DCF_API dcf_status dcf_metadata_at(const dcf_file* file, size_t index, const char** key,
                                   size_t* key_size, const char** value, size_t* value_size,
                                   dcf_error* error);
// The value of a key. NotFound if there is no such key.
DCF_API dcf_status dcf_metadata_find(const dcf_file* file, const char* key, size_t key_size,
                                     const char** value, size_t* value_size, dcf_error* error);
// The stored name of a DCF_DTYPE_OPAQUE dtype; "" for every other dtype. Owned by the file.
DCF_API const char* dcf_tensor_opaque_name(const dcf_file* file, size_t index);

// Ancillary sections: byte strings beside the tensors, which this library carries and does not
// interpret. Each kind occurs at most once; sections are in ascending order of their kinds.
typedef struct dcf_section_info {
  size_t struct_size;
  uint32_t kind;      // 0..2^31 - 1
  uint32_t critical;  // 1: a reader that does not know the kind must reject the file; else 0
  uint64_t bytes;
  uint64_t offset;  // where its first byte is in the file
} dcf_section_info;
#define DCF_SECTION_INFO_INIT \
  { sizeof(dcf_section_info), 0, 0, 0, 0 }
DCF_API size_t dcf_section_count(const dcf_file* file);  // 0 for NULL
DCF_API dcf_status dcf_section_describe(const dcf_file* file, size_t index, dcf_section_info* out,
                                        dcf_error* error);
// Reads all bytes of a section and verifies their checksum. dst_size may exceed the size.
DCF_API dcf_status dcf_section_read(const dcf_file* file, size_t index, void* dst, size_t dst_size,
                                    dcf_error* error);

// ---- Decoding ---------------------------------------------------------------------------------

// A call that decodes all of a tensor (dense, CSR, codes, products, layers, dcf_tensor_measure)
// checks the number of its nonzeros. A wrong number is BadCount (K-05) at the tensor's first chunk;
// a failure of a chunk is reported instead if there is one. dcf_tensor_decode_rows checks the
// number only if it is asked for all rows at once.

// *dst_bytes: what dcf_tensor_decode writes for this tensor as `as` (DCF_DTYPE_NONE: its own
// dtype). *working_bytes: the most memory that the library allocates meanwhile. Nothing is decoded
// to find out. If max_memory is at least dcf_file_info.memory_bytes + working_bytes and no other
// call runs, dcf_tensor_decode has enough memory; LimitMemory if it would have too little.
DCF_API dcf_status dcf_tensor_decode_bound(const dcf_file* file, size_t index, dcf_dtype as,
                                           uint64_t* dst_bytes, uint64_t* working_bytes,
                                           dcf_error* error);
// All elements, dense and row-major. `as` is DCF_DTYPE_NONE or the tensor's own dtype for its exact
// bytes, or DCF_DTYPE_F32 to convert f16, bf16 and f8 (exactly) or f64 and integers (rounded to
// nearest even) to float. dst_size is in bytes and may exceed dst_bytes; dst needs no alignment.
DCF_API dcf_status dcf_tensor_decode(const dcf_file* file, size_t index, dcf_dtype as, void* dst,
                                     size_t dst_size, dcf_error* error);
// One of the tensors of dcf_file_decode_tensors: the arguments of dcf_tensor_decode.
typedef struct dcf_dense_output {
  size_t struct_size;  // the same in every output of an array: the distance from one to the next
  size_t index;
  dcf_dtype as;
  void* dst;
  size_t dst_size;
} dcf_dense_output;
#define DCF_DENSE_OUTPUT_INIT \
  { sizeof(dcf_dense_output), 0, DCF_DTYPE_NONE, NULL, 0 }
// dcf_tensor_decode for many tensors in one call, a whole model for example: chunks of all of them
// are decoded side by side, so that small tensors keep the threads busy, too. Outputs may not
// overlap; a tensor may occur several times. All arguments are checked first. Among failures of
// chunks the one of the first output is reported. A watched handle (dcf_file_watch) reports about
// every 256th part of the encoded bytes, or every chunk where these are fewer.
DCF_API dcf_status dcf_file_decode_tensors(const dcf_file* file, const dcf_dense_output* outputs,
                                           size_t count, dcf_error* error);
// Rows [first_row, first_row + rows). Reads and decodes only the chunks that hold some of them; if
// the tensor is stored transposed, these are all of its chunks.
DCF_API dcf_status dcf_tensor_decode_rows(const dcf_file* file, size_t index, dcf_dtype as,
                                          uint64_t first_row, uint64_t rows, void* dst,
                                          size_t dst_size, dcf_error* error);
// CSR of rows x cols. row_ptr: rows + 1 values; col: nonzeros values (columns rise strictly in a
// row); values: nonzeros elements of the tensor's dtype or, with `as` = DCF_DTYPE_F32, floats.
// Capacities are in elements. Entries are the stored nonzeros of sparse positions (fillers dropped,
// a trained centroid of exactly zero kept) and the elements that are not +-0 of dense ones:
// info.nonzeros. InvalidArgument if info.cols > UINT32_MAX, even when the tensor has no rows.
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
#define DCF_CSR_INIT \
  { sizeof(dcf_csr), NULL, 0, NULL, 0, NULL, 0, 0 }
DCF_API dcf_status dcf_tensor_decode_csr(const dcf_file* file, size_t index, dcf_dtype as,
                                         dcf_csr* csr, dcf_error* error);
// Palettes and dictionaries: the codebook (info.codebook_size elements of the tensor's dtype,
// ascending) ...
DCF_API dcf_status dcf_tensor_decode_codebook(const dcf_file* file, size_t index, void* dst,
                                              size_t dst_size, dcf_error* error);
// ... and one code per element. Dense positions: code in [0, codebook_size). Sparse positions:
// 0 is "no entry" (zero or filler), code c > 0 is codebook entry c - 1. A code may be 256.
DCF_API dcf_status dcf_tensor_decode_codes(const dcf_file* file, size_t index, uint16_t* dst,
                                           size_t dst_elements, dcf_error* error);

// ---- Computing --------------------------------------------------------------------------------

// y = W x straight from the compressed tensor: x has info.cols, y info.rows floats. Sums the stored
// entries of each row in double, in an order that is fixed by the file, then rounds once to float:
// the result is the same for any number of threads. Skipped zeros contribute nothing (no NaN from
// 0 * Inf). Float and integer dtypes; UnsupportedDType for others. x_elements and y_elements are
// the sizes of the arrays, here and in every other product.
DCF_API dcf_status dcf_tensor_matvec(const dcf_file* file, size_t index, const float* x,
                                     size_t x_elements, float* y, size_t y_elements,
                                     dcf_error* error);
// The same for each sample of a batch: x is [batch, info.cols] and y [batch, info.rows].
DCF_API dcf_status dcf_tensor_matmul(const dcf_file* file, size_t index, const float* x,
                                     size_t x_elements, float* y, size_t y_elements, uint64_t batch,
                                     dcf_error* error);

// Images with a tensor of shape [out, in / groups, kernel_h, kernel_w], or [out, in / groups,
// kernel_w], whose kernel_h is 1: x is [batch, in_channels, height, width] and y [batch, out,
// out_h, out_w], all row-major, where
//   out_h = (height + 2 * pad_h - dilation_h * (kernel_h - 1) - 1) / stride_h + 1, rounded down,
// and out_w in the same way. A stride, dilation or number of groups of 0 counts as 1. The kernel is
// not flipped. Sums in double in the order of the tensor, rounded once, as dcf_tensor_matvec: the
// same for any encoding, batch and number of threads. Decodes the entries once per call, so batches
// are cheaper than images one by one. InvalidArgument if shape and tensor do not fit together.
typedef struct dcf_conv2d_shape {
  size_t struct_size;
  uint64_t in_channels, height, width;
  uint64_t stride_h, stride_w;
  uint64_t pad_h, pad_w;  // zeros on either side
  uint64_t dilation_h, dilation_w;
  uint64_t groups;
} dcf_conv2d_shape;
#define DCF_CONV2D_SHAPE_INIT \
  { sizeof(dcf_conv2d_shape), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
DCF_API dcf_status dcf_tensor_conv2d(const dcf_file* file, size_t index,
                                     const dcf_conv2d_shape* shape, const float* x,
                                     size_t x_elements, float* y, size_t y_elements, uint64_t batch,
                                     dcf_error* error);

// Pooling, which needs no file: x is [batch, channels, height, width] and y [batch, channels,
// out_h, out_w] with out_h = (height + 2 * pad_h - kernel_h) / stride_h + 1, rounded down. A stride
// of 0 is the kernel's size; the padding is at most half of it. The maximum leaves the padding out,
// and is NaN where an element is; the average counts it as zeros, sums in double and rounds once.
typedef enum dcf_pool DCF_ENUM_TYPE {
  DCF_POOL_MAX = 0,
  DCF_POOL_AVERAGE = 1,
  DCF_ENUM_END(DCF_POOL_END_)
} dcf_pool;
typedef struct dcf_pool2d_shape {
  size_t struct_size;
  dcf_pool pool;
  uint64_t channels, height, width;
  uint64_t kernel_h, kernel_w;
  uint64_t stride_h, stride_w;
  uint64_t pad_h, pad_w;
} dcf_pool2d_shape;
#define DCF_POOL2D_SHAPE_INIT \
  { sizeof(dcf_pool2d_shape), DCF_POOL_MAX, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
DCF_API dcf_status dcf_pool2d(const dcf_pool2d_shape* shape, const float* x, size_t x_elements,
                              float* y, size_t y_elements, uint64_t batch, dcf_error* error);

// ---- Layers -----------------------------------------------------------------------------------

// Weights packed once, to be multiplied many times. dcf_tensor_matvec, dcf_tensor_matmul and
// dcf_tensor_conv2d decode at every call and keep nothing: use them where memory is scarce. A layer
// is immutable and does not need its file any more; any number of threads may apply it at once.
typedef struct dcf_layer dcf_layer;

typedef enum dcf_activation DCF_ENUM_TYPE {
  DCF_ACTIVATION_NONE = 0,
  DCF_ACTIVATION_RELU = 1,  // values below zero become +0; NaN and -0 stay
  DCF_ENUM_END(DCF_ACTIVATION_END_)
} dcf_activation;

typedef struct dcf_layer_options {
  size_t struct_size;
  uint64_t batch;  // the usual batch of dcf_layer_apply, which the packing suits; 0: 1
  // Threads of one call of dcf_layer_apply; 0 or 1: the calling thread only. The library never
  // starts more threads than there are processors. A layer shares the threads of its file if the
  // file has as many, also after the file is closed.
  uint32_t threads;
  const char* kernel;  // one of dcf_layer_kernel_name; NULL: the fastest for this layer
  // Expected fraction of x that is not zero, 0 < fraction <= 1; often small after a ReLU. The
  // packing may then be one that skips zeros. A hint: a wrong value costs speed, never correctness.
  // 0: unknown, treated as 1. Convolutions ignore it.
  double input_density;
  dcf_parallel_fn parallel;  // as in dcf_open_options, for dcf_layer_apply
  void* parallel_ctx;
  // Added to each output: one float per row of the tensor, or per output channel of a convolution.
  // The layer copies them. NULL with 0 elements: no bias.
  const float* bias;
  size_t bias_elements;
  dcf_activation activation;  // applied to each output after the bias
} dcf_layer_options;
DCF_API void dcf_layer_options_init(dcf_layer_options* options);

// A kernel is a way of packing and multiplying. Every kernel runs on every processor, but not every
// kernel takes every layer. Those whose names begin with "conv-" take convolutions only, the others
// take none.
DCF_API size_t dcf_layer_kernel_count(void);
// "rows", "dense", ...; "" for an index that is not below the count. Static storage.
DCF_API const char* dcf_layer_kernel_name(size_t index);

// y = W x for each sample of a batch: x is [batch, info.cols], y [batch, info.rows], row-major.
// `options` may be NULL. LimitMemory if the packed layer and the memory for packing it do not fit
// in what is left of the file's max_memory; UnsupportedDType for dtypes without arithmetic;
// InvalidArgument for a kernel that does not exist or does not take this layer, and for a bias that
// is too short. Free *out with dcf_layer_close. The finished layer belongs to the caller and does
// not count toward the file's max_memory.
DCF_API dcf_status dcf_layer_prepare(const dcf_file* file, size_t index,
                                     const dcf_layer_options* options, dcf_layer** out,
                                     dcf_error* error);
// Convolution of images, as dcf_tensor_conv2d: x is [batch, in_channels, height, width], y [batch,
// out, out_h, out_w].
DCF_API dcf_status dcf_layer_prepare_conv2d(const dcf_file* file, size_t index,
                                            const dcf_conv2d_shape* shape,
                                            const dcf_layer_options* options, dcf_layer** out,
                                            dcf_error* error);

typedef struct dcf_layer_info {
  size_t struct_size;
  const char* kernel;      // name of the kernel; static storage
  uint64_t inputs;         // floats of one sample of x ...
  uint64_t outputs;        // ... and of y
  uint64_t nonzeros;       // weights that are not zero
  uint64_t packed_bytes;   // memory that the layer keeps
  uint64_t working_bytes;  // most memory that one call with the batch of the options adds
  uint64_t bias_elements;  // 0: the layer has no bias
  dcf_activation activation;
} dcf_layer_info;
#define DCF_LAYER_INFO_INIT \
  { sizeof(dcf_layer_info), NULL, 0, 0, 0, 0, 0, 0, DCF_ACTIVATION_NONE }
DCF_API dcf_status dcf_layer_describe(const dcf_layer* layer, dcf_layer_info* out,
                                      dcf_error* error);

// y = activation(W x + bias). Sums are in float, with fused multiply-add where the machine has it.
// For a sum of k weights
//   |error| <= (k + 1) 2^-24 / (1 - (k + 1) 2^-24) * sum |w x|,
// if no |x| exceeds a quarter of FLT_MAX (inputs may be added before they are multiplied). The
// order of a sum depends on kernel, machine and the sample's place in the batch, not on threads.
// Weights of zero contribute nothing (no NaN from 0 * Inf). The bias is added to the sum in float,
// which rounds once more; the activation follows. y has the same bits as if the caller added bias
// and activation to the output of the same layer without them. LimitMemory if the calls that run on
// the layer at once need more memory than the file's max_memory leaves beside the layer.
DCF_API dcf_status dcf_layer_apply(const dcf_layer* layer, const float* x, size_t x_elements,
                                   float* y, size_t y_elements, uint64_t batch, dcf_error* error);
DCF_API void dcf_layer_close(dcf_layer* layer);  // NULL is fine

// ---- Progress and verifying -------------------------------------------------------------------

// Called after each chunk with the encoded bytes that are done and those of the whole call. A
// nonzero result cancels: the call in progress returns Cancelled. Called from one thread at a time,
// which may be one of the library's own; `done` never falls and never exceeds `total`. It may call
// the library, also with this file.
typedef int (*dcf_progress_fn)(void* ctx, uint64_t done, uint64_t total);
// *out is another handle of an open file. Every call on it that decodes chunks (dcf_tensor_decode,
// _decode_rows, _decode_csr, _decode_codes, _matvec, _matmul, _conv2d, _measure, dcf_layer_prepare,
// _prepare_conv2d and dcf_file_decode_tensors) reports to `progress`, each from 0 to its own total,
// and can be cancelled by it. Limits and memory are those of the file, which stays open until all
// its handles are closed, in any order. Cheap: one small allocation.
DCF_API dcf_status dcf_file_watch(const dcf_file* file, dcf_progress_fn progress,
                                  void* progress_ctx, dcf_file** out, dcf_error* error);

// Checks everything: checksums, padding, sections, and every chunk, decoded, against every rule.
// Time O(entries + rows); memory for one chunk per thread, whatever the file's size. Reports the
// failure with the lowest offset, for any number of threads. `progress` may be NULL.
DCF_API dcf_status dcf_file_verify(const dcf_file* file, dcf_progress_fn progress,
                                   void* progress_ctx, dcf_error* error);
// The same for one tensor (for an alias, the tensor whose data it shares): its chunks, the number
// of its nonzeros, and the padding before it.
DCF_API dcf_status dcf_tensor_verify(const dcf_file* file, size_t index, dcf_progress_fn progress,
                                     void* progress_ctx, dcf_error* error);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // DCF_DCF_H_
