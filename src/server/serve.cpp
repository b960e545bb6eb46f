#include "server/serve.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "api/api.h"
#include "base/task_impl.h"
#include "channels/channels.h"
#include "connectors/exec/helper.h"
#include "exports/exporter.h"
#include "net/server.h"
#include "server/core.h"
#include "server/files.h"
#include "server/insights.h"
#include "server/mcp.h"
#include "server/seal_mark.h"
#include "store/read_model.h"
#include "store/sqlite/read_model.h"

namespace keyturn::server {
namespace {

constexpr std::chrono::seconds kPatienceForPast{1};
constexpr Duration kTickEvery = std::chrono::milliseconds(200);
constexpr unsigned kEvidenceAgain = 25;  // ticks, when the ledger does not move
constexpr Duration kWatchEvery = std::chrono::milliseconds(500);
constexpr Duration kStopWithin = std::chrono::seconds(5);

store::Visibility visibility_of(const api::ListQuery& query) {
  switch (query.eyes) {
    case api::ListQuery::Eyes::kAll:
      return store::SeesAll{};
    case api::ListQuery::Eyes::kAgent:
      return store::SeesAsAgent{query.who};
    case api::ListQuery::Eyes::kPerson:
      return store::SeesAsPerson{query.who, query.groups};
  }
  return store::SeesAsPerson{query.who, query.groups};
}

// The running server. Members go in reverse order.
class Serving {
 public:
  Serving(std::unique_ptr<Core> core, ServeOptions options)
      : core_(std::move(core)), options_(std::move(options)) {}
  int run();

 private:
  Task<void> start();
  Task<Result<void>> open();
  Task<Result<void>> configure();
  Result<void> say_alarm() const;
  std::optional<std::uint64_t> evident(std::string_view kind) const;
  Task<Result<bool>> reload(doc::FileProblems& problems);
  Task<void> reload_and_say();
  Task<void> reload_at_once();
  void say_who_does_not_count() const;
  Task<void> invite_first_administrator();
  Task<void> tick_gate();
  Task<void> watch_files();
  Task<void> tick_audit();
  Task<Result<api::Page>> list(api::ListQuery query);
  Task<Result<api::StateCounts>> counts();
  Task<Result<std::vector<std::string>>> names_in_private();
  Task<void> stop();
  Task<bool> load_past(std::uint64_t size, Duration patience);
  Task<void> keep_loading_past(std::uint64_t size);
  Task<Result<void>> start_channels();
  Result<void> start_exports();
  doc::Value exports() const;
  Result<void> listen();
  net::ServerOptions server_options() const;

  std::unique_ptr<Core> core_;
  ServeOptions options_;
  std::unique_ptr<audit::Audit> audit_;
  std::unique_ptr<store::ReadModel> read_model_;
  std::unique_ptr<exports::Exports> exports_;
  channels::Channels* channels_ = nullptr;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<net::Server> http_, local_;
  int exit_code_ = 0;
  bool stopping_ = false;
};

int Serving::run() {
  core_->loop().on_signals({SIGTERM, SIGINT, SIGHUP}, [this](int signal) {
    if (signal == SIGHUP)
      core_->loop().spawn(reload_at_once());
    else if (!std::exchange(stopping_, true))
      core_->loop().spawn(stop());
  });
  core_->loop().spawn(start());
  core_->loop().run();
  return exit_code_;
}

Task<void> Serving::start() {
  Result<void> opened = co_await open();
  const bool read_only = opened && audit_->alarm().has_value();
  if (opened && !read_only) opened = co_await core_->on_call().start();
  if (opened && !read_only) opened = co_await start_channels();
  if (opened && !read_only) {  // before anything new can start
    core_->gate().recover();
    core_->runs().start();
    core_->triggers().start();
  }
  if (opened) opened = listen();
  if (opened && !read_only) opened = start_exports();
  if (!opened) {
    std::fprintf(stderr, "keyturn: %s\n", opened.error().message.c_str());
    exit_code_ = 1;
    core_->loop().stop();
    co_return;
  }
  if (!read_only) {
    core_->loop().spawn(tick_gate());
    core_->loop().spawn(tick_audit());
    if (options_.settings.watch) core_->loop().spawn(watch_files());
  }
  std::printf("Keyturn is listening on %s\n", public_url_of(options_.settings).c_str());
  if (!core_->gate().world().configuration->sealed)
    std::printf("unsealed: host commands and files take effect at once (keyturn seal)\n");
  std::printf("ledger: %s\n", audit_->vkey().c_str());
  say_who_does_not_count();
  if (!read_only) co_await invite_first_administrator();
  std::fflush(stdout);
}

// The record is looked at before anything is added to it: a log that is shorter than, or other
// than, what was signed must not grow.
Task<Result<void>> Serving::open() {
  Result<std::unique_ptr<audit::Audit>> audit = co_await audit::Audit::open(
      core_->journal(), core_->clock(), core_->audit_options(options_.settings));
  if (!audit) co_return std::unexpected(audit.error());
  audit_ = std::move(*audit);
  core_->gate().set_evident([this](std::string_view kind) { return evident(kind); });
  Result<void> configured;
  if (audit_->alarm())
    configured = say_alarm();
  else
    configured = co_await configure();
  if (!configured) co_return configured;
  const bool sealed = core_->gate().world().configuration->sealed;
  if (Result<void> kept = check_seal(core_->data(), sealed); !kept && !audit_->alarm())
    co_return kept;
  Result<std::unique_ptr<store::ReadModel>> read_model = store::sqlite::open_read_model(
      {core_->data().read_model_path(), core_->data().journal_path()}, core_->journal(),
      core_->loop().executor());
  if (!read_model) co_return std::unexpected(read_model.error());
  read_model_ = std::move(*read_model);
  core_->admin().set_private_index({.names = [this] { return names_in_private(); },
                                    .actions_of =
                                        [this](std::vector<std::string> names) {
                                          return read_model_->private_of(std::move(names));
                                        }});
  const std::uint64_t size = core_->journal().size();
  if (!co_await load_past(size, kPatienceForPast)) {
    say("the lists are being made anew; until they are there, what policy decides by `history` is "
        "denied");
    core_->loop().spawn(keep_loading_past(size));
  }
  co_return Result<void>{};
}

Task<Result<void>> Serving::configure() {
  doc::FileProblems problems;
  Result<bool> loaded = co_await reload(problems);
  for (const doc::FileProblem& problem : problems)
    std::fprintf(stderr, "%s\n", doc::to_text(problem).c_str());
  if (!loaded && core_->gate().world().configuration->sealed) {
    say("the sealed configuration stays in force: " + loaded.error().message);
  } else if (!loaded) {
    co_return std::unexpected(loaded.error());
  }
  co_return Result<void>{};
}

// People may look at what there is; nothing is added to it.
Result<void> Serving::say_alarm() const {
  const std::string alarm = "ALARM: " + audit_->alarm()->message;
  if (core_->journal().size() == 0)
    return refuse(audit_->alarm()->code,
                  alarm + ". There is nothing here; restore the newest copy");
  say(alarm +
      ". Read-only: nothing is recorded or released on this data. Restore the newest copy, or look "
      "into who changed it; when it is lost, `keyturn ledger restart`");
  return {};
}

std::optional<std::uint64_t> Serving::evident(std::string_view kind) const {
  if (kind == "published") return audit_->signed_size();
  if (kind == "cosigned" && !options_.settings.witnesses.empty()) return audit_->cosigned_size();
  return std::nullopt;
}

// What the first `size` events of the record tell of the past.
Task<bool> Serving::load_past(std::uint64_t size, Duration patience) {
  using std::chrono::days;
  if (size > 0 && !co_await read_model_->wait_for(size - 1, patience)) co_return false;
  const Time now = core_->clock().now();
  Result<std::vector<store::Uses>> minutes =
      co_await read_model_->uses(now - std::chrono::hours(2), std::chrono::minutes(1), size);
  Result<std::vector<store::Uses>> hours =
      co_await read_model_->uses(now - days(8), std::chrono::hours(1), size);
  Result<std::vector<store::Uses>> ever = co_await read_model_->uses(Time{}, days(36'500), size);
  auto denied = co_await read_model_->denied_prints(now - days(30), size);
  auto approvals = co_await read_model_->approvals(now - days(30), size);
  if (!minutes || !hours || !ever || !denied || !approvals) co_return false;
  core_->gate().load_past({std::move(*minutes), std::move(*hours), std::move(*ever),
                           std::move(*denied), std::move(*approvals)});
  co_return true;
}

Task<void> Serving::keep_loading_past(std::uint64_t size) {
  while (!stopping_) {
    if (co_await load_past(size, std::chrono::seconds(5))) {
      say("the history is complete");
      co_return;
    }
    co_await core_->loop().sleep(std::chrono::seconds(1));
  }
}

Task<Result<bool>> Serving::reload(doc::FileProblems& problems) {
  const Settings& s = options_.settings;
  Result<admin::Documents> files = read_files(s);
  if (!files) co_return std::unexpected(files.error());
  Result<bool> changed =
      co_await core_->admin().activate_files(std::move(*files), names_of_files(s), problems);
  co_return changed;
}

Task<void> Serving::reload_and_say() {
  doc::FileProblems problems;
  const Result<bool> changed = co_await reload(problems);
  for (const doc::FileProblem& problem : problems) say(doc::to_text(problem));
  if (!changed) {
    say("reload refused, the configuration in force stays: " + changed.error().message);
    if (changed.error().code == "sealed") co_return;  // recorded, once
    Principal host;
    host.kind = PrincipalKind::kHost;
    host.id = "host";
    co_await core_->gate().record_refusal(std::move(host), changed.error().code,
                                          "keyturn.configuration");
  } else {
    say(*changed ? "reloaded: the new configuration is in force" : "reloaded: nothing has changed");
  }
}

Task<void> Serving::reload_at_once() {
  co_await reload_and_say();
  core_->on_call().look(true);
}

Task<void> Serving::watch_files() {
  FileWatch files(options_.settings);
  while (!stopping_) {
    co_await core_->loop().sleep(kWatchEvery);
    if (stopping_) co_return;
    if (files.changed()) co_await reload_and_say();
    core_->on_call().look(false);
  }
}

void Serving::say_who_does_not_count() const {
  std::string names;
  for (const auto& [id, person] : core_->gate().world().directory.persons()) {
    if (person.simulated && !person.active) names += (names.empty() ? "" : ", ") + id;
  }
  if (names.empty()) return;
  std::printf("simulated people do not count %s, nor what they approved: %s\n",
              options_.settings.demo ? "in a sealed configuration" : "without --demo",
              names.c_str());
}

// To the terminal only: a log would keep the link.
Task<void> Serving::invite_first_administrator() {
  if (core_->gate().world().directory.persons().empty()) {
    Result<std::string> added =
        co_await core_->admin().add_person({"admin", "Administrator", "", {}, {}, false});
    if (!added) co_return;
  }
  std::string first;
  for (const auto& [id, person] : core_->gate().world().directory.persons()) {
    if (!person.admin || !person.active || person.simulated) continue;
    if (core_->identity().has_credential(id)) co_return;
    if (first.empty()) first = id;
  }
  if (first.empty()) co_return;
  if (::isatty(STDOUT_FILENO) == 0) {
    std::printf(
        "no administrator has a passkey yet: make a link with `keyturn person enrol %s --data "
        "%s`\n",
        first.c_str(), options_.settings.data.c_str());
    co_return;
  }
  Principal host;
  host.kind = PrincipalKind::kHost;
  host.id = "host";
  Result<Secret> link = co_await core_->identity().create_enrolment(host, first);
  if (link) {
    const std::string url =
        public_url_of(options_.settings) + "/enrol#" + std::string(link->reveal());
    std::printf(
        "\n  Enrol the first administrator (%s) in your browser, once, within a day:\n\n    %s\n\n",
        first.c_str(), url.c_str());
  }
}

Task<void> Serving::tick_gate() {
  while (!stopping_) {
    co_await core_->loop().sleep(kTickEvery);
    core_->gate().tick();
    core_->on_call().tick();
    core_->runs().tick();
    core_->triggers().tick();
  }
}

Task<void> Serving::tick_audit() {
  bool said = false;
  std::uint64_t published = 0, cosigned = 0;
  unsigned round = 0;
  bool marked = false;
  while (!stopping_) {
    co_await core_->loop().sleep(kTickEvery);
    const Result<bool> done = co_await audit_->tick();
    if (!done && !said) say("ALARM: checkpoints are not signed any more: " + done.error().message);
    said = !done;
    const bool moved = published != audit_->signed_size() || cosigned != audit_->cosigned_size();
    published = audit_->signed_size();
    cosigned = audit_->cosigned_size();
    if (moved || ++round % kEvidenceAgain == 0) core_->gate().evidence_moved();
    if (core_->gate().world().configuration->sealed && !std::exchange(marked, true)) {
      if (const Result<void> kept = mark_seal(core_->data()); !kept) say(kept.error().message);
    }
  }
}

Task<Result<api::Page>> Serving::list(api::ListQuery query) {
  store::ActionFilter filter;
  filter.states = query.states;
  filter.tool = query.tool;
  filter.actor = query.actor;
  filter.q = query.q;
  filter.from = query.from;
  filter.to = query.to;
  filter.after = query.after;
  filter.limit = query.limit;
  filter.visible_to = visibility_of(query);
  const std::uint64_t size = core_->journal().size();
  if (size > 0) co_await read_model_->wait_for(size - 1, std::chrono::milliseconds(500));
  Result<store::ActionPage> page = co_await read_model_->query(std::move(filter));
  if (!page) co_return std::unexpected(page.error());
  co_return api::Page{std::move(page->ids), std::move(page->next)};
}

// The lists may be behind: an erasure must not miss what was just written.
Task<Result<std::vector<std::string>>> Serving::names_in_private() {
  const std::uint64_t size = core_->journal().size();
  if (size > 0 && !co_await read_model_->wait_for(size - 1, std::chrono::seconds(10)))
    co_return refuse("read_model_unavailable", "the lists are behind; try again in a moment");
  Result<std::vector<std::string>> names = co_await read_model_->names_in_private();
  co_return names;
}

Task<Result<api::StateCounts>> Serving::counts() {
  Result<store::Counts> found = co_await read_model_->count_by_state(std::nullopt);
  if (!found) co_return std::unexpected(found.error());
  co_return api::StateCounts(found->begin(), found->end());
}

net::ServerOptions Serving::server_options() const {
  const Settings& s = options_.settings;
  net::ServerOptions options;
  options.address = s.address;
  options.port = s.port;
  const std::string url = public_url_of(s);
  std::string host = url.substr(url.find("://") + 3);
  host = host.substr(0, host.find('/'));
  if (!host.starts_with('['))
    host = host.substr(0, host.rfind(':') == std::string::npos ? host.size() : host.rfind(':'));
  options.hosts.push_back(host);
  options.hosts.insert(options.hosts.end(), s.hosts.begin(), s.hosts.end());
  if (!s.tls_certificate.empty()) options.tls = net::TlsFiles{s.tls_certificate, s.tls_key};
  options.log = say;
  options.limits.connections_max = std::max(options.limits.connections_max, 2 * s.streams_max);
  return options;
}

Task<Result<void>> Serving::start_channels() {
  Result<channels::Channels*> made = core_->open_channels(options_.settings);
  if (!made) co_return std::unexpected(made.error());
  channels_ = *made;
  if (channels_ == nullptr) co_return Result<void>{};
  co_return co_await channels_->start();
}

// What is exported is never waited for: the exports read the journal from behind.
Result<void> Serving::start_exports() {
  if (options_.settings.exports.empty()) return {};
  store::Journal& journal = core_->journal();
  exports_ = std::make_unique<exports::Exports>(
      core_->loop(), core_->clock(),
      exports::Source{[&journal] { return journal.size(); },
                      [&journal](std::uint64_t from, std::size_t limit) {
                        return journal.read_leaves(from, limit);
                      },
                      audit_->origin()},
      core_->data().path() + "/exports", [](const std::string& line) { say(line); });
  Result<void> started = exports_->start(options_.settings.exports);
  if (!started) return started;
  journal.on_commit([](const Event& event) { return exports::is_denial(event.type, event.body); },
                    [this](const std::vector<Event>& denials) {
                      exports_->committed(denials.empty() ? 0 : denials.back().index + 1);
                    });
  return {};
}

doc::Value Serving::exports() const {
  doc::Array out;
  if (exports_) {
    for (const exports::State& state : exports_->states()) out.push_back(to_value(state));
  }
  return out;
}

Result<void> Serving::listen() {
  const std::string url = public_url_of(options_.settings);
  api::ApiPorts ports{core_->gate(),
                      core_->admin(),
                      core_->identity(),
                      *audit_,
                      core_->runs(),
                      core_->loop(),
                      [this](api::ListQuery query) { return list(std::move(query)); },
                      [this] { return counts(); },
                      [this](Time from, Time to) {
                        return insights_of(*read_model_, core_->gate().world(), from, to);
                      },
                      [this] { return core_->journal().ready(); },
                      [this](doc::FileProblems& problems) { return reload(problems); },
                      [this] { return exports(); },
                      &core_->provisioning(),
                      &core_->sign_on(),
                      &core_->agent_tokens(),
                      &core_->on_call(),
                      channels_};
  if (core_->mcp() != nullptr) {
    ports.mcp = &core_->mcp()->front();
    ports.attachments = &core_->mcp()->attachments();
  }
  if (!audit_->alarm()) ports.triggers = &core_->triggers();
  core_->loop().spawn(core_->provisioning().reconcile());
  api::ApiOptions options;
  options.public_url = url;
  options.demo = options_.demo;
  options.trusted_proxies = options_.settings.trusted_proxies;
  options.streams_max = options_.settings.streams_max;
  options.streams_per_caller_max = options_.settings.streams_per_caller_max;
  options.fingerprint_key = core_->data().hmac_key();
  // A stream ends soon after its session.
  options.heartbeat = std::min(options.heartbeat, options_.settings.session_idle / 4);
  api_ = std::make_unique<api::Api>(std::move(ports), std::move(options));
  Result<std::unique_ptr<net::Server>> http =
      net::Server::listen(core_->loop(), server_options(), *api_);
  if (!http) return std::unexpected(http.error());
  http_ = std::move(*http);
  net::LocalOptions local;
  local.path = core_->data().path() + "/admin.sock";
  local.log = say;
  Result<std::unique_ptr<net::Server>> socket =
      net::Server::listen_local(core_->loop(), std::move(local), *api_);
  if (!socket) return std::unexpected(socket.error());
  local_ = std::move(*socket);
  return {};
}

Task<void> Serving::stop() {
  if (exports_) exports_->stop();
  if (channels_ != nullptr) channels_->stop();
  if (http_) co_await http_->stop(kStopWithin);
  if (local_) co_await local_->stop(kStopWithin);
  co_await core_->stop(kStopWithin);
  core_->loop().stop();
}

// Everything that can be told without the data folder, each problem on a line of its own.
int check(const ServeOptions& options) {
  const Settings& s = options.settings;
  doc::FileProblems problems;
  const auto say = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  bool good = true;
  if (!s.tls_certificate.empty()) {
    const Result<void> tls = net::check_tls({s.tls_certificate, s.tls_key});
    if (!tls) say(s.tls_place + tls.error().message);
    good = tls.has_value();
  }
  for (const exports::Export& one : s.exports) {
    for (const std::string& problem : exports::check(one)) {
      say(problem);
      good = false;
    }
  }
  const std::vector<channels::Configured> none;
  for (const channels::Configured& one : s.channels ? *s.channels : none) {
    for (const std::string& problem : channels::check_secrets(one)) {
      say("keyturn.yaml: " + problem);
      good = false;
    }
  }
  if (const Result<admin::Documents> files = read_files(s); !files) {
    say(files.error().message);
    good = false;
  } else if (!admin::check_configuration(*files, names_of_files(s), nullptr, false, host_of_tools(),
                                         problems)) {
    good = false;
  }
  for (const doc::FileProblem& problem : problems) say(doc::to_text(problem));
  std::printf(good ? "configuration is good\n" : "configuration has errors\n");
  return good ? 0 : 1;
}

}  // namespace

int serve(ServeOptions options) {
  if (options.check) return check(options);
  // Keys and secrets pass through here: no core file, and no look into memory or environment for
  // another program of the same user.
  ::prctl(PR_SET_DUMPABLE, 0);
  Result<std::unique_ptr<Core>> core = Core::open(options.settings, true, true);
  if (!core) {
    std::fprintf(stderr, "keyturn: %s\n", core.error().message.c_str());
    return 1;
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is an error of the write, with words
  Serving serving(std::move(*core), std::move(options));
  return serving.run();
}

int exec_helper(int argc, char** argv) {
  return connectors::exec::exec_helper_main(argc, argv);
}

Result<std::string> initialise(const Settings& settings) {
  SystemRandom random;
  Result<store::sqlite::DataDir> data = make_data_dir(settings.data, random);
  if (!data) return std::unexpected(data.error());
  return vkey_of(settings, *data);
}

}  // namespace keyturn::server
