#include "policy/standing.h"

#include <algorithm>

#include "policy/evaluate.h"
#include "policy/reader.h"
#include "policy/types.h"

namespace keyturn::policy {
namespace {

constexpr Duration kLastsMost = std::chrono::hours(24 * 90);
constexpr std::int64_t kUsesMost = 10'000;
constexpr std::size_t kPermissionsMax = 1000;
constexpr std::string_view kArgs = "args.";

class PermissionReader {
 public:
  PermissionReader(const doc::Value& value, const std::string& pointer, Compiler& compiler,
                   doc::Problems& problems)
      : in_(value, pointer, problems), compiler_(compiler), problems_(problems) {}

  StandingPermission read() {
    out_.at = out_.match_at = out_.bounds_at = in_.value().position();
    out_.id = in_.require_string("id");
    out_.description = in_.string("description").value_or("");
    what_ = "standing \"" + out_.id + "\"";
    read_match_part();
    read_lasts();
    read_uses();
    read_bounds();
    if (const doc::Value* when = in_.any("when")) {
      const auto& tools = out_.match.tool;
      const bool one = tools.exact.size() == 1 && tools.prefixes.empty();
      out_.when = compiler_.compile(*when, in_.pointer_to("when"), what_, cel::Type::boolean(),
                                    one ? tools.exact.front() : std::string());
      // What does not compile permits nothing: the document does not load.
    }
    in_.finish();
    return std::move(out_);
  }

 private:
  void read_match_part() {
    const doc::Value* match = in_.object("match");
    if (match != nullptr) {
      out_.match = read_match(*match, in_.pointer_to("match"), problems_);
      out_.match_at = match->position();
    }
    if (out_.match.tool.any())
      in_.problem("missing_field", what_ + " needs match: {tool: […]}: for which tools it is",
                  match != nullptr ? "match" : std::string_view{});
  }

  void read_lasts() {
    const auto lasts = in_.duration("lasts");
    if (in_.value().find("lasts") == nullptr)
      in_.problem("missing_field", what_ + " needs lasts: for how long at most, such as 7d");
    if (!lasts) return;
    if (*lasts < Duration(std::chrono::minutes(1)) || *lasts > kLastsMost)
      in_.problem("out_of_range", "lasts is from 1m to " + to_text(kLastsMost), "lasts");
    out_.lasts = *lasts;
  }

  void read_uses() {
    const auto uses = in_.integer("uses", 1, kUsesMost);
    if (in_.value().find("uses") == nullptr)
      in_.problem("missing_field",
                  what_ + " needs uses: how often at most, 1 to " + std::to_string(kUsesMost));
    out_.uses = static_cast<std::uint64_t>(uses.value_or(0));
  }

  void read_bounds() {
    const auto bounds = in_.strings_or_one("bounds");
    if (!bounds) return;
    out_.bounds_at = in_.value().find("bounds")->position();
    for (const std::string& path : *bounds) {
      const bool names = path.starts_with(kArgs) && path.size() > kArgs.size() &&
                         path.find('.', kArgs.size()) == std::string::npos;
      if (names)
        out_.bounds.insert(path.substr(kArgs.size()));
      else
        in_.problem("invalid_path", what_ + ": bounds are of parameters, as args.NAME", "bounds");
    }
  }

  doc::ObjectReader in_;
  Compiler& compiler_;
  doc::Problems& problems_;
  StandingPermission out_;
  std::string what_;
};

void check_bounds(const StandingPermission& permission, const catalog::Catalog& tools,
                  const std::string& what, doc::Problems& problems) {
  for (const std::string& name : permission.match.tool.exact) {
    const catalog::Tool* tool = tools.find(name);
    if (tool == nullptr || tool->kind == catalog::ToolKind::kMcp) continue;
    std::vector<std::string_view> names;
    names.reserve(tool->params.size());
    for (const catalog::Param& param : tool->params) names.push_back(param.name);
    for (const std::string& bound : permission.bounds) {
      const auto param = std::ranges::find(tool->params, bound, &catalog::Param::name);
      if (param == tool->params.end())
        problems.push_back({"unknown_param",
                            what + ": tool \"" + name + "\" has no parameter \"" + bound + "\"" +
                                did_you_mean(bound, names),
                            "", permission.bounds_at});
      else if (param->secret)
        problems.push_back({"secret_param",
                            what + ": \"" + bound + "\" of tool \"" + name +
                                "\" is secret, and cannot be shown to who would agree to a bound",
                            "", permission.bounds_at});
    }
  }
}

}  // namespace

std::vector<StandingPermission> read_standing(const doc::Value& value, const std::string& pointer,
                                              Compiler& compiler, doc::Problems& problems) {
  std::vector<StandingPermission> out;
  if (value.as_array().size() > kPermissionsMax)
    problems.push_back({"too_large",
                        "more than " + std::to_string(kPermissionsMax) + " permissions to stand",
                        pointer, value.position()});
  for (std::size_t i = 0; i < std::min(value.as_array().size(), kPermissionsMax); ++i) {
    const std::string at = pointer + "/" + std::to_string(i);
    StandingPermission one = PermissionReader(value.as_array()[i], at, compiler, problems).read();
    if (std::ranges::find(out, one.id, &StandingPermission::id) != out.end())
      problems.push_back(
          {"duplicate_name",
           "standing \"" + one.id + "\" is defined twice; give one of them another id", at,
           one.at});
    out.push_back(std::move(one));
  }
  return out;
}

void check_standing(const Document::Rep& document, const Compiler& compiler,
                    const LoadOptions& options, doc::Problems& problems) {
  const bool asks = std::ranges::any_of(document.rules, [](const Rule& rule) {
    return rule.effect == Effect::kRequire || std::ranges::any_of(rule.tiers, [](const Tier& tier) {
             return tier.effect == Effect::kRequire;
           });
  });
  for (const StandingPermission& permission : document.standing) {
    const std::string what = "standing \"" + permission.id + "\"";
    if (options.tools != nullptr) {
      check_known(permission.match, what, permission.match_at, *options.tools, problems);
      check_bounds(permission, *options.tools, what, problems);
    }
    if (!asks)
      problems.push_back({"never_applies",
                          what + ": no rule asks people, so there is nothing to stand in for", "",
                          permission.at, true});
    if (!permission.when) continue;
    check_cost(document, what + ": its condition", *permission.when, problems);
    if (compiler.reads(*permission.when, is_claim))
      problems.push_back({"depends_on_claims",
                          what + ": depends on what the agent says of itself (claims, "
                                 "action.reason); let it depend on facts, resource or actor",
                          "", permission.when->at, true});
  }
}

std::vector<StandingTerms> standing_terms(const Document& document, const PolicyInput& input) {
  std::vector<StandingTerms> out;
  std::optional<Scope> scope;
  for (const StandingPermission& one : document.rep().standing) {
    if (!one.match.selects(input)) continue;
    if (one.when) {
      if (!scope) scope.emplace(document.rep(), input);
      if (!truth(scope->evaluate(*one.when)).value_or(false)) continue;
    }
    out.push_back({one.id, one.lasts, one.uses, one.bounds});
  }
  return out;
}

}  // namespace keyturn::policy
