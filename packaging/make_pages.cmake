# SPDX-License-Identifier: Apache-2.0
# cmake -DDCF=<program> -DOUT=<folder> -DRELEASED=<date> -P make_pages.cmake: man pages of the program, of
# each of its verbs and of recipes, compressed, in OUT/man; completions for bash, zsh and fish in OUT.
cmake_minimum_required(VERSION 3.25)
find_program(GZIP gzip REQUIRED)
find_program(DATE date REQUIRED)

if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  execute_process(COMMAND ${DATE} -d ${RELEASED} +%s OUTPUT_VARIABLE epoch
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(ENV{SOURCE_DATE_EPOCH} ${epoch})
endif()

# write(FILE argument...): what the program prints.
function(write file)
  execute_process(COMMAND ${DCF} ${ARGN} OUTPUT_FILE ${OUT}/${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${OUT})
file(MAKE_DIRECTORY ${OUT}/man/man1 ${OUT}/man/man7)
foreach(shell_and_file bash:dcf.bash zsh:_dcf fish:dcf.fish)
  string(REPLACE ":" ";" pair ${shell_and_file})
  list(POP_FRONT pair shell)
  write(${pair} completion ${shell})
endforeach()

execute_process(COMMAND ${DCF} help OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE ";" "," help "${help}")  # it would part elements of a list
string(REGEX REPLACE ".*\nVerbs:\n" "" verbs "${help}")
string(REGEX REPLACE "\n\n.*" "\n" verbs "${verbs}")
string(REGEX MATCHALL "  [a-z-]+ [^\n]*\n" verbs "${verbs}")
list(TRANSFORM verbs REPLACE "^  ([a-z-]+) .*" "\\1")
write(man/man1/dcf.1 help --man)
foreach(verb ${verbs})
  write(man/man1/dcf-${verb}.1 help --man ${verb})
endforeach()
write(man/man7/dcf-recipes.7 help --man recipes)
file(GLOB_RECURSE made ${OUT}/man/*)
execute_process(COMMAND ${GZIP} -9n ${made} COMMAND_ERROR_IS_FATAL ANY)
