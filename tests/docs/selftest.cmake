# SPDX-License-Identifier: Apache-2.0
# cmake -DSCRATCH=<folder> -P selftest.cmake: breaks each rule of check_paths.cmake once, in a small
# tree, and expects to be told.
cmake_minimum_required(VERSION 3.25)

function(expect result page text)
  file(REMOVE_RECURSE ${SCRATCH})
  file(WRITE ${SCRATCH}/libdcf/base/status.h "")
  file(WRITE ${SCRATCH}/README.md "")
  file(WRITE ${SCRATCH}/CONTRIBUTING.md "")
  file(WRITE ${SCRATCH}/${page} "${text}")
  execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${SCRATCH} -P ${CMAKE_CURRENT_LIST_DIR}/check_paths.cmake
                  RESULT_VARIABLE exit OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(result STREQUAL "accepted" AND NOT exit EQUAL 0)
    message(SEND_ERROR "rejected ${page} with ${text}: ${output}")
  elseif(result STREQUAL "rejected" AND exit EQUAL 0)
    message(SEND_ERROR "not rejected: ${page} with ${text}")
  endif()
endfunction()

string(REPEAT "line\n" 41 long)
expect(accepted docs/page.md "See `base/status.h`, `libdcf/base/status.h` and `model.json`.")
expect(accepted libdcf/base/README.md "| `status.h` | results |")
expect(rejected docs/page.md "See `base/gone.h`.")
expect(rejected libdcf/base/README.md "| `gone.h` | nothing |")
expect(rejected CONTRIBUTING.md "See `docs/gone.md`.")
expect(rejected libdcf/base/README.md "${long}")
