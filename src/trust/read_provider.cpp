// The section `providers`.
#include <algorithm>

#include "base/ascii.h"
#include "trust/reader.h"

namespace keyturn::trust {
namespace {

constexpr std::string_view kEntra = "https://login.microsoftonline.com/";

ProviderKind read_kind(doc::ObjectReader& in) {
  const std::string kind = in.require_string("kind");
  if (kind == "okta") return ProviderKind::kOkta;
  if (kind == "entra") return ProviderKind::kEntra;
  if (!kind.empty() && kind != "oidc")
    in.problem("unknown_kind", "kind is okta, entra or oidc (any other OpenID provider)", "kind");
  return ProviderKind::kOidc;
}

// Tenants of everybody have no issuer of their own: whoever makes a tenant could sign in.
void check_tenant(doc::ObjectReader& in, const std::string& issuer) {
  if (!issuer.starts_with(kEntra)) return;
  const std::string_view rest = std::string_view(issuer).substr(kEntra.size());
  const std::string_view tenant = rest.substr(0, rest.find('/'));
  const auto hex_or_dash = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || c == '-'; };
  if (tenant.size() == 36 && std::ranges::all_of(tenant, hex_or_dash) &&
      rest.substr(tenant.size()) == "/v2.0")
    return;
  in.problem("invalid_issuer",
             "an Entra issuer is https://login.microsoftonline.com/TENANT/v2.0, TENANT being the "
             "directory's id (36 lower-case characters), not common or organizations",
             "issuer");
}

std::vector<std::string> read_scopes(doc::ObjectReader& in, ProviderKind kind) {
  if (auto scopes = in.strings("scopes")) {
    const auto bad = [](const std::string& scope) {
      return scope.empty() ||
             std::ranges::any_of(scope, [](char c) { return c <= 0x20 || c > 0x7e; });
    };
    if (std::ranges::find(*scopes, "openid") == scopes->end())
      in.problem("missing_scope", "scopes must have openid: without it there is no id token",
                 "scopes");
    if (std::ranges::any_of(*scopes, bad))
      in.problem("invalid_scope", "a scope is one word without spaces", "scopes");
    return *scopes;
  }
  std::vector<std::string> out{"openid", "profile", "email"};
  if (kind == ProviderKind::kOkta) out.emplace_back("groups");
  return out;
}

// What a sign-in says counts for a time; who administers must not change by the clock.
void check_no_administrators(const doc::Value& groups, const std::string& pointer,
                             doc::Problems& problems) {
  for (const char* section : {"map", "roles"}) {
    const doc::Value* map = groups.find(section);
    if (map == nullptr || !map->is_object()) continue;
    for (const doc::Member& member : map->as_object()) {
      if (!member.value.is_string() || member.value.as_string() != "administrators") continue;
      problems.push_back({"invalid_group",
                          "nobody becomes an administrator by signing in: name them here "
                          "(`keyturn person`, or a proposal), or let SCIM say it",
                          pointer + "/" + section + "/" + doc::pointer_escape(member.key),
                          member.value.position()});
    }
  }
}

GroupRules read_groups(doc::ObjectReader& provider, doc::Problems& problems) {
  GroupRules out;
  const doc::Value* groups = provider.object("groups");
  if (groups == nullptr) return out;
  doc::ObjectReader in(*groups, provider.pointer_to("groups"), problems);
  if (auto claim = in.string("claim")) {
    if (claim->empty()) in.problem("invalid_claim", "claim names a claim, such as groups", "claim");
    out.claim = std::move(*claim);
  }
  check_no_administrators(*groups, provider.pointer_to("groups"), problems);
  out.map = read_group_map(in, "map", problems);
  out.roles = read_group_map(in, "roles", problems);
  if (const auto age = in.duration("max_age")) {
    out.max_age = *age;
    if (*age < std::chrono::minutes(1) || *age > std::chrono::days(7))
      in.problem("out_of_range", "max_age is from 1m to 7d: for so long a sign-in's groups count",
                 "max_age");
  }
  in.finish();
  if (out.empty())
    provider.problem("missing_field",
                     "groups without map or roles has no effect: say which groups become which, "
                     "such as map: {\"Keyturn DBA\": dba}",
                     "groups");
  return out;
}

std::string read_graph(doc::ObjectReader& in, ProviderKind kind) {
  std::string graph = read_url(in, "graph", false);
  while (graph.ends_with('/')) graph.pop_back();
  if (!graph.empty() && kind != ProviderKind::kEntra)
    in.problem("out_of_place", "graph is for kind: entra only", "graph");
  if (graph.empty() && kind == ProviderKind::kEntra) graph = "https://graph.microsoft.com";
  return graph;
}

}  // namespace

Provider read_provider(const doc::Value& value, const std::string& name, const std::string& pointer,
                       doc::Problems& problems) {
  doc::ObjectReader in(value, pointer, problems);
  Provider out;
  out.name = name;
  for (const char* taken : {"enrol", "login", "logout", "providers"}) {
    if (name == taken)
      in.problem("invalid_name", "a provider cannot be called " + name + ": /auth/" + name +
                                     " is a page of Keyturn's own");
  }
  out.kind = read_kind(in);
  out.issuer = read_url(in, "issuer", true);
  if (out.kind == ProviderKind::kEntra) check_tenant(in, out.issuer);
  out.client_id = read_text(in, "client_id");
  out.client_secret = read_secret(in, "client_secret", problems);
  out.scopes = read_scopes(in, out.kind);
  if (const doc::Value* people = in.object("people")) {
    doc::ObjectReader reader(*people, in.pointer_to("people"), problems);
    out.create_people = reader.boolean("create").value_or(false);
    reader.finish();
  }
  out.device = in.boolean("device").value_or(false);
  out.groups = read_groups(in, problems);
  out.graph = read_graph(in, out.kind);
  in.finish();
  return out;
}

}  // namespace keyturn::trust
