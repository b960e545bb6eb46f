// The host's own routes, for whoever may open the admin socket's file - and for the command line
// when no server runs. They make people, agents, tokens and enrolment links, and seal. Answers and
// problems are those of HTTP.
//
//   POST /host/person {id, name?, email?, groups?, aliases?, simulated?}   -> {"id"}
//   POST /host/person/groups {id, groups}            POST /host/person/active {id, active}
//   POST /host/agent {name, owner}                   POST /host/agent/suspend {name, suspended}
//   POST /host/token {agent | person, expires?, label?}   -> {"id", "token", "expires_at"}
//   POST /host/enrol {person} -> {"url"}             POST /host/seal {} -> {"configuration"}
//   POST /host/reload {} -> {"changed", "problems"}  GET /host/status
//   POST /host/standing/revoke {id, reason} -> {"id", "until"}
//   POST /host/upstream/accept {upstream, tools?} -> {"accepted"}
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "admin/admin.h"
#include "gate/gate.h"
#include "identity/identity.h"
#include "net/http.h"

namespace keyturn::api {

// Reads policy and tools again and makes them active if they are valid; true when something
// changed.
using Reload = std::function<Task<Result<bool>>(doc::FileProblems& problems)>;

class HostRoutes {
 public:
  // Borrowed for its life; `reload` may be empty.
  HostRoutes(gate::Gate& gate, admin::Admin& admin, identity::Identity& identity,
             std::string public_url, Reload reload);

  static bool is_host_path(std::string_view path) { return path.starts_with("/host/"); }
  // Needs `method`, `path` and `body` only. The caller has made sure that it is the host who asks.
  Task<net::HttpResponse> handle(net::HttpRequest request);

 private:
  Task<net::HttpResponse> person(doc::Value body);
  Task<net::HttpResponse> groups(doc::Value body);
  Task<net::HttpResponse> active(doc::Value body);
  Task<net::HttpResponse> agent(doc::Value body);
  Task<net::HttpResponse> suspend(doc::Value body);
  Task<net::HttpResponse> revoke_standing(doc::Value body);
  Task<net::HttpResponse> accept_upstream(doc::Value body);
  Task<net::HttpResponse> token(doc::Value body);
  Task<net::HttpResponse> enrol(doc::Value body);
  Task<net::HttpResponse> seal(doc::Value body);
  Task<net::HttpResponse> reload(doc::Value body);
  net::HttpResponse status() const;

  gate::Gate& gate_;
  admin::Admin& admin_;
  identity::Identity& identity_;
  std::string public_url_;
  Reload reload_;
};

}  // namespace keyturn::api
