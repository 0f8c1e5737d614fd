# Installing and exporting. Each library is a component of find_package(settle COMPONENTS …) with an export set of its
# own, so that a user of the engine needs none of the libraries that other components link.
include(CMakePackageConfigHelpers)

option(SETTLE_INSTALL "Define what is installed" ${PROJECT_IS_TOP_LEVEL})
if(NOT SETTLE_INSTALL)
  return()
endif()

set(settle_package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/settle)

# The libraries that programs of others may link. An install component has the name of the library; `engine` brings the
# package files along, for every other library needs it.
foreach(name IN ITEMS
    engine testing json storage_memory storage_rocksdb storage_mysql proto transport_http transport_dtm transport_grpc)
  if(TARGET settle_${name})
    install(TARGETS settle_${name} EXPORT settle_${name}_targets
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${name}
      FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT ${name})
    install(EXPORT settle_${name}_targets NAMESPACE settle:: FILE settle-${name}-targets.cmake
      DESTINATION ${settle_package_folder} COMPONENT ${name})
  endif()
endforeach()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/settle-config.cmake.in
  ${PROJECT_BINARY_DIR}/settle-config.cmake INSTALL_DESTINATION ${settle_package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/settle-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/settle-config.cmake ${PROJECT_BINARY_DIR}/settle-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/FindMysqlConnector.cmake
  DESTINATION ${settle_package_folder} COMPONENT engine)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/test_a_saga DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
  COMPONENT testing)

foreach(program IN ITEMS settled settle-bench)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
  endif()
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/conf.sample.yml
  DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs)
