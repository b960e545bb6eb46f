// keyturn request: ask, wait for the people, and be the command that was asked for.
#include <fmt/format.h>

#include <ostream>

#include "base/bytes.h"
#include "base/random.h"
#include "cli/action_text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/wait.h"

namespace keyturn::cli {
namespace {

struct RequestWords {
  std::string tool, args_json, reason, operation, key, wait;
  std::vector<std::string> args, claims;
  bool no_wait = false;
};

Attempt<doc::Value> body_of(const RequestWords& words) {
  const auto refused = [](const Refusal& refusal) {
    return std::unexpected(Failure{Exit::kUsage, refusal, {}});
  };
  if (!words.args.empty() && !words.args_json.empty())
    return usage("--arg and --args-json do not go together");
  Result<doc::Value> args =
      words.args_json.empty() ? arguments_of(words.args) : json_argument(words.args_json);
  if (!args) return refused(args.error());
  const Result<doc::Value> claims = claims_of(words.claims);
  if (!claims) return refused(claims.error());
  doc::Value body = doc::object({{"tool", words.tool}, {"args", std::move(*args)}});
  if (!words.reason.empty()) body.set("reason", words.reason);
  if (!words.operation.empty()) body.set("operation", words.operation);
  if (!claims->as_object().empty()) body.set("claims", *claims);
  // Always a key: asking again after a broken connection must not ask twice.
  body.set("idempotency_key",
           words.key.empty() ? "cli-" + to_hex(SystemRandom().bytes(16)) : words.key);
  return body;
}

Attempt<std::optional<std::chrono::seconds>> patience(const RequestWords& words) {
  if (words.no_wait && !words.wait.empty()) return usage("--wait and --no-wait do not go together");
  if (words.no_wait) return std::chrono::seconds(0);
  if (words.wait.empty() || words.wait == "forever") return std::nullopt;
  const std::optional<Duration> duration = parse_duration(words.wait);
  if (!duration) return usage("--wait is \"forever\" or a time like 30s, 5m, 4h");
  return std::chrono::ceil<std::chrono::seconds>(*duration);
}

// Once more if the connection broke: the key makes it the same action.
Attempt<doc::Value> submit(const Remote& remote, const doc::Value& body) {
  Attempt<doc::Value> action = remote.post("/v1/actions", body);
  if (!action && action.error().refusal.code == "transfer_failed")
    action = remote.post("/v1/actions", body);
  return action;
}

int run_request(Session& session, const RequestWords& words) {
  const Attempt<std::optional<std::chrono::seconds>> most = patience(words);
  if (!most) return complain(session, most.error());
  const Attempt<doc::Value> body = body_of(words);
  if (!body) return complain(session, body.error());
  const Remote remote(session.environment);
  Attempt<doc::Value> action = submit(remote, *body);
  if (!action) return complain(session, action.error());
  const std::string id(action->text("id"));
  action = await_settled(session, remote, std::move(*action), *most);
  if (!action) {
    const int exit = complain(session, action.error());
    session.console.err << fmt::format("{0} may go on. Look: keyturn watch {0}\n", one_line(id));
    return exit;
  }
  const int exit = print_result(session, *action);
  if (exit == code(Exit::kOpen) && !session.json) session.console.out << one_line(id) << '\n';
  return exit;
}

}  // namespace

void add_request(CLI::App& app, Session& session) {
  CLI::App* request = leaf(app, session, "request", "Ask for an action, and wait for it");
  auto words = std::make_shared<RequestWords>();
  request->add_option("TOOL", words->tool, "A tool of tools.yaml")->required();
  request
      ->add_option("--arg", words->args,
                   "name=value: JSON if it is JSON, else text; name=@file: the file's text")
      ->allow_extra_args(false);
  request->add_option("--args-json", words->args_json, "All parameters: JSON, @file, or - (stdin)");
  request->add_option("--reason", words->reason, "Why; reviewers read it");
  request->add_option("--operation", words->operation, "Must agree with what Keyturn finds out");
  request->add_option("--claim", words->claims, "name=text, about yourself: session, model, …")
      ->allow_extra_args(false);
  request->add_option("--idempotency-key", words->key, "Same key, same action (default: random)");
  request->add_option("--wait", words->wait, "At most so long: 30s, 4h (default: forever)");
  request->add_flag("--no-wait", words->no_wait, "Print the action's id and leave");
  request->footer(
      "Prints what the command printed (exec), its rows (sql; TSV unless on a terminal), or the "
      "grant.\nAn action that is still open at the end is exit code 8 and its id on stdout. Ctrl-C "
      "leaves it open (130).");
  request->callback([&session, words] { session.exit = run_request(session, *words); });
}

}  // namespace keyturn::cli
