#include <doctest/doctest.h>

#include "cel/address.h"
#include "cel/program.h"

using namespace keyturn::cel;

namespace {

struct Case {
  const char* expression;
  const char* result;
};

std::expected<Program, Diagnostics> compiled(std::string_view expression) {
  Environment env;
  env.variable("peer", Type::string()).variable("anything", Type::dyn());
  return compile(expression, env);
}

std::string result_of(std::string_view expression) {
  Environment env;
  env.variable("peer", Type::string()).variable("anything", Type::dyn());
  const auto program = compile(expression, env);
  if (!program) return to_text(program.error().front());
  Activation input(env);
  input.set("peer", Value::string("10.1.2.3"));
  input.set("anything", Value::integer(7));
  return to_text(program->evaluate(input));
}

}  // namespace

TEST_CASE("addresses and networks have the properties that the registries give them") {
  const Case cases[] = {
      {"ip('127.0.0.1').family()", "4"},
      {"ip('::1').family()", "6"},
      {"ip('0.0.0.0').isUnspecified() && ip('::').isUnspecified()", "true"},
      {"ip('0.0.0.1').isUnspecified()", "false"},
      {"ip('127.0.0.1').isLoopback() && ip('127.255.0.9').isLoopback()", "true"},
      {"ip('::1').isLoopback() && !ip('::2').isLoopback()", "true"},
      {"ip('224.0.0.1').isLinkLocalMulticast() && ip('ff02::1').isLinkLocalMulticast()", "true"},
      {"ip('224.0.1.1').isLinkLocalMulticast() || ip('fd00::1').isLinkLocalMulticast()", "false"},
      {"ip('169.254.169.254').isLinkLocalUnicast() && ip('fe80::1').isLinkLocalUnicast()", "true"},
      {"ip('192.168.0.1').isLinkLocalUnicast() || ip('fec0::1').isLinkLocalUnicast()", "false"},
      {"ip('192.168.0.1').isGlobalUnicast() && ip('2001:db8::abcd').isGlobalUnicast()", "true"},
      {"ip('255.255.255.255').isGlobalUnicast() || ip('ff00::1').isGlobalUnicast()", "false"},
      {"ip('169.254.0.1').isGlobalUnicast() || ip('0.0.0.0').isGlobalUnicast()", "false"},
      {"cidr('192.168.0.0/24').prefixLength()", "24"},
      {"cidr('192.168.0.7/24').ip() == ip('192.168.0.7')", "true"},
      {"cidr('192.168.0.7/24').masked()", "cidr(\"192.168.0.0/24\")"},
      {"cidr('2001:db8:ffff::/33').masked()", "cidr(\"2001:db8:8000::/33\")"},
      {"cidr('10.9.8.7/0').masked()", "cidr(\"0.0.0.0/0\")"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.expression);
    CHECK(result_of(c.expression) == c.result);
  }
}

TEST_CASE("a network contains what its prefix covers, of its own family") {
  const Case cases[] = {
      {"cidr('10.0.0.0/8').containsIP(peer)", "true"},
      {"cidr('10.0.0.0/8').containsIP(ip(peer))", "true"},
      {"cidr('10.0.0.0/8').containsIP('11.0.0.1')", "false"},
      {"cidr('10.255.0.0/8').containsIP('10.0.0.1')", "true"},
      {"cidr('0.0.0.0/0').containsIP('::1')", "false"},
      {"cidr('::/0').containsIP('2001:db8::1')", "true"},
      {"cidr('2001:db8::/33').containsIP('2001:db8:8000::')", "false"},
      {"cidr('10.1.2.3/32').containsIP(peer) && !cidr('10.1.2.2/32').containsIP(peer)", "true"},
      {"cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", "true"},
      {"cidr('10.0.0.0/8').containsCIDR(cidr('10.0.0.0/8'))", "true"},
      {"cidr('10.1.0.0/16').containsCIDR('10.0.0.0/8')", "false"},
      {"cidr('10.0.0.0/8').containsCIDR('10.1.0.0/' + string(size(peer)))", "true"},
      {"['10.0.0.0/8', '192.168.0.0/16'].exists(n, cidr(n).containsIP(peer))", "true"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.expression);
    CHECK(result_of(c.expression) == c.result);
  }
}

TEST_CASE("addresses have one text, types and equality") {
  const Case cases[] = {
      {"string(ip('2001:DB8:0:0:1:0:0:1'))", "\"2001:db8::1:0:0:1\""},
      {"string(ip('2001:db8:0:1:1:1:1:1'))", "\"2001:db8:0:1:1:1:1:1\""},
      {"string(ip('0:0:0:0:0:0:0:0'))", "\"::\""},
      {"string(ip('1::'))", "\"1::\""},
      {"string(ip('::1.2.3.4'))", "\"::102:304\""},
      {"string(cidr('10.0.0.9/8'))", "\"10.0.0.9/8\""},
      {"'%s'.format([ip(peer)])", "\"10.1.2.3\""},
      {"ip.isCanonical('127.0.0.1') && ip.isCanonical('2001:db8::abcd')", "true"},
      {"ip.isCanonical('2001:DB8::ABCD')", "false"},
      {"ip('2001:DB8::1') == ip('2001:db8:0::1')", "true"},
      {"ip(peer) in [ip('10.1.2.3')]", "true"},
      {"cidr('10.0.0.1/8') == cidr('10.0.0.0/8')", "false"},
      {"type(ip(peer)) == net.IP && type(cidr('::/0')) == net.CIDR", "true"},
      {"isIP(peer) && isIP('::1') && !isIP('10.0.0') && !isIP('10.0.0.0/8')", "true"},
      {"isIP('::ffff:1.2.3.4') || isIP('fe80::1%eth0') || isIP('010.0.0.1') || isIP('')", "false"},
      {"isCIDR('10.0.0.0/8') && isCIDR('::/128') && isCIDR('1.2.3.4/0')", "true"},
      {"isCIDR('10.0.0.0') || isCIDR('10.0.0.0/33') || isCIDR('::/129') || isCIDR('1.2.3.4/')",
       "false"},
      {"isCIDR('10.0.0.0/08') || isCIDR('10.0.0.0/+8') || isCIDR('10.0.0.0/-1')", "false"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.expression);
    CHECK(result_of(c.expression) == c.result);
  }
}

TEST_CASE("what is no address is an error when it is read, and false under isIP") {
  const char* expressions[] = {"ip(peer + 'x')",
                               "cidr(peer)",
                               "ip.isCanonical(peer + '.')",
                               "cidr('10.0.0.0/8').containsIP(peer + '/8')",
                               "ip(string(anything))",
                               "dyn(anything).family()"};
  for (const char* expression : expressions) {
    CAPTURE(expression);
    REQUIRE(compiled(expression).has_value());
    CHECK(result_of(expression).starts_with("error("));
  }
}

TEST_CASE("a constant that is no address is refused where it stands") {
  struct Wrong {
    const char* expression;
    std::uint32_t column;
    const char* suggestion;
  };
  const Wrong cases[] = {
      {"ip('10.0.0') == ip(peer)", 4, ""},
      {"ip('10.0.0.0/8') == ip(peer)", 4, "\"10.0.0.0\""},
      {"true || cidr('10.0.0.1').containsIP(peer)", 14, "\"10.0.0.1/32\""},
      {"cidr('::1').containsIP(peer)", 6, "\"::1/128\""},
      {"cidr('10.0.0.0/8').containsIP('10.0.0.256')", 31, ""},
      {"cidr('10.0.0.0/8').containsCIDR('10.0.0.0/40')", 33, ""},
      {"ip.isCanonical('fe80::1%eth0')", 16, ""},
      {"peer.isLoopback()", 6, ""},
      {"ip(1)", 1, ""},
  };
  for (const Wrong& c : cases) {
    CAPTURE(c.expression);
    const auto program = compiled(c.expression);
    REQUIRE_FALSE(program.has_value());
    CHECK(program.error().front().column == c.column);
    CHECK(program.error().front().suggestion == c.suggestion);
  }
}

TEST_CASE("what is constant of a network is computed once, when it is compiled") {
  Environment env;
  env.variable("peer", Type::string());
  const auto whole = compile("cidr('10.0.0.0/8').containsIP('10.1.2.3')", env);
  REQUIRE(whole.has_value());
  REQUIRE(whole->constant().has_value());
  CHECK(whole->constant()->is_true());
  const auto cost_of = [&env](std::string_view expression) {
    Activation input(env);
    input.set("peer", Value::string("10.1.2.3"));
    std::uint64_t cost = 0;
    CHECK(compile(expression, env)->evaluate(input, &cost).is_true());
    return cost;
  };
  CHECK(cost_of("cidr('10.0.0.0/8').containsIP(peer)") ==
        cost_of("cidr('10.0.0.0/8').masked().containsIP(peer)"));
}
