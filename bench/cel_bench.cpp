// Nanoseconds an evaluation: usual conditions of policies, compiled once, one activation for many
// evaluations, and with a new activation each time.
#include <algorithm>
#include <chrono>
#include <cstdint>
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

struct Condition {
  const char* name;
  const char* text;
  double aim_ns;  // of the prototype, on the machine that the yardstick's aim is from
};

constexpr Condition kConditions[] = {
    {"tool== && env==", "action.tool == 'orders-sql' && resource.env == 'prod'", 32},
    {"regex drop/truncate", "action.args.sql.matches('(?i)\\b(drop|truncate)\\b')", 280},
    {"not in groups", "!('finance' in actor.groups)", 49},
    {"threshold and in-list",
     "action.args.amount_minor >= 100000 && resource.env in ['prod', 'staging']", 43},
    {"hour of day", "at.getHours('UTC') < 6", 14},
    {"exists over statements",
     "facts.sql.statements.exists(s, s.verb in ['DROP', 'TRUNCATE'] || (s.verb in ['DELETE', "
     "'UPDATE'] "
     "&& !s.has_where))",
     83},
    {"ternary arithmetic", "(resource.env == 'prod' ? risk.score * 2 : risk.score) + 10 > 80", 39},
    {"taint exists", "request.taint.exists(t, t.startsWith('web:') || t.startsWith('email:'))", 67},
    {"composite rollback",
     "action.operation in ['rollback', 'restore', 'failover'] && resource.env == 'prod' && "
     "(at.getHours('UTC') < 6 || risk.score > 50) && !('sre-oncall' in actor.groups && "
     "request.incident != '')",
     150},
};

// A fixed amount of work that no change of ours makes faster: figures are given as a multiple of
// it, too, and are then alike on a busy machine and on another one.
std::uint64_t yardstick() {
  static std::uint64_t state = 88172645463325252ULL;
  for (int i = 0; i < 32; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
  }
  return state;
}

volatile std::uint64_t sink;

// The best of many short slices: those that another process broke into do not count.
template <class F>
double slice(F run) {
  constexpr int kTimes = 500;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kTimes; ++i) run();
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  return took.count() / kTimes;
}

struct Figures {
  double warm = 1e9;   // one activation for many evaluations
  double cold = 1e9;   // a new activation each time
  double stick = 1e9;  // the yardstick, in between
};

template <class Warm, class Cold>
Figures measure(Warm warm, Cold cold) {
  Figures out;
  for (int round = 0; round < 1000; ++round) {
    out.warm = std::min(out.warm, slice(warm));
    out.cold = std::min(out.cold, slice(cold));
    out.stick = std::min(out.stick, slice([] { sink = yardstick(); }));
  }
  return out;
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
  std::printf("%-24s %8s %8s %10s %8s %8s\n", "condition", "ns", "sticks", "prototype", "ratio",
              "new ns");
  for (const auto& [name, text, aim_ns] : kConditions) {
    const auto program = cel::compile(text, env);
    if (!program) {
      std::printf("%s: %s\n", name, cel::to_text(program.error().front()).c_str());
      return 1;
    }
    cel::Activation activation(env);
    fill(activation, roots);
    const Figures f = measure([&] { return program->evaluate(activation); },
                              [&] {
                                activation.clear();
                                fill(activation, roots);
                                return program->evaluate(activation);
                              });
    fill(activation, roots);
    std::printf("%-24s %8.1f %8.2f %10.0f %8.2f %8.1f   = %s\n", name, f.warm, f.warm / f.stick,
                aim_ns, f.warm / aim_ns, f.cold,
                cel::to_text(program->evaluate(activation)).c_str());
  }
  return 0;
}
