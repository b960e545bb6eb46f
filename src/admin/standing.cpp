// A standing approval as an action of the built-in tool keyturn.standing: its case says exactly
// what will stand, and it takes at least the people whom it stands in for.
#include "people/standing.h"

#include "admin/admin.h"
#include "admin/change.h"
#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "policy/decide.h"

namespace keyturn::admin {
namespace {

using people::Standing;

constexpr std::string_view kStandingTool = "keyturn.standing";
constexpr std::uint64_t kUsesMax = 10'000;

catalog::Tool standing_tool() {
  catalog::Tool tool;
  tool.name = kStandingTool;
  tool.kind = catalog::ToolKind::kGrantOnly;  // nothing of connectors/ runs it
  tool.mode = catalog::Mode::kExecute;
  tool.operation = "approve";
  tool.resource = {"keyturn", "standing approvals", "keyturn", {}};
  for (const auto& [name, type] : {std::pair{"action", "string"},
                                   {"bounds", "object"},
                                   {"uses", "integer"},
                                   {"until", "string"}}) {
    catalog::Param param;
    param.name = name;
    param.required = std::string_view(name) != "bounds";
    param.schema = doc::object({{"type", type}});
    tool.params.push_back(std::move(param));
  }
  tool.digest = crypto::sha256_text("keyturn/v1/tool/" + tool.name);
  return tool;
}

Result<gate::Gate::StandingWish> read_wish(const doc::Value& args) {
  gate::Gate::StandingWish wish;
  wish.model = ActionId(std::string(args.text("action")));
  const doc::Value* bounds = args.find("bounds");
  Result<people::Bounds> read =
      people::bounds_from(bounds == nullptr ? doc::Value() : *bounds, "/bounds");
  if (!read) return std::unexpected(read.error());
  wish.bounds = std::move(*read);
  const doc::Value* uses = args.find("uses");
  const std::optional<std::uint64_t> count = uses == nullptr ? std::nullopt : uses->as_uint64();
  if (!count || *count == 0 || *count > kUsesMax)
    return refuse("invalid_args", "uses is from 1 to " + std::to_string(kUsesMax), "/uses");
  wish.uses = *count;
  const std::optional<Time> until = from_rfc3339(args.text("until"));
  if (!until) return refuse("invalid_args", "until is an RFC 3339 time with its zone", "/until");
  wish.until = *until;
  return wish;
}

doc::Value parameters_of(const Standing& standing) {
  const doc::Value bounds = people::to_value(standing.bounds);
  doc::Value out = doc::Object{};
  for (const doc::Member& member : standing.params.as_object()) {
    const doc::Value* bound = bounds.find(member.key);
    out.set(member.key, bound != nullptr ? *bound : doc::object({{"exactly", member.value}}));
  }
  return out;
}

// All of what will stand, as it is shown to who agrees.
doc::Value described(const Standing& standing) {
  doc::Value out = doc::object({{"agent", standing.agent},
                                {"owner", standing.owner},
                                {"tool", standing.tool},
                                {"tool_digest", standing.tool_digest},
                                {"operation", standing.operation},
                                {"resource", to_value(standing.resource)},
                                {"parameters", parameters_of(standing)},
                                {"uses", standing.uses_max},
                                {"until", to_rfc3339(standing.until)},
                                {"like", standing.model},
                                {"runs", standing.runs},
                                {"stands_in_for", policy::in_words(standing.plan)},
                                {"plan", to_value(standing.plan)}});
  if (!standing.changed_by_policy.empty())
    out.set("set_by_policy",
            doc::array_of(std::vector<std::string>(standing.changed_by_policy.begin(),
                                                   standing.changed_by_policy.end())));
  return out;
}

std::vector<Standing::Approval> approvals_of(const review::Review& review) {
  std::vector<Standing::Approval> out;
  for (const review::Vote& vote : review.votes) {
    if (vote.decision == review::Decision::kApprove)
      out.push_back({vote.reviewer, vote.instead_of, vote.channel, vote.assurance});
  }
  return out;
}

// The agent with all its owners since, and everybody who had a part in the model.
Task<std::vector<people::Party>> concerned(gate::Gate& gate, doc::Value args) {
  const gate::RecordPtr model =
      co_await gate.find({PrincipalKind::kHost, "host", "", Assurance::kToken, "host"},
                         ActionId(std::string(args.text("action"))));
  std::vector<people::Party> out;
  if (!model) co_return out;
  out = model->lineage.parties;
  out.push_back({people::Role::kDelegator, model->requester.id});
  co_return out;
}

}  // namespace

void Admin::add_standing_tool() {
  gate::Gate::BuiltIn what;
  what.run = [this](const gate::ActionRecord& record) { return carry_out_standing(record); };
  what.describe = [this](Principal who, doc::Value args, doc::Value) {
    return describe_standing(std::move(who), std::move(args));
  };
  what.related = [this](doc::Value args) { return concerned(gate_, std::move(args)); };
  what.floor = [](const doc::Value& description) {
    const doc::Value* plan = description.find("plan");
    return plan == nullptr ? built_in_floor() : plan_from_value(*plan);
  };
  what.recover = [this](ActionId action) { return recover_standing(std::move(action)); };
  gate_.add_built_in(standing_tool(), built_in_floor(), std::move(what));
}

Task<Result<gate::Submitted>> Admin::propose_standing(Principal who, StandingProposal proposal,
                                                      std::string reason) {
  ActionRequest request;
  request.tool = kStandingTool;
  const Time until =
      std::chrono::floor<std::chrono::milliseconds>(gate_.clock().now()) + proposal.lasts;
  request.args = doc::object(
      {{"action", proposal.action}, {"uses", proposal.uses}, {"until", to_rfc3339(until)}});
  if (!proposal.bounds.is_null()) request.args.set("bounds", std::move(proposal.bounds));
  request.claims = doc::Object{};
  request.reason = std::move(reason);
  Result<gate::Submitted> submitted = co_await gate_.submit(who, std::move(request));
  co_return submitted;
}

Task<Result<Standing>> Admin::plan_standing(Principal who, doc::Value args) {
  Result<gate::Gate::StandingWish> wish = read_wish(args);
  if (!wish) co_return std::unexpected(wish.error());
  Result<Standing> standing = co_await gate_.standing_like(std::move(who), std::move(*wish));
  co_return standing;
}

Task<Result<doc::Value>> Admin::describe_standing(Principal who, doc::Value args) {
  Result<Standing> standing = co_await plan_standing(std::move(who), std::move(args));
  if (!standing) co_return std::unexpected(standing.error());
  co_return described(*standing);
}

// Exactly what people agreed to, in the world as it is now, or nothing.
Task<Result<Outcome>> Admin::carry_out_standing(const gate::ActionRecord& record) {
  const Principal who = record.requester;
  const doc::Value args = record.args, agreed = record.description;
  Standing rest;  // what the proposal does not say
  rest.id = make_sortable_id("sa_", unix_ms(gate_.clock().now()), gate_.random());
  rest.action = record.id.str();
  rest.proposer = record.requester.id;
  rest.lineage = record.lineage;
  rest.reason = record.reason;
  if (record.review) {
    rest.plan = record.review->plan;
    rest.approvals = approvals_of(*record.review);
  }
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    Result<Standing> standing = co_await plan_standing(who, args);
    if (!standing) co_return nothing_done("nothing stands: " + standing.error().message);
    if (!(described(*standing) == agreed) || rest.approvals.empty())
      co_return nothing_done(
          "nothing stands: it would be something else by now than what was agreed to; propose it "
          "again");
    standing->id = rest.id;
    standing->action = rest.action;
    standing->proposer = rest.proposer;
    standing->lineage = rest.lineage;
    standing->reason = rest.reason;
    standing->plan = rest.plan;
    standing->approvals = rest.approvals;
    std::vector<EventDraft> events;
    events.push_back(people::standing_granted(*standing));
    std::vector<store::Expect> expects{expect(gate_, "standing/" + standing->id)};
    for (const char* stream : {"policy", "tools", "config"})
      expects.push_back(expect(gate_, stream));
    expects.push_back(expect(gate_, "agent/" + standing->agent));
    std::vector<store::Claim> claims{{"standing-of/" + rest.action, standing->id}};
    Result<std::vector<Event>> recorded =
        co_await gate_.record(std::move(events), std::move(expects), std::move(claims));
    if (!recorded && recorded.error().code == "conflict") continue;
    if (!recorded) co_return nothing_done("nothing stands: " + recorded.error().message);
    Outcome done;
    done.kind = OutcomeKind::kSucceeded;
    done.stdout_text = "standing approval " + standing->id + ": " +
                       std::to_string(standing->uses_max) + " uses of " + standing->tool + " by " +
                       standing->agent + ", until " + to_rfc3339(standing->until) + "\n";
    co_return done;
  }
  co_return nothing_done("nothing stands: too much else changed at once; propose it again");
}

// The claim is of the commit that granted it.
Task<Outcome> Admin::recover_standing(ActionId action) {
  const auto claim = co_await gate_.journal().find_claim("standing-of/" + action.str());
  if (!claim) co_return nothing_done("the server stopped before anything stood");
  Outcome done;
  done.kind = OutcomeKind::kSucceeded;
  done.stdout_text =
      "standing approval " + *claim + "; the server stopped before it could say so\n";
  co_return done;
}

}  // namespace keyturn::admin
