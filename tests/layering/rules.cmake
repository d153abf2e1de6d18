# SPDX-License-Identifier: Apache-2.0
# cmake -DROOT=<tree> -P rules.cmake: fails, naming each id, where the rules of spec/dcf-format.md and
# those that libdcf reports differ, or a MUST of the spec has no id.
cmake_minimum_required(VERSION 3.25)

file(READ ${ROOT}/spec/dcf-format.md spec)
string(REGEX MATCHALL "[*][*][A-Z]-[0-9][0-9][*][*]" defined "${spec}")
string(REPLACE "**" "" defined "${defined}")
set(unique ${defined})
list(REMOVE_DUPLICATES unique)
if(NOT unique STREQUAL defined)
  message(SEND_ERROR "spec/dcf-format.md: an id stands for two rules: ${defined}")
endif()

# Semicolons and brackets would end or join elements of a CMake list.
string(REGEX REPLACE "[][;]" "," text "${spec}")
string(REPLACE "\n" ";" text "${text}")
foreach(line IN LISTS text)
  if(line MATCHES "MUST" AND NOT line MATCHES "[(*][A-Z]-[0-9][0-9][)*]" AND NOT line MATCHES "[*][*]MUST[*][*]")
    message(SEND_ERROR "spec/dcf-format.md: a MUST without an id: ${line}")
  endif()
endforeach()

set(cited)
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/libdcf/*.h ${ROOT}/libdcf/*.cc)
foreach(file IN LISTS files)
  if(file MATCHES "^libdcf/include/")
    continue()  # examples in comments
  endif()
  file(READ ${ROOT}/${file} code)
  string(REGEX MATCHALL "\"[A-Z]-[0-9][0-9]\"" ids "${code}")
  string(REPLACE "\"" "" ids "${ids}")
  foreach(id IN LISTS ids)
    if(NOT id IN_LIST defined)
      message(SEND_ERROR "${file}: reports ${id}, which is no rule of the spec")
    endif()
  endforeach()
  list(APPEND cited ${ids})
endforeach()
foreach(id IN LISTS defined)
  if(NOT id IN_LIST cited)
    message(SEND_ERROR "spec/dcf-format.md: ${id} is never reported by libdcf")
  endif()
endforeach()
