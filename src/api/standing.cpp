// Standing approvals: proposed from what people approved, listed, revoked.
#include <algorithm>

#include "api/impl.h"

namespace keyturn::api {
namespace {

using people::Standing;

constexpr std::size_t kPage = 50;
constexpr std::uint64_t kPageMax = 200;

doc::Value standing_json(const Service& s, const Standing& one) {
  doc::Array approvals;
  for (const Standing::Approval& approval : one.approvals) {
    doc::Value v = doc::object({{"reviewer", approval.reviewer},
                                {"assurance", to_text(approval.assurance)},
                                {"channel", approval.channel}});
    if (!approval.instead_of.empty()) v.set("instead_of", approval.instead_of);
    approvals.push_back(std::move(v));
  }
  const std::string over = s.ports.gate.why_over(one);
  doc::Value out = doc::object({{"id", one.id},
                                {"agent", one.agent},
                                {"owner", one.owner},
                                {"tool", one.tool},
                                {"tool_digest", one.tool_digest},
                                {"operation", one.operation},
                                {"resource", to_value(one.resource)},
                                {"params", one.params},
                                {"bounds", people::to_value(one.bounds)},
                                {"plan", to_value(one.plan)},
                                {"granted_at", to_rfc3339(one.granted_at)},
                                {"until", to_rfc3339(one.until)},
                                {"uses_max", one.uses_max},
                                {"uses", one.uses},
                                {"in_force", over.empty()},
                                {"proposer", one.proposer},
                                {"approvals", std::move(approvals)},
                                {"action", one.action},
                                {"like", one.model},
                                {"reason", one.reason}});
  if (!over.empty()) out.set("over", over);
  if (!one.revoked_by.empty()) out.set("revoked_by", one.revoked_by);
  return out;
}

struct Wish {
  admin::Admin::StandingProposal proposal;
  std::string reason;
};

Result<Wish> read_wish(const net::HttpRequest& request) {
  Result<doc::Value> body = json_body(request);
  if (!body) return std::unexpected(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  Wish out;
  out.proposal.action = required(fields, "action");
  if (const doc::Value* bounds = fields.object("bounds")) out.proposal.bounds = *bounds;
  const auto uses = fields.integer("uses", 1, 10'000);
  if (body->find("uses") == nullptr)
    fields.problem("missing_field", "uses is missing: how often it may be used", "uses");
  const auto lasts = fields.duration("lasts");
  if (body->find("lasts") == nullptr)
    fields.problem("missing_field", "lasts is missing: for how long, such as 7d", "lasts");
  if (lasts && (*lasts <= Duration{} || *lasts > Duration(std::chrono::days(90))))
    fields.problem("out_of_range", "lasts is at most 90d", "lasts");
  out.reason = fields.string("reason").value_or("");
  if (out.reason.empty())
    fields.problem("missing_field", "a standing approval needs a reason", "reason");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) return std::unexpected(ok.error());
  out.proposal.uses = static_cast<std::uint64_t>(*uses);
  out.proposal.lasts = *lasts;
  return out;
}

}  // namespace

Task<Response> propose_standing(Service& s, Call& call) {
  Result<Wish> wish = read_wish(call.request);
  if (!wish) co_return problem(wish.error());
  Result<gate::Submitted> proposed = co_await s.ports.admin.propose_standing(
      call.caller.principal, std::move(wish->proposal), std::move(wish->reason));
  if (!proposed) co_return co_await s.refused(call, proposed.error(), "keyturn.standing");
  Response response = action_answer(s, call, *proposed->record, 201);
  response.headers.add("Location", "/v1/actions/" + proposed->record->id.str());
  co_return response;
}

// Newest first; ids sort by time.
Task<Response> list_standing(Service& s, Call& call) {
  if (Result<void> known = known_parameters(call.request, {"after", "limit"}, {}); !known)
    co_return problem(known.error());
  Result<std::optional<std::uint64_t>> limit = number_parameter(call.request, "limit", kPageMax);
  if (!limit) co_return problem(limit.error());
  if (*limit == 0u) co_return problem({"invalid_parameter", "limit is at least 1", ""});
  const std::string after(call.request.param("after").value_or(""));
  const auto& all = s.ports.gate.world().standing.all();
  doc::Array items;
  std::string next;
  for (auto it = after.empty() ? all.end() : all.lower_bound(after); it != all.begin();) {
    --it;
    if (!s.ports.gate.may_see(call.caller.principal.id, it->second)) continue;
    if (items.size() == limit->value_or(kPage)) {
      next = items.back().text("id");
      break;
    }
    items.push_back(standing_json(s, it->second));
  }
  co_return json_answer(
      200, doc::object({{"items", std::move(items)},
                        {"next", next.empty() ? doc::Value(nullptr) : doc::Value(next)}}));
}

Task<Response> get_standing(Service& s, Call& call) {
  const Standing* one = s.ports.gate.world().standing.find(call.parts.front());
  if (one == nullptr || !s.ports.gate.may_see(call.caller.principal.id, *one))
    co_return problem({"not_found", "there is no such standing approval, or not for you", ""});
  co_return json_answer(200, standing_json(s, *one));
}

Task<Response> revoke_standing(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  std::string reason = required(fields, "reason");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<Standing> ended = co_await s.ports.gate.revoke_standing(
      call.caller.principal, call.parts.front(), std::move(reason));
  if (!ended) co_return co_await s.refused(call, ended.error());
  co_return json_answer(200, standing_json(s, *ended));
}

}  // namespace keyturn::api
