// What the routes share. Internal to api/.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/action_json.h"
#include "api/api.h"
#include "api/body.h"
#include "api/error_status.h"
#include "base/task_impl.h"
#include "base/token_bucket.h"
#include "doc/json.h"
#include "gate/refusal_meter.h"
#include "net/blocking.h"

namespace keyturn::api {

using Response = net::HttpResponse;
using Service = Api::Impl;

struct Caller {
  Principal principal;
  std::optional<identity::Session> session;  // a browser's
  bool is_person() const { return principal.kind == PrincipalKind::kPerson; }
};

// One request on its way. Lives in the frame that answers it.
struct Call {
  net::HttpRequest request;
  net::RequestContext& context;
  Caller caller;                   // of routes that are not public
  std::vector<std::string> parts;  // what stood for {…} in the route's path

  ActionId action() const { return ActionId(parts.empty() ? std::string() : parts.front()); }
};

enum class Access {
  kPublic,  // anybody
  kCaller,  // an authenticated agent or person
  kPerson,  // a person
};

using RouteHandler = Task<Response> (*)(Service&, Call&);

struct Route {
  std::string_view method;
  std::string_view path;  // "/v1/actions/{id}/votes"; "{}" at the end takes the rest
  Access access;
  RouteHandler handler;
};
const std::vector<Route>& routes();
std::vector<Route> sign_on_routes();     // and these; sign_on.cpp
std::vector<Route> scim_routes();        // a part of them; scim.cpp
std::vector<Route> mcp_routes();         // and of them; mcp.cpp
std::vector<Route> attachment_routes();  // attachments.cpp

// Since when a person has had this very case before their eyes, as this server saw it.
class Looks {
 public:
  void saw(const std::string& who, const std::string& digest, Time now);
  std::optional<Duration> since(const std::string& who, const std::string& digest, Time now) const;

 private:
  std::map<std::pair<std::string, std::string>, Time> first_;
};

// How often one peer may begin to sign in: what nobody is authenticated for yet.
class SignInLimit {
 public:
  Result<void> admit(const std::string& peer, Time now);

 private:
  std::map<std::string, TokenBucket> buckets_;
};

// How often one section's client may ask (RFC 7644 knows 429 by RFC 6585).
class ScimLimit {
 public:
  Result<void> admit(const std::string& section, Time now);

 private:
  std::map<std::string, TokenBucket> buckets_;
};

struct HttpNumbers {
  std::map<int, std::uint64_t> by_class;  // 2 -> answers 200 to 299
  std::uint64_t parked = 0, streams = 0;  // now
};

struct ReplayRun;  // replay.cpp

struct Api::Impl {
  Impl(ApiPorts ports, ApiOptions options);

  Task<Response> answer(net::HttpRequest request, net::RequestContext& context);
  // Who asks. A session lives on by what its person does; an open stream, a wait and a page that
  // looks by itself keep none alive. Codes: unauthenticated, ambiguous_credentials, inactive,
  // suspended.
  enum class Asked { kByPerson, kByItself };
  Result<Caller> authenticate(const net::HttpRequest& request, Asked asked) const;
  // Before it: fetches the keys that a JWT is verified with, where they are not at hand.
  Task<void> prepare(const net::HttpRequest& request) const;
  // What a browser's request that changes something must carry. Codes: wrong_origin, csrf.
  Result<void> check_browser(const net::HttpRequest& request, const Caller& caller) const;
  Result<void> check_origin(const net::HttpRequest& request) const;
  // The caller's credential still holds: for answers that come after a wait.
  bool still_valid(const Call& call) const;
  // The refusal as an answer; leaves a trace when it concerns security.
  Task<Response> refused(const Principal& who, Refusal refusal, std::string tool);
  Task<Response> refused(const Call& call, Refusal refusal, std::string tool = "");

  bool is_https() const { return options.public_url.starts_with("https://"); }
  std::string cookie_name() const;
  std::string set_cookie(std::string_view value) const;  // "" ends it
  const people::Directory& directory() const { return ports.gate.world().directory; }
  const people::Person* person_of(const Call& call) const;
  Time now() const { return ports.gate.clock().now(); }

  ApiPorts ports;
  ApiOptions options;
  HostRoutes host;
  Looks looks;
  gate::RefusalMeter meter;
  SignInLimit sign_ins;
  ScimLimit scim_limit;
  std::map<std::string, Time> scim_heard;  // section -> when it last asked, since the start
  HttpNumbers http;
  std::map<std::string, std::size_t> streams_of;  // caller -> open streams
  std::weak_ptr<ReplayRun> replay;                // the one that runs, if one does
  std::unique_ptr<net::BlockingPool> replay_pool;
  std::unique_ptr<net::BlockingPool> check_pool;
  net::BlockingPool& checks();  // made when it is first asked for; at most 16 wait
};

inline Response json_answer(int status, const doc::Value& value) {
  return net::json_response(status, doc::write_json(value));
}

// Waits, parked, until `done` says so of the action, the time is over, or the caller may not know
// of it any more (null). The record as it then stands.
Task<gate::RecordPtr> await_action(Service& service, Call& call, ActionId id, Duration most,
                                   std::function<bool(const gate::ActionRecord&)> done);

ActionView view_of(Service& service);
// The action as this caller is shown it; 200 or 202 by its state when no status is given. Carries
// the grant when this is the answer that first does.
Response action_answer(Service& service, const Call& call, const gate::ActionRecord& record,
                       std::optional<int> status = std::nullopt);
Refusal no_such_action();
// What waits for the calling person (for=me), or for others after their vote (for=voted). inbox.cpp
Response inbox(Service& service, const Call& call, const ListQuery& query);
// What a check of documents said, as JSON. policy.cpp
doc::Array diagnostics_of(const doc::FileProblems& problems);
std::string tool_of(Service& service, const Call& call);  // of an open action; for refusals

// ---- the handlers, a file a concern
Task<Response> get_insights(Service&, Call&);      // insights.cpp
Task<Response> post_canary(Service&, Call&);       // canaries.cpp
Task<Response> get_admin_groups(Service&, Call&);  // administration.cpp
Task<Response> get_admin_tokens(Service&, Call&);
Task<Response> get_admin_sessions(Service&, Call&);
Task<Response> delete_admin_session(Service&, Call&);
Task<Response> get_admin_channels(Service&, Call&);
Task<Response> deactivate_person(Service&, Call&);
Task<Response> activate_person(Service&, Call&);
Task<Response> post_action(Service&, Call&);  // actions.cpp
Task<Response> get_action(Service&, Call&);
Task<Response> get_timeline(Service&, Call&);
Task<Response> cancel_action(Service&, Call&);
Task<Response> amend_action(Service&, Call&);
Task<Response> comment_action(Service&, Call&);
Task<Response> post_vote(Service&, Call&);  // votes.cpp
Task<Response> delete_vote(Service&, Call&);
Task<Response> challenge_vote(Service&, Call&);
Task<Response> stream_action(Service&, Call&);  // streams.cpp
Task<Response> stream_inbox(Service&, Call&);
Task<Response> stream_actions(Service&, Call&);
Task<Response> list_actions(Service&, Call&);   // lists.cpp
Task<Response> consume_grant(Service&, Call&);  // grants.cpp
Task<Response> post_outcome(Service&, Call&);
Task<Response> get_checkpoint(Service&, Call&);  // ledger.cpp
Task<Response> get_tile(Service&, Call&);
Task<Response> get_ledger(Service&, Call&);
Task<Response> get_entries(Service&, Call&);
Task<Response> get_proof(Service&, Call&);
Task<Response> get_consistency(Service&, Call&);
Task<Response> get_exports(Service&, Call&);
Task<Response> get_policy(Service&, Call&);  // policy.cpp
Task<Response> check_policy(Service&, Call&);
Task<Response> explain_policy(Service&, Call&);
Task<Response> propose_policy(Service&, Call&);
Task<Response> replay_policy(Service&, Call&);     // replay.cpp
Task<Response> propose_erasure(Service&, Call&);   // erasures.cpp
Task<Response> propose_standing(Service&, Call&);  // standing.cpp
Task<Response> list_standing(Service&, Call&);
Task<Response> get_standing(Service&, Call&);
Task<Response> revoke_standing(Service&, Call&);
Task<Response> get_upstreams(Service&, Call&);  // upstreams.cpp
Task<Response> accept_upstream(Service&, Call&);
// What is open now and concerns the caller. emergencies.cpp
doc::Array emergencies_of(const Service& service, const Call& call);
Task<Response> get_incidents(Service&, Call&);  // emergencies.cpp
Task<Response> post_incident(Service&, Call&);
Task<Response> close_incident(Service&, Call&);
Task<Response> get_breakglass(Service&, Call&);
Task<Response> challenge_breakglass(Service&, Call&);
Task<Response> post_breakglass(Service&, Call&);
Task<Response> close_breakglass(Service&, Call&);
Task<Response> review_action(Service&, Call&);
Task<Response> get_runbooks(Service&, Call&);  // runs.cpp
Task<Response> get_runbook(Service&, Call&);
Task<Response> plan_runbook(Service&, Call&);
Task<Response> list_runs(Service&, Call&);
Task<Response> get_run(Service&, Call&);
Task<Response> stream_run(Service&, Call&);
Task<Response> pause_run(Service&, Call&);
Task<Response> resume_run(Service&, Call&);
Task<Response> cancel_run(Service&, Call&);
Task<Response> resolve_run(Service&, Call&);
Task<Response> get_delegations(Service&, Call&);  // delegations.cpp
Task<Response> post_delegation(Service&, Call&);
Task<Response> delete_delegation(Service&, Call&);
Task<Response> put_away(Service&, Call&);
void add_channels(const Service& service, doc::Array& out);  // channels.cpp
Task<Response> post_slack(Service&, Call&);
Task<Response> post_teams(Service&, Call&);
Task<Response> get_links(Service&, Call&);
Task<Response> post_link(Service&, Call&);
Task<Response> confirm_link(Service&, Call&);
Task<Response> delete_link(Service&, Call&);
Task<Response> delete_persons_link(Service&, Call&);
Task<Response> retry_channel(Service&, Call&);
Task<Response> get_oncall(Service&, Call&);  // oncall.cpp
Task<Response> post_oncall(Service&, Call&);
Task<Response> post_hook(Service&, Call&);
Task<Response> get_me(Service&, Call&);  // people.cpp
Task<Response> get_people(Service&, Call&);
Task<Response> get_agents(Service&, Call&);
Task<Response> suspend_agent(Service&, Call&);
Task<Response> resume_agent(Service&, Call&);
Task<Response> get_tokens(Service&, Call&);
Task<Response> post_token(Service&, Call&);
Task<Response> delete_token(Service&, Call&);
Task<Response> get_stats(Service&, Call&);
Task<Response> get_passkeys(Service&, Call&);  // passkeys.cpp
Task<Response> challenge_passkey(Service&, Call&);
Task<Response> post_passkey(Service&, Call&);
Task<Response> delete_passkey(Service&, Call&);
Task<Response> begin_enrol(Service&, Call&);  // auth.cpp
Task<Response> finish_enrol(Service&, Call&);
Task<Response> begin_login(Service&, Call&);
Task<Response> finish_login(Service&, Call&);
Task<Response> logout(Service&, Call&);
Task<Response> demo_state(Service&, Call&);  // demo.cpp
Task<Response> demo_scenarios(Service&, Call&);
Task<Response> demo_run(Service&, Call&);
Task<Response> demo_vote(Service&, Call&);
Task<Response> get_health(Service&, Call&);  // health.cpp
Task<Response> get_ready(Service&, Call&);
Task<Response> get_metrics(Service&, Call&);
Task<Response> get_openapi(Service&, Call&);

}  // namespace keyturn::api
