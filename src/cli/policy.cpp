// keyturn policy: check, test and explain a document before it is in force.
#include <fmt/format.h>

#include <ostream>

#include "catalog/documents.h"
#include "catalog/tool.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/remote.h"
#include "doc/yaml.h"
#include "policy/coverage.h"
#include "policy/document.h"
#include "policy/explain.h"
#include "policy/tests.h"
#include "server/files.h"

namespace keyturn::cli {
namespace {

struct PolicyWords {
  std::string file, tools, runbooks;
  bool coverage = false;
};
using SharedPolicyWords = std::shared_ptr<PolicyWords>;

struct Loaded {
  std::optional<catalog::Catalog> tools;
  std::optional<policy::Document> document;
  doc::FileProblems problems;
  bool errors = false;
};

void take(Loaded& loaded, const std::string& file, const doc::Problems& problems) {
  doc::add(loaded.problems, file, problems);
  loaded.errors = loaded.errors || doc::has_errors(problems);
}

Attempt<Loaded> load(const PolicyWords& words, bool run_tests) {
  const auto unreadable = [](const Refusal& refusal) {
    return std::unexpected(Failure{Exit::kUsage, refusal, {}});
  };
  Loaded loaded;
  if (!words.tools.empty()) {
    server::Settings files;
    files.tools = words.tools;
    files.runbooks = words.runbooks;
    const Result<std::string> text = server::read_tools(files);
    if (!text) return unreadable(text.error());
    doc::Problems problems;
    loaded.tools = catalog::Catalog::load_text(*text, problems);
    catalog::add_problems(loaded.problems, words.tools, *text, problems);
    loaded.errors = loaded.errors || doc::has_errors(problems);
  }
  const Result<std::string> text = read_file(words.file);
  if (!text) return unreadable(text.error());
  doc::Problems problems;
  const policy::LoadOptions options{.tools = loaded.tools ? &*loaded.tools : nullptr,
                                    .run_tests = run_tests};
  loaded.document = policy::Document::load(*text, options, problems);
  take(loaded, words.file, problems);
  return loaded;
}

doc::Array diagnostics(const Loaded& loaded) {
  doc::Array out;
  for (const doc::FileProblem& problem : loaded.problems) out.push_back(doc::to_value(problem));
  return out;
}

void print_problems(Session& session, const Loaded& loaded) {
  Console& console = session.console;
  for (const doc::FileProblem& found : loaded.problems) {
    const Tone tone = found.problem.warning ? Tone::kWarn : Tone::kPlain;
    console.out << on_out(console, tone, one_line(doc::to_text(found))) << '\n';
  }
}

int run_check(Session& session, const PolicyWords& words) {
  const Attempt<Loaded> loaded = load(words, true);
  if (!loaded) return complain(session, loaded.error());
  const bool ok = loaded->document.has_value() && !loaded->errors;
  if (session.json) {
    doc::Value out = doc::object({{"ok", ok}, {"diagnostics", diagnostics(*loaded)}});
    if (loaded->document) out.set("digest", loaded->document->digest());
    print_json(session.console, out);
  } else {
    print_problems(session, *loaded);
    if (ok) {
      session.console.out << fmt::format("{}: good, {} rules, {}\n", printable(words.file),
                                         loaded->document->rule_count(),
                                         loaded->document->digest());
    }
  }
  return ok ? code(Exit::kOk) : code(Exit::kDenied);
}

void print_tests(Console& console, const std::string& file,
                 const std::vector<policy::TestResult>& results, std::size_t failed) {
  for (const policy::TestResult& result : results) {
    console.out << (result.passed ? on_out(console, Tone::kGood, "pass  ")
                                  : on_out(console, Tone::kBad, "FAIL  "))
                << one_line(result.name) << '\n';
    if (!result.passed)
      console.out << fmt::format("      {}:{}:{}: {}\n", printable(file), result.position.line,
                                 result.position.column, one_line(result.message));
  }
  console.out << fmt::format("{} tests, {} failed\n", results.size(), failed);
}

std::string counts(std::initializer_list<std::pair<const char*, std::size_t>> list) {
  std::string out;
  for (const auto& [word, count] : list) {
    if (count > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", word, count);
  }
  return out.empty() ? "never" : out;
}

std::string coverage_line(const policy::RuleCoverage& rule) {
  std::string out = fmt::format("  {:<24} matched {}", one_line(rule.rule), rule.selected);
  if (rule.when) {
    out += "; when: " + counts({{"true", rule.when->held},
                                {"false", rule.when->not_held},
                                {"error", rule.when->failed}});
  }
  if (rule.unless) {
    out += "; unless: " + counts({{"applied", rule.unless->held},
                                  {"not applied", rule.unless->not_held},
                                  {"error", rule.unless->failed}});
  }
  for (std::size_t i = 0; i < rule.tiers.size(); ++i) {
    out += fmt::format("; tier {}: {}", i + 1,
                       counts({{"taken", rule.tiers[i].when.held},
                               {"passed", rule.tiers[i].when.not_held},
                               {"error", rule.tiers[i].when.failed}}));
  }
  for (const policy::WaiverCoverage& waiver : rule.waives)
    out += fmt::format("; waives {}: {}", one_line(waiver.target), waiver.times);
  return out + "\n";
}

void print_coverage(Console& console, const std::string& file, const policy::Coverage& coverage) {
  for (const policy::RuleCoverage& rule : coverage.rules) console.out << coverage_line(rule);
  for (const policy::Gap& gap : coverage.gaps) {
    console.out << on_out(console, Tone::kWarn,
                          fmt::format("{}:{}:{}: rule \"{}\": {}", printable(file), gap.at.line,
                                      gap.at.column, one_line(gap.rule), one_line(gap.message)))
                << '\n';
  }
  console.out << fmt::format("the tests reach {} of {} branches\n", coverage.reached,
                             coverage.branches);
}

int run_tests(Session& session, const PolicyWords& words) {
  const Attempt<Loaded> loaded = load(words, false);
  if (!loaded) return complain(session, loaded.error());
  if (!loaded->document || loaded->errors) {
    if (session.json)
      print_json(session.console,
                 doc::object({{"ok", false}, {"diagnostics", diagnostics(*loaded)}}));
    else
      print_problems(session, *loaded);
    return code(Exit::kDenied);
  }
  const std::vector<policy::TestResult> results = policy::run_tests(*loaded->document);
  std::size_t failed = 0;
  for (const policy::TestResult& result : results) failed += result.passed ? 0 : 1;
  std::optional<policy::Coverage> coverage;
  if (words.coverage) coverage = policy::coverage(*loaded->document);
  if (session.json) {
    doc::Value out = doc::object({{"ok", failed == 0}, {"tests", policy::to_value(results)}});
    if (coverage) out.set("coverage", policy::to_value(*coverage));
    print_json(session.console, out);
  } else {
    print_tests(session.console, words.file, results, failed);
    if (coverage) print_coverage(session.console, words.file, *coverage);
  }
  return failed == 0 ? code(Exit::kOk) : code(Exit::kDenied);
}

struct ExplainWords {
  PolicyWords document;
  std::string action, tool, agent, operation, reason;
  std::vector<std::string> args, claims;
};

// {"tool", "args", …} out of the JSON that was given, or out of the options.
Result<doc::Value> hypothetical(const ExplainWords& words) {
  doc::Value body = doc::Object{};
  if (!words.action.empty()) {
    const bool inline_json = words.action.starts_with('{') || words.action == "-";
    Result<doc::Value> read = json_argument(inline_json ? words.action : "@" + words.action);
    if (!read) return read;
    if (!read->is_object()) return refuse("usage", "an action is a JSON object");
    body = std::move(*read);
  }
  if (!words.tool.empty()) body.set("tool", words.tool);
  if (!words.agent.empty()) body.set("agent", words.agent);
  if (!words.operation.empty()) body.set("operation", words.operation);
  if (!words.reason.empty()) body.set("reason", words.reason);
  if (!words.args.empty()) {
    Result<doc::Value> args = arguments_of(words.args);
    if (!args) return args;
    body.set("args", std::move(*args));
  }
  if (!words.claims.empty()) {
    Result<doc::Value> claims = claims_of(words.claims);
    if (!claims) return claims;
    body.set("claims", std::move(*claims));
  }
  return body;
}

// As the names of conditions have it: {"action": {…}, "resource": …} stays; the flat form of an
// action is put under `action`, and its tool's configuration fills in the rest.
doc::Value policy_input_tree(const doc::Value& body, const Loaded& loaded) {
  if (body.find("action") != nullptr) return body;
  doc::Value action = doc::Object{};
  doc::Value tree = doc::Object{};
  const catalog::Tool* tool = loaded.tools ? loaded.tools->find(body.text("tool")) : nullptr;
  if (tool != nullptr) {
    action.set("operation", tool->operation);
    tree.set("resource", keyturn::to_value(tool->resource));
  }
  for (const doc::Member& member : body.as_object()) {
    const std::string& key = member.key;
    if (key == "agent")
      tree.set("actor", doc::object({{"id", member.value}}));
    else if (key == "tool" || key == "operation" || key == "args" || key == "reason")
      action.set(key, member.value);
    else
      tree.set(key, member.value);
  }
  tree.set("action", std::move(action));
  return tree;
}

Attempt<doc::Value> explain_here(Session& session, const ExplainWords& words,
                                 const doc::Value& body) {
  const Attempt<Loaded> loaded = load(words.document, false);
  if (!loaded) return std::unexpected(loaded.error());
  if (!loaded->document || loaded->errors) {
    print_problems(session, *loaded);
    return std::unexpected(
        Failure{Exit::kDenied, {"invalid_policy", "the document has errors", ""}, {}});
  }
  doc::Problems problems;
  const policy::PolicyInput input =
      policy::input_from_value(policy_input_tree(body, *loaded), policy::test_base(), problems);
  for (const doc::Problem& problem : problems) {
    if (!problem.warning) return usage(doc::to_text(problem, "action"));
  }
  return policy::explain(*loaded->document, input);
}

std::string rule_line(const doc::Value& rule) {
  std::string out = fmt::format("  {:<24} ", one_line(rule.text("rule")));
  if (!rule.flag("selected")) {
    return out + fmt::format("not selected ({})\n", one_line(rule.text("not_selected_by")));
  }
  const std::string_view contribution = rule.text("contribution");
  out += contribution.empty() ? "does not apply" : one_line(contribution);
  if (rule.flag("shadow")) out += " [shadow: not enforced]";
  return out + "\n";
}

void print_explanation(Console& console, const doc::Value& explanation) {
  const doc::Value* verdict = explanation.find("verdict");
  if (verdict != nullptr) {
    console.out << on_out(console, Tone::kBold, one_line(verdict->text("effect")));
    const std::string_view by = verdict->text("decided_by");
    if (!by.empty()) console.out << " (" << one_line(by) << ")";
    console.out << '\n';
    if (const doc::Value* reasons = verdict->find("reasons"); reasons && reasons->is_array()) {
      for (const doc::Value& reason : reasons->as_array())
        if (reason.is_string()) console.out << "  " << one_line(reason.as_string()) << '\n';
    }
  }
  if (const doc::Value* rules = explanation.find("rules"); rules && rules->is_array()) {
    console.out << "Rules\n";
    for (const doc::Value& rule : rules->as_array()) console.out << rule_line(rule);
  }
}

int run_explain(Session& session, const ExplainWords& words) {
  const Result<doc::Value> body = hypothetical(words);
  if (!body) return complain(session, {Exit::kUsage, body.error(), {}});
  const Attempt<doc::Value> explanation =
      words.document.file.empty() ? Remote(session.environment).post("/v1/policy/explain", *body)
                                  : explain_here(session, words, *body);
  if (!explanation) return complain(session, explanation.error());
  if (session.json)
    print_json(session.console, *explanation);
  else
    print_explanation(session.console, *explanation);
  return code(Exit::kOk);
}

void add_tools(CLI::App& command, PolicyWords& words, const std::string& what) {
  CLI::Option* tools = command.add_option("--tools", words.tools, what);
  command.add_option("--runbooks", words.runbooks, "With --tools: the folder of runbooks")
      ->needs(tools);
}

void add_explain(CLI::App& policy, Session& session) {
  CLI::App* explain = leaf(policy, session, "explain", "Why an action would be decided how");
  auto words = std::make_shared<ExplainWords>();
  explain->add_option("ACTION", words->action, "A JSON file, JSON itself, or - (stdin)");
  explain->add_option("--policy", words->document.file,
                      "By this document; without it, the server's own is asked");
  add_tools(*explain, words->document, "With --policy: the tools it is for");
  explain->add_option("--tool", words->tool, "Instead of ACTION, or over it");
  explain->add_option("--agent", words->agent, "Who asks");
  explain->add_option("--operation", words->operation, "read, write, execute, …");
  explain->add_option("--reason", words->reason, "The reason given");
  explain->add_option("--arg", words->args, "name=value; may be repeated")->allow_extra_args(false);
  explain->add_option("--claim", words->claims, "name=text; may be repeated")
      ->allow_extra_args(false);
  explain->callback([&session, words] { session.exit = run_explain(session, *words); });
}

}  // namespace

void add_policy(CLI::App& app, Session& session) {
  CLI::App* policy = branch(app, "policy", "Check, test and explain policy documents");
  const auto words = std::make_shared<PolicyWords>();
  CLI::App* check = leaf(*policy, session, "check", "Every mistake, with file, line and column");
  CLI::App* test = leaf(*policy, session, "test", "Run the tests inside a document");
  for (CLI::App* command : {check, test}) {
    command->add_option("FILE", words->file, "The document")->required();
    add_tools(*command, *words, "The tools that it is for");
  }
  test->add_flag("--coverage", words->coverage,
                 "Say which rules, branches and tiers the tests reach");
  check->footer("Exit codes: 0 good (warnings too), 1 mistakes, 2 a file cannot be read.");
  check->callback([&session, words] { session.exit = run_check(session, *words); });
  test->callback([&session, words] { session.exit = run_tests(session, *words); });
  add_explain(*policy, session);
  add_policy_replay(*policy, session);
  add_policy_sign(*policy, session);
}

}  // namespace keyturn::cli
