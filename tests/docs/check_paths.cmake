# SPDX-License-Identifier: Apache-2.0
# cmake -DROOT=<tree> -P check_paths.cmake: fails, naming page and path, where a page in docs/, a README
# or CONTRIBUTING.md names a file of the tree that is not there, or a README in libdcf, tools or
# examples has more than 40 lines.
cmake_minimum_required(VERSION 3.25)

set(extensions "h|hpp|c|cc|cmake|md|sh|py|json|capnp|txt")
set(max_lines 40)

# Names of files are unique in the tree, so that a page may leave the folder out; not the page of a
# layer, which lists what is in its folder.
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/libdcf/* ${ROOT}/tools/* ${ROOT}/tests/* ${ROOT}/fuzz/* ${ROOT}/spec/*)
list(TRANSFORM files REPLACE ".*/" "")

# A name counts as there if it is below the tree, below libdcf or the folder of the public headers
# (where #include lines start), or below the page's own folder.
function(check_name page name)
  if(NOT page MATCHES "^libdcf/" AND name IN_LIST files)
    return()
  endif()
  get_filename_component(folder ${page} DIRECTORY)
  foreach(start "" libdcf/ libdcf/include/ tools/ "${folder}/")
    if(EXISTS "${ROOT}/${start}${name}")
      return()
    endif()
  endforeach()
  message(SEND_ERROR "${page}: names ${name}, which is not there")
endfunction()

file(GLOB_RECURSE pages RELATIVE ${ROOT} ${ROOT}/docs/*.md ${ROOT}/libdcf/README.md ${ROOT}/tools/README.md
     ${ROOT}/tests/README.md ${ROOT}/examples/README.md ${ROOT}/fuzz/README.md ${ROOT}/bench/README.md)
list(APPEND pages README.md CONTRIBUTING.md)
foreach(page IN LISTS pages)
  file(READ ${ROOT}/${page} text)
  # A semicolon or a bracket would end or join elements of a CMake list.
  string(REGEX REPLACE "[][;]" "," text "${text}")
  string(REGEX MATCHALL "`[A-Za-z0-9_./-]+[.](${extensions})`" names "${text}")
  foreach(name IN LISTS names)
    string(REPLACE "`" "" name ${name})
    # Files of users, in examples of the command line; and NAME for any name.
    if(NOT name MATCHES "NAME|^(model|tables|bench|report|tokenizer)[.](json|md)$")
      check_name(${page} ${name})
    endif()
  endforeach()
  string(REGEX MATCHALL "\n" newlines "${text}")
  list(LENGTH newlines lines)
  if(lines GREATER max_lines AND page MATCHES "^(libdcf|tools|examples)/")
    message(SEND_ERROR "${page}: ${lines} lines; at most ${max_lines} are allowed")
  endif()
endforeach()
