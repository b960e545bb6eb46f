// Who there is: the caller, people, agents, one's own tokens, and the numbers.
#include "api/impl.h"
#include "channels/links.h"

namespace keyturn::api {
namespace {

doc::Value agent_json(const people::Directory& directory, const people::Agent& agent) {
  const people::Person* owner = directory.person(agent.owner());
  return doc::object(
      {{"name", agent.name},
       {"owner", doc::object({{"id", agent.owner()},
                              {"name", owner == nullptr ? agent.owner() : owner->name}})},
       {"suspended", agent.suspended}});
}

doc::Value person_json(const people::Person& person) {
  return doc::object({{"id", person.id},
                      {"name", person.name},
                      {"email", person.email},
                      {"groups", doc::array_of_set(person.groups)},
                      {"active", person.active},
                      {"admin", person.admin},
                      {"auditor", person.auditor},
                      {"simulated", person.simulated},
                      {"service_of", person.service_of}});
}

bool owns(const Service& s, const Call& call, const std::string& agent_name) {
  const people::Agent* agent = s.directory().agent(agent_name);
  return agent != nullptr && s.directory().same_human(agent->owner(), call.caller.principal.id);
}

Task<Response> set_suspended(Service& s, Call& call, bool suspended) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  const std::string name = call.parts.front();
  Result<std::string> done =
      co_await s.ports.admin.suspend_agent(call.caller.principal, name, suspended);
  if (!done) co_return co_await s.refused(call, done.error());
  co_return json_answer(200, agent_json(s.directory(), *s.directory().agent(name)));
}

void append_all(doc::Array& to, const doc::Value& list) {
  const doc::Value* items = list.is_object() ? list.find("items") : &list;
  if (items == nullptr || !items->is_array()) return;
  for (const doc::Value& item : items->as_array()) to.push_back(item);
}

}  // namespace

Task<Response> get_me(Service& s, Call& call) {
  const gate::Configuration& active = *s.ports.gate.world().configuration;
  const Principal& who = call.caller.principal;
  doc::Value out = doc::object({{"kind", to_text(who.kind)}, {"id", who.id}});
  if (const people::Person* person = s.person_of(call)) {
    out.set("name", person->name);
    out.set("groups", doc::array_of_set(person->groups));
    out.set("admin", person->admin);
    out.set("auditor", person->auditor);
    out.set("emergencies", emergencies_of(s, call));
    out.set("away_until", person->away_until && *person->away_until > s.now()
                              ? doc::Value(to_rfc3339(*person->away_until))
                              : doc::Value(nullptr));
  } else if (const people::Agent* agent = s.directory().agent(who.id)) {
    out.set("name", agent->name);
    out.set("groups", doc::Array{});
    out.set("admin", false);
    out.set("owner", agent->owner());
  }
  out.set("assurance", to_text(who.assurance));
  out.set("channel", who.channel);
  out.set("csrf", call.caller.session ? call.caller.session->csrf : std::string());
  out.set("sealed", active.sealed);
  out.set("files_differ", s.ports.admin.files_differ());
  const auto& alarm = s.ports.audit.alarm();
  out.set("read_only", alarm ? doc::Value(alarm->message) : doc::Value());
  out.set("mode", active.policy && active.policy->observe() ? "observe" : "enforce");
  out.set("demo", s.options.demo);
  out.set("version", s.options.version);
  co_return json_answer(200, out);
}

// Chat accounts only for those who look after them.
Task<Response> get_people(Service& s, Call& call) {
  const people::Person* me = s.person_of(call);
  const bool with_chats = me != nullptr && (me->admin || me->auditor);
  doc::Array items;
  for (const auto& [id, person] : s.directory().persons()) {
    doc::Value one = person_json(person);
    if (with_chats) one.set("chat_accounts", doc::array_of(channels::chat_accounts_of(person)));
    items.push_back(std::move(one));
  }
  co_return json_answer(200, doc::object({{"items", std::move(items)}, {"next", nullptr}}));
}

Task<Response> get_agents(Service& s, Call&) {
  doc::Array items;
  for (const auto& [name, agent] : s.directory().agents())
    items.push_back(agent_json(s.directory(), agent));
  co_return json_answer(200, doc::object({{"items", std::move(items)}, {"next", nullptr}}));
}

Task<Response> suspend_agent(Service& s, Call& call) {
  return set_suspended(s, call, true);
}

Task<Response> resume_agent(Service& s, Call& call) {
  return set_suspended(s, call, false);
}

// One's own tokens and those of one's agents; an agent sees its own.
Task<Response> get_tokens(Service& s, Call& call) {
  const std::string& who = call.caller.principal.id;
  doc::Array items;
  append_all(items, s.ports.identity.list_tokens(who));
  if (call.caller.is_person()) {
    for (const auto& [name, agent] : s.directory().agents()) {
      if (owns(s, call, name)) append_all(items, s.ports.identity.list_tokens(name));
    }
  }
  co_return json_answer(200, doc::object({{"items", std::move(items)}, {"next", nullptr}}));
}

Task<Response> post_token(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  identity::TokenRequest request;
  request.agent = fields.string("agent");
  request.person = fields.string("person");
  request.life = fields.duration("expires");
  request.label = fields.string("label").value_or("");
  fields.finish();
  if (request.agent && request.person)
    fields.problem("unknown_field", "a token is for an agent or for a person, not both", "person");
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  const Principal& who = call.caller.principal;
  if (!request.agent && !request.person) request.person = who.id;
  // Nobody mints a credential that acts for another person; and a stolen token mints none at all.
  const bool is_own = request.person ? *request.person == who.id : owns(s, call, *request.agent);
  if (!is_own || who.assurance < Assurance::kSession) {
    co_return co_await s.refused(
        call, {"not_allowed",
               "tokens are made in a signed-in browser, for yourself or for an agent you own", ""});
  }
  Result<identity::NewToken> token =
      co_await s.ports.identity.create_token(who, std::move(request));
  if (!token) co_return co_await s.refused(call, token.error());
  co_return json_answer(
      201,
      doc::object({{"id", token->id},
                   {"token", token->secret.reveal()},
                   {"expires_at", token->expires_at ? doc::Value(to_rfc3339(*token->expires_at))
                                                    : doc::Value(nullptr)}}));
}

Task<Response> delete_token(Service& s, Call& call) {
  Result<std::string> revoked =
      co_await s.ports.identity.revoke_token(call.caller.principal, call.parts.front());
  if (!revoked) co_return co_await s.refused(call, revoked.error());
  co_return json_answer(200, doc::object({{"id", *revoked}, {"revoked", true}}));
}

Task<Response> get_stats(Service& s, Call&) {
  const gate::Gate::Numbers& n = s.ports.gate.numbers();
  doc::Value open =
      doc::object({{"deferred", 0}, {"pending", 0}, {"approved", 0}, {"executing", 0}});
  for (const auto& [state, count] : s.ports.gate.count_open())
    open.set(std::string(to_text(state)), count);
  doc::Value states = doc::Object{};
  if (s.ports.count_by_state) {
    Result<StateCounts> counts = co_await s.ports.count_by_state();
    if (counts) {
      for (const auto& [state, count] : *counts) states.set(std::string(to_text(state)), count);
    }
  }
  co_return json_answer(
      200, doc::object({{"since_start", doc::object({{"requested", n.requested},
                                                     {"allowed", n.allowed},
                                                     {"denied", n.denied},
                                                     {"required", n.required},
                                                     {"deferred", n.deferred},
                                                     {"votes", n.votes},
                                                     {"released", n.released},
                                                     {"refused", n.refused}})},
                        {"open", std::move(open)},
                        {"states", std::move(states)},
                        {"people", s.directory().persons().size()},
                        {"agents", s.directory().agents().size()},
                        {"ledger", doc::object({{"size", s.ports.audit.signed_size()}})}}));
}

}  // namespace keyturn::api
