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

TEST_CASE("a service's url is taken apart") {
  struct Row {
    const char *url, *authority, *name, *port, *path;
    bool tls;
  };
  for (const Row& row :
       {Row{"https://a.example", "a.example", "a.example", "443", "/", true},
        {"https://a.example:8443/x?y=z", "a.example:8443", "a.example", "8443", "/x?y=z", true},
        {"https://a.example?y=/", "a.example", "a.example", "443", "/?y=/", true},
        {"http://[::1]:80/a", "[::1]", "::1", "80", "/a", false},
        {"https://[fe80::1]", "[fe80::1]", "fe80::1", "443", "/", true},
        {"http://127.0.0.1:443", "127.0.0.1:443", "127.0.0.1", "443", "/", false}}) {
    CAPTURE(row.url);
    const auto at = parse_service_url(row.url);
    REQUIRE(at);
    CHECK(at->authority() == row.authority);
    CHECK(at->name() == row.name);
    CHECK(at->port == row.port);
    CHECK(at->path == row.path);
    CHECK(at->tls == row.tls);
  }
  for (const char* bad : {"https://a.example:", "https://a.example:0", "https://a.example:65536",
                          "https://a.example:80x", "https://:443", "https://[::1", "https://[::1]x",
                          "http://a.example"}) {
    CAPTURE(bad);
    REQUIRE(!parse_service_url(bad));
    CHECK(parse_service_url(bad).error().code == "bad_url");
  }
}

}  // namespace keyturn::net
