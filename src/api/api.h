// Keyturn over HTTP: the JSON routes of the contract, the web inbox's files, the host's own routes.
//
// Threads: the I/O thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "admin/admin.h"
#include "api/host.h"
#include "audit/audit.h"
#include "gate/gate.h"
#include "identity/identity.h"
#include "net/forwarded.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/server.h"

namespace keyturn::identity {
class SignOn;
class AgentTokens;
}  // namespace keyturn::identity

namespace keyturn::provisioning {
class Provisioning;
}

namespace keyturn::oncall {
class OnCall;
}

namespace keyturn::channels {
class Channels;
}

namespace keyturn::runs {
class Runs;
}

namespace keyturn::triggers {
class Triggers;
}

namespace keyturn::connectors::mcp {
class Attachments;
class Front;
}  // namespace keyturn::connectors::mcp

namespace keyturn::api {

// What a list asks of the read model. `eyes` says whose: everything, what the agent `who` asked
// for, or what the person `who` in `groups` may know of.
struct ListQuery {
  enum class Eyes { kAll, kAgent, kPerson };
  std::vector<State> states;  // any of these; empty: any
  std::string tool;           // also all that begin so: "runbook.*"
  std::string actor, q;
  std::optional<Time> from, to;
  std::string after;  // Page::next of the page before
  std::size_t limit = 50;
  Eyes eyes = Eyes::kPerson;
  std::string who;
  std::vector<std::string> groups;
};

struct Page {
  std::vector<std::string> ids;  // newest first
  std::string next;              // "" when there are no more
};

using StateCounts = std::vector<std::pair<State, std::uint64_t>>;

// All references are borrowed for the life of the Api. Functions may be empty where it says so.
struct ApiPorts {
  gate::Gate& gate;
  admin::Admin& admin;
  identity::Identity& identity;
  audit::Audit& audit;
  runs::Runs& runs;
  net::Loop& loop;
  std::function<Task<Result<Page>>(ListQuery)> list;
  std::function<Task<Result<StateCounts>>()> count_by_state;  // may be empty
  // The numbers of whole days (report/insights.h); may be empty.
  std::function<Task<Result<doc::Value>>(Time from, Time to)> insights;
  std::function<bool()> ready;          // can it append? empty: always
  Reload reload;                        // may be empty
  std::function<doc::Value()> exports;  // an array: name, status, lag, …; may be empty
  provisioning::Provisioning* provisioning = nullptr;   // SCIM; may be null
  identity::SignOn* sign_on = nullptr;                  // may be null
  identity::AgentTokens* agent_tokens = nullptr;        // may be null
  oncall::OnCall* on_call = nullptr;                    // may be null
  channels::Channels* channels = nullptr;               // may be null
  connectors::mcp::Front* mcp = nullptr;                // may be null
  connectors::mcp::Attachments* attachments = nullptr;  // may be null
  triggers::Triggers* triggers = nullptr;               // may be null
};

struct ApiOptions {
  std::string public_url = "http://localhost:7717";  // without a slash at the end
  // Origins that a browser may send; empty: that of public_url.
  std::vector<std::string> origins;
  bool demo = false;
  std::string demo_agent = "demo-agent";
  std::string version = "0.1.0";
  std::size_t streams_per_caller_max = 20;
  std::size_t streams_max = 5000;
  std::size_t refusals_recorded_per_minute_max = 10;  // a code and caller; the rest is counted
  Duration wait_max = std::chrono::seconds(300);
  Duration heartbeat = std::chrono::seconds(15);  // of streams: who is gone is noticed by then
  net::TrustedProxies trusted_proxies;            // who may say for whom they speak
  // Of secret parameters on the page: the same value has the same fingerprint, today and tomorrow.
  Secret fingerprint_key{};
};

class Api final : public net::HttpHandler {
 public:
  Api(ApiPorts ports, ApiOptions options);
  ~Api() override;

  Task<net::HttpResponse> handle(net::HttpRequest request, net::RequestContext& context) override;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace keyturn::api
