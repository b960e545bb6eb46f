// What an exec tool would run, once its parameters are filled in: everything but the secrets.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/secret.h"
#include "catalog/tool.h"

namespace keyturn::connectors::exec {

struct SecretName {
  std::string name;  // the variable
  bool as_file = false;
  std::string from;  // "credential:NAME FIELD" for one that is issued for the execution; else ""
};

struct Plan {
  std::vector<std::string> argv;        // what runs; may hold secret parameters: never shown
  std::vector<std::string> shown_argv;  // the same, with "<secret: name>" in their places
  std::vector<std::string> own_words;   // elements that the tool's template says literally
  std::string cwd = "/";
  std::map<std::string, std::string> env;        // as configured and from parameters; never shown
  std::map<std::string, std::string> shown_env;  // the same, secret parameters replaced
  std::vector<SecretName> secrets;
  catalog::Sandbox sandbox;
  catalog::Limits limits;
  Duration timeout{};
  std::int64_t output_bytes_max = 0;
};

// A secret, resolved, on its way to the process.
struct SecretVariable {
  std::string name;
  Secret value;
  bool as_file = false;
};

// Precondition: args passed check_args.
Plan make_plan(const catalog::Tool& tool, const doc::Value& args);

// The arguments with each `secret: true` parameter (each element of an array) replaced by "<secret:
// name>".
doc::Value mask_secrets(const catalog::Tool& tool, const doc::Value& args);
// The texts of those parameters, for redaction.
std::vector<SecretVariable> secret_parameters(const catalog::Tool& tool, const doc::Value& args);

// Over the socket to the helper.
doc::Value to_value(const std::vector<SecretVariable>& secrets);
doc::Value to_value(const Plan& plan);
Plan plan_from_value(const doc::Value& value);

}  // namespace keyturn::connectors::exec
