// A credential that was issued for one action, and what it is bound to.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "doc/value.h"
#include "model/principal.h"

namespace keyturn::credentials {

// To whom, for what and until when. What the provider can carry of it is in the credential itself:
// the role's name and comment, the certificate's key id, the session's name.
struct Binding {
  enum class Use {
    kRequest,  // a statement or a request of the server itself: over when the server stops
    kProgram,  // a program, which goes on when the server stops
    kLook,     // at what an action would touch, before anybody agreed to it
  };
  ActionId action;
  std::string principal;  // "agent:ops-bot"
  std::string tool;
  Time until;  // it need not live longer; the provider's least may be more
  Use use = Use::kRequest;
};

struct Issued {
  std::string id;              // "crd_…"
  std::string name, provider;  // as in credentials.yaml
  doc::Value shown;            // public: role, serial, lease, …; never a secret
  std::string lease;           // what revoke() says to a vault; `shown` has it as it may be shown
  std::map<std::string, Secret, std::less<>> fields;
  Time expires_at;
  bool revocable = false;            // revoke() ends it; else it ends by itself
  std::vector<std::string> only_to;  // Credential::only_to

  // Null: there is no such field.
  const Secret* field(std::string_view name) const;
};

// What the record says of it: {id, name, provider, shown, expires_at, revocable}.
doc::Value to_value(const Issued& issued);

}  // namespace keyturn::credentials
