// keyturn agent: who asks, and the kill switch.
#include <ostream>

#include "base/percent.h"
#include "cli/host.h"
#include "cli/listing.h"

namespace keyturn::cli {
namespace {

struct AgentWords {
  Place place;
  std::string name, owner;
};

// On the server's machine when --data says so or when there is no token; else over the network.
int set_suspended(Session& session, const AgentWords& words, bool suspended) {
  const std::string done = words.name + (suspended ? " is suspended." : " may ask again.");
  if (!words.place.data.empty() || session.environment.token.empty()) {
    return run_host(session, words.place, "/host/agent/suspend",
                    doc::object({{"name", words.name}, {"suspended", suspended}}), done);
  }
  const Attempt<doc::Value> answer =
      Remote(session.environment)
          .post("/v1/agents/" + percent_encoded(words.name) + (suspended ? "/suspend" : "/resume"),
                doc::Object{});
  if (!answer) return complain(session, answer.error());
  if (session.json)
    print_json(session.console, *answer);
  else
    session.console.out << printable(done) << '\n';
  return code(Exit::kOk);
}

int list_agents(Session& session) {
  return print_list(session, "/v1/agents", {"NAME", "OWNER", "STATE"}, [](const doc::Value& agent) {
    const doc::Value* owner = agent.find("owner");
    return Row{one_line(agent.text("name")), owner ? one_line(owner->text("id")) : "",
               agent.flag("suspended") ? "suspended" : "active"};
  });
}

}  // namespace

void add_agent(CLI::App& app, Session& session) {
  CLI::App* agent = branch(app, "agent", "The agents who ask");
  const auto words = std::make_shared<AgentWords>();

  CLI::App* add = leaf(*agent, session, "add", "Add an agent (on the server's machine)");
  add->add_option("NAME", words->name, "Its name")->required();
  add->add_option("--owner", words->owner, "The person who answers for it")->required();
  add_place(*add, words->place);
  add->callback([&session, words] {
    session.exit = run_host(
        session, words->place, "/host/agent",
        doc::object({{"name", words->name}, {"owner", words->owner}}),
        "Added " + words->name + ". Its token: keyturn token create --agent " + words->name);
  });

  for (const bool suspended : {true, false}) {
    CLI::App* command =
        leaf(*agent, session, suspended ? "suspend" : "resume",
             suspended ? "The kill switch: nothing of it is decided or released any more"
                       : "Let it ask again");
    command->add_option("NAME", words->name, "Which")->required();
    add_place(*command, words->place);
    command->callback(
        [&session, words, suspended] { session.exit = set_suspended(session, *words, suspended); });
  }

  CLI::App* list = leaf(*agent, session, "list", "Which there are (asks the server)");
  list->callback([&session] { session.exit = list_agents(session); });
}

}  // namespace keyturn::cli
