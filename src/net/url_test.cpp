#include "net/url.h"

#include <doctest/doctest.h>

namespace keyturn::net {

TEST_CASE("a secret goes over TLS, or stays on this machine") {
  for (const char* good :
       {"https://a.example", "https://a.example:8443/x?y=z", "http://localhost:1",
        "http://127.0.0.1/x", "http://127.1.2.3:80", "http://[::1]:9/"}) {
    CAPTURE(good);
    CHECK(wrong_with_service_url(good).empty());
  }
  for (const char* bad :
       {"", "ftp://a.example", "HTTP://localhost", "http://a.example",
        "http://127.0.0.1.evil.example", "http://127.evil.example", "http://localhost.evil.example",
        "http://127.0.0.256", "http://127.0.0.1:80@evil.example", "http://[::1].evil.example",
        "https://", "https:///x", "https://u:p@a.example/", "https://a.example/#x",
        "https://a.example/ x", "https://a.example\\x", "https://a.example/\n", "http://[::2]/"}) {
    CAPTURE(bad);
    CHECK(!wrong_with_service_url(bad).empty());
  }
  CHECK(!wrong_with_service_url("https://u:hunter2@a.example").contains("hunter2"));
}

}  // namespace keyturn::net
