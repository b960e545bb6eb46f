// For the tests of this room: a gate over the real journal, where the test holds the clock, the
// executor, and the moment at which the disk's answer arrives.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/task_impl.h"
#include "gate/gate.h"
#include "store/sqlite/testing.h"

namespace keyturn::gate::testing {

// Closed, whoever comes waits.
class Latch {
 public:
  explicit Latch(boost::asio::io_context& io)
      : timer_(io, boost::asio::steady_timer::time_point::max()) {}
  Task<void> pass() {
    ++waiting;
    if (!open_) co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    --waiting;
  }
  void open() {
    open_ = true;
    timer_.cancel();
  }
  int waiting = 0;

 private:
  boost::asio::steady_timer timer_;
  bool open_ = false;
};

using Hold = std::shared_ptr<Latch>;

// The real journal, whose answers arrive when the test lets them.
class HeldJournal final : public store::Journal {
 public:
  explicit HeldJournal(store::Journal& real) : real_(real) {}

  // The latch that holds the answer of this append (what is committed is committed), or null.
  std::function<Hold(const store::AppendRequest&)> hold_append;
  std::function<Hold(const std::string& stream)> hold_read;
  std::function<bool(const store::AppendRequest&)> refuse_append;  // kOverloaded
  std::vector<store::AppendRequest> appends;                       // as they were asked for
  int under_way = 0;  // questions that the disk has not answered

  static Task<store::Appended> refused(store::Conflict conflict) {
    co_return std::unexpected(std::move(conflict));
  }
  Task<store::Appended> append(store::AppendRequest request) override {
    if (refuse_append && refuse_append(request))
      return refused({store::Conflict::Kind::kOverloaded, "too many appends wait", ""});
    Hold hold = hold_append ? hold_append(request) : nullptr;
    appends.push_back(request);
    return after(real_.append(std::move(request)), std::move(hold));
  }
  std::uint64_t version(const std::string& stream) override { return real_.version(stream); }
  Task<std::vector<Event>> read_stream(std::string stream, std::uint64_t from,
                                       bool with_private) override {
    Hold hold = hold_read ? hold_read(stream) : nullptr;
    return after(real_.read_stream(std::move(stream), from, with_private), std::move(hold));
  }
  Task<std::optional<std::string>> find_claim(std::string key) override {
    return after(real_.find_claim(std::move(key)), nullptr);
  }
  Task<std::vector<Event>> read_range(std::uint64_t from, std::size_t limit,
                                      bool with_private) override {
    return real_.read_range(from, limit, with_private);
  }
  Task<store::FirstEvents> read_first_events(std::string prefix, std::uint64_t before,
                                             std::size_t limit) override {
    return real_.read_first_events(std::move(prefix), before, limit);
  }
  void load_open_streams(const std::string& prefix,
                         const std::function<void(std::vector<Event>)>& each, bool all) override {
    real_.load_open_streams(prefix, each, all);
  }
  void on_commit(std::function<bool(const Event&)> wants,
                 std::function<void(const std::vector<Event>&)> follower) override {
    real_.on_commit(std::move(wants), std::move(follower));
  }
  std::uint64_t size() const override { return real_.size(); }
  Digest root() const override { return real_.root(); }
  Task<std::vector<std::string>> read_leaves(std::uint64_t from, std::size_t limit) override {
    return real_.read_leaves(from, limit);
  }
  Task<std::string> read_tile(unsigned level, std::uint64_t index, unsigned width) override {
    return real_.read_tile(level, index, width);
  }
  void stop_appends(std::string why) override { real_.stop_appends(std::move(why)); }
  Task<std::vector<std::string>> read_tiles(std::vector<TileRange> wanted) override {
    return real_.read_tiles(std::move(wanted));
  }
  Task<bool> advance_signed(std::uint64_t from, std::uint64_t size, Digest root) override {
    return real_.advance_signed(from, size, root);
  }
  Task<store::Signed> last_signed() override { return real_.last_signed(); }
  bool ready() const override { return real_.ready(); }

 private:
  template <class T>
  Task<T> after(Task<T> answer, Hold hold) {
    ++under_way;
    return finished(std::move(answer), std::move(hold));
  }
  template <class T>
  Task<T> finished(Task<T> answer, Hold hold) {
    T out = co_await std::move(answer);
    --under_way;
    if (hold) co_await hold->pass();
    co_return out;
  }
  store::Journal& real_;
};

// Runs nothing, and says so; what a tool's description or execution waits for is the test's.
class HeldExecutor final : public Executor {
 public:
  std::map<std::string, Hold> hold_describe;          // by tool
  std::map<std::string, int> break_describe;          // by tool: how often it throws
  std::map<std::string, std::string> hidden;          // by tool: what stands behind its name
  std::map<std::string, Refusal> refuse_describe;     // by tool
  std::map<std::string, Hold> hold_execute;           // by tool
  std::map<std::string, Hold> hold_recover;           // by action
  std::map<std::string, int> break_recover;           // by action: how often it throws
  std::map<std::string, Result<Previewed>> previews;  // by tool
  std::map<std::string, Hold> hold_preview;           // by tool, as people are to be asked
  std::vector<std::string> previewed;                 // tools, as people were to be asked
  std::vector<std::string> compared;                  // tools, of which the state alone was asked
  std::function<void()> after_compare;
  bool uninspectable = false;
  std::vector<std::string> executed;  // actions, in order
  std::vector<std::string> attended;  // of these, those whose requester takes the result
  std::vector<std::string> states;    // that these are bound to, where they are
  std::vector<std::string> recovered;
  std::vector<std::string> forgotten;

  Task<Result<Described>> describe(const catalog::Tool& tool, doc::Value args) override {
    const std::string name = tool.name;
    if (const auto refusal = refuse_describe.find(name); refusal != refuse_describe.end())
      co_return std::unexpected(refusal->second);
    if (break_describe[name] > 0) {
      --break_describe[name];
      throw std::runtime_error("describe breaks");
    }
    Described described;
    described.facts.operation = "execute";
    described.facts.tree = doc::object({{"uninspectable", uninspectable}, {"why", doc::Array{}}});
    described.facts.uninspectable = uninspectable;
    described.description = doc::object({{"argv", args}, {"behind", hidden[name]}});
    if (const Hold hold = hold_describe[name]) co_await hold->pass();
    co_return described;
  }
  Task<Result<Previewed>> preview(const catalog::Tool& tool, doc::Value /*args*/) override {
    const bool compares = tool.preview && tool.preview->shows.empty();
    (compares ? compared : previewed).push_back(tool.name);
    const auto at = previews.find(tool.name);
    Result<Previewed> seen = at == previews.end() ? Previewed{} : at->second;
    if (const Hold hold = compares ? nullptr : hold_preview[tool.name]) co_await hold->pass();
    if (compares && after_compare) after_compare();
    co_return seen;
  }
  Task<Result<Outcome>> execute(Order order) override {
    executed.push_back(order.action.str());
    if (order.attended) attended.push_back(order.action.str());
    if (!order.state.empty()) states.push_back(order.state);
    if (const Hold hold = hold_execute[order.tool->name]) co_await hold->pass();
    Outcome outcome;
    outcome.kind = OutcomeKind::kSucceeded;
    co_return outcome;
  }
  Task<Result<void>> forget_output(std::set<ActionId> actions) override {
    for (const ActionId& action : actions) forgotten.push_back(action.str());
    co_return Result<void>{};
  }
  Task<Outcome> recover(ActionId action) override {
    if (break_recover[action.str()] > 0) {
      --break_recover[action.str()];
      throw std::runtime_error("recover breaks");
    }
    if (const Hold hold = hold_recover[action.str()]) co_await hold->pass();
    recovered.push_back(action.str());
    Outcome outcome;
    outcome.kind = OutcomeKind::kFailed;
    outcome.reason = "it never ran";
    co_return outcome;
  }
};

inline constexpr std::string_view kPolicy = R"(apiVersion: keyturn/v1
kind: Policy
metadata: {name: tests, revision: 1}
defaults: {effect: deny, onError: deny}
rules:
- {id: free, match: {tool: [run, swift]}, effect: allow}
- {id: asked, match: {tool: [ask, slow-ask]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- {id: granted, match: {tool: [deploy]}, effect: require, require: {quorum: {dba: 1}, assurance: token, expires: 1h}}
- {id: later, match: {tool: [later, slow-later]}, when: 'request.time < timestamp("2026-11-21T06:00:00Z")', effect: defer, defer: {until: 'timestamp("2026-11-21T06:00:00Z")', latest: 24h}}
- {id: then, match: {tool: [later, slow-later]}, when: 'request.time >= timestamp("2026-11-21T06:00:00Z")', effect: allow}
)";

inline std::string tools_text() {
  std::string out = "tools:\n";
  for (const char* name : {"run", "swift", "ask", "slow-ask", "later", "slow-later"}) {
    out += std::string("  ") + name +
           ": {exec: [/bin/echo, \"{{text}}\"], params: {text: {type: string, default: x}}, "
           "resource: {kind: host, name: here, env: prod}, sandbox: none}\n";
  }
  out +=
      "  deploy: {mode: grant, enforcement_point: deployer, operation: deploy, params: {ref: "
      "{type: "
      "string}, pin: {type: string, secret: true, required: false}}, resource: {kind: service, "
      "name: web, env: prod}}\n";
  return out;
}

// ada administers, olga owns the agents bot and deployer, bob and erin are dba, alan audits, mia is
// nobody in particular.
struct Bench {
  store::sqlite::testing::TempDir dir;
  store::sqlite::testing::HandClock clock;
  SystemRandom random;
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work =
      boost::asio::make_work_guard(io);
  HeldExecutor executor;
  GateOptions options;
  std::function<void()> before_load;  // who follows from the first event on
  std::unique_ptr<store::Journal> real;
  std::unique_ptr<HeldJournal> journal;
  std::unique_ptr<Gate> gate;

  explicit Bench(GateOptions wanted = {}) : options(std::move(wanted)) {
    open();
    populate();
  }

  // As after a crash: nothing but what is durable. What waited in the old one never goes on.
  void open() {
    gate.reset();
    journal.reset();
    real.reset();
    store::sqlite::JournalOptions wanted{
        .path = dir.file("journal.db"),
        .master = Secret(std::string(32, 'M')),
        .node = "test",
        .closed_types = {"action.decided", "action.cancelled", "action.expired", "action.amended",
                         "grant.expired", "review.closed", "execution.finished",
                         "execution.unknown", "payload.erased", "incident.closed",
                         "breakglass.closed", "breakglass.reviewed", "canary.revealed",
                         "standing.revoked", "run.ended"}};
    auto opened = store::sqlite::open_journal(wanted, clock, random, io.get_executor());
    REQUIRE(opened.has_value());
    real = std::move(*opened);
    journal = std::make_unique<HeldJournal>(*real);
    Ports ports{*journal,
                executor,
                clock,
                random,
                [this](Task<void> task) {
                  boost::asio::co_spawn(io, std::move(task), [](std::exception_ptr thrown) {
                    if (thrown) std::rethrow_exception(thrown);
                  });
                },
                Secret(std::string(32, 'H'))};
    gate = std::make_unique<Gate>(std::move(ports), options);
    if (before_load) before_load();
    gate->load();
  }

  // ---- running
  template <class T>
  static Task<void> keep(Task<T> task, std::shared_ptr<std::optional<T>> into) {
    into->emplace(co_await std::move(task));
  }
  template <class T>
  std::shared_ptr<std::optional<T>> begin(Task<T> task) {
    auto into = std::make_shared<std::optional<T>>();
    boost::asio::co_spawn(io, keep(std::move(task), into), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    return into;
  }
  template <class Done>
  bool until(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done() && std::chrono::steady_clock::now() < deadline)
      io.run_one_for(std::chrono::milliseconds(100));
    return done();
  }
  template <class T>
  T run(Task<T> task) {
    const auto into = begin(std::move(task));
    REQUIRE(until([&] { return into->has_value(); }));
    return std::move(**into);
  }
  // Until nothing goes on any more but by the test or by time.
  void settle_down() {
    REQUIRE(until([&] {
      while (io.poll() > 0) {
      }
      return journal->under_way == 0;
    }));
  }

  // ---- time
  void pass_until(const char* time) { clock.time = *from_rfc3339(time); }
  void tick() {
    gate->tick();
    settle_down();
  }

  // ---- who there is
  static Principal agent(const std::string& name) {
    return {PrincipalKind::kAgent, name, "tok_" + name, Assurance::kToken, "api"};
  }
  static Principal person(const std::string& id) {
    return {PrincipalKind::kPerson, id, "tok_" + id, Assurance::kToken, "api"};
  }
  void record(std::vector<EventDraft> events) {
    REQUIRE(run(gate->record(std::move(events), {})).has_value());
  }
  void populate() {
    std::vector<EventDraft> events;
    for (const char* id : {"ada", "olga", "bob", "erin", "alan", "mia"}) {
      people::Person person;
      person.id = person.name = id;
      person.admin = std::string(id) == "ada";
      person.auditor = std::string(id) == "alan";
      events.push_back(people::person_added(person));
    }
    events.push_back(people::group_changed("dba", {"bob", "erin"}, {}));
    for (const char* name : {"bot", "bot2", "deployer"})
      events.push_back(people::agent_added(name, "olga"));
    record(std::move(events));
    activate("tools", tools_text());
    activate("policy", std::string(kPolicy));
  }
  void activate(const std::string& what, const std::string& text) {
    std::vector<EventDraft> events;
    events.push_back(
        {what, what + ".activated", doc::object({{"by", "host"}}), doc::object({{"text", text}})});
    record(std::move(events));
  }

  // ---- what they do
  static ActionRequest request(const std::string& tool, const std::string& text = "x") {
    ActionRequest out;
    out.tool = tool;
    out.args = doc::object({{"text", text}});
    return out;
  }
  RecordPtr ask(const std::string& tool, const std::string& text = "x",
                const std::string& who = "bot") {
    Result<Submitted> made = run(gate->submit(agent(who), request(tool, text)));
    REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
    return made->record;
  }
  Task<Result<RecordPtr>> voting(const std::string& who, const RecordPtr& record,
                                 review::Decision decision = review::Decision::kApprove) {
    VoteCommand command;
    command.decision = decision;
    command.digest = record->case_digest;
    return gate->vote(person(who), record->id, std::move(command));
  }
  State state(const ActionId& id) {
    const RecordPtr found =
        run(gate->find({PrincipalKind::kHost, "host", "", Assurance::kToken, "host"}, id));
    REQUIRE(found);
    return found->state;
  }
  std::vector<Event> stream(const ActionId& id) {
    return run(real->read_stream("action/" + id.str(), 1, true));
  }
};

}  // namespace keyturn::gate::testing
