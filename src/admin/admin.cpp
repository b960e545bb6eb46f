#include "admin/admin.h"

#include <algorithm>

#include "admin/change.h"
#include "base/task_impl.h"
#include "catalog/documents.h"
#include "catalog/tool.h"
#include "crypto/crypto.h"
#include "people/directory.h"
#include "people/roles.h"
#include "policy/document.h"
#include "policy/tests.h"
#include "runbook/document.h"

namespace keyturn::admin {
namespace {

using Events = Result<std::vector<Event>>;

Refusal sealed_refusal() {
  return {"sealed",
          "the configuration is sealed: propose the change (POST /v1/policy/proposals), so that "
          "two unrelated administrators agree to it",
          ""};
}

constexpr const char* kNotInForce =
    "differ from the sealed configuration, which stays in force. If the change is meant, a person "
    "proposes it on the page Policy (or POST /v1/policy/proposals), and two unrelated "
    "administrators "
    "agree; if it is not, find out who made it, and put the files back";

std::set<std::string> minus(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::set<std::string> out;
  std::ranges::set_difference(a, b, std::inserter(out, out.end()));
  return out;
}

// What its rules name should be there, but may be added later.
void warn_of_unknown_agents(const trust::Document& identity, const people::Directory& directory,
                            doc::Problems& problems) {
  for (const auto& [name, issuer] : identity.agents) {
    for (const trust::AgentRule& rule : issuer.rules) {
      if (directory.agent(rule.agent) != nullptr) continue;
      problems.push_back({"unknown_agent",
                          "there is no agent " + rule.agent +
                              " yet: until `keyturn agent add` no token stands for it",
                          "/agents/" + name + "/rules", rule.claims.position(), true});
    }
  }
}

// Whoever is on call is so by the schedule; members by hand would be there without it.
void check_on_call_groups(const trust::Document& identity, const people::Directory& directory,
                          doc::Problems& problems) {
  for (const auto& [name, one] : identity.oncall) {
    std::set<std::string> by_hand;
    for (const auto& [id, person] : directory.persons()) {
      if (person.own_groups.contains(one.group)) by_hand.insert(id);
    }
    if (by_hand.empty()) continue;
    problems.push_back({"invalid_group",
                        "oncall." + name + ": " + people::in_words(by_hand) + " " +
                            (by_hand.size() == 1 ? "is" : "are") + " in " + one.group +
                            " by hand; a schedule's group has nobody but who is on call. Take "
                            "them out (keyturn person groups ID --group …), or choose another "
                            "group",
                        "/oncall/" + name + "/group",
                        {}});
  }
}

// Whoever may be on call could be: a policy must not depend on who is while it is checked.
void add_on_call(const trust::Document& identity, policy::Roster& roster) {
  for (const auto& [name, one] : identity.oncall) {
    const auto pool = roster.groups.find(one.of);
    if (pool != roster.groups.end()) roster.groups[one.group] = pool->second;
  }
}

Result<void> check_by_hand(const people::Directory& directory,
                           const std::set<std::string>& groups) {
  for (const std::string& group : groups) {
    if (directory.is_on_call_group(group))
      return refuse("on_call_group", "who is in " + group +
                                         " is said by its schedule (identity.yaml, oncall); nobody "
                                         "is put in by hand");
  }
  return {};
}

// "a.yaml", "a.yaml and b.yaml", …
std::string and_list(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i)
    out += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  return out;
}

}  // namespace

Documents texts_of(const gate::Configuration& active) {
  return {active.policy_text, active.tools_text, active.identity_text};
}

TestRun tests_of_a_draft() {
  using Steady = std::chrono::steady_clock;
  constexpr std::chrono::seconds kMost(3);
  return {.run = true, .go_on = [late = Steady::now() + kMost] { return Steady::now() < late; }};
}

std::optional<Checked> check_configuration(const Documents& texts, const Documents& files,
                                           const people::Directory* directory, bool sealed,
                                           const catalog::LoadOptions& host,
                                           doc::FileProblems& problems, const TestRun& tests) {
  doc::Problems tool_problems, policy_problems, identity_problems;
  const std::string_view identity_text =
      texts.identity.empty() ? trust::kNobody : std::string_view(texts.identity);
  std::optional<trust::Document> identity = trust::load(identity_text, identity_problems);
  if (identity && directory != nullptr) {
    warn_of_unknown_agents(*identity, *directory, identity_problems);
    check_on_call_groups(*identity, *directory, identity_problems);
  }
  if (doc::has_errors(identity_problems)) identity.reset();
  doc::add(problems, files.identity, identity_problems);
  catalog::LoadOptions tool_options = host;
  tool_options.sealed = sealed;
  std::optional<catalog::Catalog> tools =
      catalog::Catalog::load_text(texts.tools, tool_problems, tool_options);
  policy::Roster roster = directory != nullptr ? roster_of(*directory) : policy::Roster{};
  if (identity) add_on_call(*identity, roster);
  const bool people_known = directory != nullptr && !directory->groups().empty();
  std::set<std::string> agents;
  if (directory != nullptr) {
    for (const auto& [id, agent] : directory->agents()) agents.insert(id);
  }
  runbook::Known known;
  if (people_known) known.roster = &roster;
  if (directory != nullptr) known.agents = &agents;
  if (tools) (void)runbook::check_runbooks(*tools, tool_problems, known);
  if (doc::has_errors(tool_problems)) tools.reset();
  catalog::add_problems(problems, files.tools, texts.tools, tool_problems);
  policy::LoadOptions options;
  options.tools = tools ? &*tools : nullptr;
  if (people_known) options.roster = &roster;
  options.sealed = sealed;
  options.run_tests = tests.run;
  options.go_on = tests.go_on;
  std::optional<policy::Document> policy =
      policy::Document::load(texts.policy, options, policy_problems);
  doc::add(problems, files.policy, policy_problems);
  if (!tools || !policy || !identity) return std::nullopt;
  return Checked{std::move(*policy), std::move(*tools), std::move(*identity)};
}

Admin::Admin(gate::Gate& gate, Credentials credentials, Aside aside)
    : gate_(gate), credentials_(std::move(credentials)), aside_(std::move(aside)) {
  add_configuration_tool();
  add_erasure_tool();
  add_standing_tool();
  add_upstream_tool();
}

Task<Result<bool>> Admin::activate_files(Documents texts, Documents files,
                                         doc::FileProblems& problems) {
  const std::shared_ptr<const gate::Configuration> held = gate_.world().configuration;
  const gate::Configuration& active = *held;
  files_differ_ = active.sealed;
  std::optional<Checked> checked = check_configuration(texts, files, &gate_.world().directory,
                                                       active.sealed, active.host, problems);
  if (!checked)
    co_return refuse("invalid_configuration",
                     "the configuration has errors; the one in force stays");
  if (texts.identity.empty()) texts.identity = trust::kNobody;
  std::vector<std::string> different;
  const auto compare = [&](bool same, std::string& text, const std::string& file) {
    if (same)
      text.clear();
    else
      different.push_back(file);
  };
  compare(checked->policy.digest() == active.policy->digest(), texts.policy, files.policy);
  compare(checked->tools.digest() == active.tools->digest(), texts.tools, files.tools);
  compare(checked->identity.digest == active.identity->digest, texts.identity, files.identity);
  if (different.empty()) {
    files_differ_ = false;
    co_return false;
  }
  if (active.sealed) {
    co_await record_difference(*checked, active.digest);
    co_return refuse("sealed", and_list(different) + " " + kNotInForce);
  }
  Events recorded = co_await activate(*checked, std::move(texts), "host");
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return true;
}

// In the ledger once for each content: what somebody put there, and that it is not in force.
Task<void> Admin::record_difference(const Checked& files, std::string configuration) {
  const std::vector<Event> before = co_await gate_.journal().read_stream("files", 1, false);
  const doc::Value policy = doc::object({{"digest", files.policy.digest()}});
  const doc::Value tools = doc::object({{"digest", files.tools.digest()}});
  const doc::Value identity = doc::object({{"digest", files.identity.digest}});
  doc::Value body =
      doc::object({{"policy", policy}, {"tools", tools}, {"configuration", configuration}});
  if (!files.identity.empty() || !gate_.world().configuration->identity->empty())
    body.set("identity", identity);
  const auto same = [&](const char* part) {
    const doc::Value* was = before.back().body.find(part);
    const doc::Value* is = body.find(part);
    return was == nullptr || is == nullptr ? was == is : *was == *is;
  };
  if (!before.empty() && same("policy") && same("tools") && same("identity")) co_return;
  std::vector<EventDraft> events;
  events.push_back({"files", "files.not_in_force", std::move(body), std::nullopt});
  Events recorded = co_await gate_.record(std::move(events), {});
  (void)recorded;  // nothing was expected, so nothing can conflict
}

Task<Result<std::vector<Event>>> Admin::activate(const Checked& checked, Documents texts,
                                                 std::string by) {
  std::vector<store::Expect> expects{expect(gate_, "policy"), expect(gate_, "tools"),
                                     expect(gate_, "config")};
  Events recorded = co_await gate_.record(activated(checked, texts, by), std::move(expects));
  co_return recorded;
}

Task<Result<std::string>> Admin::add_person(NewPerson wanted) {
  const gate::World& world = gate_.world();
  if (world.configuration->sealed) co_return std::unexpected(sealed_refusal());
  people::Person person;
  person.id = wanted.id;
  person.name = wanted.name.empty() ? wanted.id : wanted.name;
  person.email = wanted.email;
  person.aliases.insert(wanted.aliases.begin(), wanted.aliases.end());
  person.simulated = wanted.simulated;
  people::set_flags(person, people::flags_of({wanted.groups.begin(), wanted.groups.end()}));
  person.admin = person.admin || world.directory.persons().empty();
  if (Result<void> ok = people::can_add_person(world.directory, person); !ok)
    co_return std::unexpected(ok.error());
  std::set<std::string> groups(wanted.groups.begin(), wanted.groups.end());
  if (Result<void> ok = check_by_hand(world.directory, groups); !ok)
    co_return std::unexpected(ok.error());
  if (person.admin) groups.insert(std::string(kAdministrators));
  std::vector<EventDraft> events{people::person_added(person, true)};
  std::vector<store::Expect> expects{{"person/" + person.id, 0}};
  for (const std::string& group : groups) {
    events.push_back(people::group_changed(group, {person.id}, {}, true));
    expects.push_back(expect(gate_, "group/" + group));
  }
  Events recorded = co_await gate_.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return person.id;
}

Task<Result<std::string>> Admin::set_groups(std::string id, std::vector<std::string> groups) {
  const gate::World& world = gate_.world();
  if (world.configuration->sealed) co_return std::unexpected(sealed_refusal());
  const people::Person* person = world.directory.person(id);
  if (person == nullptr) co_return refuse("unknown_person", "there is no person " + id);
  const std::set<std::string> wanted(groups.begin(), groups.end());
  const std::set<std::string> joined = minus(wanted, person->groups);
  if (Result<void> ok = check_by_hand(world.directory, joined); !ok)
    co_return std::unexpected(ok.error());
  std::vector<EventDraft> events;
  std::vector<store::Expect> expects{expect(gate_, "person/" + id)};
  for (const std::string& group : joined)
    events.push_back(people::group_changed(group, {id}, {}, true));
  for (const std::string& group : minus(person->groups, wanted))
    events.push_back(people::group_changed(group, {}, {id}, true));
  for (const EventDraft& event : events) expects.push_back(expect(gate_, event.stream));
  if (const people::Flags flags = people::flags_of(wanted); flags != people::flags_of(*person)) {
    people::Person changed = *person;
    people::set_flags(changed, flags);
    events.push_back(people::person_changed(changed, true));
  }
  if (events.empty()) co_return id;
  Events recorded = co_await gate_.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return id;
}

// Deactivation is always allowed: it only ever takes authority away. Activation changes the sealed
// configuration.
Task<Result<std::string>> Admin::set_active(std::string id, bool active) {
  const gate::World& world = gate_.world();
  if (active && world.configuration->sealed) co_return std::unexpected(sealed_refusal());
  if (world.directory.person(id) == nullptr)
    co_return refuse("unknown_person", "there is no person " + id);
  std::vector<EventDraft> events;
  events.push_back(active ? people::person_activated(id, true)
                          : people::person_deactivated(id, "by the host", true));
  std::vector<store::Expect> expects{expect(gate_, "person/" + id)};
  Events recorded = co_await gate_.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return id;
}

Task<Result<std::string>> Admin::add_agent(std::string name, std::string owner) {
  const people::Directory& directory = gate_.world().directory;
  if (Result<void> ok = people::can_add_agent(directory, name, owner); !ok)
    co_return std::unexpected(ok.error());
  std::vector<EventDraft> events{people::agent_added(name, owner, true)};
  std::vector<store::Expect> expects{{"agent/" + name, 0}, expect(gate_, "person/" + owner)};
  Events recorded = co_await gate_.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return name;
}

Task<Result<std::string>> Admin::suspend_agent(Principal who, std::string name, bool suspended) {
  const people::Directory& directory = gate_.world().directory;
  const people::Agent* agent = directory.agent(name);
  if (agent == nullptr) co_return refuse("not_found", "there is no agent " + name);
  const people::Person* person = directory.person(who.id);
  const bool is_person = who.kind == PrincipalKind::kPerson && person != nullptr && person->active;
  const bool may = who.kind == PrincipalKind::kHost ||
                   (is_person && (person->admin || directory.same_human(agent->owner(), who.id)));
  if (!may)
    co_return refuse("not_allowed",
                     "only the owner of " + name + " or an administrator may do that");
  if (agent->suspended == suspended) co_return name;
  std::vector<EventDraft> events;
  events.push_back(suspended ? people::agent_suspended(name, who.id, "")
                             : people::agent_resumed(name, who.id));
  std::vector<store::Expect> expects{expect(gate_, "agent/" + name)};
  Events recorded = co_await gate_.record(std::move(events), std::move(expects));
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return name;
}

}  // namespace keyturn::admin
