// The policy in force, checking and explaining one, and proposing a change.
#include <charconv>

#include "api/impl.h"

namespace keyturn::api {
namespace {

// Takes ":N" off the front.
std::optional<std::int64_t> take_number(std::string_view& text) {
  if (!text.starts_with(':')) return std::nullopt;
  std::int64_t value = 0;
  const char* begin = text.data() + 1;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  if (error != std::errc{} || end == begin) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take_warning(std::string_view& text) {
  constexpr std::string_view kWarning = "warning: ";
  if (!text.starts_with(kWarning)) return false;
  text.remove_prefix(kWarning.size());
  return true;
}

// "policy.yaml:41:9: warning: message" as a diagnostic.
doc::Value diagnostic(std::string_view line) {
  doc::Value out = doc::object({{"file", ""}, {"line", 0}, {"column", 0}});
  bool warning = take_warning(line);
  for (const std::string_view file : {"policy.yaml", "tools.yaml", "old.yaml"}) {
    if (!line.starts_with(file)) continue;
    std::string_view rest = line.substr(file.size());
    const std::optional<std::int64_t> row = take_number(rest);
    const std::optional<std::int64_t> column = take_number(rest);
    if (!rest.starts_with(": ")) break;
    out.set("file", file);
    out.set("line", row.value_or(0));
    out.set("column", column.value_or(0));
    line = rest.substr(2);
    break;
  }
  warning = take_warning(line) || warning;
  out.set("message", line);
  out.set("warning", warning);
  return out;
}

std::string_view mode_of(const gate::Configuration& configuration) {
  return configuration.policy && configuration.policy->observe() ? "observe" : "enforce";
}

Result<ActionRequest> read_hypothetical(const net::HttpRequest& http, std::string& agent) {
  Result<doc::Value> body = json_body(http);
  if (!body) return std::unexpected(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  ActionRequest request;
  request.tool = required(fields, "tool");
  agent = required(fields, "agent");
  request.args = doc::Object{};
  request.claims = doc::Object{};
  if (const doc::Value* args = fields.object("args")) request.args = *args;
  if (const doc::Value* claims = fields.object("claims")) request.claims = *claims;
  request.reason = fields.string("reason").value_or("");
  request.operation = fields.string("operation");
  request.mode = fields.string("mode");
  if (const doc::Value* resource = fields.object("resource")) request.resource = *resource;
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) return std::unexpected(ok.error());
  return request;
}

std::vector<admin::NewPerson> read_people(const doc::Value& list, doc::Problems& problems) {
  std::vector<admin::NewPerson> out;
  for (std::size_t i = 0; i < list.as_array().size(); ++i) {
    doc::ObjectReader fields(list.as_array()[i], "/people/" + std::to_string(i), problems);
    admin::NewPerson person;
    person.id = required(fields, "id");
    person.name = fields.string("name").value_or("");
    person.email = fields.string("email").value_or("");
    person.groups = fields.strings("groups").value_or(std::vector<std::string>{});
    fields.finish();
    out.push_back(std::move(person));
  }
  return out;
}

}  // namespace

doc::Array diagnostics_of(const std::vector<std::string>& lines) {
  doc::Array out;
  for (const std::string& line : lines) out.push_back(diagnostic(line));
  return out;
}

Task<Response> get_policy(Service& s, Call&) {
  const std::shared_ptr<const gate::Configuration> active = s.ports.gate.world().configuration;
  doc::Array history;
  const std::vector<Event> events = co_await s.ports.gate.journal().read_stream("policy", 1, false);
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    const doc::Value* policy = event->body.find("policy");
    if (policy == nullptr) continue;
    history.push_back(doc::object({{"digest", policy->text("digest")},
                                   {"name", policy->text("name")},
                                   {"revision", policy->integer("revision")},
                                   {"at", to_rfc3339(event->time)},
                                   {"by", event->body.text("by")},
                                   {"index", event->index}}));
  }
  co_return json_answer(
      200,
      doc::object({{"name", active->policy->name()},
                   {"revision", active->policy->revision()},
                   {"digest", active->policy->digest()},
                   {"text", active->policy_text},
                   {"mode", mode_of(*active)},
                   {"sealed", active->sealed},
                   {"configuration", active->digest},
                   {"tools", doc::object({{"digest", active->tools ? active->tools->digest() : ""},
                                          {"text", active->tools_text}})},
                   {"history", std::move(history)}}));
}

Task<Response> check_policy(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  const std::optional<std::string> policy = fields.string("policy");
  const std::optional<std::string> tools = fields.string("tools");
  fields.finish();
  if (!policy && !tools)
    fields.problem("missing_field", "send policy, tools or both, as text", "policy");
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  const gate::Configuration& active = *s.ports.gate.world().configuration;
  std::vector<std::string> lines;
  const bool good = admin::check_configuration(policy.value_or(active.policy_text), "policy.yaml",
                                               tools.value_or(active.tools_text), "tools.yaml",
                                               &s.directory(), active.sealed, active.host, lines)
                        .has_value();
  co_return json_answer(200, doc::object({{"ok", good}, {"diagnostics", diagnostics_of(lines)}}));
}

Task<Response> explain_policy(Service& s, Call& call) {
  std::string agent;
  Result<ActionRequest> request = read_hypothetical(call.request, agent);
  if (!request) co_return problem(request.error());
  Result<doc::Value> explained =
      co_await s.ports.gate.explain(std::move(*request), std::move(agent));
  if (!explained) co_return problem(explained.error());
  co_return json_answer(200, *explained);
}

Task<Response> propose_policy(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  admin::ConfigurationChange change;
  change.policy_text = fields.string("policy");
  change.tools_text = fields.string("tools");
  if (const doc::Value* people = fields.array("people"))
    change.people = read_people(*people, problems);
  std::string reason = fields.string("reason").value_or("");
  fields.finish();
  if (!change.policy_text && !change.tools_text && !change.people)
    fields.problem("missing_field", "send what is to change: policy, tools or people", "policy");
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<gate::Submitted> proposed =
      co_await s.ports.admin.propose(call.caller.principal, std::move(change), std::move(reason));
  if (!proposed) co_return co_await s.refused(call, proposed.error(), "keyturn.configuration");
  Response response = action_answer(s, call, *proposed->record, 201);
  response.headers.add("Location", "/v1/actions/" + proposed->record->id.str());
  co_return response;
}

}  // namespace keyturn::api
