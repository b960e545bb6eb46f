// What another policy would have said of the recorded decisions.
#include "admin/replay.h"

#include "api/impl.h"

namespace keyturn::api {

// One replay, on the I/O thread. Belongs to whoever waits for it and to the task that reads.
struct ReplayRun {
  explicit ReplayRun(net::Loop& loop) : ended(loop) {}
  std::shared_ptr<admin::Replaying> evaluation = std::make_shared<admin::Replaying>();
  std::exception_ptr broken;
  std::optional<Refusal> refused;
  net::Waiter ended;
};

namespace {

constexpr std::int64_t kLimitMax = 10'000'000;
constexpr std::int64_t kExamplesMax = 100;
constexpr Duration kReplayMax = std::chrono::minutes(15);

struct ReplayRequest {
  std::string policy;
  std::optional<std::string> old;
  bool against_active = false;
  std::optional<Time> since;
  std::uint64_t limit = 0;
  std::size_t examples = 0;
};

std::optional<Time> read_since(doc::ObjectReader& fields, Time now) {
  const std::optional<std::string> text = fields.string("since");
  if (!text) return std::nullopt;
  if (const auto ago = parse_duration(*text)) return now - *ago;
  const std::optional<Time> time = from_rfc3339(*text);
  if (!time) {
    fields.problem("out_of_range", "must be a time such as 2026-11-21T05:04:43Z, or 7d", "since");
  }
  return time;
}

Result<ReplayRequest> read_request(const net::HttpRequest& http, Time now) {
  Result<doc::Value> body = json_body(http);
  if (!body) return std::unexpected(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  ReplayRequest out;
  out.policy = required(fields, "policy");
  out.old = fields.string("old");
  const std::optional<std::string> against = fields.string("against");
  out.against_active = against == "active";
  if (against && *against != "active" && *against != "recorded")
    fields.problem("out_of_range", "against is recorded or active", "against");
  if (against && out.old)
    fields.problem("out_of_range", "old is a document to compare with; leave against out",
                   "against");
  out.since = read_since(fields, now);
  out.limit = static_cast<std::uint64_t>(fields.integer("limit", 1, kLimitMax).value_or(kLimitMax));
  out.examples = static_cast<std::size_t>(fields.integer("examples", 0, kExamplesMax).value_or(5));
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) return std::unexpected(ok.error());
  return out;
}

// The documents, loaded into `run`; false when one does not load, and `found` says why.
bool load_documents(const Service& s, ReplayRequest& request, admin::Replaying& run,
                    doc::FileProblems& found) {
  const gate::Configuration& active = *run.active;
  admin::Documents texts = admin::texts_of(active);
  texts.policy = request.policy;
  std::optional<admin::Checked> good = admin::check_configuration(
      texts, {}, &s.directory(), active.sealed, active.host, found, admin::tests_of_a_draft());
  if (request.old) {
    doc::Problems problems;
    run.old = policy::Document::load(*request.old, {.run_tests = false}, problems);
    for (const doc::Problem& problem : problems) {
      if (!problem.warning) found.push_back({"old.yaml", problem});
    }
    if (!run.old) return false;
  }
  if (!good) return false;
  run.proposed = std::move(good->policy);
  const policy::Document* before = request.against_active ? &*active.policy : nullptr;
  if (run.old) before = &*run.old;
  run.replay.emplace(*run.proposed, before, request.examples);
  run.since = request.since;
  run.limit = request.limit;
  return true;
}

// What breaks here is the answer's, and ends no server.
Task<void> work(std::shared_ptr<ReplayRun> run, store::Journal* journal, std::uint64_t before,
                net::BlockingPool* pool) {
  try {
    const admin::Aside aside = [pool](std::function<void()> job) {
      return net::run_blocking(*pool, std::move(job));
    };
    Result<void> done = co_await admin::replay_recorded(run->evaluation, journal, before, aside);
    if (!done) run->refused = done.error();
  } catch (...) {
    run->broken = std::current_exception();
  }
  run->ended.fire();
}

doc::Value answer_of(admin::Replaying& run, std::uint64_t size, const doc::FileProblems& found) {
  doc::Value report = to_value(run.replay->report());
  report.set("ledger_size", size);
  report.set("oldest", run.oldest ? doc::Value(to_rfc3339(*run.oldest)) : doc::Value());
  report.set("limited", run.limited);
  return doc::object({{"ok", true},
                      {"diagnostics", diagnostics_of(found)},
                      {"digest", run.proposed->digest()},
                      {"replay", std::move(report)}});
}

}  // namespace

Task<Response> replay_policy(Service& s, Call& call) {
  const people::Person* person = s.person_of(call);
  if (person == nullptr || (!person->admin && !person->auditor)) {
    co_return co_await s.refused(
        call, {"not_allowed", "administrators and auditors may look at all decisions", ""});
  }
  Result<ReplayRequest> request = read_request(call.request, s.now());
  if (!request) co_return problem(request.error());
  if (!s.replay.expired())
    co_return problem({"replay_running", "a replay runs already; try again when it is over", ""});
  auto run = std::make_shared<ReplayRun>(s.ports.loop);
  run->evaluation->active = s.ports.gate.world().configuration;
  doc::FileProblems found;
  if (!load_documents(s, *request, *run->evaluation, found))
    co_return json_answer(200,
                          doc::object({{"ok", false}, {"diagnostics", diagnostics_of(found)}}));
  store::Journal& journal = s.ports.gate.journal();
  const std::uint64_t size = journal.size();
  if (!s.replay_pool)
    s.replay_pool = std::make_unique<net::BlockingPool>(s.ports.loop, "kt-replay", 1U);
  s.replay = run;
  s.ports.loop.spawn(work(run, &journal, size, s.replay_pool.get()));
  const net::Woken woken = co_await call.context.park(run->ended, kReplayMax);
  if (woken != net::Woken::kFired) {
    run->evaluation->stop = true;
    co_return problem({"not_ready", "the replay took too long, or the server stops", ""});
  }
  if (run->broken) std::rethrow_exception(run->broken);
  if (run->refused) co_return problem(*run->refused);
  co_return json_answer(200, answer_of(*run->evaluation, size, found));
}

}  // namespace keyturn::api
