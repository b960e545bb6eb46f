
# Recorded decisions against another document.
add_executable(keyturn_bench_replay replay_bench.cpp)
target_link_libraries(keyturn_bench_replay PRIVATE keyturn_gate keyturn_boost)
if(NOT KEYTURN_SANITIZE)
  find_package(mimalloc 2 REQUIRED)  # as the program itself
  target_link_libraries(keyturn_bench_replay PRIVATE mimalloc)
endif()
