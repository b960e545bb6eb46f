// What the helper's kinds of requests share. Internal to the helper.
#pragma once

#include <cstdint>
#include <vector>

#include "connectors/exec/plan.h"
#include "doc/value.h"
#include "secrets/redact.h"

namespace keyturn::connectors::exec {

// Who is told the answer: the client, and the number that it gave its request.
struct Asker {
  std::int64_t client = 0;
  std::int64_t request = 0;
};

doc::Value refusal_value(const Refusal& refusal);
std::vector<SecretVariable> secrets_of(const doc::Value* list);
secrets::Redactor redactor_for(const std::vector<SecretVariable>& variables,
                               const std::vector<SecretVariable>& parameters);

}  // namespace keyturn::connectors::exec
