// keyturn person: the people who agree.
#include <ostream>

#include "cli/host.h"
#include "cli/listing.h"

namespace keyturn::cli {
namespace {

struct PersonWords {
  Place place;
  std::string id, name, email;
  std::vector<std::string> groups, aliases;
  bool simulated = false;
};
using SharedPersonWords = std::shared_ptr<PersonWords>;

int add_one(Session& session, const PersonWords& words) {
  doc::Value body = doc::object({{"id", words.id}});
  if (!words.name.empty()) body.set("name", words.name);
  if (!words.email.empty()) body.set("email", words.email);
  if (!words.groups.empty()) body.set("groups", doc::array_of(words.groups));
  if (!words.aliases.empty()) body.set("aliases", doc::array_of(words.aliases));
  if (words.simulated) body.set("simulated", true);
  return run_host(session, words.place, "/host/person", body,
                  "Added " + words.id + ". Let them in: keyturn person enrol " + words.id);
}

int set_groups(Session& session, const PersonWords& words) {
  return run_host(session, words.place, "/host/person/groups",
                  doc::object({{"id", words.id}, {"groups", doc::array_of(words.groups)}}),
                  words.id + " is now in " + std::to_string(words.groups.size()) + " group(s).");
}

int set_active(Session& session, const PersonWords& words, bool active) {
  return run_host(
      session, words.place, "/host/person/active",
      doc::object({{"id", words.id}, {"active", active}}),
      words.id + (active ? " may sign in and vote again." : " may not sign in or vote any more."));
}

int enrol(Session& session, const PersonWords& words) {
  const Attempt<doc::Value> answer =
      call_host(words.place, "/host/enrol", doc::object({{"person", words.id}}));
  if (!answer) return complain(session, answer.error());
  if (session.json) {
    print_json(session.console, *answer);
  } else {
    session.console.err << "Whoever opens this link becomes " << printable(words.id)
                        << ". It works once:\n";
    session.console.out << printable(answer->text("url")) << '\n';
  }
  return code(Exit::kOk);
}

std::string words_of(const doc::Value* list) {
  std::string out;
  if (list == nullptr || !list->is_array()) return out;
  for (const doc::Value& word : list->as_array())
    if (word.is_string()) out += (out.empty() ? "" : " ") + one_line(word.as_string());
  return out;
}

int list_people(Session& session) {
  return print_list(
      session, "/v1/people", {"ID", "NAME", "STATE", "GROUPS"}, [](const doc::Value& person) {
        return Row{one_line(person.text("id")), one_line(person.text("name")),
                   person.flag("active") ? "active" : "inactive", words_of(person.find("groups")),
                   person.flag("simulated") ? "simulated" : ""};
      });
}

// A subcommand about the person ID.
CLI::App* about(CLI::App& person, Session& session, const SharedPersonWords& words,
                const std::string& name, const std::string& description) {
  CLI::App* command = leaf(person, session, name, description);
  command->add_option("ID", words->id, "Who")->required();
  add_place(*command, words->place);
  return command;
}

}  // namespace

void add_person(CLI::App& app, Session& session) {
  CLI::App* person = branch(app, "person", "The people who agree (on the server's machine)");
  const auto words = std::make_shared<PersonWords>();

  CLI::App* add = about(*person, session, words, "add", "Add a person");
  add->add_option("--name", words->name, "Full name");
  add->add_option("--email", words->email, "E-mail address");
  add->add_option("--group", words->groups, "A group; may be repeated")->allow_extra_args(false);
  add->add_option("--alias", words->aliases, "Another id of the same human; may be repeated")
      ->allow_extra_args(false);
  add->add_flag("--simulated", words->simulated, "No real human: marked everywhere");
  add->callback([&session, words] { session.exit = add_one(session, *words); });

  CLI::App* groups = about(*person, session, words, "groups", "Set somebody's groups, all of them");
  groups->add_option("--group", words->groups, "A group; may be repeated; none: no group")
      ->allow_extra_args(false);
  groups->callback([&session, words] { session.exit = set_groups(session, *words); });

  CLI::App* deactivate = about(*person, session, words, "deactivate", "Shut somebody out");
  deactivate->callback([&session, words] { session.exit = set_active(session, *words, false); });
  CLI::App* activate = about(*person, session, words, "activate", "Let somebody in again");
  activate->callback([&session, words] { session.exit = set_active(session, *words, true); });
  CLI::App* link = about(*person, session, words, "enrol", "Print a link that enrols a passkey");
  link->callback([&session, words] { session.exit = enrol(session, *words); });

  CLI::App* list = leaf(*person, session, "list", "Who there is (asks the server)");
  list->callback([&session] { session.exit = list_people(session); });
}

}  // namespace keyturn::cli
