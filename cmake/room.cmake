# One room, one library: keyturn_room(NAME [DEPS room...] [LIBS lib...] [TEST_LIBS lib...])
#
# src/NAME/**.cpp becomes the static library keyturn_NAME; src/NAME/**_test.cpp becomes the test program
# keyturn_NAME_test, run by CTest. DEPS are other rooms, LIBS anything else to link.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(KEYTURN_SANITIZE "" CACHE STRING "sanitizers, comma-separated")
option(KEYTURN_FUZZ "build the fuzz targets" OFF)

add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wno-missing-field-initializers -fno-omit-frame-pointer)
add_compile_definitions(_GLIBCXX_ASSERTIONS BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED)
add_link_options(-fuse-ld=lld-19)
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
if(KEYTURN_SANITIZE)
  add_compile_options(-fsanitize=${KEYTURN_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${KEYTURN_SANITIZE})
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
endif()

if(KEYTURN_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

add_library(keyturn_doctest_main OBJECT ${CMAKE_SOURCE_DIR}/tests/doctest_main.cpp)

function(keyturn_room name)
  cmake_parse_arguments(ROOM "" "" "DEPS;LIBS;TEST_LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
  file(GLOB_RECURSE tests CONFIGURE_DEPENDS *_test.cpp)
  list(REMOVE_ITEM sources ${tests} "")
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  set(target keyturn_${name})
  list(TRANSFORM ROOM_DEPS PREPEND keyturn_)
  if(sources)
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(${target} PUBLIC ${ROOM_DEPS} ${ROOM_LIBS} Threads::Threads)
    # With CMAKE_UNITY_BUILD (all presets but dev) ten files compile as one, in a third of the time: names in unnamed
    # namespaces are therefore unique in a room (docs/adr/0019-files-compile-together.md).
    set_target_properties(${target} PROPERTIES UNITY_BUILD_BATCH_SIZE 10)
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(${target} INTERFACE ${ROOM_DEPS} ${ROOM_LIBS} Threads::Threads)
  endif()
  if(tests)
    add_executable(${target}_test ${tests})
    target_link_libraries(${target}_test PRIVATE ${target} ${ROOM_TEST_LIBS} keyturn_doctest_main rapidcheck)
    # What is tested is optimised as it is shipped; the tests themselves compile in half the time without.
    target_compile_options(${target}_test PRIVATE -O0)
    set_target_properties(${target}_test PROPERTIES UNITY_BUILD OFF)
    add_test(NAME ${name} COMMAND ${target}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 300)
  endif()
endfunction()
