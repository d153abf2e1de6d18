// SPDX-License-Identifier: Apache-2.0
#include "exercise.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

namespace dcf::fuzz {
namespace {

constexpr uint64_t kMaxElements = 1 << 16;  // decoded per tensor
constexpr size_t kMaxTensors = 32;          // used per file

bool is_limit(dcf_status s) {
  return s >= 60 && s < 70;
}

// What every failure must say: a pinned code, and for those of the file the rule and the place.
void check_error(dcf_status s, const dcf_error& e) {
  require(e.status == s, "the returned code differs from that of the details");
  require(s != DCF_STATUS_INTERNAL, "an invariant of the library is broken");
  require(std::strcmp(dcf_status_name(s), "Unknown") != 0, "the code is not in the list");
  if ((s < 20 || s >= 54) && !is_limit(s)) return;
  require(e.rule[0] != '\0', "a failure of the file names no rule");
  require(e.offset != DCF_NO_OFFSET, "a failure of the file names no offset");
  require(e.message[0] != '\0', "a failure has no message");
}

// An output buffer of exact size; the address sanitizer guards its end.
template <typename T>
struct Buffer {
  explicit Buffer(size_t n)
      : data(static_cast<T*>(std::malloc(n * sizeof(T) + (n == 0)))), size(n) {
    require(data != nullptr, "the fuzzer is out of memory");
    std::memset(data, 0xA5, n * sizeof(T));
  }
  ~Buffer() { std::free(data); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  T* data;
  size_t size;
};

struct Source {
  const uint8_t* data;
  size_t size;
};

int read_source(void* ctx, uint64_t offset, void* dst, size_t size) {
  const auto* source = static_cast<const Source*>(ctx);
  require(offset <= source->size && size <= source->size - offset, "a read leaves the file");
  std::memcpy(dst, source->data + offset, size);
  return 0;
}

void run_backwards(void*, size_t n, void (*task)(void*, size_t), void* arg) {
  for (size_t i = n; i-- > 0;) task(arg, i);
}

uint64_t memory_limit(uint8_t choice) {
  static constexpr uint64_t kLimits[] = {uint64_t{16} << 20, uint64_t{1} << 20, uint64_t{64} << 10,
                                         4096};
  return kLimits[choice % std::size(kLimits)];
}

// One tensor in all its forms.
class TensorCheck {
 public:
  TensorCheck(const dcf_file* file, size_t index, const dcf_tensor_info& info)
      : file_(file), index_(index), info_(info) {}

  // The first failure of a whole decode, which a sound tensor has only for want of memory.
  dcf_status run(const Choices& choices) {
    uint64_t bytes = 0;
    uint64_t working = 0;
    const dcf_status bound =
        check(dcf_tensor_decode_bound(file_, index_, DCF_DTYPE_NONE, &bytes, &working, &error_));
    Buffer<uint8_t> dense(info_.dense_bytes);
    const dcf_status decoded =
        check(dcf_tensor_decode(file_, index_, DCF_DTYPE_NONE, dense.data, dense.size, &error_));
    require(bound == DCF_OK ? bytes == info_.dense_bytes
                            : bound == DCF_STATUS_LIMIT_MEMORY && bound == decoded,
            "the decode bound does not tell what a decode does");
    if (bytes > 0) {
      require(dcf_tensor_decode(file_, index_, DCF_DTYPE_NONE, dense.data, bytes - 1, &error_) ==
                  DCF_STATUS_BUFFER_TOO_SMALL,
              "a short buffer is accepted");
    }
    const bool fnuz = info_.dtype == DCF_DTYPE_F8E4M3FNUZ || info_.dtype == DCF_DTYPE_F8E5M2FNUZ;
    if (info_.dtype <= DCF_DTYPE_BOOL || fnuz) {
      Buffer<uint8_t> floats(info_.elements * 4);
      const dcf_status as_float =
          check(dcf_tensor_decode(file_, index_, DCF_DTYPE_F32, floats.data, floats.size, &error_));
      require((as_float == DCF_OK) == (decoded == DCF_OK), "widening changes the verdict");
      check_csr(decoded, dense);
      multiply(choices.batch % 4, decoded);
      apply_layer(choices.batch, decoded, floats);
    }
    if (info_.codebook_size != 0) check_codes(decoded, dense);
    if (decoded == DCF_OK) check_rows(choices.rows, dense);
    return decoded;
  }

 private:
  dcf_status check(dcf_status s) {
    if (s != DCF_OK) check_error(s, error_);
    return s;
  }

  uint64_t word_at(const uint8_t* p) const {
    uint64_t word = 0;
    std::memcpy(&word, p, info_.dtype_bits / 8);
    return word;
  }
  uint64_t magnitude(uint64_t word) const {
    const bool has_negative_zero = info_.dtype <= DCF_DTYPE_F8E5M2;
    return has_negative_zero ? word & ~(uint64_t{1} << (info_.dtype_bits - 1)) : word;
  }

  void check_csr(dcf_status decoded, const Buffer<uint8_t>& dense) {
    const size_t width = info_.dtype_bits / 8;
    if (info_.rows > kMaxElements) return;
    Buffer<uint64_t> row_ptr(info_.rows + 1);
    Buffer<uint32_t> col(info_.nonzeros);
    Buffer<uint8_t> values(info_.nonzeros * width);
    dcf_csr csr = DCF_CSR_INIT;
    csr.row_ptr = row_ptr.data;
    csr.row_ptr_capacity = row_ptr.size;
    csr.col = col.data;
    csr.col_capacity = col.size;
    csr.values = values.data;
    csr.values_capacity = info_.nonzeros;
    const dcf_status s = check(dcf_tensor_decode_csr(file_, index_, DCF_DTYPE_NONE, &csr, &error_));
    if (s == DCF_OK) {
      require(decoded == DCF_OK, "CSR accepts what dense rejects");
      compare_csr(csr, dense);
    } else if (decoded == DCF_OK) {
      const bool too_wide = info_.cols > UINT32_MAX && s == DCF_STATUS_INVALID_ARGUMENT;
      require(too_wide || s == DCF_STATUS_BAD_COUNT || is_limit(s),
              "CSR rejects what dense accepts");
    }
  }

  void compare_csr(const dcf_csr& csr, const Buffer<uint8_t>& dense) const {
    const size_t width = info_.dtype_bits / 8;
    require(csr.nonzeros == info_.nonzeros && csr.row_ptr[0] == 0 &&
                csr.row_ptr[info_.rows] == csr.nonzeros,
            "row pointers do not cover the nonzeros");
    for (uint64_t row = 0; row < info_.rows; ++row) {
      require(csr.row_ptr[row] <= csr.row_ptr[row + 1], "row pointers fall");
      uint64_t c = 0;
      for (uint64_t i = csr.row_ptr[row]; i < csr.row_ptr[row + 1]; ++i, ++c) {
        require(csr.col[i] < info_.cols && csr.col[i] >= c, "columns do not rise within the row");
        for (; c < csr.col[i]; ++c) {
          require(magnitude(word_at(dense.data + (row * info_.cols + c) * width)) == 0,
                  "CSR misses a nonzero");
        }
        require(std::memcmp(dense.data + (row * info_.cols + c) * width,
                            static_cast<uint8_t*>(csr.values) + i * width, width) == 0,
                "CSR and dense values differ");
      }
      for (; c < info_.cols; ++c) {
        require(magnitude(word_at(dense.data + (row * info_.cols + c) * width)) == 0,
                "CSR misses a nonzero");
      }
    }
  }

  void check_codes(dcf_status decoded, const Buffer<uint8_t>& dense) {
    const size_t width = info_.dtype_bits / 8;
    Buffer<uint8_t> codebook(info_.codebook_size * width);
    require(
        dcf_tensor_decode_codebook(file_, index_, codebook.data, codebook.size, &error_) == DCF_OK,
        "no codebook");
    Buffer<uint16_t> codes(info_.elements);
    const dcf_status s =
        check(dcf_tensor_decode_codes(file_, index_, codes.data, codes.size, &error_));
    require((s == DCF_OK) == (decoded == DCF_OK), "codes and dense disagree on the verdict");
    if (s != DCF_OK) return;
    const unsigned first = info_.positions == DCF_POSITIONS_DENSE ? 0 : 1;
    for (uint64_t i = 0; i < info_.elements; ++i) {
      const uint8_t* word = dense.data + i * width;
      if (codes.data[i] < first) {
        require(magnitude(word_at(word)) == 0, "an element without a code is not zero");
      } else {
        require(codes.data[i] - first < info_.codebook_size, "a code is outside the codebook");
        require(std::memcmp(word, codebook.data + (codes.data[i] - first) * width, width) == 0,
                "a code and its value differ");
      }
    }
  }

  void check_rows(uint8_t choice, const Buffer<uint8_t>& dense) {
    if (info_.rows == 0) return;
    const uint64_t first = choice % info_.rows;
    const uint64_t rows = std::min<uint64_t>(info_.rows - first, 1 + choice / 16);
    if (info_.cols * info_.dtype_bits % 8 != 0) return;
    const size_t row_bytes = info_.cols * info_.dtype_bits / 8;
    Buffer<uint8_t> part(rows * row_bytes);
    const dcf_status s = check(dcf_tensor_decode_rows(file_, index_, DCF_DTYPE_NONE, first, rows,
                                                      part.data, part.size, &error_));
    require(s == DCF_OK, "a part of a sound tensor does not decode");
    require(
        part.size == 0 || std::memcmp(part.data, dense.data + first * row_bytes, part.size) == 0,
        "rows differ from the whole");
  }

  void multiply(uint64_t batch, dcf_status decoded) {
    if (info_.cols > kMaxElements || info_.rows > kMaxElements) return;
    std::vector<float> x(info_.cols * batch + 1, 1.0f);
    Buffer<float> y(info_.rows * batch);
    const dcf_status s =
        check(dcf_tensor_matmul(file_, index_, x.data(), x.size(), y.data, y.size, batch, &error_));
    require(s == decoded || is_limit(s), "a product and dense disagree on the verdict");
  }

  // Packed by a kernel of the input's choice; not every kernel takes every tensor.
  void apply_layer(uint8_t choice, dcf_status decoded, const Buffer<uint8_t>& floats) {
    if (info_.cols > kMaxElements || info_.rows > kMaxElements) return;
    static constexpr uint64_t kBatches[] = {1, 2, 9, 17};
    dcf_layer_options options;
    dcf_layer_options_init(&options);
    const size_t kernel = choice / 4 % (dcf_layer_kernel_count() + 1);
    if (kernel != 0) options.kernel = dcf_layer_kernel_name(kernel - 1);
    options.batch = kBatches[choice % 4];
    options.input_density = choice >= 128 ? 0.1 : 0;
    dcf_layer* layer = nullptr;
    const dcf_status s = check(dcf_layer_prepare(file_, index_, &options, &layer, &error_));
    if (s != DCF_OK) {
      require(layer == nullptr, "a layer that could not be prepared has a handle");
      require(decoded != DCF_OK || is_limit(s) ||
                  (options.kernel != nullptr && s == DCF_STATUS_INVALID_ARGUMENT),
              "a sound tensor cannot be packed");
      return;
    }
    require(decoded == DCF_OK, "a layer accepts what dense rejects");
    std::vector<float> x(info_.cols * options.batch + 1);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 7) * 0.25f;
    Buffer<float> y(info_.rows * options.batch);
    const dcf_status applied = dcf_layer_apply(layer, x.data(), x.size(), y.data, y.size,
                                               options.batch, &error_);  // without the file
    require(applied == DCF_OK || applied == DCF_STATUS_LIMIT_MEMORY, "a layer cannot be applied");
    if (applied == DCF_OK) {
      for (uint64_t i = 0; i < y.size; ++i) {
        compare_sum(floats.data + i % info_.rows * info_.cols * sizeof(float),
                    x.data() + i / info_.rows * info_.cols, y.data[i]);
      }
    }
    dcf_layer_close(layer);
  }

  // `got` is within the bound of dcf_layer_apply, where nothing is infinite or nearly so.
  void compare_sum(const uint8_t* weights, const float* x, float got) const {
    double sum = 0;
    double magnitude = 0;
    uint64_t nonzeros = 0;
    for (uint64_t c = 0; c < info_.cols; ++c) {
      float weight;
      std::memcpy(&weight, weights + c * sizeof weight, sizeof weight);
      const double product = double{weight} * x[c];
      sum += product;
      magnitude += std::abs(product);
      nonzeros += weight != 0 ? 1 : 0;
    }
    if (!(magnitude < std::numeric_limits<float>::max() / 4)) return;
    const double u = static_cast<double>(nonzeros + 1) * std::ldexp(1.0, -24);
    require(std::abs(got - sum) <= u / (1 - u) * magnitude + 1e-37,
            "a layer's product is not that of the dense weights");
  }

  const dcf_file* file_;
  size_t index_;
  const dcf_tensor_info& info_;
  dcf_error error_ = DCF_ERROR_INIT;
};

void describe(const dcf_file* file) {
  dcf_error error = DCF_ERROR_INIT;
  dcf_file_info info{};
  info.struct_size = sizeof info;
  require(dcf_file_describe(file, &info, &error) == DCF_OK, "an open file cannot be described");
  require(info.tensors == dcf_tensor_count(file), "two numbers of tensors");
  for (size_t i = 0; i < std::min<size_t>(info.metadata, 8); ++i) {
    const char *key, *value;
    size_t key_size, value_size;
    require(dcf_metadata_at(file, i, &key, &key_size, &value, &value_size, &error) == DCF_OK,
            "metadata cannot be read");
    require(key[key_size] == '\0' && value[value_size] == '\0', "metadata is not terminated");
  }
}

// Decodes tensors in one call. `sound`: each of them decodes alone, but for want of memory.
void decode_together(const dcf_file* file, const std::vector<size_t>& tensors, bool sound) {
  dcf_error error = DCF_ERROR_INIT;
  std::vector<std::unique_ptr<Buffer<uint8_t>>> buffers;
  std::vector<dcf_dense_output> outputs;
  for (const size_t index : tensors) {
    dcf_tensor_info info{};
    info.struct_size = sizeof info;
    require(dcf_tensor_describe(file, index, &info, &error) == DCF_OK, "no second description");
    buffers.push_back(std::make_unique<Buffer<uint8_t>>(info.dense_bytes));
    outputs.push_back(DCF_DENSE_OUTPUT_INIT);
    outputs.back().index = index;
    outputs.back().dst = buffers.back()->data;
    outputs.back().dst_size = buffers.back()->size;
  }
  const dcf_status s = dcf_file_decode_tensors(file, outputs.data(), outputs.size(), &error);
  if (s != DCF_OK) {
    check_error(s, error);
    require(!sound || is_limit(s), "tensors decode alone and not together");
    return;
  }
  require(sound, "tensors decode together and not alone");
  for (const dcf_dense_output& output : outputs) {
    Buffer<uint8_t> alone(output.dst_size);
    const dcf_status again =
        dcf_tensor_decode(file, output.index, DCF_DTYPE_NONE, alone.data, alone.size, &error);
    require(is_limit(again) || std::memcmp(alone.data, output.dst, alone.size) == 0,
            "a tensor is another one when it is decoded beside others");
  }
}

}  // namespace

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "dcf fuzz: %s\n", what);
  std::abort();
}

dcf_status exercise(const uint8_t* data, size_t size, const Choices& choices) {
  dcf_open_options options;
  dcf_open_options_init(&options);
  options.max_memory = memory_limit(choices.memory);
  options.max_tensors = 1024;
  options.max_entries = 1 << 22;
  options.max_manifest = 1 << 20;
  options.threads = 1;
  if ((choices.source & 2) != 0) options.parallel = run_backwards;
  Source source{data, size};
  const dcf_reader reader{sizeof(dcf_reader), &source, size, read_source};
  dcf_file* file = nullptr;
  dcf_error error = DCF_ERROR_INIT;
  dcf_status s = (choices.source & 1) != 0
                     ? dcf_file_open_reader(&reader, &options, &file, &error)
                     : dcf_file_open_memory(data, size, &options, &file, &error);
  if (s != DCF_OK) {
    check_error(s, error);
    require(file == nullptr, "a file that did not open has a handle");
    return s;
  }
  describe(file);
  const dcf_status verdict = dcf_file_verify(file, nullptr, nullptr, &error);
  if (verdict != DCF_OK) check_error(verdict, error);
  std::vector<size_t> used;
  bool sound = true;
  for (size_t i = 0; i < std::min(dcf_tensor_count(file), kMaxTensors); ++i) {
    dcf_tensor_info info{};
    info.struct_size = sizeof info;
    require(dcf_tensor_describe(file, i, &info, &error) == DCF_OK, "a tensor cannot be described");
    size_t found = SIZE_MAX;
    require(
        dcf_tensor_find(file, info.name, info.name_size, &found, &error) == DCF_OK && found == i,
        "a tensor is not found");
    if (info.elements > kMaxElements || info.dense_bytes > 8 * kMaxElements) continue;
    s = TensorCheck(file, i, info).run(choices);
    used.push_back(i);
    sound &= s == DCF_OK || is_limit(s);
    require(s == DCF_OK || verdict != DCF_OK || is_limit(s), "verify accepts what decode rejects");
    dcf_tensor_bytes bytes{};
    bytes.struct_size = sizeof bytes;
    s = dcf_tensor_measure(file, i, &bytes, &error);
    if (s != DCF_OK) check_error(s, error);
    require(s == DCF_OK || verdict != DCF_OK || is_limit(s), "a sound tensor cannot be measured");
  }
  decode_together(file, used, sound);
  dcf_file_close(file);
  return verdict;
}

}  // namespace dcf::fuzz
