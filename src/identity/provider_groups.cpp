// Which of our groups a provider gives somebody: everything it says, or nothing.
#include <algorithm>

#include "doc/json.h"
#include "identity/provider.h"

namespace keyturn::identity {
namespace {

constexpr std::size_t kOktaCap = 100;       // a token's list ends there, and does not say so
constexpr std::size_t kGroupsMax = 20'000;  // of one person

// The claim's texts; nullopt when it is no list of texts (one text is a list of one).
std::optional<std::vector<std::string>> texts(const doc::Value* claim) {
  if (claim == nullptr) return std::nullopt;
  if (claim->is_string()) return std::vector<std::string>{claim->as_string()};
  if (!claim->is_array() || claim->as_array().size() > kGroupsMax) return std::nullopt;
  std::vector<std::string> out;
  for (const doc::Value& one : claim->as_array()) {
    if (!one.is_string()) return std::nullopt;
    out.push_back(one.as_string());
  }
  return out;
}

template <class Map>
void add_mapped(const std::vector<std::string>& names, const Map& map, std::set<std::string>& to) {
  for (const std::string& name : names) {
    if (const auto found = map.find(name); found != map.end()) to.insert(found->second);
  }
}

// Entra put a reference in the place of the list, because it was too long.
bool is_over(const doc::Value& claims, const std::string& claim) {
  const doc::Value* names = claims.find("_claim_names");
  return (names != nullptr && names->find(claim) != nullptr) || claims.flag("hasgroups") ||
         claims.text("hasgroups") == "true";
}

net::ClientRequest member_objects(const std::string& graph) {
  net::ClientRequest request = get_json(graph + "/v1.0/me/getMemberObjects");
  request.method = "POST";
  request.headers.set("Content-Type", "application/json");
  request.body = R"({"securityEnabledOnly":false})";
  request.body_bytes_max = 2 << 20;
  return request;
}

}  // namespace

Task<Result<doc::Value>> Providers::ask(net::ClientRequest request, std::string access_token) {
  const std::string url = request.url;
  request.headers.set("Authorization", "Bearer " + access_token);
  Result<net::ClientResponse> answer = co_await fetch_(std::move(request));
  Result<std::string> body = body_of(std::move(answer), url);
  if (!body) co_return std::unexpected(body.error());
  Result<doc::Value> tree = doc::parse_json(*body, {.bytes_max = 2 << 20});
  if (!tree || !tree->is_object())
    co_return refuse("provider_unreachable", url + " answered no JSON object");
  co_return tree;
}

Task<void> Providers::find_groups(trust::Provider provider, doc::Value claims,
                                  std::string access_token, Subject& subject) {
  const trust::GroupRules& rules = provider.groups;
  std::set<std::string> ours;
  add_mapped(texts(claims.find("roles")).value_or(std::vector<std::string>{}), rules.roles, ours);
  if (rules.map.empty()) {
    subject.groups = std::move(ours);
    co_return;
  }
  std::optional<std::vector<std::string>> names;
  if (is_over(claims, rules.claim)) {
    // Where to ask is configured; an address inside a token is not followed.
    if (provider.graph.empty()) {
      subject.why = "the provider says that the list is too long for its token";
      co_return;
    }
    const Result<doc::Value> found = co_await ask(member_objects(provider.graph), access_token);
    if (found && found->find("@odata.nextLink") == nullptr) names = texts(found->find("value"));
    if (!names)
      subject.why = found ? "the answer about groups is not whole" : found.error().message;
  } else if (claims.find(rules.claim) != nullptr) {
    names = texts(claims.find(rules.claim));
    if (!names) subject.why = "the claim " + rules.claim + " is no list of texts";
  } else {
    const Result<Metadata> known = co_await metadata(provider.issuer);
    const std::string url = known ? known->userinfo : "";
    if (!url.empty() && !access_token.empty()) {
      const Result<doc::Value> found = co_await ask(get_json(url), access_token);
      // OpenID Connect Core §5.3.2: it must be about the same account.
      if (found && found->text("sub") == claims.text("sub"))
        names = texts(found->find(rules.claim));
    }
    if (!names) subject.why = "the claim " + rules.claim + " is absent";
  }
  if (names && provider.kind == trust::ProviderKind::kOkta && names->size() >= kOktaCap) {
    names.reset();
    subject.why = "the list is as long as the provider makes it, so some may be missing";
  }
  if (!names) co_return;
  add_mapped(*names, rules.map, ours);
  subject.groups = std::move(ours);
}

}  // namespace keyturn::identity
