# The symbols that a shared product exports: the functions that its public headers declare with DCF_API,
# and nothing else, under a version of the product's own. So a process may load both products, or two
# versions of one, and everybody calls the library that he was linked with.

# dcf_api_functions(OUT header...): the names of the functions, sorted.
function(dcf_api_functions out)
  set(names)
  foreach(header ${ARGN})
    file(READ ${header} text)
    if(NOT CMAKE_SCRIPT_MODE_FILE)
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
    endif()
    string(REGEX MATCHALL "DCF_API[^;(#]*[ *]dcf_[a-z0-9_]+\\(" declarations "${text}")
    foreach(declaration ${declarations})
      string(REGEX REPLACE ".*[ *](dcf_[a-z0-9_]+)\\($" "\\1" name "${declaration}")
      list(APPEND names ${name})
    endforeach()
  endforeach()
  list(SORT names)
  set(${out} ${names} PARENT_SCOPE)
endfunction()

# dcf_limit_exports(target NODE header...)
function(dcf_limit_exports target node)
  dcf_api_functions(names ${ARGN})
  list(JOIN names ";\n    " global)
  set(script ${CMAKE_CURRENT_BINARY_DIR}/${target}.map)
  file(CONFIGURE OUTPUT ${script} CONTENT "${node} {\n  global:\n    ${global};\n  local:\n    *;\n};\n" @ONLY)
  # The library's own calls of its functions do not leave it either.
  target_link_options(${target} PRIVATE -Wl,--version-script=${script} -Wl,-Bsymbolic-functions)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${script})
endfunction()
