// One JSON object a line in, one a line out, for conformance tests.
//
//   in:  {"expr": "x + 1", "input": {"x": 1}}
//   out: {"value": 2} or {"error": "..."}
//
// With "typed": true the values of "input" are cel.expr.Value in its JSON form ({"int64Value":
// "1"}), the answer is in that form too, and has "type". "variables" ({"x": "map(string, int)"}),
// "functions" ({"f": ["id (int) string"]}), "container", "check": false and "check_only": true set
// up the environment.
//
// With "trees": true the answer is {"ast": text, "checked": text, "type": text}, in the form of
// cel-go's debug printer; "ast" always in the language without extensions, "checked" too when
// "standard" is true. What is refused is absent.
#include <cmath>
#include <iostream>
#include <string>

#include "base/bytes.h"
#include "cel/checker.h"
#include "cel/convert.h"
#include "cel/number_text.h"
#include "cel/parser.h"
#include "cel/program.h"
#include "cel/resolve.h"
#include "cel/signature.h"
#include "cel/time_text.h"
#include "debug_text.h"
#include "doc/json.h"

namespace {

using namespace keyturn;
using cel::Value;

Value from_typed(const doc::Value& v) {
  if (const auto* x = v.find("int64Value")) return Value::integer(std::stoll(x->as_string()));
  if (const auto* x = v.find("uint64Value")) return Value::uinteger(std::stoull(x->as_string()));
  if (const auto* x = v.find("doubleValue")) {
    return Value::number(x->is_number() ? *x->as_double() : std::stod(x->as_string()));
  }
  if (const auto* x = v.find("stringValue")) return Value::string(x->as_string());
  if (const auto* x = v.find("bytesValue")) return Value::bytes(*from_base64(x->as_string()));
  if (const auto* x = v.find("boolValue")) return Value::boolean(x->as_bool());
  if (const auto* x = v.find("typeValue")) return Value::type(x->as_string());
  if (const auto* x = v.find("listValue")) {
    std::vector<Value> items;
    if (const auto* values = x->find("values")) {
      for (const doc::Value& item : values->as_array()) items.push_back(from_typed(item));
    }
    return Value::list(std::move(items));
  }
  if (const auto* x = v.find("mapValue")) {
    std::vector<cel::MapEntry> entries;
    if (const auto* values = x->find("entries")) {
      for (const doc::Value& e : values->as_array()) {
        entries.push_back({from_typed(*e.find("key")), from_typed(*e.find("value"))});
      }
    }
    return Value::map(std::move(entries));
  }
  return Value::null();
}

doc::Value to_typed(const Value& v);

doc::Value typed_list(const Value& v) {
  doc::Value values{doc::Array{}};
  for (const Value& item : v.items()) values.push(to_typed(item));
  return doc::object({{"listValue", doc::object({{"values", values}})}});
}

doc::Value typed_map(const Value& v) {
  doc::Value entries{doc::Array{}};
  for (const cel::MapEntry& e : v.entries()) {
    entries.push(doc::object({{"key", to_typed(e.key)}, {"value", to_typed(e.value)}}));
  }
  return doc::object({{"mapValue", doc::object({{"entries", entries}})}});
}

doc::Value to_typed(const Value& v) {
  switch (v.kind()) {
    case cel::Kind::kNull:
      return doc::object({{"nullValue", nullptr}});
    case cel::Kind::kBool:
      return doc::object({{"boolValue", v.as_bool()}});
    case cel::Kind::kInt:
      return doc::object({{"int64Value", std::to_string(v.as_int())}});
    case cel::Kind::kUint:
      return doc::object({{"uint64Value", std::to_string(v.as_uint())}});
    case cel::Kind::kDouble:
      return doc::object({{"doubleValue", cel::double_text(v.as_double())}});
    case cel::Kind::kString:
      return doc::object({{"stringValue", v.text()}});
    case cel::Kind::kBytes:
      return doc::object({{"bytesValue", to_base64(v.text())}});
    case cel::Kind::kType:
      return doc::object({{"typeValue", v.text()}});
    case cel::Kind::kTimestamp:
      return doc::object({{"timestampValue", cel::to_rfc3339(v.as_timestamp())}});
    case cel::Kind::kDuration:
      return doc::object({{"durationValue", cel::to_seconds_text(v.as_duration())}});
    case cel::Kind::kList:
      return typed_list(v);
    case cel::Kind::kMap:
      return typed_map(v);
    case cel::Kind::kOptional:
      return doc::object(
          {{"optionalValue", v.has_value() ? to_typed(v.unwrapped()) : doc::Value()}});
    case cel::Kind::kAddress:
    case cel::Kind::kNetwork:
      return doc::object({{"networkValue", cel::to_text(v)}});
    case cel::Kind::kError:
      return doc::object({{"errorValue", v.text()}});
  }
  return {};
}

doc::Value failure(std::string message) {
  return doc::object({{"error", std::move(message)}});
}

cel::Environment environment_of(const doc::Value& request) {
  cel::Environment env;
  if (const auto* input = request.find("input")) {
    for (const doc::Member& m : input->as_object()) env.variable(m.key, cel::Type::dyn());
  }
  if (const auto* variables = request.find("variables")) {
    for (const doc::Member& m : variables->as_object()) {
      env.variable(m.key, cel::parse_type(m.value.as_string()));
    }
  }
  if (const auto* functions = request.find("functions")) {
    for (const doc::Member& m : functions->as_object()) {
      cel::Function f{m.key, {}, nullptr};
      for (const doc::Value& o : m.value.as_array()) {
        f.overloads.push_back(cel::parse_overload(o.as_string()));
      }
      env.function(std::move(f));
    }
  }
  return env.container(std::string(request.text("container")));
}

// The reference's trees come from an environment without the network extension.
void forget_networks(cel::Environment& env) {
  cel::Function f = *env.find_function("string");
  std::erase_if(f.overloads,
                [](const cel::Overload& o) { return o.parameters[0].is(cel::TypeKind::kOpaque); });
  env.function(std::move(f));
}

// ... that orders numbers of one type only, with few exceptions.
void order_one_type(cel::Environment& env) {
  for (const char* name : {"_<_", "_<=_", "_>_", "_>=_"}) {
    cel::Function f = *env.find_function(name);
    std::erase_if(f.overloads,
                  [](const cel::Overload& o) { return !(o.parameters[0] == o.parameters[1]); });
    env.function(std::move(f));
  }
}

doc::Value trees(const doc::Value& request) {
  const std::string_view source = request.text("expr");
  cel::Limits limits;
  if (const auto* depth = request.find("depth_max")) {
    limits.depth_max = static_cast<std::size_t>(*depth->as_int64());
  }
  doc::Value out{doc::Object{}};
  cel::Reporter parsing(source, 20);
  const cel::ExprPtr parsed = cel::parse(source, limits, parsing, cel::Syntax::kStandard);
  if (parsed) out.set("ast", parsed_text(*parsed));
  cel::Reporter checking(source, 20);
  const cel::ExprPtr expr =
      cel::parse(source, limits, checking,
                 request.flag("standard") ? cel::Syntax::kStandard : cel::Syntax::kExtended);
  cel::Environment env = environment_of(request);
  forget_networks(env);
  if (!request.flag("order_across_types")) order_one_type(env);
  if (expr) {
    cel::resolve_names(*expr, env);
    cel::check(*expr, env, checking);
  }
  if (checking.failed()) {
    out.set("error", cel::to_text(checking.take().front()));
  } else {
    out.set("checked", checked_text(*expr));
    out.set("type", cel::to_text(expr->type));
  }
  return out;
}

doc::Value answer(const doc::Value& request) {
  if (request.flag("trees")) return trees(request);
  const bool typed = request.flag("typed");
  const auto* check = request.find("check");
  const bool unchecked = check != nullptr && !check->as_bool();
  const cel::Environment env = environment_of(request);
  const auto program = cel::compile(request.text("expr"), env, {}, std::nullopt,
                                    unchecked ? cel::Checking::kOff : cel::Checking::kOn);
  if (!program) {
    doc::Value out = failure(cel::to_text(program.error().front()));
    out.set("compile", true);
    return out;
  }
  const std::string type = cel::to_text(program->result_type());
  if (request.flag("check_only")) return doc::object({{"type", type}});
  cel::Activation activation(env);
  if (const auto* input = request.find("input")) {
    for (const doc::Member& m : input->as_object()) {
      activation.set(m.key, typed ? from_typed(m.value) : cel::from_doc(m.value));
    }
  }
  const Value value = program->evaluate(activation);
  if (value.is_error()) return failure(std::string(value.text()));
  if (typed) return doc::object({{"value", to_typed(value)}, {"type", type}});
  const auto plain = cel::to_doc(value);
  return plain ? doc::object({{"value", *plain}}) : failure(plain.error().message);
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto request = doc::parse_json(line);
    std::cout << doc::write_json(request ? answer(*request) : failure(request.error().message))
              << "\n";
  }
  return 0;
}
