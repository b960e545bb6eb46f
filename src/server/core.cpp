#include "server/core.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "audit/signed_state.h"
#include "base/task_impl.h"
#include "channels/channels.h"
#include "connectors/credentials_in_force.h"
#include "connectors/exec/plan.h"
#include "connectors/executors.h"
#include "connectors/mcp/calls.h"
#include "connectors/mcp/executor.h"
#include "crypto/crypto.h"
#include "identity/accounts.h"
#include "ledger/note.h"
#include "net/client.h"
#include "secrets/redact.h"
#include "secrets/reference.h"
#include "server/aside.h"
#include "server/files.h"
#include "server/mcp.h"

namespace keyturn::server {
namespace {

// A stream whose last event is one of these has nothing open in it.
const std::set<std::string>& closed_types() {
  static const std::set<std::string> types{"action.decided",
                                           "action.cancelled",
                                           "action.expired",
                                           "action.amended",
                                           "grant.expired",
                                           "review.closed",
                                           "execution.finished",
                                           "execution.unknown",
                                           "identity.session_closed",
                                           "identity.token_revoked",
                                           "identity.enrolment_used",
                                           "payload.erased",
                                           "identity.scim_group_removed",
                                           "incident.closed",
                                           "breakglass.closed",
                                           "breakglass.reviewed",
                                           "canary.revealed",
                                           "standing.revoked",
                                           "run.ended",
                                           "schedule.ended",
                                           "hook.ignored",
                                           "hook.settled"};
  return types;
}

// While no server runs nothing is executed.
class NoExecutor final : public gate::Executor {
 public:
  Task<Result<gate::Described>> describe(const catalog::Tool&, doc::Value) override {
    co_return refuse("not_serving", "actions need a running server: keyturn serve");
  }
  Task<Result<Outcome>> execute(gate::Order) override {
    co_return refuse("not_serving", "actions need a running server: keyturn serve");
  }
  Task<Outcome> recover(ActionId) override { co_return Outcome{}; }
  Task<Result<void>> forget_output(std::set<ActionId>) override {
    co_return refuse("not_serving", "actions need a running server: keyturn serve");
  }
};

std::string node_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? std::string(name)
                                                                      : "keyturn";
}

void redact(const secrets::CredentialDetector& detector, doc::Value& reported,
            const catalog::Tool* tool, const doc::Value& args) {
  if (tool != nullptr) {
    secrets::Redactor known;
    for (const auto& secret : connectors::exec::secret_parameters(*tool, args))
      known.add(secret.name, secret.value);
    known.redact(reported);
  }
  detector.redact(reported);
}

provisioning::Ports provisioning_ports(gate::Gate& gate, net::Loop& loop, net::BlockingPool& pool,
                                       const Secret& key, std::string base_url) {
  return {.gate = gate,
          .account =
              [&key](const trust::Provider& provider, std::string_view subject) {
                return identity::account_of(key, provider, subject);
              },
          .fetch =
              [&pool](secrets::SecretReference reference) {
                return secret_of(pool, std::move(reference));
              },
          .spawn = [&loop](Task<void> task) { loop.spawn(std::move(task)); },
          .log = say,
          .base_url = std::move(base_url)};
}

// Paths in identity.yaml are relative to where it lies.
oncall::Ports oncall_ports(gate::Gate& gate, net::Loop& loop, net::BlockingPool& pool,
                           const std::string& identity) {
  const std::filesystem::path folder = std::filesystem::path(identity).parent_path();
  return {.gate = gate,
          .fetch =
              [&pool](secrets::SecretReference reference) {
                return secret_of(pool, std::move(reference));
              },
          .read = [folder](const std::string& path) -> Result<std::string> {
            return read_file(folder / path, oncall::kFileBytesMax);
          },
          .spawn = [&loop](Task<void> task) { loop.spawn(std::move(task)); },
          .log = say};
}

triggers::Ports trigger_ports(gate::Gate& gate, net::Loop& loop, net::BlockingPool& pool) {
  return {.gate = gate,
          .fetch =
              [&pool](secrets::SecretReference reference) {
                return secret_of(pool, std::move(reference));
              },
          .spawn = [&loop](Task<void> task) { loop.spawn(std::move(task)); },
          .log = say};
}

// What tells what this Keyturn issued from what another did at the same database: the same for all
// its life, whatever key signs its ledger.
std::string deployment_of(const Secret& key) {
  constexpr std::size_t kDigits = 16;
  return to_hex(view(crypto::hmac_sha256(key.reveal(), "keyturn/v1/deployment")))
      .substr(0, kDigits);
}

std::string host_part(const std::string& url) {
  const std::size_t start = url.find("://") + 3;
  std::string host = url.substr(start, url.find('/', start) - start);
  if (const std::size_t colon = host.rfind(':');
      colon != std::string::npos && host.find(']') == std::string::npos)
    host.resize(colon);
  return host;
}

// A witness that does not answer holds nobody up for long.
net::ClientRequest to_witness(const std::string& url, std::string body) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = url + "/add-checkpoint";
  request.headers.set("Content-Type", "text/plain; charset=utf-8");
  request.body = std::move(body);
  request.connect_timeout = std::chrono::seconds(1);
  request.timeout = std::chrono::seconds(3);
  request.body_bytes_max = 64 << 10;
  return request;
}

Task<Result<audit::WitnessAnswer>> ask_witness(net::BlockingPool& pool,
                                               net::ClientRequest request) {
  Result<net::ClientResponse> response = co_await net::run_blocking(
      pool, [request = std::move(request)] { return net::fetch(request); });
  if (!response) co_return std::unexpected(response.error());
  co_return audit::WitnessAnswer{response->status, std::move(response->body)};
}

std::function<Task<Result<audit::WitnessAnswer>>(std::string)> asker(net::BlockingPool& pool,
                                                                     std::string url) {
  return [&pool, url = std::move(url)](std::string body) {
    return ask_witness(pool, to_witness(url, std::move(body)));
  };
}

}  // namespace

std::string base_origin_of(const Settings& settings, const store::sqlite::DataDir& data) {
  if (!settings.origin.empty()) return settings.origin;
  std::ifstream kept(data.path() + "/keys/origin");  // a rotated key does not change the name
  std::string origin;
  if (std::getline(kept, origin) && !origin.empty()) return origin;
  const crypto::Ed25519Key key = crypto::Ed25519Key::from_seed(data.ledger_seed());
  return "keyturn.local/" + to_hex(key.public_key()).substr(0, 8);
}

std::string origin_of(const Settings& settings, const store::sqlite::DataDir& data) {
  const unsigned epoch = audit::epoch_of(data.path());
  const std::string base = base_origin_of(settings, data);
  return epoch > 1 ? base + "/epoch-" + std::to_string(epoch) : base;
}

std::string vkey_of(const Settings& settings, const store::sqlite::DataDir& data) {
  return ledger::Ed25519Signer(origin_of(settings, data),
                               crypto::Ed25519Key::from_seed(data.ledger_seed()))
      .verifier()
      .text();
}

audit::AuditOptions Core::audit_options(const Settings& settings) {
  audit::AuditOptions options;
  options.origin = origin_of(settings, *data_);
  options.signing_seed = data_->ledger_seed();
  options.signed_path = audit::signed_path(data_->path());
  options.spawn = [loop = loop_.get()](Task<void> task) { loop->spawn(std::move(task)); };
  options.log = [](const std::string& line) { say(line); };
  options.cosignatures_needed = settings.cosignatures_needed;
  if (!settings.witnesses.empty() && !witness_pool_) {
    witness_pool_ = std::make_unique<net::BlockingPool>(
        *loop_, "witnesses", static_cast<unsigned>(settings.witnesses.size()));
  }
  for (const Settings::Witness& witness : settings.witnesses)
    options.witnesses.push_back({witness.key, asker(*witness_pool_, witness.url)});
  return options;
}

catalog::LoadOptions host_of_tools() {
  return {.programs_run_as_server = ::geteuid() != 0,
          .check_dsn = connectors::check_dsn,
          .check_credentials = connectors::check_credentials};
}

void say(std::string_view line) {
  std::fprintf(stderr, "%s %.*s\n", to_rfc3339(SystemClock().now()).c_str(),
               static_cast<int>(line.size()), line.data());
}

Core::~Core() = default;

void Core::open_sign_on(const std::string& url) {
  constexpr unsigned kAsking = 4;
  constexpr std::size_t kWaiting = 256;
  providers_pool_ = std::make_unique<net::BlockingPool>(*loop_, "kt-providers", kAsking, kWaiting);
  providers_ = std::make_unique<identity::Providers>(
      *loop_, clock_,
      [pool = providers_pool_.get()](net::ClientRequest request) {
        return fetched(*pool, std::move(request));
      },
      [pool = secrets_pool_.get()](secrets::SecretReference reference) {
        return secret_of(*pool, std::move(reference));
      });
  agent_tokens_ = std::make_unique<identity::AgentTokens>(*gate_, *providers_);
  identity_->set_jwt([tokens = agent_tokens_.get()](std::string_view token) {
    return tokens->authenticate(token);
  });
  identity::SignOnOptions options;
  options.public_url = url;
  sign_on_ = std::make_unique<identity::SignOn>(*gate_, *identity_, *providers_, data_->hmac_key(),
                                                std::move(options));
}

void Core::open_mcp(const std::string& url, connectors::mcp::Children* children) {
  connectors::mcp::UpstreamPorts ports{*gate_, *loop_, random_, *secrets_pool_, children};
  mcp_ = std::make_unique<Mcp>(ports, *mcp_calls_, data_->hmac_key(), url);
  mcp_executor_->set_backends(
      [mcp = mcp_.get()](const std::string& name) { return mcp->upstreams().backend(name); });
}

Task<void> Core::stop(Duration within) {
  if (executors_ != nullptr) co_await executors_->stop(within);
}

void Core::lend(connectors::ExecutorOptions& options) {
  auto in_force = std::make_shared<connectors::CredentialsInForce>();
  options.credentials = [this, in_force] {
    return in_force->of(gate_ ? gate_->world().configuration->tools : nullptr);
  };
  options.executing = [this] {
    std::set<std::string> ids;
    for (const gate::RecordPtr& record : gate_->open_records()) {
      if (record->state == State::kExecuting) ids.insert(record->id.str());
    }
    return ids;
  };
  options.deployment = deployment_of(data_->hmac_key());
  options.random = &random_;
  options.log = say;
}

Result<store::sqlite::DataDir> make_data_dir(const std::string& path, Random& random) {
  std::error_code ignored;  // DataDir::create says what is wrong with the folder itself
  const std::filesystem::path parent =
      std::filesystem::absolute(path).lexically_normal().parent_path();
  std::filesystem::create_directories(parent, ignored);
  return store::sqlite::DataDir::create(path, random);
}

Result<std::unique_ptr<Core>> Core::open(const Settings& settings, bool create, bool executes) {
  std::unique_ptr<Core> core(new Core);
  if (create && !std::filesystem::exists(settings.data + "/keys/ledger.key")) {
    Result<store::sqlite::DataDir> made = make_data_dir(settings.data, core->random_);
    if (!made) return std::unexpected(made.error());
    core->data_ = std::make_unique<store::sqlite::DataDir>(std::move(*made));
    core->created_ = true;
  } else {
    Result<store::sqlite::DataDir> opened = store::sqlite::DataDir::open(settings.data);
    if (!opened) return std::unexpected(opened.error());
    core->data_ = std::make_unique<store::sqlite::DataDir>(std::move(*opened));
  }
  connectors::ExecutorOptions executors;
  executors.helper.data_folder =
      std::filesystem::absolute(settings.data).lexically_normal().string();
  Result<connectors::exec::HelperConnection> helper = refuse("not_serving", "");
  if (executes) {  // before memory grows
    helper = connectors::exec::start_helper(executors.helper);
    if (!helper) return std::unexpected(helper.error());
    for (const std::string& note : connectors::exec::notes(helper->isolation)) say(note);
  }
  core->loop_ = std::make_unique<net::Loop>();
  store::sqlite::JournalOptions journal;
  journal.path = core->data_->journal_path();
  journal.master = core->data_->master_key();
  journal.node = node_name();
  journal.closed_types = closed_types();
  Result<std::unique_ptr<store::Journal>> opened = store::sqlite::open_journal(
      std::move(journal), core->clock_, core->random_, core->loop_->executor());
  if (!opened) return std::unexpected(opened.error());
  core->journal_ = std::move(*opened);
  connectors::mcp::Children* children = nullptr;
  if (executes) {
    core->mcp_calls_ = std::make_unique<connectors::mcp::Calls>(*core->loop_);
    core->mcp_executor_ =
        std::make_shared<connectors::mcp::McpExecutor>(*core->loop_, *core->mcp_calls_);
    executors.mcp = core->mcp_executor_;
    core->lend(executors);
    Result<std::unique_ptr<connectors::Executors>> executor =
        connectors::make_executor(*core->loop_, core->clock_, executors, std::move(*helper));
    if (!executor) return std::unexpected(executor.error());
    children = &(*executor)->children();
    core->executors_ = executor->get();
    core->executor_ = std::move(*executor);
  } else {
    core->executor_ = std::make_unique<NoExecutor>();
  }
  gate::GateOptions options;
  options.pending_per_agent_max = settings.pending_per_agent_max;
  options.host = host_of_tools();
  options.requests_per_second_max = settings.requests_per_second_max;
  options.demo = settings.demo;
  options.check_literals = [detector = &core->detector_](const doc::Value& args,
                                                         const std::set<std::string>& secret) {
    return detector->check_args(args, secret);
  };
  options.check_text = [detector = &core->detector_](std::string_view text, std::string_view what,
                                                     const std::string& where) {
    return detector->check_text(text, what, where);
  };
  options.redact_report = [detector = &core->detector_](
                              doc::Value& reported, const catalog::Tool* tool,
                              const doc::Value& args) { redact(*detector, reported, tool, args); };
  options.log = say;
  gate::Ports ports{*core->journal_,
                    *core->executor_,
                    core->clock_,
                    core->random_,
                    [loop = core->loop_.get()](Task<void> task) { loop->spawn(std::move(task)); },
                    core->data_->hmac_key()};
  core->gate_ = std::make_unique<gate::Gate>(std::move(ports), std::move(options));
  identity::IdentityOptions identity;
  const std::string url = public_url_of(settings);
  identity.rp_id = host_part(url);
  identity.origins = {url};
  identity.session_idle = settings.session_idle;
  identity.session_life = settings.session_life;
  core->identity_ = std::make_unique<identity::Identity>(*core->gate_, std::move(identity));
  core->secrets_pool_ = std::make_unique<net::BlockingPool>(*core->loop_, "kt-secrets", 1U);
  core->provisioning_ = std::make_unique<provisioning::Provisioning>(provisioning_ports(
      *core->gate_, *core->loop_, *core->secrets_pool_, core->data_->hmac_key(), url + "/scim/v2"));
  core->on_call_ = std::make_unique<oncall::OnCall>(
      oncall_ports(*core->gate_, *core->loop_, *core->secrets_pool_, settings.identity));
  core->aside_ = std::make_unique<net::BlockingPool>(*core->loop_, "kt-aside", 1U);
  core->admin_ = std::make_unique<admin::Admin>(
      *core->gate_,
      admin::Credentials{[it = core->identity_.get()](const std::string& person) {
                           return it->has_credential(person);
                         },
                         [it = core->identity_.get()] { return it->end_host_tokens(); }},
      [pool = core->aside_.get()](std::function<void()> job) {
        return net::run_blocking(*pool, std::move(job));
      });
  core->runs_ = std::make_unique<runs::Runs>(runs::Ports{
      *core->gate_, [&loop = *core->loop_](Task<void> task) { loop.spawn(std::move(task)); }, say});
  core->triggers_ = std::make_unique<triggers::Triggers>(
      trigger_ports(*core->gate_, *core->loop_, *core->secrets_pool_));
  core->gate_->load();
  core->runs_->load();
  core->triggers_->load();
  core->identity_->load();
  core->provisioning_->load();
  core->on_call_->load();
  core->open_sign_on(url);
  if (executes) core->open_mcp(url, children);
  return core;
}

}  // namespace keyturn::server
