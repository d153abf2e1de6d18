# What an installed copy offers: the public headers, both products, find_package(dcf) with dcf::decoder
# and dcf::dcf, and pkg-config modules dcf-decoder and dcf.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/dcf)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/libdcf/include/dcf DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT development)
install(TARGETS dcf_decoder_product dcf_product EXPORT dcf
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development)
install(EXPORT dcf NAMESPACE dcf:: FILE dcfTargets.cmake DESTINATION ${package_dir} COMPONENT development)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/dcfConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/package/dcfConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may break what the one before promised.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/dcfConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/dcfConfig.cmake
              ${PROJECT_BINARY_DIR}/package/dcfConfigVersion.cmake DESTINATION ${package_dir}
        COMPONENT development)

# Static libraries leave their own needs to whoever links them (pkg-config --static); a program in C then
# needs the C++ runtime as well.
file(RELATIVE_PATH DCF_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" DCF_PC_PREFIX ${DCF_PC_PREFIX})
function(dcf_install_pkgconfig module library description)
  set(DCF_PC_LIBRARY ${library})
  set(DCF_PC_NAME ${module})
  set(DCF_PC_DESCRIPTION ${description})
  configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/dcf.pc.in ${PROJECT_BINARY_DIR}/package/${module}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/${module}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
          COMPONENT development)
endfunction()
dcf_install_pkgconfig(dcf dcf "Reads and writes .dcf files: compressed neural-network weights")
dcf_install_pkgconfig(dcf-decoder dcf_decoder "Reads .dcf files: compressed neural-network weights")
