#include "facts/sql_cache.h"

#include <doctest/doctest.h>
#include <pthread.h>

#include <string>
#include <thread>
#include <vector>

using namespace keyturn;
using facts::SqlCache;

TEST_CASE("the same text gives the same facts, once") {
  SqlCache cache;
  const auto first = cache.classify("SELECT 1");
  CHECK(first->operation == "read");
  CHECK(cache.classify("SELECT 1") == first);
  CHECK(cache.classify("SELECT  1") != first);
  CHECK(cache.size() == 2);
}

TEST_CASE("other harmless names are another question") {
  SqlCache cache;
  CHECK(cache.classify("SELECT f(1)")->operation == "execute");
  CHECK(cache.classify("SELECT f(1)", {"f"})->operation == "read");
  CHECK(cache.classify("SELECT f(1)")->operation == "execute");
  CHECK(cache.classify("SELECT f(1)", {"f", ""})->tree ==
        cache.classify("SELECT f(1)", {"f"})->tree);
  CHECK(cache.size() == 3);
}

TEST_CASE("the least recently used is forgotten") {
  SqlCache cache(2);
  const auto one = cache.classify("SELECT 1");
  cache.classify("SELECT 2");
  CHECK(cache.classify("SELECT 1") == one);
  cache.classify("SELECT 3");
  CHECK(cache.size() == 2);
  CHECK(cache.classify("SELECT 1") == one);
  SqlCache none(0);
  CHECK(none.classify("SELECT 1")->operation == "read");
  CHECK(none.size() == 0);
}

TEST_CASE("long SQL is not kept") {
  SqlCache cache;
  const std::string sql = "SELECT '" + std::string(SqlCache::kSqlBytesMax, 'x') + "'";
  CHECK(cache.classify(sql)->operation == "read");
  CHECK(cache.size() == 0);
}

TEST_CASE("short SQL with many facts is not kept: a full cache stays small") {
  SqlCache cache;
  std::string many = "SELECT 1 FROM a0";
  for (int i = 1; many.size() < 4000; ++i) many += ", a" + std::to_string(i);
  const auto facts = cache.classify(many);
  CHECK(facts->operation == "read");
  CHECK(cache.size() == 0);
  cache.classify("SELECT 1 FROM a0, a1, a2, a3, a4, a5, a6, a7, a8, a9");
  CHECK(cache.size() == 1);
}

TEST_CASE("many threads may ask at once") {
  SqlCache cache(8);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache] {
      for (int i = 0; i < 200; ++i) {
        const std::string sql = "SELECT " + std::to_string(i % 16);
        if (cache.classify(sql)->operation != "read") std::abort();
      }
    });
  }
  threads.clear();
  CHECK(cache.size() == 8);
}

TEST_CASE("SQL that is parsed on the caller's stack takes little of it") {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 2u << 20) == 0);
  pthread_t thread;
  const auto work = [](void*) -> void* {
    for (const char* part : {"+1", "::x", " UNION SELECT 1", "(", "CASE WHEN 1 THEN "}) {
      std::string sql = "SELECT 1";
      while (sql.size() + std::string_view(part).size() <= 1024) sql += part;
      (void)facts::classify_sql(sql);
    }
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, work, nullptr) == 0);
  CHECK(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
}
