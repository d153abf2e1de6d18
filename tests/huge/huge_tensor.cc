// SPDX-License-Identifier: Apache-2.0
// Writes an f32 tensor of random nonzeros in pieces, copies it to another file, or checks one
// against the random numbers, and prints the peak of its memory:
//   dcf_huge_tensor write OUT --rows R --cols C [--density D] [--piece BYTES] [--threads N]
//   dcf_huge_tensor copy IN OUT
//   dcf_huge_tensor check IN [--density D]
// With --max-rss-mb M each fails if the peak is above M MiB. TMPDIR says where the pieces wait.
#include <sys/resource.h>
#include <sys/statvfs.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dcf/dcf.hpp>
#include <string>
#include <vector>

namespace {

[[noreturn]] void stop(const std::string& message) {
  std::fprintf(stderr, "dcf_huge_tensor: %s\n", message.c_str());
  std::exit(1);
}

void check(const dcf::Status& status) {
  if (!status) stop(status.error().message);
}

// The tensor, element by element: nonzeros at random distances.
class Elements {
 public:
  explicit Elements(double density) : log_rest_(std::log1p(-density)) { skip(); }

  void fill(float* out, size_t count) {
    std::memset(out, 0, count * sizeof *out);
    for (; next_ < at_ + count; skip()) {
      out[next_ - at_] = static_cast<float>(static_cast<int64_t>(random()) * 0x1p-64);
    }
    at_ += count;
  }

 private:
  uint64_t random() {  // xorshift64*
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1D;
  }
  void skip() {
    const double uniform = (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53;
    next_ += 1 + static_cast<uint64_t>(std::log(uniform) / log_rest_);
  }

  const double log_rest_;
  uint64_t state_ = 88172645463325252;
  uint64_t at_ = 0;
  uint64_t next_ = UINT64_MAX;  // index of the next nonzero
};

struct Options {
  uint64_t rows = 10000;
  uint64_t cols = 10000;
  double density = 0.01;
  size_t piece = size_t{4} << 20;
  uint32_t threads = 0;
  uint64_t max_rss_mb = UINT64_MAX;
};

void expect_free_space(const std::string& path, uint64_t bytes) {
  struct statvfs info {};
  const std::string folder = path.substr(0, path.find_last_of('/') + 1);
  if (statvfs(folder.empty() ? "." : folder.c_str(), &info) != 0) stop("no such folder: " + folder);
  const uint64_t available = uint64_t{info.f_bavail} * info.f_frsize;
  if (available < bytes) stop("too little free space in " + folder);
}

dcf::Writer create(const std::string& path, uint32_t threads) {
  dcf_writer_options options;
  dcf_writer_options_init(&options);
  options.overwrite = 1;
  options.threads = threads;
  dcf::Result<dcf::Writer> writer = dcf::Writer::open(path, options);
  if (!writer) stop(writer.error().message);
  return std::move(writer).value();
}

dcf::File open(const std::string& path) {
  dcf::Result<dcf::File> file = dcf::File::open(path);
  if (!file) stop(file.error().message);
  return std::move(file).value();
}

void write(const std::string& path, const Options& options) {
  const uint64_t elements = options.rows * options.cols;
  // Bitmap and words of the pieces, twice where they are transposed, and the coded data.
  const auto words = static_cast<uint64_t>(options.density * 4 * static_cast<double>(elements));
  expect_free_space(path, elements / 2 + 6 * words);
  dcf::Writer writer = create(path, options.threads);
  const uint64_t shape[] = {options.rows, options.cols};
  check(writer.begin_tensor(dcf::tensor_spec("huge", DCF_DTYPE_F32, shape)));
  Elements source(options.density);
  // Pieces of any size out of whole elements.
  std::vector<float> block(size_t{1} << 20);
  std::vector<uint8_t> waiting;
  for (uint64_t done = 0; done < elements;) {
    const auto count = static_cast<size_t>(std::min<uint64_t>(block.size(), elements - done));
    source.fill(block.data(), count);
    const auto* const bytes = reinterpret_cast<const uint8_t*>(block.data());
    waiting.insert(waiting.end(), bytes, bytes + 4 * count);
    done += count;
    size_t at = 0;
    for (; waiting.size() - at >= options.piece; at += options.piece) {
      check(writer.write_piece(std::span(waiting).subspan(at, options.piece)));
    }
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<ptrdiff_t>(at));
  }
  check(writer.write_piece(waiting));
  check(writer.end_tensor());
  check(writer.finish());
}

void copy(const std::string& from, const std::string& to) {
  dcf::File file = open(from);
  dcf::Writer writer = create(to, 0);
  for (size_t i = 0; i < file.size(); ++i) {
    check(writer.copy(file.tensor(i).value()));
  }
  check(writer.finish());
}

void check_elements(const std::string& path, const Options& options) {
  dcf::File file = open(path);
  const dcf::Tensor tensor = file.tensor(0).value();
  Elements source(options.density);
  const uint64_t rows = std::max<uint64_t>(1, (uint64_t{16} << 20) / tensor.info().cols);
  std::vector<float> expected;
  for (uint64_t first = 0; first < tensor.info().rows; first += rows) {
    const uint64_t count = std::min(rows, tensor.info().rows - first);
    const dcf::Result<dcf::Buffer<float>> decoded = tensor.rows<float>(first, count);
    if (!decoded) stop(decoded.error().message);
    expected.resize(count * tensor.info().cols);
    source.fill(expected.data(), expected.size());
    if (std::memcmp(expected.data(), decoded->data(), 4 * expected.size()) != 0) {
      stop("rows from " + std::to_string(first) + " differ");
    }
  }
}

Options parse(int argc, char** argv, int first) {
  Options options;
  if ((argc - first) % 2 != 0) stop("an option has no value");
  for (int i = first; i < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--rows") {
      options.rows = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (name == "--cols") {
      options.cols = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (name == "--density") {
      options.density = std::atof(argv[i + 1]);
    } else if (name == "--piece") {
      options.piece = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (name == "--threads") {
      options.threads = static_cast<uint32_t>(std::atoi(argv[i + 1]));
    } else if (name == "--max-rss-mb") {
      options.max_rss_mb = std::strtoull(argv[i + 1], nullptr, 10);
    } else {
      stop("unknown option " + name);
    }
  }
  if (options.piece == 0 || !(options.density > 0 && options.density < 1)) stop("bad option");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 2 ? argv[1] : "";
  const auto start = std::chrono::steady_clock::now();
  const int files = verb == "copy" ? 2 : 1;
  if (argc < 2 + files) stop("usage: write OUT | copy IN OUT | check IN, then options");
  const Options options = parse(argc, argv, 2 + files);
  if (verb == "write") {
    write(argv[2], options);
  } else if (verb == "copy") {
    copy(argv[2], argv[3]);
  } else if (verb == "check") {
    check_elements(argv[2], options);
  } else {
    stop("unknown verb " + verb);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  const auto peak_mb = static_cast<uint64_t>(usage.ru_maxrss) / 1024;
  std::printf("%s: %.1f s, %.1f s of CPU, peak %llu MiB\n", verb.c_str(), wall.count(),
              seconds(usage.ru_utime) + seconds(usage.ru_stime),
              static_cast<unsigned long long>(peak_mb));
  if (peak_mb > options.max_rss_mb) stop("the peak is above the limit");
  return 0;
}
