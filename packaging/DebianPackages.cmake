# SPDX-License-Identifier: Apache-2.0
# Packages for Debian by cpack: libdcf0.1 (called after the soname), libdcf-dev and dcf-tools, and with the
# Python package python3-dcf-codec. A package is a component of the install rules. The preset package has
# the folders and shared libraries that Debian expects; packaging/build.sh does all of it.
set(soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(DCF_MAINTAINER "DCF maintainers <maintainers@dcf.invalid>" CACHE STRING "Who answers for the packages: Name <address>")

# dcf_debian_package(COMPONENT package SECTION SUMMARY TEXT [RECOMMENDS ...] [SUGGESTS ...] [DEPENDS ...])
# Variables of CPack for one package, and the papers that Debian asks of it, which an installation by hand
# leaves out.
function(dcf_debian_package component package section summary text)
  cmake_parse_arguments(arg "" "DEPENDS;RECOMMENDS;SUGGESTS;ARCHITECTURE" "" ${ARGN})
  string(TOUPPER CPACK_DEBIAN_${component} prefix)
  set(${prefix}_PACKAGE_NAME ${package} PARENT_SCOPE)
  set(${prefix}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(${prefix}_DESCRIPTION "${summary}\n${text}" PARENT_SCOPE)
  foreach(field DEPENDS RECOMMENDS SUGGESTS ARCHITECTURE)
    set(${prefix}_PACKAGE_${field} "${arg_${field}}" PARENT_SCOPE)
  endforeach()
  set(papers ${CMAKE_INSTALL_DATADIR}/doc/${package})
  install(FILES debian/copyright DESTINATION ${papers} COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz DESTINATION ${papers} COMPONENT ${component} EXCLUDE_FROM_ALL)
  set(overrides debian/${component}.lintian-overrides)
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${overrides})
    install(FILES ${overrides} DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME ${package}
            COMPONENT ${component} EXCLUDE_FROM_ALL)
  endif()
  set(CPACK_COMPONENTS_ALL ${CPACK_COMPONENTS_ALL} ${component} PARENT_SCOPE)
endfunction()

find_program(DCF_GZIP gzip)
mark_as_advanced(DCF_GZIP)
if(NOT DCF_GZIP)
  return()
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS debian/changelog)
execute_process(COMMAND ${DCF_GZIP} -9nc ${CMAKE_CURRENT_SOURCE_DIR}/debian/changelog
                OUTPUT_FILE ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz COMMAND_ERROR_IS_FATAL ANY)

set(what
"DCF files hold the weights of neural networks in a fraction of their bytes
and give back every bit, or as much of it as was asked for. Pruned and
clustered networks are stored as in Deep Compression (Han, Mao, Dally, 2016).
.
")
set(CPACK_COMPONENTS_ALL)
if(BUILD_SHARED_LIBS)
  dcf_debian_package(runtime libdcf${soversion} libs "compressed neural-network weights: library"
"${what}This package has the shared libraries: libdcf, and libdcf_decoder, which
reads only.")
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_SOURCE_DIR}/debian/runtime/triggers)
  dcf_debian_package(development libdcf-dev libdevel "compressed neural-network weights: development"
"${what}This package has what programs in C and C++ are built with: headers,
CMake and pkg-config files, examples."
    SUGGESTS "cmake, pkgconf")
else()
  dcf_debian_package(development libdcf-dev libdevel "compressed neural-network weights: development"
"${what}This package has headers and static libraries."
    SUGGESTS "libcapnp-dev, cmake, pkgconf")
endif()
if(DCF_BUILD_TOOLS)
  dcf_debian_package(tools dcf-tools science "compressed neural-network weights: command line"
"${what}This package has the command dcf, which compresses safetensors, ONNX, GGUF,
TensorFlow and NumPy files, checks, compares and restores them."
    SUGGESTS "shared-mime-info")
endif()
# The Python package uses the library and the command of the system, where a wheel has its own.
set(python_sources ${PROJECT_SOURCE_DIR}/bindings/python/src/dcf_codec)
if(BUILD_SHARED_LIBS AND DCF_BUILD_TOOLS AND EXISTS ${python_sources})
  dcf_debian_package(python python3-dcf-codec python "compressed neural-network weights: Python"
"${what}This package has the Python module dcf_codec, with the functions of safetensors
for NumPy and PyTorch."
    DEPENDS "python3 (>= 3.9), python3-numpy" SUGGESTS "python3-torch, python3-scipy, python3-tqdm" ARCHITECTURE all)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_SOURCE_DIR}/debian/python/postinst
                                                ${CMAKE_CURRENT_SOURCE_DIR}/debian/python/prerm)
  set(CPACK_COMPONENT_PYTHON_DEPENDS runtime tools)
  set(modules lib/python3/dist-packages)
  configure_file(debian/python/METADATA.in METADATA @ONLY)
  install(DIRECTORY ${python_sources} DESTINATION ${modules} COMPONENT python EXCLUDE_FROM_ALL
          PATTERN __pycache__ EXCLUDE PATTERN _lib EXCLUDE PATTERN _bin EXCLUDE)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/METADATA COMPONENT python EXCLUDE_FROM_ALL
          DESTINATION ${modules}/dcf_codec-${PROJECT_VERSION}.dist-info)
endif()

install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libdcf-dev
        COMPONENT development EXCLUDE_FROM_ALL)

set(CPACK_PACKAGE_NAME dcf)
set(CPACK_PACKAGE_VENDOR DCF)
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${DCF_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SOURCE dcf)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# What a program needs of the system dpkg-shlibdeps finds out; our own packages go together.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/libdcf/api)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
if(BUILD_SHARED_LIBS)
  set(CPACK_COMPONENT_DEVELOPMENT_DEPENDS runtime)
  set(CPACK_COMPONENT_TOOLS_DEPENDS runtime)
endif()
include(CPack)
