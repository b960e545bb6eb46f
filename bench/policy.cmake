# Nanoseconds a decision.
add_executable(keyturn_bench_policy policy_bench.cpp)
target_link_libraries(keyturn_bench_policy PRIVATE keyturn_policy)
