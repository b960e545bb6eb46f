// keyturn runbook: what there is, what a run would do, starting one, and what people do to it.
#include <fmt/format.h>

#include <filesystem>
#include <ostream>

#include "base/bytes.h"
#include "base/random.h"
#include "catalog/documents.h"
#include "catalog/tool.h"
#include "cli/action_text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/remote.h"
#include "cli/run_follow.h"
#include "doc/json.h"
#include "runbook/document.h"

namespace keyturn::cli {
namespace {

struct RunbookWords {
  std::string name, id, step, tools, reason, note, outcome, inputs_json, key;
  std::vector<std::string> inputs, files;
  bool open = false, ended = false, no_wait = false;
};
using Words = std::shared_ptr<RunbookWords>;

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

int list_runs(Session& session, const RunbookWords& words) {
  if (words.open && words.ended)
    return complain(session, usage("--open and --ended do not go together").error());
  const std::string state = words.open ? "open" : words.ended ? "ended" : "";
  return print_list(
      session, with_query("/v1/runs", {{"runbook", words.name}, {"state", state}}),
      {"ID", "RUNBOOK", "STATE", "BY", "ASKED", "WAITS FOR"},
      [](const doc::Value& one) {
        return Row{one_line(one.text("id")),       one_line(one.text("runbook")),
                   one_line(one.text("state")),    party(one.find("requester")),
                   one_line(one.text("asked_at")), run_line(one)};
      },
      "No runs.");
}

// ---- check
bool is_yaml(const std::filesystem::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

// A folder may hold other documents of Keyturn as well: policy.yaml beside its runbooks.
bool is_of_tools(std::string_view text) {
  for (const std::string_view kind : {"kind: Runbook", "kind: Credentials"}) {
    if (text.starts_with(kind) || text.contains("\n" + std::string(kind))) return true;
  }
  return false;
}

Attempt<catalog::SourceFile> source_of(const std::string& name) {
  Result<std::string> text = read_file(name);
  if (!text) return std::unexpected(Failure{Exit::kUsage, text.error(), {}});
  return catalog::SourceFile{name, std::move(*text)};
}

Attempt<void> add_folder(const std::string& folder, std::vector<catalog::SourceFile>& out) {
  std::vector<std::string> inside;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (is_yaml(entry.path())) inside.push_back(entry.path().string());
  }
  std::ranges::sort(inside);
  std::size_t found = 0;
  for (const std::string& name : inside) {
    Attempt<catalog::SourceFile> file = source_of(name);
    if (!file) return std::unexpected(file.error());
    const auto is_same = [&](const catalog::SourceFile& known) {
      return std::filesystem::equivalent(known.name, name, error);
    };
    if (!is_of_tools(file->text) || std::ranges::any_of(out, is_same)) continue;
    out.push_back(std::move(*file));
    ++found;
  }
  if (found == 0) return usage("there is no runbook (a *.yaml with kind: Runbook) in " + folder);
  return {};
}

// The files as they are named, and those of folders.
Attempt<std::vector<catalog::SourceFile>> sources_of(const RunbookWords& words) {
  std::vector<std::string> names = words.files;
  if (!words.tools.empty()) names.insert(names.begin(), words.tools);
  std::vector<catalog::SourceFile> out;
  for (const std::string& name : names) {
    std::error_code error;
    if (std::filesystem::is_directory(name, error)) {
      if (Attempt<void> added = add_folder(name, out); !added)
        return std::unexpected(added.error());
      continue;
    }
    Attempt<catalog::SourceFile> file = source_of(name);
    if (!file) return std::unexpected(file.error());
    out.push_back(std::move(*file));
  }
  return out;
}

int check_runbooks(Session& session, const RunbookWords& words) {
  const Attempt<std::vector<catalog::SourceFile>> sources = sources_of(words);
  if (!sources) return complain(session, sources.error());
  const std::string text = catalog::join_documents(*sources);
  doc::Problems problems;
  const std::optional<catalog::Catalog> tools = catalog::Catalog::load_text(text, problems);
  std::size_t runbooks = 0;
  if (tools) runbooks = runbook::check_runbooks(*tools, problems);
  doc::FileProblems found;
  catalog::add_problems(found, sources->front().name, text, problems);
  const bool ok = tools && !doc::has_errors(problems);
  if (session.json) {
    doc::Array diagnostics;
    for (const doc::FileProblem& one : found) diagnostics.push_back(doc::to_value(one));
    print_json(session.console, doc::object({{"ok", ok}, {"diagnostics", std::move(diagnostics)}}));
  } else {
    for (const doc::FileProblem& one : found) {
      const Tone tone = one.problem.warning ? Tone::kWarn : Tone::kPlain;
      session.console.out << on_out(session.console, tone, one_line(doc::to_text(one))) << '\n';
    }
    if (ok) session.console.out << fmt::format("good: {} runbooks\n", runbooks);
  }
  return ok ? code(Exit::kOk) : code(Exit::kDenied);
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

std::string verdict_cell(const doc::Value& step) {
  if (!step.text("refused").empty()) return "refused: " + one_line(step.text("refused"));
  if (step.flag("skipped")) return "skipped";
  if (!step.text("waits_for").empty()) return "later, with " + one_line(step.text("waits_for"));
  const doc::Value* verdict = step.find("verdict");
  if (verdict == nullptr) return step.text("kind") == "approve" ? "asks people" : "";
  std::string out = one_line(verdict->text("effect"));
  if (out == "require" && step.flag("covered")) out += ", with the plan";
  return out;
}

std::string step_cell(const doc::Value& step) {
  std::string out = one_line(step.text("path"));
  if (step.flag("undoes")) out += " (undoes)";
  if (!step.text("when").empty()) out += " (if " + one_line(step.text("when")) + ")";
  return out;
}

int plan_runbook(Session& session, const RunbookWords& words) {
  Attempt<doc::Value> inputs = inputs_of(words);
  if (!inputs) return complain(session, inputs.error());
  const Attempt<doc::Value> plan =
      Remote(session.environment)
          .post("/v1/runbooks/" + percent_encoded(words.name) + "/plan",
                doc::object({{"inputs", std::move(*inputs)}}));
  if (!plan) return complain(session, plan.error());
  if (session.json) {
    print_json(session.console, *plan);
    return code(Exit::kOk);
  }
  std::vector<Row> rows;
  const doc::Value* steps = plan->find("steps");
  if (steps != nullptr && steps->is_array()) {
    for (const doc::Value& step : steps->as_array()) {
      const doc::Value* args = step.find("args");
      rows.push_back({step_cell(step),
                      one_line(step.text(step.text("tool").empty() ? "kind" : "tool")),
                      args == nullptr ? "" : one_line(doc::write_json(*args)), verdict_cell(step)});
    }
  }
  session.console.out << aligned({"STEP", "TOOL", "ARGUMENTS", "POLICY"}, rows);
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

void add_inputs(CLI::App& app, const Words& words) {
  app.add_option("NAME", words->name, "The runbook's name")->required();
  app.add_option("--input", words->inputs,
                 "name=value: JSON if it is JSON, else text; name=@file: the file's text")
      ->allow_extra_args(false);
  app.add_option("--inputs-json", words->inputs_json, "All inputs: JSON, @file, or - (stdin)");
}

void add_reading(CLI::App& runbook, Session& session, const Words& words) {
  CLI::App* list = leaf(runbook, session, "list", "Which runbooks there are");
  list->callback([&session] { session.exit = list_runbooks(session); });

  CLI::App* runs = leaf(runbook, session, "runs", "Their runs, newest first");
  runs->add_option("NAME", words->name, "Of this runbook only");
  runs->add_flag("--open", words->open, "What is under way");
  runs->add_flag("--ended", words->ended, "What is over");
  runs->callback([&session, words] { session.exit = list_runs(session, *words); });

  CLI::App* check = leaf(runbook, session, "check", "Look for mistakes, without a server");
  check->add_option("FILES", words->files, "Files, or folders of *.yaml")->required();
  check->add_option("--tools", words->tools, "tools.yaml, so that tools and arguments are checked");
  check->footer("Exit code 1 when something is wrong.");
  check->callback([&session, words] { session.exit = check_runbooks(session, *words); });

  CLI::App* plan = leaf(runbook, session, "plan", "What a run would do, with policy's verdicts");
  add_inputs(*plan, words);
  plan->callback([&session, words] { session.exit = plan_runbook(session, *words); });

  CLI::App* watch = leaf(runbook, session, "watch", "Follow a run to its end");
  watch->add_option("RUN", words->id, "act_…")->required();
  watch->footer("The exit code is that of the run, as with request.");
  watch->callback([&session, words] { session.exit = follow_run(session, words->id); });
}

void add_doing(CLI::App& runbook, Session& session, const Words& words) {
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
