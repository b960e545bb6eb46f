// Building a case: what exactly is asked, by whom, what policy says, and the digest that names all
// of it.
#include <algorithm>

#include "catalog/upstream.h"
#include "gate/impl.h"
#include "policy/explain.h"

namespace keyturn::gate {
namespace {

constexpr std::size_t kOnBehalfOfMax = 32;

// It stands in the lineage, whole: so it is short.
Result<void> check_on_behalf_of(const doc::Value& claims) {
  const doc::Value* said = claims.find("on_behalf_of");
  const auto is_long = [](const doc::Value& one) {
    return one.is_string() && one.as_string().size() > kClaimBytesMax;
  };
  const bool list = said != nullptr && said->is_array();
  if (said != nullptr &&
      (is_long(*said) || (list && std::ranges::any_of(said->as_array(), is_long))))
    return refuse(
        "invalid_args",
        "who prompted it is named in at most " + std::to_string(kClaimBytesMax) + " bytes",
        "/claims/on_behalf_of");
  if (list && said->as_array().size() > kOnBehalfOfMax)
    return refuse(
        "invalid_args",
        "at most " + std::to_string(kOnBehalfOfMax) + " people are said to have prompted it",
        "/claims/on_behalf_of");
  return {};
}

Result<void> check_text(std::string_view text, std::string_view what, std::string_view pointer) {
  if (text.size() > kReasonBytesMax) {
    return refuse(
        "too_large",
        std::string(what) + " is longer than " + std::to_string(kReasonBytesMax) + " bytes",
        std::string(pointer));
  }
  return {};
}

// What a decision was made from, besides what the record of it says elsewhere.
doc::Value recorded(const policy::PolicyInput& input) {
  policy::PolicyInput rest;
  rest.resource.labels = input.resource.labels;
  rest.actor = input.actor;
  rest.request = input.request;
  rest.history = input.history;
  doc::Value out = to_value(rest);
  std::erase_if(out.as_object(), [](const doc::Member& member) {
    return member.key == "action" || member.key == "facts" || member.key == "claims";
  });
  return out;
}

// Which agents may use which tools of an MCP server.
bool may_use(const Principal& who, const catalog::Tool& tool) {
  if (tool.kind != catalog::ToolKind::kMcp || who.kind != PrincipalKind::kAgent) return true;
  return tool.mcp_name.empty() ? tool.upstream->may_enter(who.id)
                               : tool.upstream->may_use(who.id, tool.mcp_name);
}

}  // namespace

std::string keyed_print(const Secret& key, std::initializer_list<std::string_view> parts) {
  std::string message;
  for (const std::string_view part : parts) {
    message += std::to_string(part.size()) + ":";
    message += part;
  }
  return to_hex(view(crypto::hmac_sha256(key.reveal(), message)));
}

Event as_if_committed(const EventDraft& draft, std::uint64_t position, Time now) {
  Event event;
  event.stream = draft.stream;
  event.type = draft.type;
  event.position = position;
  event.time = now;
  event.body = draft.body;
  event.private_part = draft.private_part;
  return event;
}

const catalog::Tool* Gate::Impl::find_tool(const Configuration& configuration,
                                           const std::string& name) const {
  if (const auto built_in = built_ins.find(name); built_in != built_ins.end())
    return &built_in->second.tool;
  return configuration.tools ? configuration.tools->find(name) : nullptr;
}

Task<Result<Described>> Gate::Impl::describe(Asked what, doc::Value reviewed) {
  const catalog::Tool& tool = what.tool;
  if (tool.kind == catalog::ToolKind::kGrantOnly) {
    Described plain;
    plain.facts.operation = tool.operation;
    plain.facts.tree = doc::object({{"uninspectable", false}, {"why", doc::Array{}}});
    const auto built_in = built_ins.find(tool.name);
    if (built_in != built_ins.end() && built_in->second.what.describe) {
      Result<doc::Value> said =
          co_await built_in->second.what.describe(what.requester, what.args, std::move(reviewed));
      if (!said) co_return std::unexpected(said.error());
      plain.description = std::move(*said);
      co_return plain;
    }
    plain.description =
        doc::object({{"grant", doc::object({{"enforcement_point", tool.enforcement_point}})}});
    co_return plain;
  }
  if (tool.kind == catalog::ToolKind::kRunbook) {
    if (!runner.describe) co_return refuse("not_executable", "runbooks are not run from here");
    Result<doc::Value> plan = co_await runner.describe(what);
    if (!plan) co_return std::unexpected(plan.error());
    Described out;
    out.facts.operation = tool.operation;
    out.facts.tree = doc::object({{"uninspectable", false}, {"why", doc::Array{}}});
    out.description = std::move(*plan);
    co_return out;
  }
  Result<Described> described = co_await ports.executor.describe(tool, what.args);
  co_return described;
}

Task<Result<Case>> Gate::Impl::build_case(Principal who, ActionRequest request, std::string amends,
                                          const ActionRecord* before) {
  Result<Case> described =
      co_await describe_case(std::move(who), std::move(request), std::move(amends), before);
  if (!described || described->tool == nullptr) co_return described;
  described->may_stand = true;
  Result<Case> decided = co_await decide_case(std::move(*described), std::nullopt);
  co_return decided;
}

Task<Result<Case>> Gate::Impl::describe_case(Principal who, ActionRequest request,
                                             std::string amends, const ActionRecord* before) {
  if (Result<void> ok = check_on_behalf_of(request.claims); !ok)
    co_return std::unexpected(ok.error());
  Case c;
  c.created_at = now();
  c.id = ActionId(make_sortable_id("act_", unix_ms(c.created_at), ports.random));
  c.configuration = world.configuration;
  c.requester = before == nullptr ? who : before->requester;
  const people::Agent* agent =
      c.requester.kind == PrincipalKind::kAgent ? world.directory.agent(c.requester.id) : nullptr;
  c.owner = agent == nullptr ? c.requester.id : agent->owner();
  c.lineage = people::lineage_of(world.directory, c.requester, c.created_at, request.claims);
  if (before != nullptr) {
    for (const people::Party& party : before->lineage.parties) c.lineage.add(party.role, party.id);
    c.lineage.requested_at = before->lineage.requested_at;
    c.lineage.add(people::Role::kAmender, who.id);
    c.absent = true;
    if (before->run) c.asked_before = before->verdict.plan;
  }
  if (request.run) {  // who had a part in the run has it in its steps
    if (const std::shared_ptr<ActionRecord> run = open_record(ActionId(request.run->run))) {
      for (const people::Party& party : run->lineage.parties) c.lineage.add(party.role, party.id);
    }
  }
  const auto built_in = built_ins.find(request.tool);
  if (built_in != built_ins.end() && built_in->second.what.related) {
    for (people::Party& party : co_await built_in->second.what.related(request.args))
      c.lineage.add(party.role, std::move(party.id));
  }
  c.amends = std::move(amends);
  c.expects = expects_of(c);
  c.request = std::move(request);
  if (c.request.args.is_null()) c.request.args = doc::Object{};
  if (c.request.claims.is_null()) c.request.claims = doc::Object{};
  c.args = c.request.args;
  if (Result<void> ok = check_text(c.request.reason, "reason", "/reason"); !ok)
    co_return std::unexpected(ok.error());

  for (const auto& [name, value] :
       {std::pair{"args", &c.request.args}, std::pair{"claims", &c.request.claims}}) {
    if (Result<std::string> exact = doc::canonical(*value); !exact) {
      co_return refuse("invalid_args", exact.error().message,
                       std::string("/") + name + exact.error().where);
    }
  }
  c.tool = find_tool(*c.configuration, c.request.tool);
  if (c.tool != nullptr && !may_use(c.requester, *c.tool)) c.tool = nullptr;  // as if it were not
  if (c.tool != nullptr && c.tool->upstream) {
    const std::string stream = "upstream/" + c.tool->upstream->name;
    c.expects.push_back({stream, seen(stream)});
  }
  if (built_in != built_ins.end() && built_in->second.what.steps_only) {
    if (!c.request.run) co_return refuse("steps_only", "this is a step of runbooks only", "/tool");
  } else if (built_in != built_ins.end() && c.requester.kind != PrincipalKind::kPerson) {
    co_return refuse("people_only", "only people propose this", "/tool");
  }
  if (options.check_literals) {
    std::set<std::string> secret_params;
    if (c.tool != nullptr) {
      for (const catalog::Param& param : c.tool->params) {
        if (param.secret) secret_params.insert(param.name);
      }
    }
    if (Result<void> ok = options.check_literals(c.request.args, secret_params); !ok)
      co_return std::unexpected(ok.error());
    const doc::Value reason = doc::object({{"reason", c.request.reason}});
    for (const auto& [text, where] :
         {std::pair{&reason, "/reason"}, {&c.request.claims, "/claims"}}) {
      if (Result<void> ok = options.check_literals(*text, {}); !ok)
        co_return refuse(ok.error().code, ok.error().message, where);
    }
  }
  if (c.tool == nullptr) {
    c.verdict = policy::deny_unknown_tool(*c.configuration->policy, c.request.tool);
    c.described.facts.operation = "execute";
    c.described.facts.tree = doc::object(
        {{"uninspectable", true}, {"why", doc::array_of({"no such tool is configured"})}});
    c.expires_at = c.created_at;
    seal_digest(c);
    co_return c;
  }
  if (c.request.mode && *c.request.mode != mode_word(c.tool->mode)) {
    co_return refuse(
        "mode_mismatch",
        "tool " + c.tool->name + " works in mode " + std::string(mode_word(c.tool->mode)), "/mode");
  }
  Result<doc::Value> checked = catalog::check_args(*c.tool, c.request.args);
  if (!checked) co_return std::unexpected(checked.error());
  c.args = std::move(*checked);
  Result<Described> described = co_await describe(of(c));
  if (!described) co_return std::unexpected(described.error());
  c.described = std::move(*described);
  if (c.request.operation && *c.request.operation != c.described.facts.operation) {
    co_return refuse("operation_mismatch",
                     "the request says operation \"" + *c.request.operation + "\", but this is \"" +
                         c.described.facts.operation + "\"",
                     "/operation");
  }
  if (c.request.resource && !c.request.resource->is_null()) {
    const Resource said = resource_from_value(*c.request.resource);
    const Resource& own = c.tool->resource;
    const bool agrees = (said.kind.empty() || said.kind == own.kind) &&
                        (said.name.empty() || said.name == own.name) &&
                        (said.env.empty() || said.env == own.env);
    if (!agrees)
      co_return refuse(
          "resource_mismatch",
          "the request names another resource than tool " + c.tool->name + " is configured for",
          "/resource");
  }
  co_return c;
}

std::string Gate::Impl::request_print(const Case& c) const {
  constexpr std::size_t kDigits = 32;
  const doc::Value& asked = c.original_args.is_null() ? c.args : c.original_args;
  return keyed_print(ports.hmac_key, {c.requester.id, c.request.tool, doc::write_json(asked)})
      .substr(0, kDigits);
}

History::Use Gate::Impl::use_of(const Case& c) {
  return {c.requester.id, c.request.tool, c.tool->resource.kind, c.tool->resource.name};
}

policy::PolicyInput Gate::Impl::policy_input(const Case& c) const {
  policy::PolicyInput in;
  in.tool = c.request.tool;
  in.operation = c.described.facts.operation;
  in.args = c.args;
  in.reason = c.request.reason;
  in.resource = c.tool->resource;
  in.actor.id = c.requester.id;
  in.actor.owner = c.owner;
  if (const people::Person* owner = world.directory.person(c.owner))
    in.actor.groups.assign(owner->groups.begin(), owner->groups.end());
  for (const people::Party& party : c.lineage.parties) {
    if (party.role == people::Role::kDelegator) in.actor.delegated_by.push_back(party.id);
  }
  in.request.time = now();
  in.request.channel = c.requester.channel;
  if (c.request.run) {
    in.request.runbook = c.request.run->runbook;
    in.request.step = c.request.run->step;
  }
  fill_emergencies(c, in.request);
  if (!denied_before.empty() && !c.blind) {
    const auto denied = denied_before.find(request_print(c));
    in.request.repeats_of_denied = denied == denied_before.end() ? 0 : denied->second.times;
  }
  in.history = history.of(c.blind ? History::Use{} : use_of(c), now(), c.counted_at);
  const doc::Value* first = c.inputs.find_path({"history", "first_time"});
  if (in.history && first != nullptr && first->is_bool())  // of an earlier decision on the same
    in.history->first_time = first->as_bool();
  in.facts = c.described.facts.tree;
  in.claims = c.request.claims;
  in.claims.set("reason", c.request.reason);
  return in;
}

// An approval of the whole run asks whoever is asked for one of its steps.
Result<void> Gate::Impl::ask_for_plan(Case& c) const {
  if (c.verdict.effect != Effect::kAllow && c.verdict.effect != Effect::kRequire) return {};
  if (!runner.asks) return {};
  Result<std::optional<Plan>> asked = runner.asks(c.described.description);
  if (!asked) return std::unexpected(asked.error());
  if (!*asked) return {};
  const bool required = c.verdict.effect == Effect::kRequire;
  c.inputs.set("said", doc::object({{"effect", to_text(c.verdict.effect)},
                                    {"plan", required ? to_value(c.verdict.plan) : doc::Value()}}));
  if (required) {
    Result<Plan> merged = policy::merge_plans(c.verdict.plan, **asked);
    if (!merged) return std::unexpected(merged.error());
    c.verdict.plan = std::move(*merged);
    return {};
  }
  c.verdict.effect = Effect::kRequire;
  c.verdict.plan = std::move(**asked);
  c.verdict.reasons.insert(c.verdict.reasons.begin(),
                           "the plan is approved as a whole: by everybody whom a step of it asks");
  return {};
}

// No policy asks fewer people than a built-in tool does.
Result<void> Gate::Impl::raise_to_floor(const BuiltInTool& tool, Case& c) {
  if (tool.what.steps_only && !tool.what.floor) {
    if (c.verdict.decided_by == "default") c.verdict.effect = Effect::kAllow;
    return {};
  }
  const Plan floor = tool.what.floor ? tool.what.floor(c.described.description) : tool.floor;
  const bool no_rule = c.verdict.decided_by == "default" || c.verdict.effect == Effect::kAllow;
  if (no_rule) {
    c.verdict.effect = Effect::kRequire;
    c.verdict.plan = floor;
    c.verdict.observed = false;
    c.verdict.decided_by = "built-in floor";
    c.verdict.reasons.insert(c.verdict.reasons.begin(),
                             tool.what.floor
                                 ? "this needs whoever is asked each time, whatever the policy says"
                                 : "this needs two unrelated people, whatever the policy says");
  } else if (c.verdict.effect == Effect::kRequire) {
    Result<Plan> merged = policy::merge_plans(c.verdict.plan, floor);
    if (!merged) return std::unexpected(merged.error());
    c.verdict.plan = std::move(*merged);
  }
  return {};
}

Task<Result<Case>> Gate::Impl::decide_case(Case c, std::optional<Time> deferred_since) {
  const policy::Document& document = *c.configuration->policy;
  policy::PolicyInput input = policy_input(c);
  input.request.deferred_since = deferred_since;
  c.inputs = recorded(input);
  c.repeats = input.request.repeats_of_denied;
  c.repeats_of = c.repeats == 0 ? "" : denied_before.at(request_print(c)).last;
  c.incident.clear();
  c.break_glass.clear();
  c.verdict = policy::decide(document, input);
  note_emergencies(c, input, c.verdict, [&](const policy::PolicyInput& without) {
    return policy::decide(document, without);
  });
  if (c.verdict.modified_args) {
    c.original_args = c.args;
    Result<doc::Value> checked = catalog::check_args(*c.tool, *c.verdict.modified_args);
    if (!checked) co_return std::unexpected(checked.error());
    if (Result<std::string> exact = doc::canonical(*checked); !exact)
      co_return refuse("invalid_args", "policy modifies the arguments: " + exact.error().message);
    c.args = std::move(*checked);
    Result<Described> described = co_await describe(of(c));
    if (!described) co_return std::unexpected(described.error());
    // What was found in the arguments as they were asked for: the first round was made from that.
    doc::Value asked = doc::object(
        {{"operation", c.described.facts.operation}, {"facts", c.described.facts.tree}});
    c.described = std::move(*described);
    input = policy_input(c);
    input.request.deferred_since = deferred_since;
    c.inputs = recorded(input);
    c.inputs.set("asked", std::move(asked));
    const Verdict first = c.verdict;
    c.verdict = policy::decide_again(document, input, first);
    note_emergencies(c, input, c.verdict, [&](const policy::PolicyInput& without) {
      return policy::decide_again(document, without, first);
    });
  }
  // What a runbook's own step may do without asking, another one may not in its place.
  if (c.asked_before && c.verdict.effect == Effect::kAllow) {
    c.verdict.effect = Effect::kRequire;
    c.verdict.plan = *c.asked_before;
    c.verdict.reasons.insert(c.verdict.reasons.begin(),
                             "a step that was changed asks whom it asked as it was");
  }
  if (const auto built_in = built_ins.find(c.request.tool); built_in != built_ins.end()) {
    if (Result<void> raised = raise_to_floor(built_in->second, c); !raised)
      co_return std::unexpected(raised.error());
  } else if (c.tool->kind == catalog::ToolKind::kRunbook) {
    if (Result<void> asked = ask_for_plan(c); !asked) co_return std::unexpected(asked.error());
  }
  c.planned_by.clear();
  c.previewed = {};
  if (c.may_stand && c.verdict.effect == Effect::kRequire) co_await plan_in(c);
  if (c.may_stand && c.verdict.effect == Effect::kRequire && !built_ins.contains(c.request.tool))
    c = co_await stand_in(std::move(c), std::move(input));
  if (c.verdict.effect == Effect::kRequire && !c.hypothetical) {
    c.previewed = co_await preview(c);
    note_look(c.id, c.previewed.shown, c.noted);
  }
  c.defer_until = c.verdict.defer_until;
  const Duration life = c.verdict.effect == Effect::kRequire ? c.verdict.plan.expires
                                                             : Duration(options.grant_expires);
  c.expires_at = std::chrono::floor<std::chrono::milliseconds>(now() + life);
  seal_digest(c);
  co_return c;
}

Task<Result<doc::Value>> Gate::explain(ActionRequest request, std::string agent,
                                       std::shared_ptr<const policy::Document> draft,
                                       bool sees_past) {
  Principal who;
  who.id = std::move(agent);
  const people::Agent* known = world_.directory.agent(who.id);
  if (known == nullptr) co_return refuse("not_found", "there is no agent " + who.id, "/agent");
  Result<Case> built = co_await impl_->describe_case(who, std::move(request), "", nullptr);
  if (!built) co_return std::unexpected(built.error());
  built->blind = !sees_past;
  if (draft) {
    auto configuration = std::make_shared<Configuration>(*built->configuration);
    configuration->policy = std::move(draft);
    built->configuration = std::move(configuration);
    if (built->tool == nullptr)
      built->verdict =
          policy::deny_unknown_tool(*built->configuration->policy, built->request.tool);
  }
  built->hypothetical = true;
  if (built->tool != nullptr) built = co_await impl_->decide_case(std::move(*built), std::nullopt);
  if (!built) co_return std::unexpected(built.error());
  if (built->tool == nullptr)
    co_return doc::object({{"verdict", to_value(built->verdict)}, {"rules", doc::Array{}}});
  co_return policy::explain(*built->configuration->policy, impl_->policy_input(*built));
}

}  // namespace keyturn::gate
