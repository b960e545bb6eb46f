// Incidents and broken glass, and the look afterwards.
#include <algorithm>

#include "api/action_json.h"
#include "api/impl.h"

namespace keyturn::api {
namespace {

using people::Emergency;
using people::EmergencyKind;

doc::Value emergency_json(const Service& s, const Call& call, const Emergency& one) {
  doc::Value out = doc::object({{"id", one.id},
                                {"kind", to_text(one.kind)},
                                {"opener", one.opener},
                                {"agents", doc::array_of_set(one.agents)},
                                {"opened_at", to_rfc3339(one.opened_at)},
                                {"until", to_rfc3339(one.until)},
                                {"in_force", one.in_force(s.now())},
                                {"uses", one.uses}});
  if (!one.closed_by.empty()) out.set("closed_by", one.closed_by);
  // Why it was opened is for those whom it concerns.
  if (s.ports.gate.concerns(call.caller.principal.id, one)) out.set("reason", one.reason);
  return out;
}

Task<Response> list_emergencies(Service& s, Call& call, EmergencyKind kind) {
  doc::Array items;
  for (const auto& [id, one] : s.ports.gate.world().emergencies.all()) {
    if (one.kind == kind) items.push_back(emergency_json(s, call, one));
  }
  std::ranges::reverse(items);  // newest first
  co_return json_answer(
      200, doc::object({{"items", std::move(items)},
                        {"next", nullptr},
                        {"may_open", s.ports.gate.may_open(call.caller.principal.id, kind)}}));
}

struct Opening {
  gate::Gate::OpenEmergency wanted;
  std::optional<doc::Value> assertion;  // as the browser made it
};

Result<Opening> read_opening(const net::HttpRequest& request, EmergencyKind kind, bool asks_why) {
  Result<doc::Value> body = json_body(request);
  if (!body) return std::unexpected(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  Opening out;
  out.wanted.kind = kind;
  if (const auto agents = fields.strings_or_one("agents"))
    out.wanted.agents = {agents->begin(), agents->end()};
  out.wanted.lasts = fields.duration("lasts");
  if (asks_why) {
    out.wanted.reason = required(fields, "reason");
    if (const doc::Value* assertion = fields.object("assertion")) out.assertion = *assertion;
  }
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) return std::unexpected(ok.error());
  return out;
}

// What the passkey signs: public, so without the reason.
doc::Value statement_of(const gate::Gate::OpenEmergency& wanted) {
  doc::Value out =
      doc::object({{"kind", to_text(wanted.kind)}, {"agents", doc::array_of_set(wanted.agents)}});
  if (wanted.lasts) out.set("lasts", to_text(*wanted.lasts));
  return out;
}

Task<Response> open(Service& s, Call& call, EmergencyKind kind) {
  Result<Opening> read = read_opening(call.request, kind, true);
  if (!read) co_return problem(read.error());
  Opening opening = std::move(*read);
  Principal who = call.caller.principal;
  if (opening.assertion) {
    if (!call.caller.session)
      co_return problem(
          {"invalid_assertion", "this is signed in a signed-in browser", "/assertion"});
    Result<doc::Value> kept = s.ports.identity.finish_statement(
        *call.caller.session, statement_of(opening.wanted), *opening.assertion);
    if (!kept) co_return co_await s.refused(call, kept.error());
    opening.wanted.assertion = std::move(*kept);
    who.assurance = Assurance::kPasskey;
  }
  Result<Emergency> opened = co_await s.ports.gate.open_emergency(who, std::move(opening.wanted));
  if (!opened) co_return co_await s.refused(call, opened.error());
  co_return json_answer(201, emergency_json(s, call, *opened));
}

Task<Response> close(Service& s, Call& call, EmergencyKind kind) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader(*body, "", problems).finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  const Emergency* one = s.ports.gate.world().emergencies.find(call.parts.front());
  if (one == nullptr || one->kind != kind)
    co_return problem({"not_found", "there is no such emergency", ""});
  Result<Emergency> closed =
      co_await s.ports.gate.close_emergency(call.caller.principal, call.parts.front());
  if (!closed) co_return co_await s.refused(call, closed.error());
  co_return json_answer(200, emergency_json(s, call, *closed));
}

}  // namespace

doc::Array emergencies_of(const Service& s, const Call& call) {
  doc::Array out;
  for (const auto& [id, one] : s.ports.gate.world().emergencies.all()) {
    if (one.in_force(s.now()) && s.ports.gate.concerns(call.caller.principal.id, one))
      out.push_back(emergency_json(s, call, one));
  }
  return out;
}

Task<Response> get_incidents(Service& s, Call& call) {
  return list_emergencies(s, call, EmergencyKind::kIncident);
}

Task<Response> get_breakglass(Service& s, Call& call) {
  return list_emergencies(s, call, EmergencyKind::kBreakGlass);
}

Task<Response> post_incident(Service& s, Call& call) {
  return open(s, call, EmergencyKind::kIncident);
}

Task<Response> challenge_breakglass(Service& s, Call& call) {
  Result<Opening> opening = read_opening(call.request, EmergencyKind::kBreakGlass, false);
  if (!opening) co_return problem(opening.error());
  if (!call.caller.session)
    co_return problem({"invalid_assertion", "this is signed in a signed-in browser", ""});
  Result<identity::Ceremony> ceremony = co_await s.ports.identity.begin_statement(
      *call.caller.session, statement_of(opening->wanted));
  if (!ceremony) co_return co_await s.refused(call, ceremony.error());
  co_return json_answer(200,
                        doc::object({{"ceremony", ceremony->id}, {"options", ceremony->options}}));
}

Task<Response> post_breakglass(Service& s, Call& call) {
  return open(s, call, EmergencyKind::kBreakGlass);
}

Task<Response> close_incident(Service& s, Call& call) {
  return close(s, call, EmergencyKind::kIncident);
}

Task<Response> close_breakglass(Service& s, Call& call) {
  return close(s, call, EmergencyKind::kBreakGlass);
}

Task<Response> review_action(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  const std::string verdict = required(fields, "verdict");
  std::string note = required(fields, "note");
  if (!verdict.empty() && verdict != "justified" && verdict != "unjustified")
    fields.problem("out_of_range", "verdict is \"justified\" or \"unjustified\"", "verdict");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<gate::RecordPtr> looked = co_await s.ports.gate.look_after(
      call.caller.principal, call.action(), verdict == "justified", std::move(note));
  if (!looked) co_return co_await s.refused(call, looked.error(), tool_of(s, call));
  co_return action_answer(s, call, **looked, 200);
}

}  // namespace keyturn::api
