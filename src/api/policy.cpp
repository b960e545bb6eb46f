// The policy in force, checking and explaining one, and proposing a change.
#include "api/impl.h"

namespace keyturn::api {
namespace {

std::string_view mode_of(const gate::Configuration& configuration) {
  return configuration.policy && configuration.policy->observe() ? "observe" : "enforce";
}

// What can be asked for, with the parameters: enough to draw a form.
doc::Value known_tools(const gate::Configuration& configuration) {
  doc::Array out;
  if (!configuration.tools) return out;
  for (const catalog::Tool& tool : configuration.tools->tools()) {
    doc::Array params;
    for (const catalog::Param& param : tool.params) {
      params.push_back(doc::object({{"name", param.name},
                                    {"required", param.required},
                                    {"secret", param.secret},
                                    {"schema", param.schema}}));
    }
    out.push_back(doc::object({{"name", tool.name},
                               {"operation", tool.operation},
                               {"resource", to_value(tool.resource)},
                               {"params", std::move(params)}}));
  }
  return out;
}

// What to explain, of which agent, and by which documents if not by those in force.
struct Hypothetical {
  ActionRequest request;
  std::string agent;
  std::optional<std::string> policy, tools;
};

// What was sent in place of what is in force.
admin::Documents drafted_texts(const gate::Configuration& active, std::optional<std::string> policy,
                               std::optional<std::string> tools,
                               std::optional<std::string> identity) {
  admin::Documents out = admin::texts_of(active);
  if (policy) out.policy = std::move(*policy);
  if (tools) out.tools = std::move(*tools);
  if (identity) out.identity = std::move(*identity);
  return out;
}

Result<Hypothetical> read_hypothetical(const net::HttpRequest& http) {
  Result<doc::Value> body = json_body(http);
  if (!body) return std::unexpected(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  Hypothetical out;
  ActionRequest& request = out.request;
  request.tool = required(fields, "tool");
  out.agent = required(fields, "agent");
  out.policy = fields.string("policy");
  out.tools = fields.string("tools");
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
  return out;
}

// Nothing is described by a definition that nobody agreed to: that alone would open files and
// connections which it names.
bool differs(const gate::Configuration& active, const catalog::Catalog& draft,
             const std::string& name) {
  const catalog::Tool* here = active.tools ? active.tools->find(name) : nullptr;
  const catalog::Tool* there = draft.find(name);
  if (here == nullptr || there == nullptr) return here != there;
  return here->digest != there->digest;
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

// A draft's documents in the world as it is: its own tests may take long, so on a thread of its
// own.
struct DraftCheck {
  std::optional<admin::Checked> loaded;  // none: it does not load
  doc::FileProblems found;
  doc::Value tested;  // null: not asked for
};

Task<Result<DraftCheck>> check_draft(Service& s, admin::Documents texts, bool coverage) {
  const std::shared_ptr<const gate::Configuration> active = s.ports.gate.world().configuration;
  Result<DraftCheck> checked = co_await net::run_blocking(
      s.checks(), [active, directory = s.directory(), texts = std::move(texts), coverage] {
        DraftCheck out;
        out.loaded = admin::check_configuration(texts, {}, &directory, active->sealed, active->host,
                                                out.found, admin::tests_of_a_draft());
        if (out.loaded && coverage) out.tested = admin::tested(out.loaded->policy);
        return out;
      });
  co_return checked;
}

}  // namespace

net::BlockingPool& Service::checks() {
  constexpr std::size_t kWaiting = 16;
  if (!check_pool)
    check_pool = std::make_unique<net::BlockingPool>(ports.loop, "kt-checks", 1U, kWaiting);
  return *check_pool;
}

doc::Array diagnostics_of(const doc::FileProblems& problems) {
  doc::Array out;
  for (const doc::FileProblem& problem : problems) out.push_back(doc::to_value(problem));
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
                                          {"text", active->tools_text},
                                          {"known", known_tools(*active)}})},
                   {"identity", doc::object({{"digest", active->identity->digest},
                                             {"text", active->identity_text}})},
                   {"history", std::move(history)}}));
}

Task<Response> check_policy(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  const std::optional<std::string> policy = fields.string("policy");
  const std::optional<std::string> tools = fields.string("tools");
  const std::optional<std::string> identity = fields.string("identity");
  const bool coverage = fields.boolean("coverage").value_or(false);
  fields.finish();
  if (!policy && !tools && !identity)
    fields.problem("missing_field", "send policy, tools or identity, as text", "policy");
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<DraftCheck> draft = co_await check_draft(
      s, drafted_texts(*s.ports.gate.world().configuration, policy, tools, identity), coverage);
  if (!draft) co_return problem(draft.error());
  doc::Value answer = doc::object(
      {{"ok", draft->loaded.has_value()}, {"diagnostics", diagnostics_of(draft->found)}});
  if (!draft->tested.is_null()) {
    for (doc::Member& member : draft->tested.as_object())
      answer.set(member.key, std::move(member.value));
  }
  if (policy) {
    const std::string& in_force = s.ports.gate.world().configuration->policy_text;
    answer.set("changes", admin::changed_rules(in_force, *policy));
  }
  co_return json_answer(200, std::move(answer));
}

Task<Response> explain_policy(Service& s, Call& call) {
  Result<Hypothetical> asked = read_hypothetical(call.request);
  if (!asked) co_return problem(asked.error());
  const std::shared_ptr<const gate::Configuration> active = s.ports.gate.world().configuration;
  const bool drafted = asked->policy || asked->tools;
  std::shared_ptr<const policy::Document> draft;
  doc::FileProblems found;
  if (drafted) {
    Result<DraftCheck> checked = co_await check_draft(
        s, drafted_texts(*active, asked->policy, asked->tools, std::nullopt), false);
    if (!checked) co_return problem(checked.error());
    found = std::move(checked->found);
    if (!checked->loaded)
      co_return json_answer(200,
                            doc::object({{"ok", false}, {"diagnostics", diagnostics_of(found)}}));
    const std::shared_ptr<const catalog::Catalog> tools =
        catalog::with_pins(checked->loaded->tools, s.ports.gate.world().pins);
    if (differs(*active, *tools, asked->request.tool))
      co_return problem({"invalid_args",
                         "tool " + asked->request.tool +
                             " is not in force as this draft has it, so what it would do cannot be "
                             "described yet; propose the tools first",
                         "/tool"});
    draft = std::make_shared<const policy::Document>(std::move(checked->loaded->policy));
  }
  const people::Person* person = s.person_of(call);
  const people::Agent* agent = s.directory().agent(asked->agent);
  const bool sees_past =
      person != nullptr &&
      (person->admin || person->auditor ||
       (agent != nullptr && s.directory().same_human(agent->owner(), person->id)));
  Result<doc::Value> explained = co_await s.ports.gate.explain(
      std::move(asked->request), std::move(asked->agent), std::move(draft), sees_past);
  if (!explained) co_return problem(explained.error());
  if (drafted) {
    explained->set("ok", true);
    explained->set("diagnostics", diagnostics_of(found));
  }
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
  change.identity_text = fields.string("identity");
  if (const doc::Value* people = fields.array("people"))
    change.people = read_people(*people, problems);
  std::string reason = fields.string("reason").value_or("");
  fields.finish();
  if (!change.policy_text && !change.tools_text && !change.identity_text && !change.people)
    fields.problem("missing_field", "send what is to change: policy, tools, identity or people",
                   "policy");
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  Result<gate::Submitted> proposed =
      co_await s.ports.admin.propose(call.caller.principal, std::move(change), std::move(reason));
  if (!proposed) co_return co_await s.refused(call, proposed.error(), "keyturn.configuration");
  Response response = action_answer(s, call, *proposed->record, 201);
  response.headers.add("Location", "/v1/actions/" + proposed->record->id.str());
  co_return response;
}

}  // namespace keyturn::api
