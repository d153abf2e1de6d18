# The part of Cap'n Proto the manifest needs: the schema compiler, libcapnp and libkj. The package's own
# CMake files also ask for OpenSSL and libatomic, which only its RPC parts use.
find_program(DCF_CAPNP capnp)
find_program(DCF_CAPNPC_CXX capnpc-c++)
find_path(DCF_CAPNP_INCLUDE capnp/message.h)
find_library(DCF_CAPNP_LIBRARY capnp)
find_library(DCF_KJ_LIBRARY kj)
foreach(part DCF_CAPNP DCF_CAPNPC_CXX DCF_CAPNP_INCLUDE DCF_CAPNP_LIBRARY DCF_KJ_LIBRARY)
  if(NOT ${part})
    message(FATAL_ERROR "Cap'n Proto is missing (${part}): install capnproto and libcapnp-dev")
  endif()
endforeach()

add_library(dcf_capnp INTERFACE)
target_include_directories(dcf_capnp SYSTEM INTERFACE ${DCF_CAPNP_INCLUDE})
include(DcfArchives)
dcf_shared_or_archive(DCF_LINK_CAPNP ${DCF_CAPNP_LIBRARY} capnp)
dcf_shared_or_archive(DCF_LINK_KJ ${DCF_KJ_LIBRARY} kj)
target_link_libraries(dcf_capnp INTERFACE ${DCF_LINK_CAPNP} ${DCF_LINK_KJ})
