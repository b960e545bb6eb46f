// A change of configuration as one whole: what it would append, and why it may not. Internal to
// admin/.
#pragma once

#include <string>
#include <vector>

#include "admin/admin.h"
#include "policy/document.h"

namespace keyturn::admin {

// The floor that no document can lower: two different administrators, in a session at least.
Plan built_in_floor();

Outcome nothing_done(std::string why);

// How often a change is planned again because something it rests on moved meanwhile.
inline constexpr int kConflictsMax = 8;

struct Change {
  std::vector<EventDraft>
      events;  // people, then identity, tools and policy: each rests on those before
  std::vector<store::Expect> expects;
};

// What the arguments of a proposal come to in the world as it is: all of it in one append, or
// nothing. The documents are checked against the people as they would be then. `by` is the
// action. Codes: invalid_args, invalid_configuration, too_few_administrators,
// administrators_without_passkey, and those of people::can_add_person.
[[nodiscard]] Result<Change> plan_change(const gate::Gate& gate, const Credentials& credentials,
                                         const doc::Value& args, const std::string& by,
                                         const TestRun& tests);

// The configuration that the arguments come to, checked against the people as they would be then;
// nullopt when it does not load, and `problems` say why.
std::optional<Checked> check_change(const gate::Configuration& active,
                                    const people::Directory& directory, const doc::Value& args,
                                    doc::FileProblems& problems, const TestRun& tests);

// Code invalid_configuration, with all of them.
Refusal does_not_load(const doc::FileProblems& problems);

// Two unrelated administrators, active, each with a passkey: what a sealed configuration lives by.
[[nodiscard]] Result<void> check_administrators(const people::Directory& directory,
                                                const Credentials& credentials);

// The streams that check_administrators() reads.
std::vector<store::Expect> administrators_expected(const gate::Gate& gate);

// Tools first: the policy was checked against them. Empty texts are not activated.
std::vector<EventDraft> activated(const Checked& checked, const Documents& texts,
                                  const std::string& by);

// The texts that the arguments of a proposal have; an empty one stays as it is.
Documents texts_of(const doc::Value& args);
// What is left empty, as it is in force.
Documents completed(Documents texts, const gate::Configuration& active);

policy::Roster roster_of(const people::Directory& directory);

store::Expect expect(const gate::Gate& gate, std::string stream);

}  // namespace keyturn::admin
