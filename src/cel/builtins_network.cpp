// IP addresses and networks, as the Kubernetes libraries of CEL have them.
#include <expected>

#include "cel/address.h"
#include "cel/builtins.h"
#include "cel/clip.h"

namespace keyturn::cel {
namespace {

Value no_network(const char* what, const Value& text) {
  return Value::error("\"" + clip(text.text(), 60) + "\" is no " + what);
}

// The address that an argument is, or that its text says; else why not.
std::expected<Address, Value> address_in(Frame& frame, const char* name, Arguments args,
                                         std::size_t i) {
  const Value& v = *args[i];
  if (v.kind() == Kind::kAddress) return address_of(v);
  if (!v.is_string()) return std::unexpected(no_overload(name, args));
  if (!frame.charge_text(v.text().size())) return std::unexpected(over_limit());
  const auto address = parse_address(v.text());
  if (!address) return std::unexpected(no_network("IP address", v));
  return *address;
}

std::expected<Network, Value> network_in(Frame& frame, const char* name, Arguments args,
                                         std::size_t i) {
  const Value& v = *args[i];
  if (v.kind() == Kind::kNetwork) return network_of(v);
  if (!v.is_string()) return std::unexpected(no_overload(name, args));
  if (!frame.charge_text(v.text().size())) return std::unexpected(over_limit());
  const auto network = parse_network(v.text());
  if (!network) return std::unexpected(no_network("network (address/bits)", v));
  return *network;
}

// ip(text), and the address of a network
Value to_address(Frame& frame, Arguments args) {
  if (args[0]->kind() == Kind::kNetwork) return to_value(network_of(*args[0]).address);
  const auto address = address_in(frame, "ip", args, 0);
  return address ? to_value(*address) : address.error();
}

Value to_network(Frame& frame, Arguments args) {
  const auto network = network_in(frame, "cidr", args, 0);
  return network ? to_value(*network) : network.error();
}

Value is_address(Frame& frame, Arguments args) {
  if (!args[0]->is_string()) return no_overload("isIP", args);
  if (!frame.charge_text(args[0]->text().size())) return over_limit();
  return Value::boolean(parse_address(args[0]->text()).has_value());
}

Value is_network(Frame& frame, Arguments args) {
  if (!args[0]->is_string()) return no_overload("isCIDR", args);
  if (!frame.charge_text(args[0]->text().size())) return over_limit();
  return Value::boolean(parse_network(args[0]->text()).has_value());
}

Value is_canonical(Frame& frame, Arguments args) {
  if (!args[0]->is_string()) return no_overload("ip.isCanonical", args);
  const auto address = address_in(frame, "ip.isCanonical", args, 0);
  return address ? Value::boolean(to_text(*address) == args[0]->text()) : address.error();
}

Value family(Frame&, Arguments args) {
  if (args[0]->kind() != Kind::kAddress) return no_overload("family", args);
  return Value::integer(address_of(*args[0]).size == 4 ? 4 : 6);
}

template <bool (*kTest)(const Address&)>
Value test_address(Frame&, Arguments args) {
  if (args[0]->kind() != Kind::kAddress) return no_overload("test of an address", args);
  return Value::boolean(kTest(address_of(*args[0])));
}

Value contains_address(Frame& frame, Arguments args) {
  if (args[0]->kind() != Kind::kNetwork) return no_overload("containsIP", args);
  const auto address = address_in(frame, "containsIP", args, 1);
  return address ? Value::boolean(contains(network_of(*args[0]), *address)) : address.error();
}

Value contains_network(Frame& frame, Arguments args) {
  if (args[0]->kind() != Kind::kNetwork) return no_overload("containsCIDR", args);
  const auto inner = network_in(frame, "containsCIDR", args, 1);
  return inner ? Value::boolean(contains(network_of(*args[0]), *inner)) : inner.error();
}

Value to_masked(Frame&, Arguments args) {
  if (args[0]->kind() != Kind::kNetwork) return no_overload("masked", args);
  return to_value(masked(network_of(*args[0])));
}

Value prefix_length(Frame&, Arguments args) {
  if (args[0]->kind() != Kind::kNetwork) return no_overload("prefixLength", args);
  return Value::integer(network_of(*args[0]).bits);
}

constexpr BuiltinEntry kNetworkTable[] = {
    {"ip", to_address, 1, 1},
    {"isIP", is_address, 1, 1},
    {"ip.isCanonical", is_canonical, 1, 1},
    {"family", family, 1, 1},
    {"isUnspecified", test_address<is_unspecified>, 1, 1},
    {"isLoopback", test_address<is_loopback>, 1, 1},
    {"isGlobalUnicast", test_address<is_global_unicast>, 1, 1},
    {"isLinkLocalMulticast", test_address<is_link_local_multicast>, 1, 1},
    {"isLinkLocalUnicast", test_address<is_link_local_unicast>, 1, 1},
    {"cidr", to_network, 1, 1},
    {"isCIDR", is_network, 1, 1},
    {"containsIP", contains_address, 2, 2},
    {"containsCIDR", contains_network, 2, 2},
    {"masked", to_masked, 1, 1},
    {"prefixLength", prefix_length, 1, 1}};

}  // namespace

std::span<const BuiltinEntry> network_builtins() {
  return kNetworkTable;
}

}  // namespace keyturn::cel
