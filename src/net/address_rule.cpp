#include "net/address_rule.h"

#include "net/url.h"

namespace keyturn::net {
namespace {

TrustedProxies networks_of(const std::vector<std::string>& texts) {
  Result<TrustedProxies> out = TrustedProxies::parse(texts);
  return out ? std::move(*out) : TrustedProxies{};
}

const TrustedProxies& this_machine() {
  static const TrustedProxies out = networks_of({"127.0.0.0/8", "::1"});
  return out;
}

// RFC 6890 and its registries: what no service is reached by.
const TrustedProxies& never() {
  static const TrustedProxies out =
      networks_of({"0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "::/128",
                   "fe80::/10", "ff00::/8", "fd00:ec2::254/128"});
  return out;
}

const TrustedProxies& not_public() {
  static const TrustedProxies out =
      networks_of({"10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
                   "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
                   "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
                   "2001:db8::/32", "2002::/16", "fc00::/7", "fec0::/10"});
  return out;
}

}  // namespace

Result<AddressRule> AddressRule::only(const std::vector<std::string>& networks) {
  Result<TrustedProxies> parsed = TrustedProxies::parse(networks);
  if (!parsed) return std::unexpected(parsed.error());
  AddressRule out(Kind::kNetworks);
  out.networks_ = std::move(*parsed);
  return out;
}

bool AddressRule::allows(std::string_view host, std::string_view address) const {
  switch (kind_) {
    case Kind::kAny:
      return true;
    case Kind::kNetworks:
      return networks_.contains(address);
    case Kind::kUsual:
      return !never().contains(address) &&
             (is_this_machine(host) || !this_machine().contains(address));
    case Kind::kPublic:
      break;
  }
  return !never().contains(address) && !this_machine().contains(address) &&
         !not_public().contains(address);
}

}  // namespace keyturn::net
