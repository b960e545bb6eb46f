// keyturn runbook: what there is, what a run would do, starting one, and what people do to it.
#include <fmt/format.h>

#include <ostream>

#include "base/bytes.h"
#include "base/percent.h"
#include "base/random.h"
#include "catalog/tool.h"
#include "cli/action_text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/remote.h"
#include "cli/run_follow.h"
#include "cli/run_text.h"
#include "cli/runbook_check.h"
#include "doc/json.h"

namespace keyturn::cli {
namespace {

struct RunbookWords {
  std::string name, id, step, tools, reason, note, outcome, inputs_json, key;
  std::vector<std::string> inputs, files;
  bool open = false, stopped = false, ended = false, no_wait = false;
};
using SharedRunbookWords = std::shared_ptr<RunbookWords>;

int list_runbooks(Session& session) {
  return print_list(
      session, "/v1/runbooks", {"NAME", "STEPS", "REVIEW", "OPEN", "DESCRIPTION"},
      [](const doc::Value& one) {
        return Row{one_line(one.text("name")), std::to_string(one.integer("steps")),
                   one_line(one.text("review")), std::to_string(one.integer("open")),
                   one_line(one.text("description"))};
      },
      "No runbooks are configured.");
}

// Whom a run waits for is only told of one run: of so many in a list it is asked.
constexpr int kLookedAtMax = 20;

int list_runs(Session& session, const RunbookWords& words) {
  if (words.open + words.stopped + words.ended > 1)
    return complain(session,
                    usage("--open, --stopped and --ended do not go together: take one").error());
  const std::string state = words.open      ? "open"
                            : words.stopped ? "stopped"
                            : words.ended   ? "ended"
                                            : "";
  const Remote remote(session.environment);
  std::string settle;
  int looked = 0;
  const int exit = print_list(
      session, with_query("/v1/runs", {{"runbook", words.name}, {"state", state}}),
      {"ID", "RUNBOOK", "STATE", "BY", "ASKED", "STANDS", "STARTED FOR"},
      [&](const doc::Value& one) {
        settle += how_to_settle(one);
        const bool asks = one.find("waits") != nullptr && looked++ < kLookedAtMax;
        const Attempt<doc::Value> whole =
            asks ? remote.get("/v1/runs/" + percent_encoded(one.text("id"))) : one;
        return Row{one_line(one.text("id")),
                   one_line(one.text("runbook")),
                   one_line(one.text("state")),
                   party(one.find("requester")),
                   one_line(one.text("asked_at")),
                   run_line(whole ? *whole : one),
                   why_started(one)};
      },
      "No runs.");
  session.console.err << settle;
  return exit;
}

// ---- plan, run
Attempt<doc::Value> inputs_of(const RunbookWords& words) {
  if (!words.inputs.empty() && !words.inputs_json.empty())
    return usage("--input and --inputs-json do not go together");
  Result<doc::Value> out =
      words.inputs_json.empty() ? arguments_of(words.inputs) : json_argument(words.inputs_json);
  if (!out) return std::unexpected(Failure{Exit::kUsage, out.error(), {}});
  return std::move(*out);
}

// Instead of what the server says of a name that it does not know: which name may be meant.
Failure no_such_runbook(const Remote& remote, const std::string& name) {
  Failure out{Exit::kFailed, {"not_found", "there is no runbook " + doc::write_json(name), ""}, {}};
  const Attempt<doc::Value> known = remote.get("/v1/runbooks");
  const doc::Value* items = known ? known->find("items") : nullptr;
  std::vector<std::string_view> names;
  if (items != nullptr && items->is_array()) {
    for (const doc::Value& one : items->as_array()) names.push_back(one.text("name"));
  }
  const std::string_view nearest = nearest_word(name, names.data(), names.size());
  if (!nearest.empty()) out.refusal.message += fmt::format(" (did you mean {}?)", nearest);
  out.refusal.message += "; keyturn runbook list says which there are";
  return out;
}

Attempt<doc::Value> runbook_named(const Remote& remote, const std::string& name) {
  Attempt<doc::Value> found = remote.get("/v1/runbooks/" + percent_encoded(name));
  if (!found && found.error().refusal.code == "not_found")
    return std::unexpected(no_such_runbook(remote, name));
  return found;
}

int show_runbook(Session& session, const RunbookWords& words) {
  const Attempt<doc::Value> found = runbook_named(Remote(session.environment), words.name);
  if (!found) return complain(session, found.error());
  if (session.json)
    print_json(session.console, *found);
  else
    session.console.out << runbook_text(*found);
  return code(Exit::kOk);
}

int plan_runbook(Session& session, const RunbookWords& words) {
  Attempt<doc::Value> inputs = inputs_of(words);
  if (!inputs) return complain(session, inputs.error());
  const Remote remote(session.environment);
  const Attempt<doc::Value> plan =
      remote.post("/v1/runbooks/" + percent_encoded(words.name) + "/plan",
                  doc::object({{"inputs", std::move(*inputs)}}));
  if (!plan) {
    return complain(session, plan.error().refusal.code == "not_found"
                                 ? no_such_runbook(remote, words.name)
                                 : plan.error());
  }
  if (session.json) {
    print_json(session.console, *plan);
    return code(Exit::kOk);
  }
  session.console.out << plan_text(*plan);
  session.console.err << (plan->text("review") == "plan"
                              ? "The plan is approved as a whole; nothing was started.\n"
                              : "Each step is decided by itself; nothing was started.\n");
  return code(Exit::kOk);
}

int run_runbook(Session& session, const RunbookWords& words) {
  Attempt<doc::Value> inputs = inputs_of(words);
  if (!inputs) return complain(session, inputs.error());
  doc::Value body = doc::object({{"tool", "runbook." + words.name}, {"args", std::move(*inputs)}});
  if (!words.reason.empty()) body.set("reason", words.reason);
  // Always a key: asking again after a broken connection must not start it twice.
  body.set("idempotency_key",
           words.key.empty() ? "cli-" + to_hex(SystemRandom().bytes(16)) : words.key);
  const Remote remote(session.environment);
  // Asked for all the same, it would be denied, and stand in the record.
  if (const Attempt<doc::Value> known = runbook_named(remote, words.name); !known)
    return complain(session, known.error());
  Attempt<doc::Value> action = remote.post("/v1/actions", body);
  if (!action && action.error().refusal.code == "transfer_failed")
    action = remote.post("/v1/actions", body);
  if (!action) return complain(session, action.error());
  const std::string id(action->text("id"));
  if (!words.no_wait) {
    session.console.err << fmt::format("{}  {}", one_line(id), outcome_line(*action)) << std::endl;
    return follow_run(session, id);
  }
  if (session.json)
    print_json(session.console, *action);
  else
    session.console.out << one_line(id) << '\n';
  return code(is_settled(*action) ? exit_of_action(*action) : Exit::kOpen);
}

// ---- what people do to a run
int command(Session& session, const RunbookWords& words, std::string_view verb, doc::Value body) {
  const Attempt<doc::Value> run =
      Remote(session.environment)
          .post(fmt::format("/v1/runs/{}/{}", percent_encoded(words.id), verb), body);
  if (!run) return complain(session, run.error());
  if (session.json)
    print_json(session.console, *run);
  else
    session.console.out << fmt::format("{}  {}\n", one_line(words.id), run_line(*run));
  return code(Exit::kOk);
}

void add_inputs(CLI::App& app, const SharedRunbookWords& words) {
  app.add_option("NAME", words->name, "The runbook's name")->required();
  app.add_option("--input", words->inputs,
                 "name=value: JSON if it is JSON, else text; name=@file: the file's text")
      ->allow_extra_args(false);
  app.add_option("--inputs-json", words->inputs_json, "All inputs: JSON, @file, or - (stdin)");
}

void add_reading(CLI::App& runbook, Session& session, const SharedRunbookWords& words) {
  CLI::App* list = leaf(runbook, session, "list", "Which runbooks there are");
  list->callback([&session] { session.exit = list_runbooks(session); });

  CLI::App* show = leaf(runbook, session, "show", "Its inputs, locks, triggers and steps");
  show->add_option("NAME", words->name, "The runbook's name")->required();
  show->callback([&session, words] { session.exit = show_runbook(session, *words); });

  CLI::App* runs = leaf(runbook, session, "runs", "Their runs, newest first");
  runs->add_option("NAME", words->name, "Of this runbook only");
  runs->add_flag("--open", words->open, "What is under way");
  runs->add_flag("--stopped", words->stopped, "What waits until somebody says how a step ended");
  runs->add_flag("--ended", words->ended, "What is over");
  runs->callback([&session, words] { session.exit = list_runs(session, *words); });

  CLI::App* check = leaf(runbook, session, "check", "Look for mistakes, without a server");
  check->add_option("FILES", words->files, "Files, or folders of *.yaml")->required();
  check->add_option("--tools", words->tools, "tools.yaml, so that tools and arguments are checked");
  check->footer("Exit code 1 when something is wrong.");
  check->callback(
      [&session, words] { session.exit = check_runbooks(session, words->tools, words->files); });

  CLI::App* plan = leaf(runbook, session, "plan", "What a run would do, with policy's verdicts");
  add_inputs(*plan, words);
  plan->callback([&session, words] { session.exit = plan_runbook(session, *words); });

  CLI::App* watch = leaf(runbook, session, "watch", "Follow a run to its end");
  watch->add_option("RUN", words->id, "act_…")->required();
  watch->footer(
      "The exit code is that of the run, as with request: 0 succeeded, 4 cancelled, 5 failed.");
  watch->callback([&session, words] { session.exit = follow_run(session, words->id); });
}

void add_doing(CLI::App& runbook, Session& session, const SharedRunbookWords& words) {
  CLI::App* run = leaf(runbook, session, "run", "Start one, and follow it");
  add_inputs(*run, words);
  run->add_option("--reason", words->reason, "Why; reviewers read it");
  run->add_option("--idempotency-key", words->key, "Same key, same run (default: random)");
  run->add_flag("--no-wait", words->no_wait, "Print the run's id and leave");
  run->callback([&session, words] { session.exit = run_runbook(session, *words); });

  for (const auto& [verb, what] :
       {std::pair{"pause", "Begin no more steps"}, {"resume", "Go on"}}) {
    CLI::App* one = leaf(runbook, session, verb, what);
    one->add_option("RUN", words->id, "act_…")->required();
    one->callback(
        [&session, words, verb] { session.exit = command(session, *words, verb, doc::Object{}); });
  }

  CLI::App* cancel = leaf(runbook, session, "cancel", "End a run; what it did is undone");
  cancel->add_option("RUN", words->id, "act_…")->required();
  cancel->add_option("--reason", words->reason, "Why")->required();
  cancel->callback([&session, words] {
    session.exit = command(session, *words, "cancel", doc::object({{"reason", words->reason}}));
  });

  CLI::App* resolve =
      leaf(runbook, session, "resolve", "Say how a step ended of which nobody knows");
  resolve->add_option("RUN", words->id, "act_…")->required();
  resolve->add_option("STEP", words->step, "Its path, as the run shows it")->required();
  resolve->add_option("--outcome", words->outcome, "succeeded, failed, or again: do it once more")
      ->required();
  resolve->add_option("--note", words->note, "What you looked at")->required();
  resolve->callback([&session, words] {
    session.exit = command(
        session, *words, "resolve",
        doc::object({{"step", words->step}, {"outcome", words->outcome}, {"note", words->note}}));
  });
}

}  // namespace

void add_runbook(CLI::App& app, Session& session) {
  CLI::App* runbook = branch(app, "runbook", "Runbooks and their runs");
  const auto words = std::make_shared<RunbookWords>();
  add_reading(*runbook, session, words);
  add_doing(*runbook, session, words);
}

}  // namespace keyturn::cli
