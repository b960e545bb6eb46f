// Accepting what an MCP server says of its tools: on the host while the configuration is not
// sealed, else as an action of the built-in tool keyturn.upstream, whose case shows each definition
// beside the one that was accepted before.
#include "admin/admin.h"
#include "admin/change.h"
#include "base/line_diff.h"
#include "base/task_impl.h"
#include "catalog/upstream.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::admin {
namespace {

constexpr std::string_view kUpstreamTool = "keyturn.upstream";
constexpr std::size_t kToolsMax = 500;           // of one acceptance: each is shown
constexpr std::size_t kDiffsBytesMax = 1 << 18;  // of all

catalog::Tool upstream_tool() {
  catalog::Tool tool;
  tool.name = kUpstreamTool;
  tool.kind = catalog::ToolKind::kGrantOnly;  // nothing of connectors/ runs it
  tool.mode = catalog::Mode::kExecute;
  tool.operation = "configure";
  tool.resource = {"keyturn", "MCP servers", "", {}};
  for (const auto& [name, type] : {std::pair{"upstream", "string"}, {"tools", "object"}}) {
    catalog::Param param;
    param.name = name;
    param.schema = doc::object({{"type", type}});
    tool.params.push_back(std::move(param));
  }
  tool.digest = crypto::sha256_text("keyturn/v1/tool/" + tool.name);
  return tool;
}

std::string stream_of(const std::string& upstream) {
  return "upstream/" + upstream;
}

std::string place_of(const catalog::Upstream& upstream) {
  switch (upstream.kind) {
    case catalog::Upstream::Kind::kHttp:
      return upstream.url;
    case catalog::Upstream::Kind::kCommand: {
      std::string out;
      for (const std::string& word : upstream.command) out += (out.empty() ? "" : " ") + word;
      return out;
    }
    case catalog::Upstream::Kind::kAttached:
      return "runs beside the agent";
  }
  return "";
}

// As a person reads it; nothing for a tool that is not there.
std::string shown(const catalog::Definition& definition) {
  return definition.digest.empty() ? "" : doc::write_json_pretty(definition.value) + "\n";
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

struct Admin::Acceptance {
  std::shared_ptr<const catalog::Upstream> upstream;
  catalog::Pins::Tools tools;  // as the server offers them

  EventDraft pinned(const std::string& by) const {
    doc::Value digests = doc::Object{}, definitions = doc::Object{};
    for (const auto& [name, definition] : tools) {
      digests.set(name, definition.digest);
      if (!definition.digest.empty()) definitions.set(name, definition.value);
    }
    return {stream_of(upstream->name), "upstream.pinned",
            doc::object({{"upstream", upstream->name}, {"tools", std::move(digests)}, {"by", by}}),
            doc::object({{"definitions", std::move(definitions)}})};
  }
};

// What is to be accepted, as the server offers it now. `tools` maps names to digests; null: all
// that it offers.
Result<Admin::Acceptance> Admin::plan_acceptance(const std::string& name,
                                                 const doc::Value& tools) const {
  const gate::World& world = gate_.world();
  Acceptance out;
  out.upstream = world.configuration->tools->upstream(name);
  if (!out.upstream)
    return refuse("not_found", "tools.yaml names no MCP server \"" + name + "\"", "/upstream");
  const catalog::Pins::Tools& offered = world.pins.all_offered(name);
  if (tools.is_null()) {
    out.tools = offered;
  } else {
    for (const doc::Member& member : tools.as_object()) {
      const std::string where = "/tools/" + doc::pointer_escape(member.key);
      const auto found = offered.find(member.key);
      if (found == offered.end())
        return refuse("nothing_to_accept",
                      "the MCP server " + name + " offers nothing else for " + member.key +
                          " than what is accepted",
                      where);
      if (!member.value.is_string() || member.value.as_string() != found->second.digest)
        return refuse("conflict",
                      "the MCP server " + name + " says another definition of " + member.key +
                          " by now; look at that one",
                      where);
      out.tools.insert(*found);
    }
  }
  if (out.tools.empty())
    return refuse("nothing_to_accept",
                  "the MCP server " + name + " offers nothing else than what is accepted",
                  "/tools");
  if (out.tools.size() > kToolsMax)
    return refuse("too_large",
                  "at most " + std::to_string(kToolsMax) + " definitions at once; name some",
                  "/tools");
  return out;
}

void Admin::add_upstream_tool() {
  gate::Gate::BuiltIn what;
  what.run = [this](const gate::ActionRecord& record) {
    return carry_out_acceptance(record.args, record.id);
  };
  what.describe = [this](Principal, doc::Value args, doc::Value) {
    return describe_acceptance(std::move(args));
  };
  what.recover = [this](ActionId action) { return recover_acceptance(std::move(action)); };
  gate_.add_built_in(upstream_tool(), built_in_floor(), std::move(what));
}

Task<Result<doc::Value>> Admin::describe_acceptance(doc::Value args) {
  const doc::Value* tools = args.find("tools");
  if (tools == nullptr || !tools->is_object())
    co_return refuse("invalid_args", "tools is {NAME: DIGEST}", "/args/tools");
  Result<Acceptance> plan = plan_acceptance(std::string(args.text("upstream")), *tools);
  if (!plan) co_return std::unexpected(plan.error());
  const catalog::Pins& pins = gate_.world().pins;
  doc::Array changes;
  std::size_t bytes = 0, gone = 0;
  for (const auto& [name, definition] : plan->tools) {
    gone += definition.digest.empty() ? 1 : 0;
    const catalog::Definition* before = pins.pinned(plan->upstream->name, name);
    std::string lines = line_diff(before == nullptr ? "" : shown(*before), shown(definition));
    bytes += lines.size();
    changes.push_back(
        doc::object({{"file", "the definition of " + plan->upstream->name + "." + name},
                     {"lines", std::move(lines)}}));
  }
  if (bytes > kDiffsBytesMax)
    co_return refuse("too_large",
                     "these definitions are too long to be shown to those who agree; accept fewer "
                     "at once",
                     "/tools");
  const std::size_t used = plan->tools.size() - gone;
  std::string accepts = counted(used, "definition") + " as the server says it now";
  if (gone > 0) accepts += (used > 0 ? ", and " : "") + counted(gone, "tool") + " gone";
  if (used == 0) accepts = counted(gone, "tool") + " gone";
  co_return doc::object({{"accepts", accepts},
                         {"server", place_of(*plan->upstream)},
                         {"server_digest", plan->upstream->digest},
                         {"changes", std::move(changes)}});
}

Task<Result<gate::Submitted>> Admin::propose_upstream(Principal who, std::string upstream,
                                                      doc::Value tools, std::string reason) {
  const people::Person* person = gate_.world().directory.person(who.id);
  if (who.kind != PrincipalKind::kPerson || person == nullptr || !person->active)
    co_return refuse("not_allowed", "only people propose to accept what an MCP server says");
  Result<Acceptance> plan = plan_acceptance(upstream, tools);
  if (!plan) co_return std::unexpected(plan.error());
  doc::Value digests = doc::Object{};
  for (const auto& [name, definition] : plan->tools) digests.set(name, definition.digest);
  ActionRequest request;
  request.tool = kUpstreamTool;
  request.args = doc::object({{"upstream", upstream}, {"tools", std::move(digests)}});
  request.claims = doc::Object{};
  request.reason = std::move(reason);
  Result<gate::Submitted> submitted = co_await gate_.submit(who, std::move(request));
  co_return submitted;
}

Task<Result<std::vector<std::string>>> Admin::accept_upstream(std::string upstream,
                                                              std::vector<std::string> tools) {
  if (gate_.world().configuration->sealed)
    co_return refuse("sealed",
                     "the configuration is sealed: propose it in Administration, or with `keyturn "
                     "upstream propose`; two administrators agree");
  doc::Value wanted;
  for (const std::string& name : tools) {
    const catalog::Definition* offered = gate_.world().pins.offered(upstream, name);
    wanted.set(name, offered == nullptr ? "" : offered->digest);
  }
  Result<Acceptance> plan = plan_acceptance(upstream, wanted);
  if (!plan) co_return std::unexpected(plan.error());
  std::vector<std::string> accepted;
  for (const auto& [name, definition] : plan->tools) accepted.push_back(name);
  std::vector<EventDraft> events{plan->pinned("host")};
  std::vector<store::Expect> expects{expect(gate_, stream_of(upstream)), expect(gate_, "config")};
  Result<std::vector<Event>> recorded =
      co_await gate_.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return accepted;
}

// Exactly the definitions that people agreed to, while the server still offers them; or nothing.
Task<Result<Outcome>> Admin::carry_out_acceptance(doc::Value args, ActionId action) {
  const std::string upstream(args.text("upstream"));
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    Result<Acceptance> plan = plan_acceptance(upstream, *args.find("tools"));
    if (!plan) co_return nothing_done("nothing was accepted: " + plan.error().message);
    std::vector<EventDraft> events{plan->pinned(action.str())};
    std::vector<store::Expect> expects{expect(gate_, stream_of(upstream)), expect(gate_, "tools")};
    std::vector<store::Claim> claims{{"upstream-of/" + action.str(), upstream}};
    Result<std::vector<Event>> recorded =
        co_await gate_.record(std::move(events), std::move(expects), std::move(claims));
    if (!recorded && recorded.error().code == "conflict") continue;
    if (!recorded) co_return nothing_done("nothing was accepted: " + recorded.error().message);
    Outcome done;
    done.kind = OutcomeKind::kSucceeded;
    done.stdout_text =
        counted(plan->tools.size(), "definition") + " of " + upstream + " accepted\n";
    co_return done;
  }
  co_return nothing_done("nothing was accepted: too much else changed at once; propose it again");
}

// The claim is of the commit that pinned them.
Task<Outcome> Admin::recover_acceptance(ActionId action) {
  const auto claim = co_await gate_.journal().find_claim("upstream-of/" + action.str());
  if (!claim) co_return nothing_done("the server stopped before anything was accepted");
  Outcome done;
  done.kind = OutcomeKind::kSucceeded;
  done.stdout_text =
      "definitions of " + *claim + " accepted; the server stopped before it could say so\n";
  co_return done;
}

}  // namespace keyturn::admin
