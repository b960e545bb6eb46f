// Everything below the network, wired: data folder, journal, gate, people. `keyturn serve` puts
// sockets on top; host commands use it alone while no server runs.
#pragma once

#include <memory>
#include <string>

#include "admin/admin.h"
#include "audit/audit.h"
#include "base/random.h"
#include "base/result.h"
#include "gate/gate.h"
#include "identity/agent_tokens.h"
#include "identity/identity.h"
#include "identity/provider.h"
#include "identity/sign_on.h"
#include "net/blocking.h"
#include "net/loop.h"
#include "oncall/oncall.h"
#include "provisioning/provisioning.h"
#include "runs/runs.h"
#include "secrets/detect.h"
#include "server/settings.h"
#include "store/sqlite/data_dir.h"
#include "store/sqlite/journal.h"
#include "triggers/triggers.h"

namespace keyturn::channels {
class Channels;
class Keep;
}  // namespace keyturn::channels

namespace keyturn::connectors {
struct ExecutorOptions;
class Executors;
}  // namespace keyturn::connectors

namespace keyturn::connectors::mcp {
class Calls;
class Children;
class McpExecutor;
}  // namespace keyturn::connectors::mcp

namespace keyturn::server {

class Mcp;

// Members go in reverse order: who uses goes before what is used.
class Core {
 public:
  // Opens DATA (and makes it first when `create` and it is not there). With `executes` the exec
  // helper is started and actions can run; without, they are refused. Codes: those of DataDir and
  // open_journal, no_helper.
  static Result<std::unique_ptr<Core>> open(const Settings& settings, bool create, bool executes);
  ~Core();

  // What is lent to statements and requests is given back, by themselves or after `within`.
  Task<void> stop(Duration within);

  // Ends the loop's work: call before destruction, with the loop not running.
  net::Loop& loop() { return *loop_; }
  gate::Gate& gate() { return *gate_; }
  admin::Admin& admin() { return *admin_; }
  identity::Identity& identity() { return *identity_; }
  provisioning::Provisioning& provisioning() { return *provisioning_; }
  oncall::OnCall& on_call() { return *on_call_; }
  runs::Runs& runs() { return *runs_; }
  triggers::Triggers& triggers() { return *triggers_; }
  identity::SignOn& sign_on() { return *sign_on_; }
  identity::AgentTokens& agent_tokens() { return *agent_tokens_; }
  store::Journal& journal() { return *journal_; }
  const store::sqlite::DataDir& data() const { return *data_; }
  const Clock& clock() const { return clock_; }

  audit::AuditOptions audit_options(const Settings& settings);
  // Makes the channels that are configured; null when none is. Code kept_unreadable.
  Result<channels::Channels*> open_channels(const Settings& settings);
  bool created() const { return created_; }
  Mcp* mcp() { return mcp_.get(); }  // null while nothing executes

 private:
  Core() = default;
  void lend(connectors::ExecutorOptions& options);  // credentials of the configuration in force
  void open_sign_on(const std::string& public_url);
  void open_mcp(const std::string& public_url, connectors::mcp::Children* children);
  SystemClock clock_;
  SystemRandom random_;
  secrets::CredentialDetector detector_;
  std::unique_ptr<store::sqlite::DataDir> data_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<store::Journal> journal_;
  std::unique_ptr<net::BlockingPool> aside_;  // for what takes long and waits for nothing
  std::unique_ptr<connectors::mcp::Calls> mcp_calls_;
  std::shared_ptr<connectors::mcp::McpExecutor> mcp_executor_;
  std::unique_ptr<gate::Executor> executor_;
  connectors::Executors* executors_ = nullptr;  // the same; null: nothing executes
  std::unique_ptr<gate::Gate> gate_;
  std::unique_ptr<identity::Identity> identity_;
  std::unique_ptr<net::BlockingPool> secrets_pool_;  // fetches the tokens of SCIM sections
  std::unique_ptr<provisioning::Provisioning> provisioning_;
  std::unique_ptr<oncall::OnCall> on_call_;
  std::unique_ptr<runs::Runs> runs_;
  std::unique_ptr<triggers::Triggers> triggers_;
  std::unique_ptr<net::BlockingPool> providers_pool_;  // asks identity providers
  std::unique_ptr<identity::Providers> providers_;
  std::unique_ptr<identity::AgentTokens> agent_tokens_;
  std::unique_ptr<identity::SignOn> sign_on_;
  std::unique_ptr<admin::Admin> admin_;
  std::unique_ptr<net::BlockingPool> channels_pool_;  // speaks to chats, mail servers, receivers
  std::unique_ptr<channels::Keep> kept_;
  std::unique_ptr<channels::Channels> channels_;
  std::unique_ptr<net::BlockingPool> witness_pool_;  // asks the witnesses
  std::unique_ptr<Mcp> mcp_;
  bool created_ = false;
};

// What this machine asks of tools.yaml.
catalog::LoadOptions host_of_tools();

// A line of the server's log: stderr, with the time.
void say(std::string_view line);

// Makes the folder (parents too) and its keys. Codes: those of DataDir::create.
Result<store::sqlite::DataDir> make_data_dir(const std::string& path, Random& random);

// The name under which checkpoints are signed, and the key that verifies them.
// (The base has no epoch.)
std::string base_origin_of(const Settings& settings, const store::sqlite::DataDir& data);
std::string origin_of(const Settings& settings, const store::sqlite::DataDir& data);
std::string vkey_of(const Settings& settings, const store::sqlite::DataDir& data);

}  // namespace keyturn::server
