// Which addresses a connection may go to, once its host was looked up: what a name resolves to is
// not for whoever asks, nor for whoever answers for that name, to choose.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/forwarded.h"

namespace keyturn::net {

class AddressRule {
 public:
  enum class Kind {
    kAny,
    // Neither link-local (169.254.0.0/16 is where clouds keep their secrets), multicast nor
    // unspecified; this machine only where the host says so itself (is_this_machine).
    kUsual,
    kPublic,    // nor private (RFC 1918, RFC 4193), shared or reserved, whatever the host says
    kNetworks,  // these alone, whatever they are
  };

  AddressRule() = default;  // kAny
  explicit AddressRule(Kind kind) : kind_(kind) {}
  // Code invalid_network; `where` is the index.
  [[nodiscard]] static Result<AddressRule> only(const std::vector<std::string>& networks);

  // `address`: numeric. An IPv4 address in IPv6 (::ffff:a.b.c.d) is that IPv4 address.
  bool allows(std::string_view host, std::string_view address) const;
  bool is_any() const { return kind_ == Kind::kAny; }

 private:
  Kind kind_ = Kind::kAny;
  TrustedProxies networks_;
};

}  // namespace keyturn::net
