# SPDX-License-Identifier: Apache-2.0
# cmake -DSCRATCH=<folder> -P rules_selftest.cmake: breaks each rule of rules.cmake once, in a small
# tree, and expects to be told.
cmake_minimum_required(VERSION 3.25)

function(expect result spec code)
  file(REMOVE_RECURSE ${SCRATCH})
  file(WRITE ${SCRATCH}/spec/dcf-format.md "- **H-01** It MUST be.\n${spec}\n")
  file(WRITE ${SCRATCH}/libdcf/format/header.cc "fail(\"H-01\");\n${code}\n")
  execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${SCRATCH} -P ${CMAKE_CURRENT_LIST_DIR}/rules.cmake
                  RESULT_VARIABLE exit OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(result STREQUAL "accepted" AND NOT exit EQUAL 0)
    message(SEND_ERROR "rejected ${spec} with ${code}: ${output}")
  elseif(result STREQUAL "rejected" AND exit EQUAL 0)
    message(SEND_ERROR "not rejected: ${spec} with ${code}")
  endif()
endfunction()

expect(accepted "- **H-02** It MUST too (Bad)." "fail(\"H-02\");")
expect(accepted "**MUST** marks a rule; a cell; [a] (H-01)." "")
expect(rejected "- **H-02** It MUST too (Bad)." "")
expect(rejected "" "fail(\"H-02\");")
expect(rejected "It MUST without an id." "")
expect(rejected "- **H-01** It MUST again." "")
