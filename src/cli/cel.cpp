// keyturn cel: what a condition is worth, without a policy around it.
#include <istream>
#include <ostream>

#include "cel/convert.h"
#include "cel/program.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/remote.h"
#include "doc/json.h"

namespace keyturn::cli {
namespace {

constexpr std::size_t kLineBytesMax = 4 << 20;

struct CelWords {
  std::string expression, input;
  bool batch = false;
};

// Each member of `input` is a variable of any type.
Result<doc::Value> evaluate(const std::string& expression, const doc::Value& input) {
  cel::Environment environment;
  if (!input.is_object() && !input.is_null())
    return refuse("usage", "the input must be a JSON object: its members are the variables");
  if (input.is_object()) {
    for (const doc::Member& member : input.as_object())
      environment.variable(member.key, cel::Type::dyn());
  }
  const auto program = cel::compile(expression, environment);
  if (!program) {
    std::string words;
    for (const cel::Diagnostic& problem : program.error())
      words += (words.empty() ? "" : "\n") + to_text(problem);
    return refuse("invalid_expression", words);
  }
  cel::Activation activation(environment);
  if (input.is_object()) {
    for (const doc::Member& member : input.as_object())
      activation.set(member.key, cel::from_doc(member.value));
  }
  const cel::Value value = program->evaluate(activation);
  if (value.is_error()) return refuse("cel_error", std::string(value.text()));
  return cel::to_doc(value);
}

doc::Value answer_of(const std::string& line) {
  doc::ParseLimits limits;
  limits.bytes_max = kLineBytesMax;
  const Result<doc::Value> question = doc::parse_json(line, limits);
  if (!question) return doc::object({{"error", question.error().message}});
  const doc::Value* expression = question->find("expr");
  if (expression == nullptr || !expression->is_string())
    return doc::object({{"error", "a line is {\"expr\": \"…\", \"input\": {…}}"}});
  const doc::Value* input = question->find("input");
  Result<doc::Value> value =
      evaluate(expression->as_string(), input == nullptr ? doc::Value() : *input);
  if (!value) return doc::object({{"error", value.error().message}});
  return doc::object({{"value", std::move(*value)}});
}

// A line in, a line out, as they come.
int run_batch(Session& session) {
  Console& console = session.console;
  std::string line;
  while (std::getline(console.in, line)) {
    if (!line.empty()) console.out << doc::write_json(answer_of(line)) << std::endl;
  }
  return code(Exit::kOk);
}

int run_one(Session& session, const CelWords& words) {
  doc::Value input;
  if (!words.input.empty()) {
    Result<doc::Value> read = json_argument(words.input == "-" ? "-" : "@" + words.input);
    if (!read) return complain(session, {Exit::kUsage, read.error(), {}});
    input = std::move(*read);
  }
  const Result<doc::Value> value = evaluate(words.expression, input);
  if (!value) {
    const Exit exit = value.error().code == "cel_error" || value.error().code == "not_json"
                          ? Exit::kFailed
                          : Exit::kUsage;
    return complain(session, {exit, value.error(), {}});
  }
  print_json(session.console, *value);
  return code(Exit::kOk);
}

}  // namespace

void add_cel(CLI::App& app, Session& session) {
  CLI::App* cel = leaf(app, session, "cel", "Evaluate an expression of the policy language");
  auto words = std::make_shared<CelWords>();
  CLI::Option* expression = cel->add_option("EXPR", words->expression, "The expression");
  cel->add_option("--input", words->input, "A JSON file; its members are the variables");
  CLI::Option* batch =
      cel->add_flag("--batch", words->batch,
                    R"(Read {"expr":…,"input":{…}} lines, write {"value":…} or {"error":…} lines)");
  batch->excludes(expression);
  cel->callback([&session, words, expression] {
    if (!words->batch && expression->count() == 0) throw CLI::RequiredError("EXPR or --batch");
    session.exit = words->batch ? run_batch(session) : run_one(session, *words);
  });
}

}  // namespace keyturn::cli
