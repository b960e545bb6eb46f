// keyturn login: a token of one's own for this terminal, by signing in at an identity provider.
#include <algorithm>
#include <ostream>
#include <thread>

#include "base/percent.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/remote.h"

namespace keyturn::cli {
namespace {

// The only one that lets terminals in, unless it is named.
Attempt<std::string> chosen(const Remote& remote, const std::string& named) {
  if (!named.empty()) return named;
  const Attempt<doc::Value> answer = remote.get("/auth/providers");
  if (!answer) return std::unexpected(answer.error());
  std::vector<std::string> names;
  const doc::Value* all = answer->find("providers");
  if (all != nullptr && all->is_array()) {
    for (const doc::Value& one : all->as_array()) {
      if (one.flag("device")) names.emplace_back(one.text("name"));
    }
  }
  if (names.size() == 1) return names.front();
  std::string which;
  for (const std::string& name : names) which += (which.empty() ? "" : ", ") + name;
  return usage(names.empty() ? "no provider of this server lets terminals in (identity.yaml: "
                               "device: true); make a token on the page Account"
                             : "say at which: --provider, one of " + which);
}

// Until somebody entered the code, or its time is over.
Attempt<doc::Value> polled(const Remote& remote, const std::string& path, const doc::Value& begun) {
  const auto seconds = [&](const char* key, std::int64_t least, std::int64_t most) {
    return std::chrono::seconds(std::clamp(begun.integer(key), least, most));
  };
  const auto until = std::chrono::steady_clock::now() + seconds("expires_in", 30, 1800);
  const doc::Value body = doc::object({{"device", begun.text("device")}});
  while (std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(seconds("interval", 1, 60));
    Attempt<doc::Value> answer = remote.post(path + "/poll", body);
    if (!answer || answer->find("token") != nullptr) return answer;
  }
  return std::unexpected(
      Failure{Exit::kExpired, {"expired", "nobody entered the code in time", ""}, {}});
}

int login(Session& session, const std::string& named) {
  Environment environment = session.environment;
  environment.token.clear();  // who signs in has none
  const Remote remote(environment);
  const Attempt<std::string> provider = chosen(remote, named);
  if (!provider) return complain(session, provider.error());
  const std::string path = "/auth/" + percent_encoded(*provider) + "/device";
  const Attempt<doc::Value> begun = remote.post(path, doc::Object{});
  if (!begun) return complain(session, begun.error());
  session.console.err << "Open " << one_line(begun->text("verification_uri")) << " and enter "
                      << one_line(begun->text("user_code")) << '\n';
  session.console.err.flush();
  const Attempt<doc::Value> token = polled(remote, path, *begun);
  if (!token) return complain(session, token.error());
  if (session.json) {
    print_json(session.console, *token);
    return code(Exit::kOk);
  }
  session.console.err << "Signed in until " << one_line(token->text("expires_at"))
                      << "; the next line is your token (KEYTURN_TOKEN):\n";
  session.console.out << one_line(token->text("token")) << '\n';
  return code(Exit::kOk);
}

}  // namespace

void add_login(CLI::App& app, Session& session) {
  CLI::App* command =
      leaf(app, session, "login", "Sign in at an identity provider: a token for this terminal");
  auto provider = std::make_shared<std::string>();
  command->add_option("--provider", *provider, "Its name, as `identity.yaml` has it");
  command->footer("  export KEYTURN_TOKEN=$(keyturn login)");
  command->callback([&session, provider] { session.exit = login(session, *provider); });
}

}  // namespace keyturn::cli
