// postgres_role and ssh_certificate.
#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "credentials/reader.h"
#include "postgres/connection.h"

namespace keyturn::credentials {
namespace {

constexpr std::size_t kGrantsMax = 100;
constexpr std::array<std::string_view, 6> kExtensions{"no-touch-required",
                                                      "permit-X11-forwarding",
                                                      "permit-agent-forwarding",
                                                      "permit-port-forwarding",
                                                      "permit-pty",
                                                      "permit-user-rc"};

void check_grants(doc::ObjectReader& in, const std::vector<std::string>& grants) {
  if (grants.empty() || grants.size() > kGrantsMax)
    in.problem("out_of_range",
               "grants: 1 to 100 statements, such as \"GRANT SELECT ON orders TO {{role}}\"",
               "grants");
  for (const std::string& grant : grants) {
    const std::size_t at = grant.find("{{role}}");
    const bool other = grant.find("{{") != at || grant.find("{{", at + 2) != std::string::npos;
    if (at == std::string::npos || other)
      in.problem("invalid_template",
                 "each of grants names {{role}} once, and nothing else in {{}}: \"GRANT SELECT ON "
                 "orders TO {{role}}\"",
                 "grants");
    if (!is_line(grant))
      in.problem("invalid_text", "each of grants is one line without control characters", "grants");
  }
}

bool is_network(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_hex_digit(c) || c == '.' || c == ':' || c == '/';
  });
}

}  // namespace

PostgresRole read_postgres_role(doc::ObjectReader& in, doc::Problems& problems) {
  PostgresRole out;
  out.dsn = require_line(in, "dsn");
  if (!out.dsn.empty()) {
    if (const auto good = postgres::server_text(out.dsn); !good)
      in.problem(good.error().code, good.error().message, "dsn");
  }
  out.password = read_secret(in, "password", problems);
  out.grants = in.strings("grants").value_or(std::vector<std::string>{});
  check_grants(in, out.grants);
  out.owner = read_line(in, "owner");
  out.connections = in.integer("connections", 1, 100).value_or(out.connections);
  return out;
}

SshCertificate read_ssh_certificate(doc::ObjectReader& in, doc::Problems& problems) {
  SshCertificate out;
  out.ca_key = require_secret(in, "ca_key", problems);
  out.principals = in.strings("principals").value_or(std::vector<std::string>{});
  const auto bad = [](const std::string& text) {
    return text.empty() || text.find(',') != std::string::npos || !is_line(text);
  };
  if (out.principals.empty() || std::ranges::any_of(out.principals, bad))
    in.problem("missing_field",
               "principals: at least one account name; without one a certificate would be good for "
               "every account",
               "principals");
  out.force_command = read_line(in, "force_command");
  out.source_address = in.strings_or_one("source_address").value_or(std::vector<std::string>{});
  if (!std::ranges::all_of(out.source_address, is_network))
    in.problem("invalid_address", "source_address: addresses or networks, such as 10.0.0.0/8",
               "source_address");
  out.extensions = in.strings("extensions").value_or(std::vector<std::string>{});
  for (const std::string& one : out.extensions) {
    if (std::ranges::find(kExtensions, one) == kExtensions.end())
      in.problem("unknown_choice",
                 "extensions: \"" + one +
                     "\" is none of OpenSSH's: permit-pty, permit-port-forwarding, "
                     "permit-agent-forwarding, permit-X11-forwarding, permit-user-rc",
                 "extensions");
  }
  return out;
}

}  // namespace keyturn::credentials
