# Builds a consumer project from nothing and runs its programs. Called as
#   cmake -D KIND=find_package|add_subdirectory -D SETTLE_SOURCE_FOLDER=… -D SETTLE_BUILD_FOLDER=… -D WORK_FOLDER=…
#         -D CXX_FLAGS=… -D LAUNCHER=… -P package_test.cmake
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${WORK_FOLDER})
set(options -G Ninja -D CMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS=${CXX_FLAGS}"
  -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
if(KIND STREQUAL "find_package")
  foreach(component IN ITEMS
      engine json storage_memory storage_rocksdb testing proto transport_http transport_dtm transport_grpc)
    run(${CMAKE_COMMAND} --install ${SETTLE_BUILD_FOLDER} --prefix ${WORK_FOLDER}/prefix --component ${component})
  endforeach()
  list(APPEND options -D CMAKE_PREFIX_PATH=${WORK_FOLDER}/prefix -D SETTLE_CONSUMER_LINKS_ALL=ON)
else()
  list(APPEND options -D SETTLE_SOURCE_FOLDER=${SETTLE_SOURCE_FOLDER})
endif()

run(${CMAKE_COMMAND} -S ${SETTLE_SOURCE_FOLDER}/tests/package/${KIND} -B ${WORK_FOLDER}/build ${options})
run(${CMAKE_COMMAND} --build ${WORK_FOLDER}/build)
run(${WORK_FOLDER}/build/consumer)
run(${WORK_FOLDER}/build/test_a_saga)
if(EXISTS ${WORK_FOLDER}/build/consumer_of_all)
  run(${WORK_FOLDER}/build/consumer_of_all)
endif()
