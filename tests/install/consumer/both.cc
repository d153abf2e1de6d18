// SPDX-License-Identifier: Apache-2.0
// both FILE: writes the matrix of write.c through the C++ interface and reads it back.
#include <algorithm>
#include <dcf/dcf.hpp>
#include <exception>
#include <iostream>
#include <span>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const std::vector<float> values = {1, 0, -2, 0, 0, 0.5f};
    const std::vector<uint64_t> shape = {2, 3};
    dcf::Writer writer = dcf::Writer::open(argv[1]).value();
    writer.add<float>("fc1.weight", values, shape).value();
    writer.add_metadata("made by", "the C++ interface").value();
    writer.finish().value();

    const dcf::File file = dcf::File::open(argv[1]).value();
    file.verify().value();
    const dcf::Tensor tensor = file.tensor("fc1.weight").value();
    const dcf::Layer layer = dcf::Layer::prepare(tensor).value();
    const std::vector<float> x = {1, 2, 4};
    std::vector<float> y(2);
    layer.apply(x, y).value();
    const dcf::Buffer<float> decoded = tensor.decode<float>().value();
    const bool right = std::equal(decoded.begin(), decoded.end(), values.begin(), values.end()) &&
                       tensor.csr<float>().value().col.size() == 3 &&
                       y == std::vector<float>{-7, 2};
    return right ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
