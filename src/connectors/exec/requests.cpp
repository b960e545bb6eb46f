#include "connectors/exec/requests.h"

#include "base/bytes.h"

namespace keyturn::connectors::exec {

doc::Value refusal_value(const Refusal& refusal) {
  return doc::object(
      {{"refusal", doc::object({{"code", refusal.code}, {"message", refusal.message}})}});
}

std::vector<SecretVariable> secrets_of(const doc::Value* list) {
  std::vector<SecretVariable> out;
  if (list == nullptr || !list->is_array()) return out;
  for (const doc::Value& item : list->as_array()) {
    out.push_back({std::string(item.text("name")),
                   Secret(from_base64(item.text("value")).value_or("")), item.flag("as_file")});
  }
  return out;
}

secrets::Redactor redactor_for(const std::vector<SecretVariable>& variables,
                               const std::vector<SecretVariable>& parameters) {
  secrets::Redactor redactor;
  for (const SecretVariable& secret : variables) redactor.add(secret.name, secret.value);
  for (const SecretVariable& secret : parameters) redactor.add(secret.name, secret.value);
  return redactor;
}

}  // namespace keyturn::connectors::exec
