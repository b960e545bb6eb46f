#include "server/names.h"

#include <doctest/doctest.h>

using namespace keyturn::server;

TEST_CASE("addresses, host names and origins are told from what only looks like them") {
  struct Row {
    std::string_view text;
    bool address, host, origin;
  };
  const Row rows[] = {
      {"127.0.0.1", true, true, false},
      {"::1", true, false, false},
      {"[::1]", false, true, false},
      {"keyturn.example", false, true, false},
      {"Keyturn.example", false, false, false},
      {"keyturn.example:80", false, false, false},
      {"https://keyturn.example", false, false, true},
      {"https://keyturn.example/", false, false, true},
      {"http://localhost:7717", false, false, true},
      {"https://[::1]:8443", false, false, true},
      {"https://[::1]", false, false, true},
      {"https://[::g]", false, false, false},
      {"https://keyturn.example/path", false, false, false},
      {"https://Keyturn.example", false, false, false},
      {"https://user@keyturn.example", false, false, false},
      {"https://keyturn.example:", false, false, false},
      {"https://keyturn.example:http", false, false, false},
      {"https://keyturn.example:123456", false, false, false},
      {"https://", false, false, false},
      {"ftp://keyturn.example", false, false, false},
      {"keyturn.example/", false, false, false},
      {"", false, false, false},
      {"a b", false, false, false},
      {"1.2.3", false, true, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(is_numeric_address(row.text) == row.address);
    CHECK(is_host_name(row.text) == row.host);
    CHECK(is_origin(row.text) == row.origin);
  }
}
