// Changes to people, agents, configuration and the seal. Each is an event; once sealed, each is an
// action that two unrelated people agree to (promise sealed-config).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "admin/replay.h"
#include "base/result.h"
#include "base/task.h"
#include "doc/read.h"
#include "gate/gate.h"
#include "trust/document.h"

namespace keyturn::admin {

struct NewPerson {
  std::string id, name, email;
  std::vector<std::string> groups;
  std::vector<std::string> aliases;
  bool simulated = false;  // a demo's colleague: marked everywhere, can vote only on the demo page
};

// What a change of configuration would be. Absent parts stay as they are.
struct ConfigurationChange {
  std::optional<std::string> policy_text;
  std::optional<std::string> tools_text;
  std::optional<std::string> identity_text;
  std::optional<std::vector<NewPerson>> people;  // to add or to change groups of
};

// The group whose members administer. The first person is in it.
using people::kAdministrators;

// Whose private parts are to be erased: of one action, or of one person.
struct ErasureSubject {
  std::string action, person;  // one of them is empty
};

// The lists, as an erasure needs them: every name that private parts may be of, and the actions
// that have some of these names (store/read_model.h).
struct PrivateIndex {
  std::function<Task<Result<std::vector<std::string>>>()> names;
  std::function<Task<Result<std::vector<std::string>>>(std::vector<std::string> names)> actions_of;
};

// What only identity/ knows.
struct Credentials {
  std::function<bool(const std::string& person)> has_passkey;
  // The drafts that end what the host made for people and the seal takes back: their tokens.
  std::function<std::vector<EventDraft>()> ended_by_seal;
};

// One of each document: their texts, or the names of their files. No text of identity.yaml is the
// document that names nobody.
struct Documents {
  std::string policy = "policy.yaml", tools = "tools.yaml", identity = "identity.yaml";
};

// A configuration that loads.
struct Checked {
  policy::Document policy;
  catalog::Catalog tools;
  trust::Document identity;
};

// Whether a document's own tests are run, and until when (policy::LoadOptions).
struct TestRun {
  bool run = true;
  std::function<bool()> go_on;
};
// Of what anybody may hand in: three seconds from now, so that nobody's draft keeps the others, or
// the server's end, waiting.
TestRun tests_of_a_draft();

// Loads all texts and checks one against the other. `problems` gets everything found, warnings
// too; nullopt when one is an error. `directory` may be null: groups and agents are not checked.
// `host` is the machine's that runs the tools.
std::optional<Checked> check_configuration(const Documents& texts, const Documents& files,
                                           const people::Directory* directory, bool sealed,
                                           const catalog::LoadOptions& host,
                                           doc::FileProblems& problems, const TestRun& tests = {});

// The texts in force.
Documents texts_of(const gate::Configuration& active);

// What the document's own tests say, and what of it they reach: {"tests": [{"name", "passed",
// "message", "line"}], "coverage": {…}} (policy/coverage.h).
doc::Value tested(const policy::Document& policy);

// What two policies say differently, for people: [{"of": "rules two-people", "is":
// "require.quorum.dba: 1 -> 2"}], two hundred at most. Empty when one of them is no YAML.
doc::Value changed_rules(const std::string& before, const std::string& after);

// Host commands and files. They refuse with code `sealed` once the configuration is sealed; the
// message says how to propose instead.
class Admin {
 public:
  Admin(gate::Gate& gate, Credentials credentials, Aside aside);

  // Makes the texts the active configuration if they are valid; records policy.activated,
  // tools.activated and config.identity_activated when their digests are new. Errors leave the old
  // one in force; `problems` names them all, with file names.
  Task<Result<bool>> activate_files(Documents texts, Documents files, doc::FileProblems& problems);
  // Once sealed: the files, when they were last looked at, were not what is in force.
  bool files_differ() const { return files_differ_ && gate_.world().configuration->sealed; }

  // The first person is an administrator (group "administrators").
  Task<Result<std::string>> add_person(NewPerson person);
  Task<Result<std::string>> set_groups(std::string person, std::vector<std::string> groups);
  Task<Result<std::string>> set_active(std::string person, bool active);
  // The same by an administrator, signed in. Shutting out takes effect at once, sealed or not, with
  // a reason; letting in is a change of who counts. Codes: not_allowed, assurance_too_low,
  // unknown_person, sealed, too_few_administrators (a sealed configuration keeps two), own_account,
  // empty_text, text_too_large.
  Task<Result<std::string>> set_active_by(Principal who, std::string person, bool active,
                                          std::string why);
  Task<Result<std::string>> add_agent(std::string name, std::string owner);
  // The kill switch: takes effect at once, sealed or not; by the owner or an administrator (or the
  // host).
  Task<Result<std::string>> suspend_agent(Principal who, std::string name, bool suspended);
  // Seals: from now on only proposals change the configuration, and tokens that the host made for
  // people end. Codes: sealed, too_few_administrators (two unrelated ones are needed),
  // administrators_without_passkey (each needs one, or whoever holds the host could become them),
  // invalid_configuration (a rule that nobody could satisfy, say).
  Task<Result<std::string>> seal();
  // Offline only: breaks the seal and marks the ledger for ever (seal.broken).
  Task<Result<std::string>> break_seal(std::string reason);

  // A change as an action of the built-in tool keyturn.configuration; `who` is a person. Its case
  // says what differs from what is in force, and what the proposed policy would have said of
  // recorded decisions (the newest 10,000 at most, of 30 days, as many as five seconds reach). When
  // something else came into force before people agreed, they are shown the case anew. What would
  // not load, or would leave a sealed configuration without its administrators, is refused; so it
  // is again, whole, when it is to be made.
  Task<Result<gate::Submitted>> propose(Principal who, ConfigurationChange change,
                                        std::string reason);

  // An erasure as an action of the built-in tool keyturn.erasure, by administrators; its case lists
  // every action and entry. What is open is left, and what was written until people agreed is shown
  // to them anew. Carried out in one commit. Codes: not_allowed, not_found, unknown_person,
  // still_open, nothing_to_erase, read_model_unavailable.
  Task<Result<gate::Submitted>> propose_erasure(Principal who, ErasureSubject subject,
                                                std::string reason);

  // A standing approval (people/standing.h) as an action of the built-in tool keyturn.standing; its
  // case says exactly what will stand. Codes: those of gate::Gate::standing_like().
  struct StandingProposal {
    std::string action;  // the model
    doc::Value bounds;   // null: every parameter as it was
    std::uint64_t uses = 0;
    Duration lasts{};
  };
  Task<Result<gate::Submitted>> propose_standing(Principal who, StandingProposal proposal,
                                                 std::string reason);

  // Definitions of tools that an MCP server says instead of the accepted ones (catalog/pins.h):
  // accepted by the host, at once; `tools` empty: all that it offers now. Gives their names. Codes:
  // sealed, not_found, nothing_to_accept, too_large, conflict.
  Task<Result<std::vector<std::string>>> accept_upstream(std::string upstream,
                                                         std::vector<std::string> tools);
  // The same as an action of the built-in tool keyturn.upstream; its case shows each definition
  // beside the accepted one. `tools` maps names to the digests that were looked at; null: all that
  // the server offers now. Codes: not_allowed, not_found, nothing_to_accept, conflict (the
  // server says something else by now), too_large.
  Task<Result<gate::Submitted>> propose_upstream(Principal who, std::string upstream,
                                                 doc::Value tools, std::string reason);

  void set_private_index(PrivateIndex index) { private_index_ = std::move(index); }

 private:
  struct ErasurePlan;
  void add_erasure_tool();
  Task<Result<ErasurePlan>> plan_erasure(doc::Value args);
  Task<Result<doc::Value>> describe_erasure(Principal who, doc::Value args);
  Task<Result<Outcome>> carry_out_erasure(doc::Value args, doc::Value agreed, ActionId action);
  Task<Outcome> recover_erasure(ActionId action);
  void add_standing_tool();
  Task<Result<people::Standing>> plan_standing(Principal who, doc::Value args);
  Task<Result<doc::Value>> describe_standing(Principal who, doc::Value args);
  Task<Result<Outcome>> carry_out_standing(const gate::ActionRecord& record);
  Task<Outcome> recover_standing(ActionId action);
  struct Acceptance;
  void add_upstream_tool();
  Result<Acceptance> plan_acceptance(const std::string& upstream, const doc::Value& tools) const;
  Task<Result<doc::Value>> describe_acceptance(doc::Value args);
  Task<Result<Outcome>> carry_out_acceptance(doc::Value args, ActionId action);
  Task<Outcome> recover_acceptance(ActionId action);
  Task<Result<std::vector<Event>>> activate(const Checked& checked, Documents texts,
                                            std::string by);
  Task<void> record_difference(const Checked& files, std::string configuration);
  void add_configuration_tool();
  Task<Result<doc::Value>> describe(Principal who, doc::Value args, doc::Value reviewed);
  Task<Result<doc::Value>> replay(Principal who, policy::Document proposed);
  Task<Result<Outcome>> carry_out(doc::Value args, std::string action);
  gate::Gate& gate_;
  Credentials credentials_;
  bool files_differ_ = false;
  struct Checking {
    std::optional<Checked> checked;  // none: it does not load
    doc::FileProblems problems;
  };
  // What the arguments of a proposal come to in the world as it is now, on a thread of its own.
  Task<Result<std::shared_ptr<Checking>>> check_aside(doc::Value args);
  Aside aside_;
  PrivateIndex private_index_;
  std::shared_ptr<int> describing_ = std::make_shared<int>(0);
};

}  // namespace keyturn::admin
