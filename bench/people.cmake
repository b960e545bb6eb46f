# A large organisation's journal, for bench/people.
add_executable(keyturn_bench_people people_fill.cpp)
target_link_libraries(keyturn_bench_people PRIVATE keyturn_store keyturn_review keyturn_people keyturn_boost)
