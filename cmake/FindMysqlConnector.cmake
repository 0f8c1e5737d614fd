# MySQL Connector/C++ 1.1, which comes without a CMake package. Defines MysqlConnector::MysqlConnector.
#
# Debian's package of its headers cannot be installed beside Boost 1.81, so scripts/setup.sh unpacks them below ~/.cache.
# Only what is below cppconn/ is used: the rest wants another Boost. Users of an installed settle need no headers.
find_library(MysqlConnector_LIBRARY NAMES libmysqlcppconn.so.7 mysqlcppconn)
find_path(MysqlConnector_INCLUDE_DIR cppconn/driver.h
  HINTS $ENV{HOME}/.cache/settle/libmysqlcppconn-dev/usr/include)
mark_as_advanced(MysqlConnector_LIBRARY MysqlConnector_INCLUDE_DIR)
if(MysqlConnector_INCLUDE_DIR)
  set(MysqlConnector_headers_FOUND TRUE)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(MysqlConnector REQUIRED_VARS MysqlConnector_LIBRARY HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE "scripts/setup.sh installs it")

if(MysqlConnector_FOUND AND NOT TARGET MysqlConnector::MysqlConnector)
  add_library(MysqlConnector::MysqlConnector UNKNOWN IMPORTED)
  set_target_properties(MysqlConnector::MysqlConnector PROPERTIES IMPORTED_LOCATION ${MysqlConnector_LIBRARY})
  if(MysqlConnector_INCLUDE_DIR)
    set_target_properties(MysqlConnector::MysqlConnector PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES ${MysqlConnector_INCLUDE_DIR})
  endif()
endif()
