# Nanoseconds an evaluation of the nine conditions of docs on policy: build/release/bin/keyturn_bench_cel
add_executable(keyturn_bench_cel cel_bench.cpp)
target_link_libraries(keyturn_bench_cel PRIVATE keyturn_cel)
