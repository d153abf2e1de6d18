# SPDX-License-Identifier: Apache-2.0
# cmake -DSCRATCH=<folder> -P selftest.cmake: breaks each rule of check.cmake once, in a small tree,
# and expects to be told; then a clean tree must pass.
cmake_minimum_required(VERSION 3.25)

# expect(accepted|rejected FILE TEXT [ALONE]): the verdict on the tree with this file, whose header is
# there too, or not.
function(expect result file text)
  file(REMOVE_RECURSE ${SCRATCH})
  file(WRITE ${SCRATCH}/libdcf/base/bytes.h "#pragma once\n")
  file(WRITE ${SCRATCH}/libdcf/model/model.h "#include \"base/bytes.h\"\n")
  file(WRITE ${SCRATCH}/libdcf/include/dcf/dcf.h "#include \"dcf/errors.h\"\n")
  file(WRITE ${SCRATCH}/libdcf/kernels/tile.h "")
  file(WRITE ${SCRATCH}/tools/formats/json_reader.h "#include \"base/bytes.h\"\n")
  file(WRITE ${SCRATCH}/tools/cli/progress.h "#include \"formats/json_reader.h\"\n")
  if(file MATCHES "[.]cc$" AND NOT ARGN STREQUAL "ALONE")
    string(REGEX REPLACE "[.]cc$" ".h" header ${file})
    file(WRITE ${SCRATCH}/${header} "")
  endif()
  file(WRITE ${SCRATCH}/${file} "${text}")
  execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${SCRATCH} -P ${CMAKE_CURRENT_LIST_DIR}/check.cmake
                  RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(FIND "${output}" "${file}:" named)
  if(result STREQUAL "accepted" AND NOT code EQUAL 0)
    message(SEND_ERROR "rejected ${file} with ${text}: ${output}")
  elseif(result STREQUAL "rejected" AND (code EQUAL 0 OR named EQUAL -1))
    message(SEND_ERROR "not rejected: ${file} with ${text}: ${output}")
  endif()
endfunction()

string(REPEAT "//\n" 600 longest)
expect(accepted libdcf/model/long.cc "${longest}")
expect(rejected libdcf/model/long.cc "${longest}//\n")
expect(accepted libdcf/api/file.cc "#include \"model/model.h\"\n#include \"dcf/dcf.h\"\n")
expect(rejected libdcf/base/up.h "#include \"model/model.h\"\n")
expect(rejected libdcf/encode/decoder.cc "#include \"model/model.h\"\n")
expect(rejected libdcf/format/public.cc "  #  include \"dcf/dcf.h\"\n")
expect(accepted libdcf/format/errors.cc "#include \"dcf/errors.h\"\n")
expect(accepted libdcf/base/hash.cc "#include <xxhash.h>\n")
expect(rejected libdcf/base/other.cc "#include <xxhash.h>\n")
expect(accepted libdcf/format/manifest_capnp.cc "#include <capnp/message.h>\n")
expect(rejected libdcf/format/manifest.cc "#include <kj/array.h>\n")
expect(rejected libdcf/format/manifest.cc "#include \"manifest.capnp.h\"\n")
expect(rejected libdcf/api/json.cc "#include <nlohmann/json.hpp>\n")
expect(accepted tools/formats/json.cc "#include <nlohmann/json.hpp>\n#include \"dcf/dcf.h\"\n")
expect(rejected libdcf/api/train.cc "#include <torch/torch.h>\n")
expect(accepted tools/research/train.cc "#include <torch/torch.h>\n")

# Rooms of tools.
expect(accepted tools/formats/inside.cc "#include \"base/bytes.h\"\n")
expect(rejected tools/formats/inside.cc "#include \"model/model.h\"\n")
expect(rejected tools/formats/up.cc "#include \"cli/progress.h\"\n")
expect(accepted tools/cli/down.cc "#include \"formats/json_reader.h\"\n#include \"base/bytes.h\"\n")
expect(rejected tools/cli/inside.cc "#include \"model/model.h\"\n")
expect(accepted tools/research/down.cc "#include \"formats/json_reader.h\"\n#include \"cli/progress.h\"\n")
expect(rejected tools/research/inside.cc "#include \"base/bytes.h\"\n")
expect(rejected tools/cli/relative.cc "#include \"../libdcf/base/bytes.h\"\n")
expect(rejected examples/inside.cc "#include \"base/bytes.h\"\nint main() {}\n" ALONE)
expect(accepted examples/outside.cc "#include <dcf/dcf.h>\nint main() {}\n" ALONE)

# Names.
expect(rejected tools/cli/bytes.h "")
expect(rejected tests/unit/progress.h "")
expect(accepted tools/cli/main.cc "int main() {}\n" ALONE)
expect(rejected libdcf/model/alone.cc "" ALONE)
expect(accepted libdcf/model/alone.cc "")
expect(rejected tools/cli/alone.cc "" ALONE)
expect(accepted tools/cli/cmd_alone.cc "" ALONE)
expect(accepted tests/unit/alone_test.cc "" ALONE)
expect(accepted fuzz/fuzz_alone.cc "extern \"C\" int LLVMFuzzerTestOneInput(const uint8_t*, size_t)\n" ALONE)
expect(accepted libdcf/kernels/tile_avx2.cc "" ALONE)
expect(rejected libdcf/kernels/tile_fast.cc "" ALONE)
expect(rejected libdcf/kernels/panel_avx2.cc "" ALONE)
expect(accepted libdcf/api/open.cc "" ALONE)


# The tree of the last case needs one exception: with WHOLE the others are reported, and that one is not.
execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${SCRATCH} -DWHOLE=ON -P ${CMAKE_CURRENT_LIST_DIR}/check.cmake
                RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
string(FIND "${output}" "bench/peers.h: no source needs to share it" unneeded)
string(FIND "${output}" "dcf/dcf.h: no source needs to share it" needed)
if(code EQUAL 0 OR unneeded EQUAL -1 OR NOT needed EQUAL -1)
  message(SEND_ERROR "exceptions that no source needs are not reported as they should be: ${output}")
endif()
