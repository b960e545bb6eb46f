#include "net/address_rule.h"

#include <doctest/doctest.h>

using namespace keyturn::net;
using Kind = AddressRule::Kind;

TEST_CASE("usually neither a cloud's metadata nor, by another's name, this machine is reached") {
  const AddressRule rule(Kind::kUsual);
  for (const char* address :
       {"169.254.169.254", "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "::", "fe80::1",
        "ff02::1", "::ffff:169.254.1.1", "fd00:ec2::254", "127.0.0.1", "127.8.8.8", "::1",
        "::ffff:127.0.0.1"}) {
    CAPTURE(address);
    CHECK_FALSE(rule.allows("api.example.com", address));
  }
  for (const char* address : {"10.0.0.1", "192.168.1.1", "8.8.8.8", "2a00::1", "fd12::1"}) {
    CAPTURE(address);
    CHECK(rule.allows("api.example.com", address));
  }
  for (const char* host : {"localhost", "127.0.0.1", "[::1]"}) {
    CAPTURE(host);
    CHECK(rule.allows(host, "127.0.0.1"));
    CHECK(rule.allows(host, "::1"));
    CHECK_FALSE(rule.allows(host, "169.254.169.254"));
  }
}

TEST_CASE("public addresses are those of nobody's own network") {
  const AddressRule rule(Kind::kPublic);
  for (const char* address :
       {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "127.0.0.1", "::1",
        "fd12::1", "fc00::1", "64:ff9b::a00:1", "2002:a00:1::1", "::ffff:10.0.0.1",
        "169.254.169.254", "198.18.0.1", "240.0.0.1"}) {
    CAPTURE(address);
    CHECK_FALSE(rule.allows("localhost", address));
  }
  for (const char* address : {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1"}) {
    CAPTURE(address);
    CHECK(rule.allows("api.example.com", address));
  }
}

TEST_CASE("a list of networks is all there is") {
  const auto rule = AddressRule::only({"10.1.0.0/16", "127.0.0.1"});
  REQUIRE(rule);
  CHECK(rule->allows("api.example.com", "10.1.9.9"));
  CHECK(rule->allows("api.example.com", "127.0.0.1"));
  CHECK_FALSE(rule->allows("api.example.com", "10.2.0.1"));
  CHECK_FALSE(rule->allows("localhost", "127.0.0.2"));
  CHECK(AddressRule::only({"10.1.0.0/16", "ten"}).error().where == "1");
  CHECK(AddressRule().allows("x", "169.254.169.254"));
}
