// SPDX-License-Identifier: Apache-2.0
// dcf.hpp in a program without exceptions and run-time type information: values and failures are
// results, and memory is asked for within a limit.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "dcf/dcf.hpp"

namespace {

int failures = 0;

void expect(bool truth, const char* what) {
  if (truth) return;
  std::fprintf(stderr, "%s\n", what);
  ++failures;
}
#define EXPECT(condition) expect(static_cast<bool>(condition), #condition)

int append(void* ctx, const void* data, size_t size) {
  auto* bytes = static_cast<std::vector<uint8_t>*>(ctx);
  const auto* from = static_cast<const uint8_t*>(data);
  bytes->insert(bytes->end(), from, from + size);
  return 0;
}

constexpr uint64_t kHugeRows = 1 << 10, kHugeCols = 1 << 16;  // 256 MiB of float

// "small" [2, 3], "codes" [3, 20] with a codebook, "huge" of zeros in a few bytes.
std::vector<uint8_t> write() {
  std::vector<uint8_t> bytes;
  dcf_sink sink = DCF_SINK_INIT;
  sink.ctx = &bytes;
  sink.write = append;
  auto writer = dcf::Writer::open(sink);
  EXPECT(writer);
  const float values[] = {1, 0, -2, 0, 0, 0.5f};
  const uint64_t shape[] = {2, 3};
  EXPECT(writer->add<float>("small", values, shape));
  EXPECT(writer->add<float>("small", values, shape).status() == DCF_STATUS_DUPLICATE_NAME);
  auto again = dcf::Writer::open(sink);
  EXPECT(again->add<float>("small", values, shape));
  const uint64_t wide[] = {3, 20};
  const uint64_t rows[] = {0, 2, 3, 4};
  const uint32_t col[] = {3, 17, 1, 5};
  const uint8_t codes[] = {1, 1, 0, 1};
  const float codebook[] = {-2, 1};
  EXPECT(again->add_codes<float>("codes", wide, rows, col, codes, codebook));
  EXPECT(!again->add_codes<float>("short", wide, rows, {}, codes, codebook));
  const std::vector<uint64_t> no_entries(kHugeRows + 1);
  const uint64_t huge[] = {kHugeRows, kHugeCols};
  auto third = dcf::Writer::open(sink);
  bytes.clear();
  EXPECT(third->add<float>("small", values, shape));
  EXPECT(third->add_codes<float>("codes", wide, rows, col, codes, codebook));
  EXPECT(third->add_csr<float>("huge", huge, no_entries, {}, {}));
  EXPECT(third->add_metadata("key", "value"));
  EXPECT(third->add_section(9, std::span(codes)));
  EXPECT(third->begin_tensor(dcf::tensor_spec("pieces", DCF_DTYPE_U8, std::span(shape, 1))));
  EXPECT(third->write_piece(std::span(codes, 1)) && third->write_piece(std::span(codes, 1)));
  EXPECT(third->end_tensor());
  EXPECT(third->finish());
  return bytes;
}

// What the system said goes with a failure, and with no other.
void missing_file() {
  const auto file = dcf::File::open("/no/such/file");
  EXPECT(file.status() == DCF_STATUS_IO_OPEN && file.system_error() == ENOENT);
  const dcf::Status status = file.error();
  EXPECT(status.system_error() == ENOENT);
  EXPECT(dcf::File::open(std::span<const uint8_t>()).system_error() == 0);
}

void read(const std::vector<uint8_t>& bytes) {
  const auto file = dcf::File::open(bytes);
  EXPECT(file);
  EXPECT(file->size() == 4 && file->info().tensors == 4);
  EXPECT(*file->metadata("key") == "value" &&
         file->metadata("no").status() == DCF_STATUS_NOT_FOUND);
  EXPECT(file->metadata(size_t{0})->key == "key" && !file->metadata(size_t{1}));
  EXPECT(file->sections() == 1 && file->section(0)->kind == 9 && !file->section(1));
  EXPECT(file->section_bytes(0)->size() == 4 && !file->tensor(4) &&
         file->tensor("no").status() == DCF_STATUS_NOT_FOUND);
  EXPECT(file->verify());
  EXPECT(file->verify([](uint64_t, uint64_t) { return false; }).status() == DCF_STATUS_CANCELLED);
  const auto small = file->tensor("small");
  float decoded[6] = {};
  dcf_dense_output output = DCF_DENSE_OUTPUT_INIT;
  output.index = small->index();
  output.dst = decoded;
  EXPECT(file->decode_tensors({&output, 1}).status() == DCF_STATUS_BUFFER_TOO_SMALL);
  output.dst_size = sizeof decoded;
  EXPECT(file->decode_tensors({&output, 1}) && decoded[0] == 1 && decoded[2] == -2);
  EXPECT(small->verify() && !small->verify([](uint64_t, uint64_t) { return false; }));
  auto stop = [](uint64_t, uint64_t) { return false; };
  const auto watched = file->watch(&stop);
  EXPECT(watched->tensor("small")->decode<float>().status() == DCF_STATUS_CANCELLED);
  EXPECT(small && small->name() == "small" && small->shape().size() == 2);
  const auto floats = small->decode<float>();
  EXPECT(floats && floats->size() == 6 && *floats->at(2) == -2 && floats->at(6) == nullptr);
  EXPECT(small->decode<double>().status() == DCF_STATUS_INVALID_ARGUMENT);
  EXPECT(small->decode<float>(23).status() == DCF_STATUS_LIMIT_MEMORY);
  EXPECT(small->rows<float>(1, 1)->size() == 3 && !small->rows<float>(1, 2));
  EXPECT(small->bytes()->size() == 24 && small->csr<float>()->col.size() == 3);
  EXPECT(small->measure()->total > 0 && small->decode_bound()->dst_bytes == 24);
  const auto codes = file->tensor("codes");
  EXPECT(codes->codes()->size() == 60);
  const auto book = codes->codebook<float>();
  EXPECT(book && book->size() == 2 && *book->at(1) == 1);
  EXPECT(!codes->codebook<double>());
  const float x[] = {1, 2, 3};
  float y[2] = {};
  EXPECT(small->matvec(x, y) && y[0] == -5 && y[1] == 1.5f);
  EXPECT(small->matvec(std::span(x, 2), y).status() == DCF_STATUS_INVALID_ARGUMENT);
  const auto layer = dcf::Layer::prepare(*small);
  EXPECT(layer && layer->apply(x, y) && y[0] == -5);
  EXPECT(layer->apply(x, std::span(y, 1)).status() == DCF_STATUS_INVALID_ARGUMENT);
  // Two samples where one is asked for: none is left out in silence.
  const float two[6] = {};
  float of_two[4] = {};
  EXPECT(layer->apply(two, of_two).status() == DCF_STATUS_INVALID_ARGUMENT);
  EXPECT(layer->apply(two, of_two, 2));
  EXPECT(small->matvec(two, of_two).status() == DCF_STATUS_INVALID_ARGUMENT);
  EXPECT(small->matmul(two, of_two, 1).status() == DCF_STATUS_INVALID_ARGUMENT);
  EXPECT(small->matmul(two, of_two, 2));
  float both[5] = {};
  EXPECT(small->matvec(std::span(both, 3), std::span(both + 2, 2)).status() ==
         DCF_STATUS_INVALID_ARGUMENT);
  EXPECT(small->matvec(std::span(both, 3), std::span(both + 3, 2)));
  auto buffer = small->decode<float>().value();
  const dcf::Buffer<float> moved = std::move(buffer);
  // NOLINTNEXTLINE(bugprone-use-after-move): what is left is empty
  EXPECT(moved.size() == 6 && buffer.empty() && buffer.at(0) == nullptr);
  float sum = 0;
  for (const float v : *small->decode<float>()) sum += v;
  EXPECT(sum == -0.5f);
}

// What would dangle does not compile.
template <typename F>
concept GivesTensors = requires(F&& file) { std::forward<F>(file).tensor("w"); };
template <typename F>
concept GivesMetadata = requires(F&& file) { std::forward<F>(file).metadata("key"); };
template <typename T>
concept GivesShape = requires(T&& tensor) { std::forward<T>(tensor).shape(); };
template <typename B>
concept GivesSpan = requires(B&& buffer) { std::forward<B>(buffer).span(); };
template <typename Bytes>
concept Opens = requires(Bytes&& bytes) { dcf::File::open(std::forward<Bytes>(bytes)); };
template <typename Name>
concept Names = requires(Name&& name, std::span<const uint64_t> shape) {
  dcf::tensor_spec(std::forward<Name>(name), DCF_DTYPE_F32, shape);
};
static_assert(GivesTensors<dcf::File&> && GivesTensors<const dcf::File&> &&
              !GivesTensors<dcf::File>);
static_assert(GivesMetadata<dcf::File&> && !GivesMetadata<dcf::File>);
static_assert(GivesShape<dcf::Tensor&> && !GivesShape<dcf::Tensor>);
static_assert(GivesSpan<dcf::Buffer<float>&> && !GivesSpan<dcf::Buffer<float>>);
static_assert(Opens<std::vector<uint8_t>&> && !Opens<std::vector<uint8_t>>);
static_assert(Names<std::string&> && Names<const char*> && Names<std::string_view> &&
              !Names<std::string>);
static_assert(
    std::is_same_v<decltype(*std::declval<dcf::Result<dcf::Buffer<float>>>()), dcf::Buffer<float>>);

void copy(const std::vector<uint8_t>& bytes) {
  const auto file = dcf::File::open(bytes);
  std::vector<uint8_t> copied;
  dcf_sink sink = DCF_SINK_INIT;
  sink.ctx = &copied;
  sink.write = append;
  auto writer = dcf::Writer::open(sink);
  EXPECT(writer->copy(*file->tensor("small")));
  EXPECT(writer->copy(*file->tensor("codes"), "other"));
  EXPECT(writer->finish());
  const auto again = dcf::File::open(copied);
  EXPECT(again && again->size() == 2 && again->tensor("other")->codes());
}

// A file of a few bytes asks for more than the caller allows.
void read_huge(const std::vector<uint8_t>& bytes) {
  dcf_open_options options = dcf::open_options();
  options.max_memory = 64 << 20;
  const auto file = dcf::File::open(bytes, options);
  const auto huge = file->tensor("huge");
  EXPECT(huge && huge->info().elements == kHugeRows * kHugeCols && bytes.size() < 4096);
  EXPECT(huge->decode<float>().status() == DCF_STATUS_LIMIT_MEMORY);
  EXPECT(huge->rows<float>(0, kHugeRows).status() == DCF_STATUS_LIMIT_MEMORY);
  EXPECT(huge->bytes().status() == DCF_STATUS_LIMIT_MEMORY);
  EXPECT(huge->codes().status() == DCF_STATUS_LIMIT_MEMORY);
  EXPECT(huge->rows<float>(5, 1)->size() == kHugeCols);
  EXPECT(dcf::Buffer<float>::allocate(UINT64_MAX / 4, UINT64_MAX).status() ==
         DCF_STATUS_OUT_OF_MEMORY);
}

void encode() {
  const float w[] = {1, -2, 3, 0};
  uint8_t mask[4], codes[4];
  float codebook[32], back[4];
  double sums[3];
  EXPECT(dcf::prune(w, 0.5, mask) && mask[2] == 1 && mask[3] == 0);
  EXPECT(!dcf::prune(w, 0.5, std::span(mask, 3)));
  const auto size = dcf::share(w, {}, {}, codebook, codes);
  EXPECT(size && *size == 3);
  EXPECT(dcf::share(w, {}, {}, std::span(codebook, 31), codes).status() ==
         DCF_STATUS_BUFFER_TOO_SMALL);
  EXPECT(dcf::expand(codes, std::span(codebook, 3), back) && std::memcmp(w, back, sizeof w) == 0);
  EXPECT(dcf::sum_gradients(w, codes, sums) && sums[0] == -2);
  EXPECT(dcf::quantize_bias(w, 8, back) && back[1] == -2);
  EXPECT(!dcf::apply_mask(back, std::span(mask, 1)));
}

// A layer whose inputs are all the same number: only the sum of a row's errors matters.
void check_moments() {
  std::vector<float> weights(size_t{64} * 32);
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<float>(i * 2654435761U % 1009) / 1009 - 0.5F;
  }
  const std::vector<float> matrix(size_t{32} * 32, 1.0F);
  const std::vector<float> ones(32, 1.0F);
  const std::vector<uint64_t> shape = {64, 32};
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(weights.data()),
                                       weights.size() * sizeof(float));
  const dcf_tensor_spec spec = dcf::tensor_spec("w", DCF_DTYPE_F32, shape);
  dcf_moments full = dcf::matrix_moments(matrix);
  dcf_moments_use use = DCF_MOMENTS_NOT_USED;
  full.use = &use;
  dcf_encode_options options = dcf::encode_options();
  options.sqnr_db = 20;
  options.moments = &full;
  const auto by_matrix = dcf::measure_rounding(spec, bytes, options);
  EXPECT(by_matrix && use == DCF_MOMENTS_MATRIX);
  const auto vectors = dcf::vector_moments(ones, ones);
  EXPECT(vectors && !dcf::vector_moments(ones, std::span(ones).first(31)));
  options.moments = &*vectors;
  const auto by_vectors = dcf::measure_rounding(spec, bytes, options);
  options.moments = nullptr;
  const auto without = dcf::measure_rounding(spec, bytes, options);
  EXPECT(by_vectors && without && *by_matrix < *without && *by_vectors < *without);
  const std::vector<uint64_t> elements = {2048, 2048};
  const std::vector<double> costs = {*by_matrix, 10 * *by_matrix};
  const auto sqnr = dcf::allot_quality(40, elements, costs);
  EXPECT(sqnr && (*sqnr)[1] - (*sqnr)[0] > 9.9 && (*sqnr)[1] - (*sqnr)[0] < 10.1);
  EXPECT(!dcf::allot_quality(40, elements, std::span(costs).first(1)));
}

}  // namespace

int main() {
  check_moments();
  const std::vector<uint8_t> bytes = write();
  missing_file();
  read(bytes);
  read_huge(bytes);
  copy(bytes);
  encode();
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
