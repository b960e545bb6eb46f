#include "cel/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace keyturn::cel {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_mapped(const Address& a) {
  return a.size == 16 && std::equal(kMapped.begin(), kMapped.end(), a.bytes.begin());
}

unsigned group(const Address& a, std::size_t i) {
  return static_cast<unsigned>(a.bytes[2 * i]) << 8 | a.bytes[2 * i + 1];
}

// The longest run of two or more groups that are 0, the first of equals: [from, to).
std::pair<std::size_t, std::size_t> longest_zeros(const Address& a) {
  std::pair<std::size_t, std::size_t> best{8, 8};
  for (std::size_t from = 0; from < 8; ++from) {
    std::size_t to = from;
    while (to < 8 && group(a, to) == 0) ++to;
    if (to - from >= 2 && to - from > best.second - best.first) best = {from, to};
  }
  return best;
}

std::string hex(unsigned n) {
  std::array<char, 8> out{};
  return {out.data(), std::to_chars(out.data(), out.data() + out.size(), n, 16).ptr};
}

bool all_zero(const Address& a, std::size_t until) {
  return std::all_of(a.bytes.begin(), a.bytes.begin() + static_cast<std::ptrdiff_t>(until),
                     [](std::uint8_t b) { return b == 0; });
}

bool is_multicast(const Address& a) {
  return a.size == 4 ? (a.bytes[0] & 0xf0) == 0xe0 : a.bytes[0] == 0xff;
}

bool is_broadcast(const Address& a) {
  return a.size == 4 && std::all_of(a.bytes.begin(), a.bytes.begin() + 4,
                                    [](std::uint8_t b) { return b == 0xff; });
}

std::string raw(const Address& a) {
  return {reinterpret_cast<const char*>(a.bytes.data()), a.size};
}

Address from_raw(std::string_view bytes) {
  Address out;
  out.size = bytes.size();
  std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
  return out;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.size() > 45 || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  Address out;
  if (inet_pton(AF_INET, terminated.c_str(), out.bytes.data()) == 1) return out;
  out.size = 16;
  if (inet_pton(AF_INET6, terminated.c_str(), out.bytes.data()) != 1) return std::nullopt;
  return is_mapped(out) ? std::nullopt : std::optional(out);
}

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = parse_address(text.substr(0, slash));
  const std::string_view bits = text.substr(slash + 1);
  if (!address || bits.empty() || (bits[0] == '0' && bits.size() > 1)) return std::nullopt;
  Network out{*address, 0};
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), out.bits);
  if (error != std::errc() || end != bits.data() + bits.size()) return std::nullopt;
  return out.bits <= address->size * 8 ? std::optional(out) : std::nullopt;
}

std::string to_text(const Address& a) {
  std::string out;
  if (a.size == 4) {
    for (std::size_t i = 0; i < 4; ++i) out += (i == 0 ? "" : ".") + std::to_string(a.bytes[i]);
    return out;
  }
  const auto [from, to] = longest_zeros(a);
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == from) {
      out += "::";
      i = to - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    out += hex(group(a, i));
  }
  return out;
}

std::string to_text(const Network& network) {
  return to_text(network.address) + "/" + std::to_string(network.bits);
}

Network masked(Network network) {
  for (unsigned i = 0; i < network.address.size; ++i) {
    const unsigned kept = std::min(8u, network.bits - std::min(network.bits, i * 8));
    network.address.bytes[i] &= static_cast<std::uint8_t>(0xff00u >> kept);
  }
  return network;
}

bool contains(const Network& network, const Address& address) {
  return network.address.size == address.size &&
         masked(network).address == masked({address, network.bits}).address;
}

bool contains(const Network& network, const Network& inner) {
  return network.bits <= inner.bits && contains(network, inner.address);
}

bool is_unspecified(const Address& a) {
  return all_zero(a, a.size);
}
bool is_loopback(const Address& a) {
  return a.size == 4 ? a.bytes[0] == 127 : all_zero(a, 15) && a.bytes[15] == 1;
}
bool is_link_local_multicast(const Address& a) {
  if (a.size == 4) return a.bytes[0] == 224 && a.bytes[1] == 0 && a.bytes[2] == 0;
  return a.bytes[0] == 0xff && (a.bytes[1] & 0x0f) == 0x02;
}
bool is_link_local_unicast(const Address& a) {
  if (a.size == 4) return a.bytes[0] == 169 && a.bytes[1] == 254;
  return a.bytes[0] == 0xfe && (a.bytes[1] & 0xc0) == 0x80;
}
bool is_global_unicast(const Address& a) {
  return !is_unspecified(a) && !is_loopback(a) && !is_multicast(a) && !is_link_local_unicast(a) &&
         !is_broadcast(a);
}

Value to_value(const Address& address) {
  return Value::opaque(Kind::kAddress, raw(address));
}
Value to_value(const Network& network) {
  return Value::opaque(Kind::kNetwork, static_cast<char>(network.bits) + raw(network.address));
}
Address address_of(const Value& value) {
  return from_raw(value.text());
}
Network network_of(const Value& value) {
  const std::string_view bytes = value.text();
  return {from_raw(bytes.substr(1)), static_cast<unsigned char>(bytes[0])};
}

}  // namespace keyturn::cel
