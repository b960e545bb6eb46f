# A sandboxed execution from order to outcome, beside a bare posix_spawn, whatever memory the server holds.
add_executable(keyturn_bench_exec exec_bench.cpp)
target_link_libraries(keyturn_bench_exec PRIVATE keyturn_connectors)
add_dependencies(keyturn_bench_exec keyturn_exec_helper)
