// SPDX-License-Identifier: Apache-2.0
// update_spec_example SPEC: puts the examples, as they are written now, into the text of the spec.
#include <fstream>
#include <iterator>

#include "spec_dump.h"
#include "spec_example.h"
#include "transposed_example.h"

int main(int argc, char** argv) {
  using namespace dcf::example;  // NOLINT(google-build-using-namespace)
  must(argc == 2, "usage: update_spec_example SPEC");
  std::ifstream in(argv[1]);
  std::string spec{std::istreambuf_iterator<char>(in), {}};
  const std::vector<uint8_t> file = make_file();
  const std::vector<uint8_t> transposed = make_transposed_file();
  for (const auto& [name, text] : {std::pair{"dump", dump(file)}, std::pair{"values", values(file)},
                                   std::pair{"transposed dump", transposed_dump(transposed)},
                                   std::pair{"transposed values", transposed_values(transposed)}}) {
    const Part part = find_part(spec, name);
    must(part.end != std::string::npos, "the spec has no place for the example");
    spec.replace(part.begin, part.end - part.begin, text);
  }
  std::ofstream out(argv[1]);
  out << spec;
  must(out.flush().good(), "cannot write");
  return 0;
}
