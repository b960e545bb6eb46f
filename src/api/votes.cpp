// Votes: cast, taken back, and the challenge that a passkey signs.
#include "api/action_json.h"
#include "api/impl.h"

namespace keyturn::api {
namespace {

struct VoteBody {
  gate::VoteCommand command;
  std::string decision;
  std::optional<doc::Value> assertion;  // as the browser made it
  std::optional<std::string> retype;
};

Result<VoteBody> read_vote(const net::HttpRequest& request) {
  Result<doc::Value> body = json_body(request);
  if (!body) return std::unexpected(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  VoteBody vote;
  vote.decision = required(fields, "decision");
  vote.command.digest = required(fields, "digest");
  vote.command.note = fields.string("note").value_or("");
  if (const doc::Value* assertion = fields.object("assertion")) vote.assertion = *assertion;
  vote.retype = fields.string("retype");
  vote.command.instead_of = fields.string("instead_of");
  if (const auto decision = review::decision_from_text(vote.decision)) {
    vote.command.decision = *decision;
  } else if (!vote.decision.empty()) {
    fields.problem("out_of_range", "decision is \"approve\" or \"deny\"", "decision");
  }
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) return std::unexpected(ok.error());
  return vote;
}

// What a plan's `retype` names, of this action.
std::string retype_target(const gate::ActionRecord& record) {
  const std::string& what = record.verdict.plan.retype;
  if (what == "resource.name") return record.resource.name;
  if (what == "resource.env") return record.resource.env;
  if (what == "action.tool" || what == "tool") return record.tool;
  if (what == "action.operation" || what == "operation") return record.operation;
  return "";
}

}  // namespace

Task<Response> post_vote(Service& s, Call& call) {
  Result<VoteBody> vote = read_vote(call.request);
  if (!vote) co_return problem(vote.error());
  Principal who = call.caller.principal;
  const gate::RecordPtr record = co_await s.ports.gate.find(who, call.action());
  if (!record) co_return problem(no_such_action());
  const std::string tool = record->tool;
  if (vote->assertion) {
    if (!call.caller.session) {
      co_return problem(
          {"invalid_assertion", "passkey votes are cast in a signed-in browser", "/assertion"});
    }
    Result<doc::Value> kept = s.ports.identity.finish_vote(*call.caller.session, *record,
                                                           vote->decision, *vote->assertion);
    if (!kept) co_return co_await s.refused(call, kept.error(), tool);
    vote->command.assertion = std::move(*kept);
    who.assurance = Assurance::kPasskey;
  }
  vote->command.looked = s.looks.since(who.credential, record->case_digest, s.now());
  if (constexpr std::string_view kBy = "oidc:";
      call.caller.session && call.caller.session->credential.starts_with(kBy))
    vote->command.provider = call.caller.session->credential.substr(kBy.size());
  const std::string target = retype_target(*record);
  vote->command.retyped = vote->retype && !target.empty() && *vote->retype == target;
  // Whole-picture: nobody agrees to what no channel could have shown them. Whoever may not vote at
  // all hears that.
  if (vote->command.decision == review::Decision::kApprove &&
      s.ports.gate.may_vote(who.id, *record) && !shown_whole(view_of(s), *record)) {
    co_return co_await s.refused(
        call,
        {"not_shown",
         "this case is too large to be shown whole, so it can be denied but not approved", ""},
        tool);
  }
  Result<gate::RecordPtr> voted =
      co_await s.ports.gate.vote(who, call.action(), std::move(vote->command));
  if (!voted) co_return co_await s.refused(call, voted.error(), tool);
  co_return action_answer(s, call, **voted, 200);
}

Task<Response> delete_vote(Service& s, Call& call) {
  Result<gate::RecordPtr> record =
      co_await s.ports.gate.take_back(call.caller.principal, call.action());
  if (!record) co_return co_await s.refused(call, record.error(), tool_of(s, call));
  co_return action_answer(s, call, **record, 200);
}

Task<Response> challenge_vote(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  std::string decision = required(fields, "decision");
  if (!decision.empty() && !review::decision_from_text(decision))
    fields.problem("out_of_range", "decision is \"approve\" or \"deny\"", "decision");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  if (!call.caller.session)
    co_return problem({"invalid_assertion", "passkey votes are cast in a signed-in browser", ""});
  const gate::RecordPtr record = co_await s.ports.gate.find(call.caller.principal, call.action());
  if (!record) co_return problem(no_such_action());
  Result<identity::Ceremony> ceremony =
      co_await s.ports.identity.begin_vote(*call.caller.session, *record, std::move(decision));
  if (!ceremony) co_return co_await s.refused(call, ceremony.error(), record->tool);
  co_return json_answer(200,
                        doc::object({{"ceremony", ceremony->id}, {"options", ceremony->options}}));
}

}  // namespace keyturn::api
