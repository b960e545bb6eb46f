// What an exec tool says: argv, variables, sandbox, limits.
#include <utility>

#include "catalog/schema.h"
#include "catalog/size.h"
#include "catalog/template.h"
#include "catalog/tool_reader.h"

namespace keyturn::catalog {

using doc::ObjectReader;

void ToolReader::check_argv_element(std::string_view key, const std::string& element,
                                    std::size_t index) {
  const doc::Value& place = in_.value().find(key)->as_array()[index];
  const std::string pointer = in_.pointer_to(key) + "/" + std::to_string(index);
  const auto pieces = split_template(element);
  if (!pieces) {
    add(pieces.error().code, pieces.error().message, place, pointer);
    return;
  }
  for (const Piece& piece : *pieces) {
    if (!piece.parameter) continue;
    const Param* p = use(piece.text, place, pointer);
    if (p == nullptr) continue;
    if (p->secret) {
      add("secret_in_argv",
          "{{" + p->name +
              "}} is secret, and every process of the machine can read an argv; hand it over "
              "in env: {NAME: {param: " +
              p->name + "}}",
          place, pointer);
    }
    const ValueType type = p->checked->type;
    const bool alone = pieces->size() == 1;
    if (type == ValueType::kObject || (type == ValueType::kArray && !alone)) {
      add("wrong_type",
          "{{" + p->name + "}} is of type " + std::string(to_text(type)) +
              (type == ValueType::kObject ? ", which has no form in an argv"
                                          : ": an array must be an element of its own"),
          place, pointer);
    }
  }
}

std::vector<std::string> ToolReader::read_argv(std::string_view key) {
  std::vector<std::string> argv = in_.strings(key).value_or(std::vector<std::string>{});
  const doc::Value* written = in_.value().find(key);
  if (written == nullptr || !written->is_array()) return {};  // said already
  if (argv.empty()) {
    if (written->as_array().empty())
      in_.problem("missing_field", std::string(key) + " needs at least the program: [/usr/bin/…]",
                  key);
    return {};
  }
  if (!is_absolute(argv.front()) || argv.front().find("{{") != std::string::npos) {
    add("not_absolute",
        std::string(key) + "[0] is \"" + argv.front() +
            "\": the program must be an absolute path without parameters, such as /usr/bin/env",
        written->as_array()[0], in_.pointer_to(key) + "/0");
  }
  for (std::size_t i = 0; i < argv.size(); ++i) check_argv_element(key, argv[i], i);
  return argv;
}

void ToolReader::read_exec() {
  if (in_.value().find("exec") == nullptr) return;
  tool_.exec = read_argv("exec");
  tool_.kind = ToolKind::kExec;
}

void ToolReader::read_env_entry(const std::string& variable, const doc::Value& value,
                                const std::string& pointer) {
  if (!is_identifier(variable, false) || variable.find('-') != std::string::npos) {
    add("invalid_name", "\"" + variable + "\" is no variable name", value, pointer);
  }
  if (value.is_string()) {
    tool_.env[variable] = value.as_string();
    const auto pieces = split_template(value.as_string());
    if (!pieces || pieces->size() > 1 || (pieces->size() == 1 && (*pieces)[0].parameter)) {
      add("invalid_template",
          "parameters do not work inside env; write " + variable + ": {param: NAME}", value,
          pointer);
    }
    return;
  }
  if (value.is_object() && value.find("param") != nullptr) {
    ObjectReader in(value, pointer, problems_);
    const std::string name = in.require_string("param");
    in.finish();
    const Param* p = use(name, value, pointer);
    if (p != nullptr &&
        (p->checked->type == ValueType::kObject || p->checked->type == ValueType::kArray)) {
      add("wrong_type", "a parameter in a variable must be a scalar", value, pointer);
    }
    if (variable.starts_with("LD_") || variable == "PATH" || variable == "IFS") {
      add("unsafe_variable",
          "the request must not choose " + variable + ": it decides what code runs", value,
          pointer);
    }
    tool_.param_env[variable] = name;
    return;
  }
  if (value.is_object() && value.find("credential") != nullptr) {
    tool_.credential_env[variable] = read_credential(value, pointer);
    return;
  }
  if (value.is_object()) {
    if (auto ref = read_secret(value, pointer)) tool_.secret_env[variable] = std::move(*ref);
    return;
  }
  add("wrong_type", "must be text (quote numbers), {secret: …}, {param: …} or {credential: …}",
      value, pointer);
}

CredentialRef ToolReader::read_credential(const doc::Value& value, const std::string& pointer) {
  ObjectReader in(value, pointer, problems_);
  CredentialRef out{.name = in.require_string("credential"), .field = in.require_string("field")};
  const auto as = in.string("as");
  if (as && *as != "file") in.problem("unknown_choice", "as: file is the only choice", "as");
  out.as_file = as == "file";
  out.position = value.position();
  in.finish();
  return out;
}

void ToolReader::read_env() {
  const doc::Value* env = in_.object("env");
  if (env == nullptr) return;
  for (const doc::Member& member : env->as_object()) {
    read_env_entry(member.key, member.value,
                   in_.pointer_to("env") + "/" + doc::pointer_escape(member.key));
  }
}

void ToolReader::read_cwd() {
  const auto cwd = in_.string("cwd");
  if (!cwd) return;
  tool_.cwd = *cwd;
  if (!is_absolute(*cwd)) in_.problem("not_absolute", "cwd must be an absolute path", "cwd");
}

void ToolReader::read_sandbox() {
  if (const doc::Value* value = in_.any("sandbox"); value != nullptr && value->is_string()) {
    tool_.sandbox.enabled = value->as_string() != "none";
    if (tool_.sandbox.enabled) {
      in_.problem("unknown_choice",
                  "sandbox is `none` or {network: …, read_only: […], read_write: […]}", "sandbox");
    }
  } else if (value != nullptr) {
    ObjectReader in(*value, in_.pointer_to("sandbox"), problems_);
    read_open_door(in);
    read_bound_paths(in);
    in.finish();
  }
  check_open_door();
}

// {disabled: true, exposes_keyturn: true}: `none`, by somebody who knows what that means where the
// server is not root.
void ToolReader::read_open_door(ObjectReader& in) {
  const bool disabled = in.boolean("disabled").value_or(false);
  tool_.sandbox.enabled = !disabled;
  tool_.sandbox.exposes_keyturn = in.boolean("exposes_keyturn").value_or(false);
  if (tool_.sandbox.exposes_keyturn && !disabled) {
    in.problem("conflict", "exposes_keyturn goes with disabled: true; a sandbox exposes nothing",
               "exposes_keyturn");
  }
}

void ToolReader::read_bound_paths(ObjectReader& in) {
  Sandbox& sandbox = tool_.sandbox;
  sandbox.network = in.boolean("network").value_or(false);
  sandbox.read_only = in.strings("read_only").value_or(std::vector<std::string>{});
  sandbox.read_write = in.strings("read_write").value_or(std::vector<std::string>{});
  for (const auto& [key, paths] :
       {std::pair{"read_only", &sandbox.read_only}, std::pair{"read_write", &sandbox.read_write}}) {
    for (const std::string& path : *paths) {
      if (!is_absolute(path))
        in.problem("not_absolute", "\"" + path + "\" is no absolute path", key);
    }
  }
  if (sandbox.enabled) return;
  for (const char* key : {"network", "read_only", "read_write"}) {
    if (in.value().find(key) != nullptr) {
      in.problem("without_effect",
                 std::string(key) + " has no effect with disabled: true; remove one of them", key);
    }
  }
}

void ToolReader::check_open_door() {
  const Sandbox& sandbox = tool_.sandbox;
  if (tool_.kind != ToolKind::kExec || sandbox.enabled || sandbox.exposes_keyturn) return;
  if (!options_.programs_run_as_server) return;
  in_.problem("exposes_keyturn",
              "without a sandbox this program could read Keyturn's keys and data, because Keyturn "
              "does not run as root and programs run as its own user. Give the tool a sandbox "
              "({network: true, read_only: […]} opens what it needs), run Keyturn as root, or "
              "accept it: sandbox: {disabled: true, exposes_keyturn: true}",
              "sandbox");
  problems_.back().warning = !options_.sealed;
}

void ToolReader::read_limits() {
  const doc::Value* value = in_.object("limits");
  if (value == nullptr) return;
  ObjectReader in(*value, in_.pointer_to("limits"), problems_);
  Limits& limits = tool_.limits;
  limits.memory_bytes = read_size(in, "memory", kLimitsLeast.memory_bytes, kLimitsMost.memory_bytes)
                            .value_or(limits.memory_bytes);
  limits.processes = in.integer("processes", kLimitsLeast.processes, kLimitsMost.processes)
                         .value_or(limits.processes);
  limits.open_files = in.integer("open_files", kLimitsLeast.open_files, kLimitsMost.open_files)
                          .value_or(limits.open_files);
  limits.file_bytes = read_size(in, "file_size", kLimitsLeast.file_bytes, kLimitsMost.file_bytes)
                          .value_or(limits.file_bytes);
  in.finish();
}

}  // namespace keyturn::catalog
