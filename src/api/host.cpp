#include "api/host.h"

#include <array>

#include "api/body.h"
#include "api/error_status.h"
#include "base/task_impl.h"
#include "doc/json.h"

namespace keyturn::api {
namespace {

using Response = net::HttpResponse;

Principal the_host() {
  Principal out;
  out.kind = PrincipalKind::kHost;
  out.id = "host";
  out.channel = "host";
  return out;
}

Response answer(const doc::Value& value) {
  return net::json_response(200, doc::write_json(value));
}

Response answer_id(const Result<std::string>& result, std::string_view name) {
  if (!result) return problem(result.error());
  return answer(doc::object({{name, *result}}));
}

// A demo's colleague gets no credentials.
Result<void> check_real(const gate::Gate& gate, const std::string& person) {
  const people::Person* known = gate.world().directory.person(person);
  if (known == nullptr || !known->simulated) return {};
  return refuse("not_allowed", person + " is simulated: it has no credentials", "/person");
}

bool required_flag(doc::ObjectReader& fields, std::string_view key) {
  const std::optional<bool> flag = fields.boolean(key);
  if (!flag && fields.value().find(key) == nullptr)
    fields.problem("missing_field", std::string(key) + " is missing: true or false", key);
  return flag.value_or(false);
}

}  // namespace

HostRoutes::HostRoutes(gate::Gate& gate, admin::Admin& admin, identity::Identity& identity,
                       std::string public_url, Reload reload)
    : gate_(gate),
      admin_(admin),
      identity_(identity),
      public_url_(std::move(public_url)),
      reload_(std::move(reload)) {}

Task<Response> HostRoutes::handle(net::HttpRequest request) {
  struct Row {
    std::string_view path;
    Task<Response> (HostRoutes::*handler)(doc::Value);
  };
  static constexpr std::array kRows = std::to_array<Row>({
      {"/host/person", &HostRoutes::person},
      {"/host/person/groups", &HostRoutes::groups},
      {"/host/person/active", &HostRoutes::active},
      {"/host/agent", &HostRoutes::agent},
      {"/host/agent/suspend", &HostRoutes::suspend},
      {"/host/standing/revoke", &HostRoutes::revoke_standing},
      {"/host/upstream/accept", &HostRoutes::accept_upstream},
      {"/host/token", &HostRoutes::token},
      {"/host/enrol", &HostRoutes::enrol},
      {"/host/seal", &HostRoutes::seal},
      {"/host/reload", &HostRoutes::reload},
  });
  if (request.path == "/host/status") {
    if (request.method == "GET") co_return status();
    co_return problem({"method_not_allowed", "GET /host/status", ""});
  }
  for (const Row& row : kRows) {
    if (row.path != request.path) continue;
    if (request.method != "POST")
      co_return problem({"method_not_allowed", "POST " + request.path, ""});
    // The command line's own words: it need not say that they are JSON.
    request.headers.set("Content-Type", "application/json");
    Result<doc::Value> body = json_body(request);
    if (!body) co_return problem(body.error());
    co_return co_await (this->*row.handler)(std::move(*body));
  }
  co_return problem({"not_found", "there is no host command " + request.path, ""});
}

Task<Response> HostRoutes::person(doc::Value body) {
  doc::Problems problems;
  doc::ObjectReader fields(body, "", problems);
  admin::NewPerson person;
  person.id = required(fields, "id");
  person.name = fields.string("name").value_or("");
  person.email = fields.string("email").value_or("");
  person.groups = fields.strings("groups").value_or(std::vector<std::string>{});
  person.aliases = fields.strings("aliases").value_or(std::vector<std::string>{});
  person.simulated = fields.boolean("simulated").value_or(false);
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<std::string> added = co_await admin_.add_person(std::move(person));
  co_return answer_id(added, "id");
}

Task<Response> HostRoutes::groups(doc::Value body) {
  doc::Problems problems;
  doc::ObjectReader fields(body, "", problems);
  std::string id = required(fields, "id");
  std::optional<std::vector<std::string>> groups = fields.strings("groups");
  if (!groups && body.find("groups") == nullptr)
    fields.problem("missing_field", "groups is missing: the whole list", "groups");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<std::string> changed = co_await admin_.set_groups(std::move(id), std::move(*groups));
  co_return answer_id(changed, "id");
}

Task<Response> HostRoutes::active(doc::Value body) {
  doc::Problems problems;
  doc::ObjectReader fields(body, "", problems);
  std::string id = required(fields, "id");
  const bool active = required_flag(fields, "active");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<std::string> changed = co_await admin_.set_active(std::move(id), active);
  co_return answer_id(changed, "id");
}

Task<Response> HostRoutes::agent(doc::Value body) {
  doc::Problems problems;
  doc::ObjectReader fields(body, "", problems);
  std::string name = required(fields, "name");
  std::string owner = required(fields, "owner");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<std::string> added = co_await admin_.add_agent(std::move(name), std::move(owner));
  co_return answer_id(added, "name");
}

Task<Response> HostRoutes::suspend(doc::Value body) {
  doc::Problems problems;
  doc::ObjectReader fields(body, "", problems);
  std::string name = required(fields, "name");
  const bool suspended = required_flag(fields, "suspended");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<std::string> done = co_await admin_.suspend_agent(the_host(), std::move(name), suspended);
  co_return answer_id(done, "name");
}

Task<Response> HostRoutes::revoke_standing(doc::Value body) {
  doc::Problems problems;
  doc::ObjectReader fields(body, "", problems);
  std::string id = required(fields, "id");
  std::string reason = required(fields, "reason");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<people::Standing> ended =
      co_await gate_.revoke_standing(the_host(), std::move(id), std::move(reason));
  if (!ended) co_return problem(ended.error());
  co_return answer(doc::object({{"id", ended->id}, {"until", to_rfc3339(ended->until)}}));
}

Task<Response> HostRoutes::accept_upstream(doc::Value body) {
  doc::Problems problems;
  doc::ObjectReader fields(body, "", problems);
  std::string upstream = required(fields, "upstream");
  std::vector<std::string> tools = fields.strings("tools").value_or(std::vector<std::string>{});
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<std::vector<std::string>> accepted =
      co_await admin_.accept_upstream(std::move(upstream), std::move(tools));
  if (!accepted) co_return problem(accepted.error());
  co_return answer(doc::object({{"accepted", doc::array_of(*accepted)}}));
}

Task<Response> HostRoutes::token(doc::Value body) {
  doc::Problems problems;
  doc::ObjectReader fields(body, "", problems);
  identity::TokenRequest request;
  request.agent = fields.string("agent");
  request.person = fields.string("person");
  request.life = fields.duration("expires");
  request.label = fields.string("label").value_or("");
  if (request.agent.has_value() == request.person.has_value())
    fields.problem("missing_field", "say whom it is for: agent or person, one of them", "agent");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  if (request.person && gate_.world().configuration->sealed) {
    co_return problem({"sealed",
                       "the configuration is sealed: a token for a person is made by that person, "
                       "signed in (POST /v1/tokens)",
                       "/person"});
  }
  if (request.person) {
    if (Result<void> ok = check_real(gate_, *request.person); !ok) co_return problem(ok.error());
  }
  Result<identity::NewToken> token =
      co_await identity_.create_token(the_host(), std::move(request));
  if (!token) co_return problem(token.error());
  co_return answer(
      doc::object({{"id", token->id},
                   {"token", token->secret.reveal()},
                   {"expires_at", token->expires_at ? doc::Value(to_rfc3339(*token->expires_at))
                                                    : doc::Value(nullptr)}}));
}

Task<Response> HostRoutes::enrol(doc::Value body) {
  doc::Problems problems;
  doc::ObjectReader fields(body, "", problems);
  std::string person = required(fields, "person");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  if (Result<void> ok = check_real(gate_, person); !ok) co_return problem(ok.error());
  Result<Secret> link = co_await identity_.create_enrolment(the_host(), std::move(person));
  if (!link) co_return problem(link.error());
  co_return answer(doc::object({{"url", public_url_ + "/enrol#" + std::string(link->reveal())}}));
}

Task<Response> HostRoutes::seal(doc::Value body) {
  doc::Problems problems;
  doc::ObjectReader fields(body, "", problems);
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<std::string> sealed = co_await admin_.seal();
  co_return answer_id(sealed, "configuration");
}

Task<Response> HostRoutes::reload(doc::Value body) {
  doc::Problems problems;
  doc::ObjectReader fields(body, "", problems);
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  if (!reload_) co_return problem({"not_ready", "no server runs that could reload", ""});
  doc::FileProblems found;
  Result<bool> changed = co_await reload_(found);
  std::vector<std::string> lines;
  for (const doc::FileProblem& one : found) lines.push_back(doc::to_text(one));
  if (!changed) {
    Refusal refusal = changed.error();
    for (const std::string& line : lines) refusal.message += "\n" + line;
    co_return problem(refusal);
  }
  co_return answer(doc::object({{"changed", *changed}, {"problems", doc::array_of(lines)}}));
}

Response HostRoutes::status() const {
  const gate::World& world = gate_.world();
  const gate::Configuration& active = *world.configuration;
  return answer(doc::object(
      {{"sealed", active.sealed},
       {"configuration", active.digest},
       {"policy", active.policy ? doc::Value(active.policy->digest()) : doc::Value(nullptr)},
       {"tools", active.tools ? doc::Value(active.tools->digest()) : doc::Value(nullptr)},
       {"people", world.directory.persons().size()},
       {"agents", world.directory.agents().size()},
       {"open", gate_.open_records().size()}}));
}

}  // namespace keyturn::api
