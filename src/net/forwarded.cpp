#include "net/forwarded.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace keyturn::net {
namespace {

constexpr std::size_t kHopsMax = 32;
using Bytes16 = std::array<std::uint8_t, 16>;

// IPv4 as ::ffff:a.b.c.d, so that there is one kind of address.
std::optional<Bytes16> bytes_of(std::string_view text) {
  const std::string address(text);
  Bytes16 out{};
  if (::inet_pton(AF_INET6, address.c_str(), out.data()) == 1) return out;
  out = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (::inet_pton(AF_INET, address.c_str(), out.data() + 12) == 1) return out;
  return std::nullopt;
}

bool is_ipv4(const Bytes16& bytes) {
  constexpr Bytes16 kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(bytes.begin(), bytes.begin() + 12, kMapped.begin());
}

// One spelling of each address: limits are counted by it.
std::string text_of(const Bytes16& bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_ipv4(bytes))
    ::inet_ntop(AF_INET, bytes.data() + 12, text.data(), text.size());
  else
    ::inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// "192.0.2.7", "192.0.2.7:4711", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711".
std::optional<Bytes16> entry_of(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    return end == std::string_view::npos ? std::nullopt : bytes_of(text.substr(1, end - 1));
  }
  if (std::ranges::count(text, ':') == 1) text = text.substr(0, text.find(':'));
  return bytes_of(text);
}

// Right-most first, over all fields of the name in the order in which they came.
std::vector<std::string_view> hops_of(const HttpRequest& request) {
  std::vector<std::string_view> out;
  for (const Header& header : request.headers.all()) {
    if (!equal_ignoring_case(header.name, "x-forwarded-for")) continue;
    std::string_view rest = header.value;
    for (;;) {
      const std::size_t comma = rest.find(',');
      out.push_back(rest.substr(0, comma));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  std::ranges::reverse(out);
  if (out.size() > kHopsMax) out.resize(kHopsMax);
  return out;
}

}  // namespace

Result<TrustedProxies> TrustedProxies::parse(const std::vector<std::string>& networks) {
  TrustedProxies out;
  for (std::size_t i = 0; i < networks.size(); ++i) {
    const std::string& text = networks[i];
    const std::size_t slash = text.find('/');
    const std::optional<Bytes16> bytes = bytes_of(text.substr(0, slash));
    const unsigned most = bytes && text.find(':') == std::string::npos ? 32 : 128;
    unsigned bits = most;
    bool good = bytes.has_value();
    if (good && slash != std::string::npos) {
      const char* end = text.data() + text.size();
      const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
      good = error == std::errc{} && stop == end && bits <= most;
    }
    if (!good)
      return refuse("invalid_network",
                    "\"" + text + "\" is no address and no network, such as 10.0.0.0/8",
                    std::to_string(i));
    out.networks_.push_back({*bytes, bits + 128 - most});
  }
  return out;
}

bool TrustedProxies::contains(std::string_view address) const {
  const std::optional<Bytes16> bytes = bytes_of(address);
  return bytes && std::ranges::any_of(networks_, [&](const Network& network) {
           const std::size_t whole = network.bits / 8;
           const unsigned rest = network.bits % 8;
           if (!std::equal(bytes->begin(), bytes->begin() + static_cast<std::ptrdiff_t>(whole),
                           network.bytes.begin()))
             return false;
           const auto mask = static_cast<std::uint8_t>(0xff00U >> rest);
           return rest == 0 || ((*bytes)[whole] & mask) == (network.bytes[whole] & mask);
         });
}

std::string client_of(const HttpRequest& request, const TrustedProxies& trusted) {
  std::string client = request.peer;
  if (trusted.empty()) return client;
  for (const std::string_view hop : hops_of(request)) {
    if (!trusted.contains(client)) break;
    const std::optional<Bytes16> bytes = entry_of(hop);
    if (!bytes) break;
    client = text_of(*bytes);
  }
  return client;
}

}  // namespace keyturn::net
