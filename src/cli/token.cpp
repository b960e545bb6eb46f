// keyturn token: what agents and people's terminals identify themselves with.
#include <fmt/format.h>

#include <ostream>

#include "base/percent.h"
#include "base/time.h"
#include "cli/host.h"
#include "cli/listing.h"

namespace keyturn::cli {
namespace {

struct TokenWords {
  Place place;
  std::string agent, person, expires, label, id;
};

int print_secret(Session& session, const Attempt<doc::Value>& answer) {
  if (!answer) return complain(session, answer.error());
  if (session.json) {
    print_json(session.console, *answer);
    return code(Exit::kOk);
  }
  const std::string_view until = answer->text("expires_at");
  session.console.err << fmt::format("Token {}, shown this once{}:\n", one_line(answer->text("id")),
                                     until.empty() ? "" : ", valid until " + one_line(until));
  session.console.out << one_line(answer->text("token")) << '\n';
  return code(Exit::kOk);
}

int create(Session& session, const TokenWords& words) {
  const bool on_host = !words.place.data.empty() || session.environment.token.empty();
  if (on_host && words.agent.empty() == words.person.empty())
    return complain(session, usage("say for whom: --agent NAME or --person ID").error());
  if (!words.expires.empty() && !parse_duration(words.expires))
    return complain(session, usage("--expires is a time like 12h or 30d").error());
  doc::Value body = doc::Object{};
  if (!words.agent.empty()) body.set("agent", words.agent);
  if (!words.person.empty()) body.set("person", words.person);
  if (!words.expires.empty()) body.set("expires", words.expires);
  if (!words.label.empty()) body.set("label", words.label);
  return print_secret(session, on_host ? call_host(words.place, "/host/token", body)
                                       : Remote(session.environment).post("/v1/tokens", body));
}

int list(Session& session) {
  return print_list(session, "/v1/tokens", {"ID", "LABEL", "CREATED", "EXPIRES"},
                    [](const doc::Value& token) {
                      Row row;
                      for (const std::string_view key : {"id", "label", "created_at", "expires_at"})
                        row.push_back(one_line(token.text(key)));
                      return row;
                    });
}

int revoke(Session& session, const TokenWords& words) {
  const Attempt<doc::Value> answer =
      Remote(session.environment).erase("/v1/tokens/" + percent_encoded(words.id));
  if (!answer) return complain(session, answer.error());
  if (session.json)
    print_json(session.console, *answer);
  else
    session.console.out << printable(words.id) << " is revoked.\n";
  return code(Exit::kOk);
}

}  // namespace

void add_token(CLI::App& app, Session& session) {
  CLI::App* token = branch(app, "token", "Tokens of agents and of people's terminals");
  const auto words = std::make_shared<TokenWords>();

  CLI::App* make = leaf(*token, session, "create", "Make one; printed once, alone on stdout");
  CLI::Option* agent = make->add_option("--agent", words->agent, "For this agent");
  make->add_option("--person", words->person, "For this person's terminal")->excludes(agent);
  make->add_option("--expires", words->expires, "How long it lives: 12h, 30d");
  make->add_option("--label", words->label, "To tell it apart");
  add_place(*make, words->place);
  make->footer(
      "With --data, or without KEYTURN_TOKEN: on the server's machine. Otherwise the server is "
      "asked, and only makes tokens of your own.");
  make->callback([&session, words] { session.exit = create(session, *words); });

  CLI::App* show = leaf(*token, session, "list", "Your tokens, and those of your agents");
  show->callback([&session] { session.exit = list(session); });

  CLI::App* end = leaf(*token, session, "revoke", "End one");
  end->add_option("ID", words->id, "Which")->required();
  end->callback([&session, words] { session.exit = revoke(session, *words); });
}

}  // namespace keyturn::cli
