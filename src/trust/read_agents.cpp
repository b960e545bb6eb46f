// The section `agents`.
#include <algorithm>

#include "trust/reader.h"

namespace keyturn::trust {
namespace {

constexpr int kReadDepthMax = 4;
constexpr std::size_t kRulesMax = 500;

// Whether anything but a star is asked for.
bool asks_something(const doc::Value& wanted) {
  if (wanted.is_object())
    return std::ranges::any_of(wanted.as_object(),
                               [](const doc::Member& m) { return asks_something(m.value); });
  return !wanted.is_string() || wanted.as_string().find_first_not_of('*') != std::string::npos;
}

void check_claims(const doc::Value& claims, const std::string& pointer, int depth,
                  doc::Problems& problems) {
  for (const doc::Member& member : claims.as_object()) {
    const std::string here = pointer + "/" + doc::pointer_escape(member.key);
    if (member.value.is_object() && depth < kReadDepthMax) {
      check_claims(member.value, here, depth + 1, problems);
      continue;
    }
    const bool plain = member.value.is_bool() || member.value.as_int64().has_value() ||
                       (member.value.is_string() && !member.value.as_string().empty());
    if (!plain) {
      problems.push_back({"invalid_claim",
                          "a claim is compared with a text (\"*\" stands for any run without : and "
                          "/), true, false or a whole number",
                          here, member.value.position()});
    }
  }
}

AgentRule read_rule(const doc::Value& value, const std::string& pointer, doc::Problems& problems) {
  doc::ObjectReader in(value, pointer, problems);
  AgentRule out;
  if (const doc::Value* claims = in.object("claims")) {
    out.claims = *claims;
    check_claims(*claims, in.pointer_to("claims"), 0, problems);
    if (!asks_something(*claims))
      in.problem("matches_everything",
                 "this would fit every token of the issuer, of its other customers too: name what "
                 "only yours have, such as sub: \"repo:acme/deploy:ref:refs/heads/main\"",
                 "claims");
  } else if (value.is_object() && value.find("claims") == nullptr) {
    in.problem("missing_field", "needs claims: {NAME: PATTERN}", {});
  }
  out.agent = read_text(in, "agent");
  if (!out.agent.empty() && !is_name_here(out.agent))
    in.problem("invalid_name", "agent names an agent, as `keyturn agent add` has it", "agent");
  in.finish();
  return out;
}

}  // namespace

AgentIssuer read_agent_issuer(const doc::Value& value, const std::string& name,
                              const std::string& pointer, doc::Problems& problems) {
  doc::ObjectReader in(value, pointer, problems);
  AgentIssuer out;
  out.name = name;
  out.issuer = read_url(in, "issuer", true);
  out.audience = read_text(in, "audience");
  if (std::string jwks = read_url(in, "jwks_uri", false); !jwks.empty())
    out.jwks_uri = std::move(jwks);
  const doc::Value* rules = in.array("rules");
  if (rules == nullptr || rules->as_array().empty()) {
    in.problem("missing_field",
               "needs rules: [{claims: {…}, agent: NAME}]; without one no token "
               "stands for anybody",
               rules == nullptr ? std::string_view{} : std::string_view("rules"));
  } else if (rules->as_array().size() > kRulesMax) {
    in.problem("too_many", "rules has more than 500 entries", "rules");
  } else {
    for (std::size_t i = 0; i < rules->as_array().size(); ++i)
      out.rules.push_back(read_rule(rules->as_array()[i],
                                    in.pointer_to("rules") + "/" + std::to_string(i), problems));
  }
  in.finish();
  return out;
}

}  // namespace keyturn::trust
