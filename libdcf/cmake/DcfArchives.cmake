# A program that has the libraries it uses inside it starts in less than half the time, and runs where they
# are not installed.
include_guard()

# dcf_shared_or_archive(VARIABLE LIBRARY NAME): what to link in all folders, LIBRARY or, in targets with the property
# DCF_ARCHIVES, its archive libNAME.a.
function(dcf_shared_or_archive variable library name)
  find_library(DCF_ARCHIVE_${name} lib${name}.a)
  mark_as_advanced(DCF_ARCHIVE_${name})
  if(DCF_ARCHIVE_${name})
    set(${variable} $<IF:$<BOOL:$<TARGET_PROPERTY:DCF_ARCHIVES>>,${DCF_ARCHIVE_${name}},${library}> CACHE INTERNAL "")
  else()
    set(${variable} ${library} CACHE INTERNAL "")
    set_property(GLOBAL APPEND PROPERTY DCF_MISSING_ARCHIVES ${name})
  endif()
endfunction()

# dcf_use_archives(PROGRAM): all of them or none, since a second copy of libstdc++, that of a shared library,
# would not catch the exceptions of the first. To be called after all of dcf_shared_or_archive.
function(dcf_use_archives program)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_LINK_OPTIONS -static-libstdc++ -static-libgcc)
  check_cxx_source_compiles("#include <string>\nint main() { return std::string().size(); }" DCF_STATIC_LIBSTDCXX)
  get_property(missing GLOBAL PROPERTY DCF_MISSING_ARCHIVES)
  if(missing OR NOT DCF_STATIC_LIBSTDCXX OR BUILD_SHARED_LIBS)
    return()
  endif()
  set_target_properties(${program} PROPERTIES DCF_ARCHIVES ON)
  target_link_options(${program} PRIVATE -static-libstdc++ -static-libgcc)
endfunction()
