#include "admin/change.h"

#include <algorithm>

#include "catalog/tool.h"
#include "people/directory.h"
#include "people/roles.h"
#include "policy/coverage.h"
#include "policy/tests.h"

namespace keyturn::admin {
namespace {

std::vector<std::string> texts(const doc::Value* array) {
  std::vector<std::string> out;
  if (array == nullptr || !array->is_array()) return out;
  for (const doc::Value& v : array->as_array()) {
    if (v.is_string()) out.push_back(v.as_string());
  }
  return out;
}

// A directory, and the events that make it out of the one there is.
struct Evolved {
  people::Directory directory;
  std::vector<EventDraft> events;

  void add(EventDraft draft) {
    Event event;
    event.stream = draft.stream;
    event.type = draft.type;
    event.body = draft.body;
    event.private_part = draft.private_part;
    people::evolve(directory, event);
    events.push_back(std::move(draft));
  }
};

// Adds them when they are new, and gives them exactly the groups of the proposal.
Result<void> change_person(Evolved& now, const doc::Value& entry) {
  people::Person person;
  person.id = entry.text("id");
  person.name = entry.text("name").empty() ? person.id : std::string(entry.text("name"));
  person.email = entry.text("email");
  if (now.directory.person(person.id) == nullptr) {
    if (Result<void> ok = people::can_add_person(now.directory, person); !ok) return ok;
    now.add(people::person_added(person));
  }
  const std::vector<std::string> list = texts(entry.find("groups"));
  const std::set<std::string> wanted(list.begin(), list.end());
  const std::set<std::string> has = now.directory.person(person.id)->groups;
  for (const std::string& group : wanted) {
    if (!has.contains(group)) now.add(people::group_changed(group, {person.id}, {}));
  }
  for (const std::string& group : has) {
    if (!wanted.contains(group)) now.add(people::group_changed(group, {}, {person.id}));
  }
  people::Person present = *now.directory.person(person.id);
  if (const people::Flags flags = people::flags_of(wanted); flags != people::flags_of(present)) {
    people::set_flags(present, flags);
    now.add(people::person_changed(present));
  }
  return {};
}

Result<Evolved> evolved(const people::Directory& directory, const doc::Value& people) {
  Evolved out{directory, {}};
  for (const doc::Value& entry : people.as_array()) {
    if (!entry.is_object())
      return refuse("invalid_args", "people must be objects {id, name, email, groups}",
                    "/args/people");
    if (Result<void> ok = change_person(out, entry); !ok) return std::unexpected(ok.error());
  }
  return out;
}

std::optional<Checked> checked_with(const gate::Configuration& active, Documents texts,
                                    const people::Directory& directory, doc::FileProblems& problems,
                                    const TestRun& tests) {
  return check_configuration(completed(std::move(texts), active), {}, &directory, active.sealed,
                             active.host, problems, tests);
}

Result<Evolved> evolved_by(const people::Directory& directory, const doc::Value& args) {
  const doc::Value* people = args.find("people");
  const bool moves_people = people != nullptr && people->is_array();
  return evolved(directory, moves_people ? *people : doc::Value(doc::Array{}));
}

void expect_once(Change& change, const gate::Gate& gate, const std::string& stream) {
  if (std::ranges::find(change.expects, stream, &store::Expect::stream) == change.expects.end())
    change.expects.push_back(expect(gate, stream));
}

}  // namespace

Documents texts_of(const doc::Value& args) {
  return {std::string(args.text("policy")), std::string(args.text("tools")),
          std::string(args.text("identity"))};
}

Documents completed(Documents texts, const gate::Configuration& active) {
  if (texts.policy.empty()) texts.policy = active.policy_text;
  if (texts.tools.empty()) texts.tools = active.tools_text;
  if (texts.identity.empty()) texts.identity = active.identity_text;
  return texts;
}

Refusal does_not_load(const doc::FileProblems& problems) {
  std::string all = "the configuration would have errors:";
  for (const doc::FileProblem& problem : problems) {
    if (!problem.problem.warning) all += "\n" + doc::to_text(problem);
  }
  return {"invalid_configuration", all, ""};
}

std::optional<Checked> check_change(const gate::Configuration& active,
                                    const people::Directory& directory, const doc::Value& args,
                                    doc::FileProblems& problems, const TestRun& tests) {
  const Result<Evolved> then = evolved_by(directory, args);
  return checked_with(active, texts_of(args), then ? then->directory : directory, problems, tests);
}

store::Expect expect(const gate::Gate& gate, std::string stream) {
  const std::uint64_t version = gate.seen(stream);
  return {std::move(stream), version};
}

// One human with two accounts is one, here too.
policy::Roster roster_of(const people::Directory& directory) {
  policy::Roster roster;
  for (const auto& [group, members] : directory.groups()) {
    std::set<std::string>& humans = roster.groups[group];
    for (const std::string& id : members) {
      const people::Person* person = directory.person(id);
      if (person != nullptr && person->active && person->service_of.empty())
        humans.emplace(directory.human_of(id));
    }
  }
  for (const auto& [name, agent] : directory.agents())
    roster.owners.emplace(directory.human_of(agent.owner()));
  return roster;
}

Result<void> check_administrators(const people::Directory& directory,
                                  const Credentials& credentials) {
  std::set<std::string, std::less<>> humans, with_passkey;
  for (const std::string& id : directory.members(kAdministrators)) {
    const people::Person* person = directory.person(id);
    if (person == nullptr || !person->active || person->simulated || !person->service_of.empty())
      continue;
    humans.emplace(directory.human_of(id));
    if (credentials.has_passkey(id)) with_passkey.emplace(directory.human_of(id));
  }
  const std::string group(kAdministrators);
  if (humans.size() < 2)
    return refuse("too_few_administrators",
                  "a sealed configuration needs at least two active, unrelated administrators "
                  "(group " +
                      group + "): add one with `keyturn person add ID --group " + group + "`");
  if (with_passkey.size() >= 2) return {};
  std::string lacking;
  for (const std::string& human : humans) {
    if (!with_passkey.contains(human)) lacking += (lacking.empty() ? "" : ", ") + human;
  }
  return refuse("administrators_without_passkey",
                "a sealed configuration needs two unrelated administrators who each have a "
                "passkey; none is enrolled for " +
                    lacking +
                    ". Make a link for each with `keyturn person enrol ID`, and let them open it "
                    "in their own browser");
}

std::vector<store::Expect> administrators_expected(const gate::Gate& gate) {
  std::vector<store::Expect> out{expect(gate, "group/" + std::string(kAdministrators))};
  for (const std::string& id : gate.world().directory.members(kAdministrators))
    out.push_back(expect(gate, "person/" + id));
  return out;
}

std::vector<EventDraft> activated(const Checked& checked, const Documents& texts,
                                  const std::string& by) {
  std::vector<EventDraft> events;
  if (!texts.identity.empty()) {
    events.push_back({"config", "config.identity_activated",
                      doc::object({{"identity", doc::object({{"digest", checked.identity.digest}})},
                                   {"by", by}}),
                      doc::object({{"text", texts.identity}})});
  }
  if (!texts.tools.empty()) {
    events.push_back(
        {"tools", "tools.activated",
         doc::object({{"tools", doc::object({{"digest", checked.tools.digest()}})}, {"by", by}}),
         doc::object({{"text", texts.tools}})});
  }
  if (!texts.policy.empty()) {
    events.push_back(
        {"policy", "policy.activated",
         doc::object({{"policy", doc::object({{"digest", checked.policy.digest()},
                                              {"name", checked.policy.name()},
                                              {"revision", checked.policy.revision()}})},
                      {"by", by}}),
         doc::object({{"text", texts.policy}})});
  }
  return events;
}

Result<Change> plan_change(const gate::Gate& gate, const Credentials& credentials,
                           const doc::Value& args, const std::string& by, const TestRun& tests) {
  const gate::World& world = gate.world();
  const gate::Configuration& active = *world.configuration;
  Result<Evolved> then = evolved_by(world.directory, args);
  if (!then) return std::unexpected(then.error());
  const bool moves_people = !then->events.empty();

  const Documents texts = texts_of(args);
  doc::FileProblems problems, before;
  const std::optional<Checked> checked =
      checked_with(active, texts, then->directory, problems, tests);
  // People who leave must not break a policy that holds; one that is broken they may leave.
  const bool only_people = texts.policy.empty() && texts.tools.empty() && texts.identity.empty();
  const Documents as_they_are{"", "", ""};
  if (!checked &&
      !(only_people && !checked_with(active, as_they_are, world.directory, before, tests)))
    return std::unexpected(does_not_load(problems));
  if (active.sealed && moves_people) {
    if (Result<void> ok = check_administrators(then->directory, credentials); !ok)
      return std::unexpected(ok.error());
  }

  Change out{std::move(then->events), {}};
  if (checked) std::ranges::move(activated(*checked, texts, by), std::back_inserter(out.events));
  for (const char* stream : {"policy", "tools", "config"}) expect_once(out, gate, stream);
  for (const EventDraft& draft : out.events) expect_once(out, gate, draft.stream);
  if (active.sealed && moves_people) {
    for (const store::Expect& one : administrators_expected(gate))
      expect_once(out, gate, one.stream);
  }
  return out;
}

doc::Value tested(const policy::Document& policy) {
  return doc::object({{"tests", policy::to_value(policy::run_tests(policy))},
                      {"coverage", policy::to_value(policy::coverage(policy))}});
}

}  // namespace keyturn::admin
