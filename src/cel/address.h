// IP addresses and networks: the values net.IP and net.CIDR, as the Kubernetes libraries of CEL
// have them. Strict: no zone, no leading zero, no IPv4 address inside IPv6 (::ffff:10.0.0.1).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cel/value.h"

namespace keyturn::cel {

struct Address {
  std::array<std::uint8_t, 16> bytes{};  // the first `size` of them, in network order
  std::size_t size = 4;                  // 4: IPv4, 16: IPv6
  bool operator==(const Address&) const = default;
};

struct Network {
  Address address;  // as written: bits behind the prefix stay
  unsigned bits = 0;
  bool operator==(const Network&) const = default;
};

std::optional<Address> parse_address(std::string_view text);
std::optional<Network> parse_network(std::string_view text);  // "10.0.0.0/8"
std::string to_text(const Address& address);                  // IPv6 as RFC 5952 §4
std::string to_text(const Network& network);

Network masked(Network network);  // without the bits behind the prefix
bool contains(const Network& network, const Address& address);
bool contains(const Network& network, const Network& inner);

bool is_unspecified(const Address& address);           // 0.0.0.0, ::
bool is_loopback(const Address& address);              // 127.0.0.0/8, ::1
bool is_link_local_multicast(const Address& address);  // 224.0.0.0/24, ff02::/16 of any flags
bool is_link_local_unicast(const Address& address);    // 169.254.0.0/16, fe80::/10
// Neither unspecified, loopback, multicast, link-local nor broadcast; private addresses are.
bool is_global_unicast(const Address& address);

Value to_value(const Address& address);
Value to_value(const Network& network);
Address address_of(const Value& value);  // of kind kAddress
Network network_of(const Value& value);  // of kind kNetwork

}  // namespace keyturn::cel
