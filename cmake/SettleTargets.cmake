# What every target of settle shares: language level, warnings, sanitizers, where programs go, and the two functions by
# which modules and their tests are declared.
include(GNUInstallDirs)

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(SETTLE_CCACHE ccache)
  if(SETTLE_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${SETTLE_CCACHE})
  endif()
endif()

find_package(Threads REQUIRED)

add_library(settle_warnings INTERFACE)
target_compile_options(settle_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast
  -Wno-missing-field-initializers  # g++ 12 warns of designated initialisers, too
  $<$<BOOL:${SETTLE_WARNINGS_AS_ERRORS}>:-Werror>)

if(SETTLE_SANITIZERS)
  string(REPLACE ";" "," settle_sanitizers "${SETTLE_SANITIZERS}")
  add_compile_options(-fsanitize=${settle_sanitizers} -fno-omit-frame-pointer)
  if("undefined" IN_LIST SETTLE_SANITIZERS)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  add_link_options(-fsanitize=${settle_sanitizers})
endif()
if(SETTLE_LIBFUZZER)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# settle_module(NAME [SOURCES …] [HEADERS …] [PUBLIC …] [PRIVATE …]): the static library settle_NAME, known as
# settle::NAME. HEADERS are the public ones, below include/; each is also compiled alone.
function(settle_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE" ${ARGN})
  add_library(settle_${name} STATIC ${arg_SOURCES})
  add_library(settle::${name} ALIAS settle_${name})
  target_compile_features(settle_${name} PUBLIC cxx_std_20)
  set_target_properties(settle_${name} PROPERTIES
    EXPORT_NAME ${name} CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON
    VERIFY_INTERFACE_HEADER_SETS ${SETTLE_BUILD_TESTS})
  target_sources(settle_${name} PUBLIC FILE_SET HEADERS
    BASE_DIRS ${CMAKE_CURRENT_SOURCE_DIR}/include FILES ${arg_HEADERS})
  target_include_directories(settle_${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(settle_${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:settle_warnings>)
endfunction()

# settle_program(NAME SOURCES … LINK …): an executable in build/<preset>/bin.
function(settle_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_compile_features(${name} PRIVATE cxx_std_20)
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_LINK} settle_warnings)
endfunction()

# settle_fast_allocator(PROGRAM): a transaction is allocated by one thread and freed by another, which the C library's
# allocator is slow at. Who embeds the engine chooses for themselves, so no library of settle is linked with one.
function(settle_fast_allocator program)
  if(SETTLE_JEMALLOC AND NOT SETTLE_SANITIZERS)
    find_library(SETTLE_JEMALLOC_LIBRARY jemalloc REQUIRED)
    target_link_libraries(${program} PRIVATE ${SETTLE_JEMALLOC_LIBRARY})
  endif()
endfunction()

# settle_test(NAME SOURCES … LINK … [LABELS …] [TIMEOUT seconds]): a doctest program, run by ctest as one test.
function(settle_test name)
  if(NOT SETTLE_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  settle_program(${name} SOURCES ${arg_SOURCES} LINK ${arg_LINK} settle_doctest_main)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()

if(SETTLE_BUILD_TESTS)
  enable_testing()
  find_package(doctest CONFIG REQUIRED)
  add_library(settle_doctest_main STATIC ${PROJECT_SOURCE_DIR}/tests/support/doctest_main.cpp)
  target_compile_features(settle_doctest_main PUBLIC cxx_std_20)
  target_link_libraries(settle_doctest_main PUBLIC doctest::doctest)
endif()
