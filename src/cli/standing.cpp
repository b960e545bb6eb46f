// keyturn standing: what people agreed to once, for a while.
#include <fmt/format.h>

#include <ostream>

#include "base/percent.h"
#include "cli/action_text.h"
#include "cli/commands.h"
#include "cli/host.h"
#include "cli/listing.h"
#include "cli/remote.h"
#include "doc/json.h"

namespace keyturn::cli {
namespace {

struct StandingWords {
  Place place;
  std::string id, bounds, lasts, reason;
  std::int64_t uses = 0;
};

int list_standing(Session& session) {
  return print_list(session, "/v1/standing", {"ID", "AGENT", "TOOL", "USES", "UNTIL", "STATE"},
                    [](const doc::Value& one) {
                      return Row{one_line(one.text("id")),
                                 one_line(one.text("agent")),
                                 one_line(one.text("tool")),
                                 fmt::format("{}/{}", one.integer("uses"), one.integer("uses_max")),
                                 one_line(one.text("until")),
                                 one.flag("in_force") ? "in force" : one_line(one.text("over"))};
                    });
}

int propose_standing(Session& session, const StandingWords& words) {
  doc::Value body = doc::object({{"action", words.id},
                                 {"uses", words.uses},
                                 {"lasts", words.lasts},
                                 {"reason", words.reason}});
  if (!words.bounds.empty()) {
    Result<doc::Value> bounds = doc::parse_json(words.bounds);
    if (!bounds)
      return complain(session, usage("--bounds is JSON: " + bounds.error().message).error());
    body.set("bounds", std::move(*bounds));
  }
  const Attempt<doc::Value> action = Remote(session.environment).post("/v1/standing", body);
  if (!action) return complain(session, action.error());
  if (session.json)
    print_json(session.console, *action);
  else
    session.console.out << case_text(*action) << "Proposed. Now: " << outcome_line(*action) << '\n';
  return code(Exit::kOk);
}

// On the server's machine when --data says so or when there is no token; else over the network.
int revoke_standing(Session& session, const StandingWords& words) {
  const std::string done = words.id + " is revoked.";
  if (!words.place.data.empty() || session.environment.token.empty()) {
    return run_host(session, words.place, "/host/standing/revoke",
                    doc::object({{"id", words.id}, {"reason", words.reason}}), done);
  }
  const Attempt<doc::Value> answer =
      Remote(session.environment)
          .post("/v1/standing/" + percent_encoded(words.id) + "/revoke",
                doc::object({{"reason", words.reason}}));
  if (!answer) return complain(session, answer.error());
  if (session.json)
    print_json(session.console, *answer);
  else
    session.console.out << printable(done) << '\n';
  return code(Exit::kOk);
}

}  // namespace

void add_standing(CLI::App& app, Session& session) {
  CLI::App* standing = branch(app, "standing", "What people agreed to once, for a while");
  const auto words = std::make_shared<StandingWords>();

  CLI::App* list = leaf(*standing, session, "list", "Which there are, as far as they concern you");
  list->callback([&session] { session.exit = list_standing(session); });

  CLI::App* propose =
      leaf(*standing, session, "propose", "Ask for one, like an action that people approved");
  propose->add_option("ACTION", words->id, "act_…")->required();
  propose->add_option("--uses", words->uses, "How often at most")->required();
  propose->add_option("--lasts", words->lasts, "For how long, such as 7d")->required();
  propose->add_option("--reason", words->reason, "Why")->required();
  propose->add_option("--bounds", words->bounds,
                      R"(JSON: {"amount": {"min": 0, "max": 100}, "ref": {"one_of": ["a"]}})");
  propose->callback([&session, words] { session.exit = propose_standing(session, *words); });

  CLI::App* revoke = leaf(*standing, session, "revoke", "End one, at once");
  revoke->add_option("ID", words->id, "sa_…")->required();
  revoke->add_option("--reason", words->reason, "Why")->required();
  add_place(*revoke, words->place);
  revoke->callback([&session, words] { session.exit = revoke_standing(session, *words); });
}

}  // namespace keyturn::cli
