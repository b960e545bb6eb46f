// The front's parts. Internal to connectors/mcp.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "connectors/mcp/calls.h"
#include "connectors/mcp/delivery.h"
#include "connectors/mcp/flow.h"
#include "connectors/mcp/front.h"
#include "connectors/mcp/listing.h"
#include "connectors/mcp/server_tasks.h"
#include "connectors/mcp/session_ids.h"
#include "mcp/answers.h"

namespace keyturn::connectors::mcp {

using net::HttpResponse;

// A call of a client that waits: for people, or for the server.
struct Held {
  ActionId action;
  std::shared_ptr<Delivery> delivery;  // null: a tool of tools.yaml, which no MCP server runs
  std::string key;                     // of what was asked: Unattended
  const struct Call* owner = nullptr;  // the connection that waits for it now
  bool is_attended = true;             // a connection of the client is there for it
  bool is_cancelled = false;
  doc::Value response;         // of a task: what the server answered
  std::function<void()> wake;  // whoever waits for it looks again
};

// What is known of a client's session (or, without sessions, of one principal at one upstream).
struct Known {
  std::string client;  // clientInfo.name, as it says itself
  std::string version;
  std::optional<Listing> listing;
  bool stale = true;  // the server said that its list changed
  bool is_reading = false;
  std::map<std::string, std::shared_ptr<Held>> in_flight;  // by the id of the client's request
  Time used{};
};

// One HTTP request of a client.
struct Call {
  net::HttpRequest request;
  net::RequestContext& context;
  Principal who;
  std::string upstream_name;
  std::shared_ptr<const catalog::Upstream> upstream;
  std::shared_ptr<Backend> backend;
  std::function<bool()> still_valid;
  std::optional<rpc::Message> message;
  rpc::Era era = rpc::Era::kLegacy;
  std::string session;  // the server's own id
  std::shared_ptr<Known> known;
  std::shared_ptr<void> seat;  // counts what a caller has open

  bool is_modern() const { return era == rpc::Era::kModern; }
  bool is_built_in() const { return upstream_name == "keyturn"; }
  bool takes_stream() const;
  const doc::Value& id() const { return message->id; }
  Forward forward() const;  // without message
};
using CallPtr = std::shared_ptr<Call>;

// Open actions that were asked for over MCP and that no connection waits for now: by who asked
// what. An identical call takes up the oldest.
class Unattended {
 public:
  void add(const std::string& key, const ActionId& id) { ids_[key].insert(id.str()); }
  std::optional<ActionId> take(const std::string& key);
  void remove(const std::string& key, const ActionId& id);

 private:
  std::map<std::string, std::set<std::string>> ids_;  // ids are sortable: the oldest first
};

struct Front::Impl : std::enable_shared_from_this<Front::Impl> {
  explicit Impl(FrontPorts p) : ports(std::move(p)) {}

  // ---- front.cpp
  Task<HttpResponse> handle(CallPtr call);
  Task<HttpResponse> post(CallPtr call);
  Task<HttpResponse> notification(CallPtr call);
  std::shared_ptr<Known> known_of(const Call& call);
  void tidy();

  // ---- front_stream.cpp: from a server to the client
  Task<HttpResponse> relay(CallPtr call);
  Task<HttpResponse> answer_from(CallPtr call, std::shared_ptr<Flow> flow,
                                 std::shared_ptr<Held> held);
  // Writes what comes to an open event stream; true: to the end.
  Task<bool> stream_out(CallPtr call, std::shared_ptr<Flow> flow, std::shared_ptr<Held> held,
                        net::BodyWriter& out);
  void copy_headers(const Call& call, const Flow::Head& head, HttpResponse& response) const;
  Piece seen(const Call& call, Piece piece, bool is_stream);
  static Piece for_client(const Call& call, const Held& held, Piece piece, bool is_stream);

  // ---- front_gate.cpp: calls that policy decides
  Task<HttpResponse> gated(CallPtr call);
  // Nothing: go on. Else the JSON-RPC response instead.
  Task<std::optional<doc::Value>> check_tool(CallPtr call, const std::string& name);
  Task<Result<void>> refresh(CallPtr call);  // the listing, and the pins
  Task<Result<std::shared_ptr<Held>>> find_or_submit(CallPtr call, std::string tool,
                                                     doc::Value args);
  Task<HttpResponse> resume(CallPtr call, std::string sealed);

  // ---- front_tasks.cpp: a call that its client asked for as a task
  bool wants_task(const Call& call) const;
  // server/discover's answer, with the extension where the client knows it.
  static std::optional<doc::Value> with_tasks(const Call& call, const doc::Value& message);
  HttpResponse as_task(const CallPtr& call, const gate::ActionRecord& record);
  static bool is_own_task(const Call& call);
  Task<HttpResponse> own_task(CallPtr call);
  // Tasks of servers: whether this caller was told the id that it names; and a list without
  // others'.
  bool may_name_task(const Call& call, const std::string& task) const;
  bool names_anothers_task(const Call& call) const;
  static HttpResponse no_task(const Call& call);
  std::optional<doc::Value> without_others(const Call& call, const doc::Value& message) const;
  rpc::Task task_of(const gate::ActionRecord& record, std::string status, std::string words) const;

  // ---- front_hold.cpp: while people decide
  void make_delivery(const CallPtr& call, const std::shared_ptr<Held>& held);
  Task<HttpResponse> wait_for(CallPtr call, std::shared_ptr<Held> held, int leg);
  Task<void> hold(CallPtr call, std::shared_ptr<Held> held, int leg, net::BodyWriter& out);
  struct Step {  // what comes next for a held call
    enum class Kind { kWait, kRun, kAnswer } kind = Kind::kWait;
    doc::Value answer;  // a JSON-RPC response
  };
  Task<Step> step(CallPtr call, std::shared_ptr<Held> held);
  Task<Result<void>> begin(CallPtr call, std::shared_ptr<Held> held);  // take_up
  doc::Value out_of_time(const Call& call, const Held& held, const gate::ActionRecord& record,
                         int leg);
  void leave(const CallPtr& call, const std::shared_ptr<Held>& held);
  void done(const CallPtr& call, const std::shared_ptr<Held>& held);

  rpc::RequestState state_for(const Call& call, const ActionId& action) const;
  bool is_patient(const Call& call) const;
  rpc::Told told(const Call& call, const gate::ActionRecord& record, std::string words) const;

  FrontPorts ports;
  std::map<std::string, std::shared_ptr<Known>> sessions;
  std::map<std::string, std::shared_ptr<Held>> held;  // by action, while it may be taken up
  Unattended unattended;
  ChangePace pace;
  TaskOwners owners;
  std::map<std::string, std::size_t> open;  // requests on their way, by who asks
  bool has_loaded = false;
};

// Of the upstream `keyturn`; others say theirs (catalog::Upstream).
inline constexpr Duration kHold = std::chrono::minutes(10), kLeg = std::chrono::seconds(50);
inline constexpr Duration kRunMax = std::chrono::hours(1);   // connectors have bounds of their own
inline constexpr Duration kKept = std::chrono::minutes(10);  // an answer that nobody took

// SHA-256 over what is asked: what a requestState is for.
std::string state_digest(const Call& call);

// No, in the form that the method's callers read: a tool's result, or an error.
doc::Value refusal_of(const Call& call, const rpc::Told& told);
void note_in_flight(Call& call, const std::shared_ptr<Held>& held);
void forget_in_flight(Call& call);
// Whether this response says that the server does not know the session.
bool is_lost_session(const doc::Value& response);

HttpResponse json_rpc(int status, const doc::Value& value);
std::string call_key(const Principal& who, const std::string& tool, const doc::Value& args);

}  // namespace keyturn::connectors::mcp
