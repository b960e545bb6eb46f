# Appends a second of the embedded journal against the least that any durable log does, and its start.
add_executable(keyturn_bench_journal journal_bench.cpp)
target_link_libraries(keyturn_bench_journal PRIVATE keyturn_store keyturn_boost)
if(NOT KEYTURN_SANITIZE)
  find_package(mimalloc 2 REQUIRED)  # as the program itself
  target_link_libraries(keyturn_bench_journal PRIVATE mimalloc)
endif()

# A large ledger to start on.
add_executable(keyturn_bench_fill fill.cpp)
target_link_libraries(keyturn_bench_fill PRIVATE keyturn_store keyturn_boost)

# Inclusion proofs in that large ledger.
add_executable(keyturn_bench_proof proof_bench.cpp)
target_link_libraries(keyturn_bench_proof PRIVATE keyturn_audit keyturn_boost)
