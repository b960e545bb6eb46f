// Nanoseconds an evaluation: usual conditions of policies, compiled once, one activation for many
// evaluations, and with a new activation each time.
#include <chrono>
#include <cstdio>
#include <string>

#include "cel/convert.h"
#include "cel/program.h"
#include "doc/json.h"

namespace {

using namespace keyturn;

constexpr const char* kInput = R"({
  "action": {"tool": "orders-sql", "operation": "rollback", "args": {"amount_minor": 250000, "rows": 5,
             "sql": "UPDATE orders SET state = 'paid' WHERE id = 7; SELECT * FROM orders WHERE id = 7"}},
  "resource": {"env": "prod", "labels": {"sensitivity": "pii"}},
  "actor": {"id": "agent-7", "groups": ["eng", "sre", "dba"]},
  "request": {"taint": ["mcp:jira", "web:example.com"], "incident": ""},
  "risk": {"score": 40},
  "facts": {"sql": {"statements": [{"verb": "UPDATE", "has_where": true}, {"verb": "SELECT", "has_where": true}]}}
})";

constexpr const char* kConditions[][2] = {
    {"tool== && env==", "action.tool == 'orders-sql' && resource.env == 'prod'"},
    {"regex drop/truncate", "action.args.sql.matches('(?i)\\\\b(drop|truncate)\\\\b')"},
    {"not in groups", "!('finance' in actor.groups)"},
    {"threshold and in-list",
     "action.args.amount_minor >= 100000 && resource.env in ['prod', 'staging']"},
    {"hour of day", "at.getHours('UTC') < 6"},
    {"exists over statements",
     "facts.sql.statements.exists(s, s.verb in ['DROP', 'TRUNCATE'] || (s.verb in ['DELETE', "
     "'UPDATE'] "
     "&& !s.has_where))"},
    {"ternary arithmetic", "(resource.env == 'prod' ? risk.score * 2 : risk.score) + 10 > 80"},
    {"taint exists", "request.taint.exists(t, t.startsWith('web:') || t.startsWith('email:'))"},
    {"composite rollback",
     "action.operation in ['rollback', 'restore', 'failover'] && resource.env == 'prod' && "
     "(at.getHours('UTC') < 6 || risk.score > 50) && !('sre-oncall' in actor.groups && "
     "request.incident != '')"},
};

template <class F>
double nanoseconds(F run) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    constexpr int kTimes = 200'000;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kTimes; ++i) run();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / kTimes);
  }
  return best;
}

void fill(cel::Activation& activation,
          const std::vector<std::pair<std::string, cel::Value>>& roots) {
  for (const auto& [name, value] : roots) activation.set(name, value);
}

}  // namespace

int main() {
  const auto input = doc::parse_json(kInput);
  cel::Environment env;
  std::vector<std::pair<std::string, cel::Value>> roots;
  for (const doc::Member& member : input->as_object()) {
    env.variable(member.key, cel::Type::map(cel::Type::string(), cel::Type::dyn()));
    roots.emplace_back(member.key, cel::from_doc(member.value));
  }
  env.variable("at", cel::Type::timestamp());
  roots.emplace_back("at", cel::Value::timestamp({1'795'000'000, 0}));
  std::printf("%-24s %10s %14s\n", "condition", "ns", "new activation");
  for (const auto& [name, text] : kConditions) {
    const auto program = cel::compile(text, env);
    if (!program) {
      std::printf("%s: %s\n", name, cel::to_text(program.error().front()).c_str());
      return 1;
    }
    cel::Activation activation(env);
    fill(activation, roots);
    const double warm = nanoseconds([&] { return program->evaluate(activation); });
    const double cold = nanoseconds([&] {
      activation.clear();
      fill(activation, roots);
      return program->evaluate(activation);
    });
    std::printf("%-24s %10.1f %14.1f   = %s\n", name, warm, cold,
                cel::to_text(program->evaluate(activation)).c_str());
  }
  return 0;
}
