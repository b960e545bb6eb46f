#include "connectors/exec/plan.h"

#include "base/bytes.h"
#include "connectors/exec/limits.h"
#include "doc/json.h"

namespace keyturn::connectors::exec {
namespace {

std::vector<std::string> texts(const doc::Value* array) {
  std::vector<std::string> out;
  if (array == nullptr || !array->is_array()) return out;
  for (const doc::Value& item : array->as_array()) out.push_back(item.as_string());
  return out;
}

doc::Value sandbox_value(const catalog::Sandbox& sandbox) {
  return doc::object({{"enabled", sandbox.enabled},
                      {"exposes_keyturn", sandbox.exposes_keyturn},
                      {"network", sandbox.network},
                      {"read_only", doc::array_of(sandbox.read_only)},
                      {"read_write", doc::array_of(sandbox.read_write)}});
}

doc::Value env_value(const std::map<std::string, std::string>& env) {
  doc::Value out{doc::Object{}};
  for (const auto& [name, text] : env) out.set(name, text);
  return out;
}

std::map<std::string, std::string> env_from(const doc::Value* object) {
  std::map<std::string, std::string> out;
  if (object == nullptr || !object->is_object()) return out;
  for (const doc::Member& member : object->as_object()) out[member.key] = member.value.as_string();
  return out;
}

}  // namespace

doc::Value mask_secrets(const catalog::Tool& tool, const doc::Value& args) {
  doc::Value shown = args;
  for (const catalog::Param& param : tool.params) {
    const doc::Value* value = param.secret ? args.find(param.name) : nullptr;
    if (value == nullptr) continue;
    const std::string mask = "<secret: " + param.name + ">";
    if (value->is_array()) {
      shown.set(param.name,
                doc::array_of(std::vector<std::string>(value->as_array().size(), mask)));
    } else {
      shown.set(param.name, mask);
    }
  }
  return shown;
}

std::vector<SecretVariable> secret_parameters(const catalog::Tool& tool, const doc::Value& args) {
  std::vector<SecretVariable> out;
  for (const catalog::Param& param : tool.params) {
    const doc::Value* value = param.secret ? args.find(param.name) : nullptr;
    if (value == nullptr || value->is_null()) continue;
    if (!value->is_array()) {
      out.push_back({param.name, Secret(catalog::argument_text(*value))});
      continue;
    }
    for (const doc::Value& item : value->as_array()) {
      out.push_back({param.name, Secret(catalog::argument_text(item))});
    }
  }
  return out;
}

Plan make_plan(const catalog::Tool& tool, const doc::Value& args) {
  Plan plan;
  plan.argv = catalog::render_argv(tool, args);
  plan.shown_argv = catalog::render_argv(tool, mask_secrets(tool, args));
  for (const std::string& element : tool.exec) {
    if (element.find("{{") == std::string::npos) plan.own_words.push_back(element);
  }
  plan.cwd = tool.cwd.empty() ? "/" : tool.cwd;
  plan.env = tool.env;
  plan.shown_env = tool.env;
  plan.env.merge(catalog::render_env(tool, args));
  plan.shown_env.merge(catalog::render_env(tool, mask_secrets(tool, args)));
  for (const auto& [name, reference] : tool.secret_env) {
    plan.secrets.push_back({name, reference.as_file});
  }
  for (const auto& [name, from] : tool.credential_env)
    plan.secrets.push_back({name, from.as_file, "credential:" + from.name + " " + from.field});
  plan.sandbox = tool.sandbox;
  plan.limits = tool.limits;
  plan.timeout = tool.timeout;
  plan.output_bytes_max = tool.output_bytes_max;
  return plan;
}

doc::Value to_value(const std::vector<SecretVariable>& secrets) {
  doc::Value out{doc::Array{}};
  for (const SecretVariable& secret : secrets) {
    out.push(doc::object({{"name", secret.name},
                          {"value", to_base64(secret.value.reveal())},
                          {"as_file", secret.as_file}}));
  }
  return out;
}

doc::Value to_value(const Plan& plan) {
  doc::Value secrets{doc::Array{}};
  for (const SecretName& secret : plan.secrets) {
    secrets.push(
        doc::object({{"name", secret.name}, {"as_file", secret.as_file}, {"from", secret.from}}));
  }
  return doc::object({{"argv", doc::array_of(plan.argv)},
                      {"shown_argv", doc::array_of(plan.shown_argv)},
                      {"own_words", doc::array_of(plan.own_words)},
                      {"cwd", plan.cwd},
                      {"env", env_value(plan.env)},
                      {"shown_env", env_value(plan.shown_env)},
                      {"secrets", secrets},
                      {"sandbox", sandbox_value(plan.sandbox)},
                      {"limits", to_value(plan.limits)},
                      {"timeout_us", static_cast<std::int64_t>(plan.timeout.count())},
                      {"output_bytes_max", plan.output_bytes_max}});
}

Plan plan_from_value(const doc::Value& value) {
  Plan plan;
  plan.argv = texts(value.find("argv"));
  plan.shown_argv = texts(value.find("shown_argv"));
  plan.own_words = texts(value.find("own_words"));
  plan.cwd = value.text("cwd");
  plan.env = env_from(value.find("env"));
  plan.shown_env = env_from(value.find("shown_env"));
  if (const doc::Value* secrets = value.find("secrets")) {
    for (const doc::Value& secret : secrets->as_array()) {
      plan.secrets.push_back({std::string(secret.text("name")), secret.flag("as_file"),
                              std::string(secret.text("from"))});
    }
  }
  if (const doc::Value* sandbox = value.find("sandbox")) {
    plan.sandbox = {.enabled = sandbox->flag("enabled"),
                    .exposes_keyturn = sandbox->flag("exposes_keyturn"),
                    .network = sandbox->flag("network"),
                    .read_only = texts(sandbox->find("read_only")),
                    .read_write = texts(sandbox->find("read_write"))};
  }
  if (const doc::Value* limits = value.find("limits")) plan.limits = limits_from_value(*limits);
  plan.timeout = Duration(value.integer("timeout_us"));
  plan.output_bytes_max = value.integer("output_bytes_max");
  return plan;
}

}  // namespace keyturn::connectors::exec
