# How everything here is compiled, and how the parts are declared.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(sidewatch_options INTERFACE)
target_compile_options(sidewatch_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
# g++ 12 takes `"text" + string` for an overlapping copy when it optimises (gcc bug 105651).
target_compile_options(sidewatch_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# clang counts among conversions what g++ does not.
target_compile_options(sidewatch_options INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>)
target_include_directories(sidewatch_options INTERFACE ${PROJECT_SOURCE_DIR})

# What users run is built for size: it is I/O that the agent does, and its pages of code count in its memory.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG -ffunction-sections -fdata-sections")
add_link_options($<$<CONFIG:Release>:-Wl,--gc-sections,-O1,-z,relro>)

if(SIDEWATCH_SANITIZE)
  add_compile_options(-fsanitize=${SIDEWATCH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SIDEWATCH_SANITIZE})
  # clang 14 cannot assemble a coroutine with this part of `undefined`.
  add_compile_options($<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
endif()
if(SIDEWATCH_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# sidewatch_folder(NAME SOURCES... DEPENDS... PRIVATE...): the library of one folder. DEPENDS are the folders that it
# may include (the arrows), PRIVATE the third-party libraries whose seams it holds.
function(sidewatch_folder name)
  cmake_parse_arguments(PART "" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  add_library(sidewatch_${name} STATIC ${PART_SOURCES})
  target_link_libraries(sidewatch_${name} PUBLIC sidewatch_options)
  foreach(folder IN LISTS PART_DEPENDS)
    target_link_libraries(sidewatch_${name} PUBLIC sidewatch_${folder})
  endforeach()
  target_link_libraries(sidewatch_${name} PRIVATE ${PART_PRIVATE})
endfunction()

# sidewatch_order_functions(TARGET): what a running agent calls again and again stands together in the release program,
# so that the kernel maps 1.4 MiB of its code and not 2.9 (tests/bench/hot_functions.py makes the list). That is gold's
# to do; where it is missing, or with clang, the program only needs more memory.
function(sidewatch_order_functions target)
  find_program(GOLD ld.gold)
  if(NOT GOLD OR NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU OR NOT CMAKE_BUILD_TYPE STREQUAL Release)
    return()
  endif()
  set(list ${PROJECT_SOURCE_DIR}/cmake/hot_functions.txt)
  target_link_options(${target} PRIVATE -fuse-ld=gold -Wl,--rosegment,--section-ordering-file=${list})
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${list})
endfunction()

# sidewatch_test(NAME SOURCES... LINKS... [THREADED]): one GoogleTest program, registered test by test. THREADED ones
# also run under ThreadSanitizer (ctest label "threads").
function(sidewatch_test name)
  cmake_parse_arguments(TEST "THREADED" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 120)
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_LINKS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE SIDEWATCH_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  set(labels ${TEST_LABELS})
  if(TEST_THREADED)
    list(APPEND labels threads)
    add_dependencies(threaded_tests ${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${TEST_TIMEOUT} LABELS "${labels}")
endfunction()
