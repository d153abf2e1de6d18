# dcf_add_layer(NAME SOURCES ... [DEPENDS layer ...])
# One layer of the library: a static library dcf_NAME, which tests of the layer link; the products take
# its objects. Dependencies point strictly downward; the
# layering test reads the includes.
function(dcf_add_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(dcf_${name} STATIC ${arg_SOURCES})
  target_include_directories(dcf_${name} PUBLIC ${PROJECT_SOURCE_DIR}/libdcf
                                                ${PROJECT_SOURCE_DIR}/libdcf/include)
  target_compile_features(dcf_${name} PUBLIC cxx_std_20)
  target_compile_options(dcf_${name} PRIVATE ${DCF_WARNINGS})
  # Results must not depend on whether the machine has fused multiply-add.
  target_compile_options(dcf_${name} PUBLIC -ffp-contract=off)
  # The speed of a loop must not depend on what stands before it: from 32 bytes off the start of a
  # line the Huffman tree decodes 5 % slower (Zen 3).
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|aarch64|arm64)$")
    target_compile_options(dcf_${name} PRIVATE -falign-functions=64)
  endif()
  set_target_properties(dcf_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF
                                               CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  foreach(layer ${arg_DEPENDS})
    target_link_libraries(dcf_${name} PUBLIC dcf_${layer})
  endforeach()
  # Headers of the standard library that most files read. Each file includes what it uses all the same:
  # a build for another machine, as the gate's for Arm, precompiles nothing and would fail.
  if(CMAKE_CROSSCOMPILING)
    return()
  endif()
  if(name STREQUAL "base")
    target_precompile_headers(dcf_base PRIVATE <algorithm> <array> <atomic> <bit> <cmath> <functional> <memory>
      <mutex> <numeric> <optional> <span> <string> <string_view> <utility> <vector>)
  else()
    target_precompile_headers(dcf_${name} REUSE_FROM dcf_base)
  endif()
endfunction()
