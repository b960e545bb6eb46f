// Every route, and the way of a request through them: find, authenticate, handle.
#include <algorithm>

#include "api/assets.h"
#include "api/impl.h"

namespace keyturn::api {
namespace {

std::string origin_of(const std::string& url) {
  const std::size_t authority = url.find("://");
  if (authority == std::string::npos) return url;
  return url.substr(0, url.find('/', authority + 3));
}

std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);  // the '/'
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

// The parts that stand for {…} when the path is the route's; a last "{rest}" takes all that
// follows.
std::optional<std::vector<std::string>> match(std::string_view route, std::string_view path) {
  std::vector<std::string> parts;
  while (!route.empty() && !path.empty()) {
    const std::string_view wanted = take_segment(route);
    if (wanted == "{rest}") {
      parts.emplace_back(path.substr(1));
      return parts;
    }
    const std::string_view got = take_segment(path);
    if (wanted.starts_with('{')) {
      if (got.empty() || got.size() > 128) return std::nullopt;
      parts.emplace_back(got);
    } else if (wanted != got) {
      return std::nullopt;
    }
  }
  if (!route.empty() || !path.empty()) return std::nullopt;
  return parts;
}

// For the record of a refusal: the peer only tells floods apart, it is not recorded.
Principal nobody(const std::string& peer) {
  Principal out;
  out.kind = PrincipalKind::kHost;
  out.id = "unauthenticated";
  out.channel = peer;
  return out;
}

// A browser opens its streams again by itself, and a page that nobody touches says so.
Service::Asked asked(const Route& route, const net::HttpRequest& request) {
  const bool by_itself =
      route.path.ends_with("/stream") || request.header("x-keyturn-background").has_value();
  return by_itself ? Service::Asked::kByItself : Service::Asked::kByPerson;
}

Response method_not_allowed(const std::string& allowed) {
  Response response = problem({"method_not_allowed", "this path takes " + allowed, ""});
  response.headers.add("Allow", allowed);
  return response;
}

void harden(Response& response) {
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Referrer-Policy", "no-referrer");
  response.headers.set("X-Frame-Options", "DENY");
  response.headers.set("Cross-Origin-Resource-Policy", "same-origin");
  if (!response.headers.find("content-security-policy"))
    response.headers.add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
}

std::vector<Route> every_route() {
  using enum Access;
  std::vector<Route> table = {
      {"POST", "/v1/actions", kCaller, post_action},
      {"GET", "/v1/actions", kCaller, list_actions},
      {"GET", "/v1/actions/stream", kPerson, stream_actions},
      {"GET", "/v1/actions/{id}", kCaller, get_action},
      {"GET", "/v1/actions/{id}/stream", kCaller, stream_action},
      {"GET", "/v1/actions/{id}/timeline", kCaller, get_timeline},
      {"POST", "/v1/actions/{id}/votes", kCaller, post_vote},
      {"DELETE", "/v1/actions/{id}/votes", kCaller, delete_vote},
      {"POST", "/v1/actions/{id}/votes/challenge", kPerson, challenge_vote},
      {"POST", "/v1/actions/{id}/comments", kCaller, comment_action},
      {"POST", "/v1/actions/{id}/cancel", kCaller, cancel_action},
      {"POST", "/v1/actions/{id}/amend", kCaller, amend_action},
      {"POST", "/v1/actions/{id}/outcome", kCaller, post_outcome},
      {"POST", "/v1/actions/{id}/review", kPerson, review_action},
      {"POST", "/v1/grants/consume", kCaller, consume_grant},
      {"GET", "/v1/inbox/stream", kPerson, stream_inbox},
      {"GET", "/v1/policy", kPerson, get_policy},
      {"POST", "/v1/policy/check", kPerson, check_policy},
      {"POST", "/v1/policy/explain", kPerson, explain_policy},
      {"POST", "/v1/policy/replay", kPerson, replay_policy},
      {"POST", "/v1/policy/proposals", kPerson, propose_policy},
      {"POST", "/v1/erasures", kPerson, propose_erasure},
      {"GET", "/v1/standing", kPerson, list_standing},
      {"POST", "/v1/standing", kPerson, propose_standing},
      {"GET", "/v1/standing/{id}", kPerson, get_standing},
      {"POST", "/v1/standing/{id}/revoke", kPerson, revoke_standing},
      {"GET", "/v1/runbooks", kCaller, get_runbooks},
      {"GET", "/v1/runbooks/{name}", kCaller, get_runbook},
      {"POST", "/v1/runbooks/{name}/plan", kCaller, plan_runbook},
      {"GET", "/v1/runs", kCaller, list_runs},
      {"GET", "/v1/runs/{id}", kCaller, get_run},
      {"GET", "/v1/runs/{id}/stream", kCaller, stream_run},
      {"POST", "/v1/runs/{id}/pause", kCaller, pause_run},
      {"POST", "/v1/runs/{id}/resume", kCaller, resume_run},
      {"POST", "/v1/runs/{id}/cancel", kCaller, cancel_run},
      {"POST", "/v1/runs/{id}/resolve", kCaller, resolve_run},
      {"GET", "/v1/upstreams", kCaller, get_upstreams},
      {"POST", "/v1/upstreams/{name}/accept", kPerson, accept_upstream},
      {"GET", "/v1/incidents", kPerson, get_incidents},
      {"POST", "/v1/incidents", kPerson, post_incident},
      {"POST", "/v1/incidents/{id}/close", kPerson, close_incident},
      {"GET", "/v1/breakglass", kPerson, get_breakglass},
      {"POST", "/v1/breakglass", kPerson, post_breakglass},
      {"POST", "/v1/breakglass/challenge", kPerson, challenge_breakglass},
      {"POST", "/v1/breakglass/{id}/close", kPerson, close_breakglass},
      {"GET", "/v1/delegations", kPerson, get_delegations},
      {"POST", "/v1/delegations", kPerson, post_delegation},
      {"DELETE", "/v1/delegations/{id}", kPerson, delete_delegation},
      {"PUT", "/v1/me/away", kPerson, put_away},
      {"GET", "/v1/oncall", kPerson, get_oncall},
      {"POST", "/v1/oncall/{name}", kPublic, post_oncall},
      {"POST", "/v1/hooks/{name}", kPublic, post_hook},
      {"POST", "/slack/{rest}", kPublic, post_slack},
      {"POST", "/teams/{rest}", kPublic, post_teams},
      {"GET", "/v1/me/links", kPerson, get_links},
      {"POST", "/v1/me/links", kPerson, post_link},
      {"POST", "/v1/me/links/{id}/confirm", kPerson, confirm_link},
      {"DELETE", "/v1/me/links/{id}", kPerson, delete_link},
      {"DELETE", "/v1/people/{id}/links/{channel}", kPerson, delete_persons_link},
      {"POST", "/v1/admin/channels/{name}/retry", kPerson, retry_channel},
      {"GET", "/v1/me", kCaller, get_me},
      {"GET", "/v1/people", kPerson, get_people},
      {"GET", "/v1/agents", kPerson, get_agents},
      {"POST", "/v1/agents/{name}/suspend", kPerson, suspend_agent},
      {"POST", "/v1/agents/{name}/resume", kPerson, resume_agent},
      {"GET", "/v1/tokens", kCaller, get_tokens},
      {"POST", "/v1/tokens", kPerson, post_token},
      {"DELETE", "/v1/tokens/{id}", kPerson, delete_token},
      {"GET", "/v1/passkeys", kPerson, get_passkeys},
      {"POST", "/v1/passkeys/challenge", kPerson, challenge_passkey},
      {"POST", "/v1/passkeys", kPerson, post_passkey},
      {"DELETE", "/v1/passkeys/{id}", kPerson, delete_passkey},
      {"POST", "/v1/people/{id}/deactivate", kPerson, deactivate_person},
      {"POST", "/v1/people/{id}/activate", kPerson, activate_person},
      {"GET", "/v1/admin/groups", kPerson, get_admin_groups},
      {"GET", "/v1/admin/tokens", kPerson, get_admin_tokens},
      {"GET", "/v1/admin/sessions", kPerson, get_admin_sessions},
      {"DELETE", "/v1/admin/sessions/{id}", kPerson, delete_admin_session},
      {"GET", "/v1/admin/channels", kPerson, get_admin_channels},
      {"GET", "/v1/insights", kPerson, get_insights},
      {"POST", "/v1/canaries", kPerson, post_canary},
      {"GET", "/v1/stats", kPerson, get_stats},
      {"GET", "/v1/exports", kPerson, get_exports},
      {"GET", "/v1/ledger", kPerson, get_ledger},
      {"GET", "/v1/ledger/entries", kPerson, get_entries},
      {"GET", "/v1/ledger/proof", kPerson, get_proof},
      {"GET", "/v1/ledger/consistency", kPerson, get_consistency},
      {"GET", "/tile/entries/{rest}", kPerson, get_tile},
      {"GET", "/tile/{rest}", kPublic, get_tile},
      {"GET", "/checkpoint", kPublic, get_checkpoint},
      {"POST", "/auth/enrol/begin", kPublic, begin_enrol},
      {"POST", "/auth/enrol/finish", kPublic, finish_enrol},
      {"POST", "/auth/login/begin", kPublic, begin_login},
      {"POST", "/auth/login/finish", kPublic, finish_login},
      {"POST", "/auth/logout", kPerson, logout},
      {"GET", "/demo/state", kPerson, demo_state},
      {"GET", "/demo/scenarios", kPerson, demo_scenarios},
      {"POST", "/demo/run", kPerson, demo_run},
      {"POST", "/demo/vote", kPerson, demo_vote},
      {"GET", "/healthz", kPublic, get_health},
      {"GET", "/readyz", kPublic, get_ready},
      {"GET", "/metrics", kPublic, get_metrics},
      {"GET", "/openapi.json", kPublic, get_openapi},
      {"GET", "/schemas/{name}", kPublic, get_openapi},
  };
  std::ranges::move(sign_on_routes(), std::back_inserter(table));
  std::ranges::move(scim_routes(), std::back_inserter(table));
  std::ranges::move(mcp_routes(), std::back_inserter(table));
  std::ranges::move(attachment_routes(), std::back_inserter(table));
  return table;
}

}  // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> table = every_route();
  return table;
}

Api::Impl::Impl(ApiPorts all, ApiOptions wanted)
    : ports(std::move(all)),
      options(std::move(wanted)),
      host(ports.gate, ports.admin, ports.identity, options.public_url, ports.reload),
      meter(options.refusals_recorded_per_minute_max) {
  if (options.fingerprint_key.empty())
    options.fingerprint_key = Secret(ports.gate.random().bytes(32));
  if (options.origins.empty()) options.origins.push_back(origin_of(options.public_url));
}

Task<Response> Api::Impl::answer(net::HttpRequest request, net::RequestContext& context) {
  if (HostRoutes::is_host_path(request.path)) {
    if (!context.is_local_admin()) co_return problem({"not_found", "there is nothing here", ""});
    co_return co_await host.handle(std::move(request));
  }
  Call call{std::move(request), context, {}, {}};
  std::string allowed;
  const Route* found = nullptr;
  for (const Route& route : routes()) {
    std::optional<std::vector<std::string>> parts = match(route.path, call.request.path);
    if (!parts) continue;
    if (route.method == call.request.method) {
      found = &route;
      call.parts = std::move(*parts);
      break;
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == "GET") allowed += ", HEAD";
  }
  const bool is_demo = call.request.path.starts_with("/demo/");
  if (found == nullptr || (is_demo && !options.demo)) {
    std::optional<Response> file = asset_response(call.request);
    if (file) co_return std::move(*file);
    if (!allowed.empty() && !is_demo) co_return method_not_allowed(allowed);
    co_return problem({"not_found", "there is nothing at " + call.request.path, ""});
  }
  if (found->access != Access::kPublic) {
    co_await prepare(call.request);
    Result<Caller> caller = authenticate(call.request, asked(*found, call.request));
    if (!caller) {
      // Nobody asked to be anybody: nothing to remember.
      if (!call.request.header("authorization")) co_return problem(caller.error());
      co_return co_await refused(nobody(call.request.peer), caller.error(), "");
    }
    call.caller = std::move(*caller);
    if (Result<void> ok = check_browser(call.request, call.caller); !ok)
      co_return co_await refused(call, ok.error());
    if (found->access == Access::kPerson && !call.caller.is_person()) {
      co_return co_await refused(call, {"people_only", "this is for people; agents may not", ""});
    }
  }
  co_return co_await found->handler(*this, call);
}

Api::Api(ApiPorts ports, ApiOptions options)
    : impl_(std::make_unique<Impl>(std::move(ports), std::move(options))) {}

Api::~Api() = default;

Task<net::HttpResponse> Api::handle(net::HttpRequest request, net::RequestContext& context) {
  request.peer = net::client_of(request, impl_->options.trusted_proxies);
  Response response = co_await impl_->answer(std::move(request), context);
  harden(response);
  ++impl_->http.by_class[response.status / 100];
  co_return response;
}

}  // namespace keyturn::api
