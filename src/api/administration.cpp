// What administrators act on and auditors look at: groups, tokens, sessions, people, and whether
// the ways to people and out of here work.
#include <algorithm>

#include "api/impl.h"
#include "identity/sign_on.h"

namespace keyturn::api {
namespace {

// Code not_allowed.
Result<void> may_look(const Service& s, const Call& call) {
  const people::Person* person = s.person_of(call);
  if (person != nullptr && (person->admin || person->auditor)) return {};
  return refuse("not_allowed", "administrators and auditors may look at this");
}

Response items(doc::Value list) {
  return json_answer(200, doc::object({{"items", std::move(list)}, {"next", nullptr}}));
}

// Whence a membership is: "here", or who vouches for it ("scim:okta").
doc::Array sources_of(const people::Directory& directory, const people::Person& person,
                      const std::string& group) {
  doc::Array out;
  if (person.own_groups.contains(group)) out.emplace_back("here");
  for (const auto& [source, snapshot] : person.vouched) {
    const bool counts = snapshot.known && (!snapshot.until || *snapshot.until > directory.now());
    if (counts && snapshot.groups.contains(group)) out.emplace_back(source);
  }
  return out;
}

doc::Value group_json(const people::Directory& directory, const std::string& name,
                      const std::set<std::string>& members, bool asked) {
  doc::Array list;
  for (const std::string& id : members) {
    const people::Person& person = *directory.person(id);
    list.push_back(doc::object({{"id", id},
                                {"name", person.name},
                                {"active", person.active},
                                {"sources", sources_of(directory, person, name)}}));
  }
  return doc::object({{"name", name}, {"members", std::move(list)}, {"asked_by_policy", asked}});
}

doc::Value channel(std::string name, std::string_view kind, std::string_view state,
                   std::string detail) {
  return doc::object({{"name", std::move(name)},
                      {"kind", kind},
                      {"state", state},
                      {"detail", std::move(detail)},
                      {"since", nullptr}});
}

void add_exports(const Service& s, doc::Array& out) {
  if (!s.ports.exports) return;
  const doc::Value exports = s.ports.exports();
  for (const doc::Value& one : exports.as_array()) {
    const std::string_view status = one.text("status");
    const std::int64_t lag = one.integer("lag");
    std::string detail = std::to_string(lag) + " entries behind";
    if (const std::string_view error = one.text("error"); !error.empty())
      detail += ": " + std::string(error);
    out.push_back(channel("export:" + std::string(one.text("name")), "export",
                          status == "running" ? "ok" : "down", std::move(detail)));
  }
}

void add_providers(const Service& s, doc::Array& out) {
  const auto& identity = s.ports.gate.world().configuration->identity;
  if (!identity) return;
  for (const auto& [name, provider] : identity->providers) {
    const std::string health =
        s.ports.sign_on == nullptr ? "idle" : s.ports.sign_on->health_of(name);
    const bool is_word = health == "ok" || health == "idle";
    std::string detail = health;
    if (health == "ok") detail = "its metadata is at hand";
    if (health == "idle") detail = "nobody has signed in there since the start";
    out.push_back(channel("oidc:" + name, "oidc", is_word ? health : "down", std::move(detail)));
  }
  for (const auto& [name, section] : identity->scim) {
    const auto found = s.scim_heard.find(name);
    const bool heard = found != s.scim_heard.end();
    doc::Value one = channel(
        "scim:" + name, "scim", heard ? "ok" : "idle",
        heard ? "last heard of at " + to_rfc3339(found->second) : "not heard of since the start");
    if (heard) one.set("since", to_rfc3339(found->second));
    out.push_back(std::move(one));
  }
}

Task<Response> set_active(Service& s, Call& call, bool active) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  std::string why;
  if (!active) why = fields.string("reason").value_or("");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<std::string> done = co_await s.ports.admin.set_active_by(
      call.caller.principal, call.parts.front(), active, std::move(why));
  if (!done) co_return co_await s.refused(call, done.error());
  co_return json_answer(200, doc::object({{"id", *done}, {"active", active}}));
}

}  // namespace

Task<Response> get_admin_groups(Service& s, Call& call) {
  if (Result<void> ok = may_look(s, call); !ok) co_return co_await s.refused(call, ok.error());
  const gate::World& world = s.ports.gate.world();
  std::set<std::string> asked;
  if (world.configuration->policy) asked = world.configuration->policy->groups();
  doc::Array list;
  for (const auto& [name, members] : world.directory.groups())
    list.push_back(group_json(world.directory, name, members, asked.contains(name)));
  co_return items(std::move(list));
}

Task<Response> get_admin_tokens(Service& s, Call& call) {
  if (Result<void> ok = may_look(s, call); !ok) co_return co_await s.refused(call, ok.error());
  co_return items(s.ports.identity.list_all_tokens());
}

Task<Response> get_admin_sessions(Service& s, Call& call) {
  if (Result<void> ok = may_look(s, call); !ok) co_return co_await s.refused(call, ok.error());
  doc::Value list = s.ports.identity.list_sessions();
  const std::string own = call.caller.session ? call.caller.session->id : std::string();
  for (doc::Value& one : list.as_array()) one.set("current", one.text("id") == own);
  co_return items(std::move(list));
}

Task<Response> delete_admin_session(Service& s, Call& call) {
  Result<std::string> ended =
      co_await s.ports.identity.end_session(call.caller.principal, call.parts.front());
  if (!ended) co_return co_await s.refused(call, ended.error());
  co_return json_answer(200, doc::object({{"id", *ended}, {"ended", true}}));
}

Task<Response> get_admin_channels(Service& s, Call& call) {
  if (Result<void> ok = may_look(s, call); !ok) co_return co_await s.refused(call, ok.error());
  doc::Array list;
  list.push_back(channel("web", "inbox", "ok", std::to_string(s.http.streams) + " pages are open"));
  add_providers(s, list);
  add_channels(s, list);
  add_exports(s, list);
  for (const std::string& trouble : s.ports.audit.witness_problems()) {
    const std::size_t colon = trouble.find(':');
    list.push_back(channel("witness:" + trouble.substr(0, colon), "witness", "down",
                           colon == std::string::npos ? trouble : trouble.substr(colon + 2)));
  }
  co_return items(std::move(list));
}

Task<Response> deactivate_person(Service& s, Call& call) {
  return set_active(s, call, false);
}

Task<Response> activate_person(Service& s, Call& call) {
  return set_active(s, call, true);
}

}  // namespace keyturn::api
