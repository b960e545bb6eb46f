// The credentials that a server was given, of late: to be taken out of what it says.
#pragma once

#include <deque>
#include <string>

#include "base/secret.h"
#include "secrets/redact.h"

namespace keyturn::connectors::mcp {

class KnownSecrets {
 public:
  void learn(const std::string& name, const Secret& value);
  // Null while there are none. Valid while this is.
  const secrets::Redactor* redactor() const { return redactor_.empty() ? nullptr : &redactor_; }

 private:
  struct Known {
    std::string name;
    Secret value;
  };
  std::deque<Known> known_;  // the newest last
  secrets::Redactor redactor_;
};

}  // namespace keyturn::connectors::mcp
