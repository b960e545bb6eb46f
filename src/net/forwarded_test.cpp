#include "net/forwarded.h"

#include <doctest/doctest.h>

using namespace keyturn;
using namespace keyturn::net;

namespace {

TrustedProxies trusted(const std::vector<std::string>& networks) {
  Result<TrustedProxies> parsed = TrustedProxies::parse(networks);
  REQUIRE_MESSAGE(parsed.has_value(), (parsed ? "" : parsed.error().message));
  return std::move(*parsed);
}

std::string client(const std::string& peer, const std::vector<std::string>& forwarded,
                   const TrustedProxies& proxies) {
  HttpRequest request;
  request.peer = peer;
  for (const std::string& value : forwarded) request.headers.add("X-Forwarded-For", value);
  return client_of(request, proxies);
}

}  // namespace

TEST_CASE("only a trusted proxy is believed, and only about the last one that is none") {
  const TrustedProxies proxies = trusted({"127.0.0.1", "10.0.0.0/8", "2001:db8::/32"});
  const struct {
    const char* peer;
    std::vector<std::string> forwarded;
    const char* client;
  } table[] = {
      {"127.0.0.1", {}, "127.0.0.1"},
      {"192.0.2.1", {"198.51.100.7"}, "192.0.2.1"},  // whoever asks says so of themselves
      {"127.0.0.1", {"198.51.100.7"}, "198.51.100.7"},
      {"127.0.0.1", {"203.0.113.5, 198.51.100.7"}, "198.51.100.7"},  // the left one is hearsay
      {"127.0.0.1", {"203.0.113.5,198.51.100.7 , 10.1.2.3"}, "198.51.100.7"},
      {"127.0.0.1", {"203.0.113.5", "198.51.100.7", "10.1.2.3"}, "198.51.100.7"},
      {"127.0.0.1", {"10.9.9.9, 10.1.2.3"}, "10.9.9.9"},  // nobody but proxies: the first of them
      {"127.0.0.1", {"198.51.100.7, not an address"}, "127.0.0.1"},
      {"127.0.0.1", {"198.51.100.7, "}, "127.0.0.1"},
      {"127.0.0.1", {"198.51.100.7, unknown, 10.1.2.3"}, "10.1.2.3"},
      {"127.0.0.1", {"198.51.100.7:4711"}, "198.51.100.7"},
      {"127.0.0.1", {"[2001:DB9:0::7]:4711"}, "2001:db9::7"},
      {"2001:db8::1", {"2001:db9::7"}, "2001:db9::7"},
      {"::ffff:10.0.0.1", {"::ffff:198.51.100.7"}, "198.51.100.7"},
      {"unix", {"198.51.100.7"}, "unix"},
  };
  for (const auto& row : table) {
    CAPTURE(row.client);
    CHECK(client(row.peer, row.forwarded, proxies) == row.client);
  }
  CHECK(client("127.0.0.1", {"198.51.100.7"}, TrustedProxies()) == "127.0.0.1");
}

TEST_CASE("networks are taken to the bit, and what is none is refused") {
  const TrustedProxies proxies =
      trusted({"10.128.0.0/9", "192.0.2.0/31", "fe80::/10", "0.0.0.0/32"});
  for (const char* in : {"10.128.0.1", "10.255.255.255", "192.0.2.1", "fe80::1", "febf::1"})
    CHECK_MESSAGE(proxies.contains(in), in);
  for (const char* out : {"10.127.255.255", "11.0.0.0", "192.0.2.2", "fec0::1", "", "unix", "::"})
    CHECK_FALSE_MESSAGE(proxies.contains(out), out);
  CHECK(trusted({"0.0.0.0/0"}).contains("203.0.113.5"));
  CHECK_FALSE(trusted({"0.0.0.0/0"}).contains("2001:db8::1"));
  CHECK(trusted({"::/0"}).contains("203.0.113.5"));
  for (const char* bad : {"", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "10.0.0.0/8x",
                          "10.0.0.0/-1", "::1/129"})
    CHECK_MESSAGE(TrustedProxies::parse({"127.0.0.1", bad}).error().where == "1", bad);
}
