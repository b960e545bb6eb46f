// The application: every use case of an action's life, from request to outcome. flow.cpp tells the
// story.
//
// Threads: the I/O thread only. Commands on one action are taken one at a time in the order they
// came; a command decides on what is committed, appends, and shows its effect only after the
// commit.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "base/time.h"
#include "gate/executor.h"
#include "gate/record.h"
#include "gate/world.h"
#include "store/journal.h"
#include "store/read_model.h"

namespace keyturn::gate {

struct GateOptions {
  std::size_t pending_per_agent_max = 100;  // 429 too_many_pending
  double requests_per_second_max = 100;     // per agent, with a burst of 10 s; 429 rate_limited
  std::size_t settled_kept_max = 10'000;    // settled records kept in memory
  catalog::LoadOptions host;                // for who checks new tools (Configuration)
  bool demo = false;  // simulated people count, while the configuration is not sealed
  // How much of what time does goes on side by side: what closes (expiry, an overdue outcome), what
  // is described and decided again after a deferral (of all, and of one requester), questions after
  // a crash that nobody has answered yet.
  std::size_t closings_at_once = 1024;
  std::size_t wakes_at_once = 32, wakes_of_one_at_once = 8;
  std::size_t recoveries_at_once = 64;
  Duration grant_outcome_within = std::chrono::hours(1);  // an overdue outcome is unknown
  Duration grant_expires = std::chrono::hours(1);         // an allowed (not reviewed) grant's life
  // Refuses literal credentials in arguments (secrets/detect.h); parameters in the set are never
  // shown.
  std::function<Result<void>(const doc::Value& args, const std::set<std::string>& secret_params)>
      check_literals;
  // The same for what agents and people write: `what` it is ("the comment"), and its JSON Pointer.
  std::function<Result<void>(std::string_view text, std::string_view what,
                             const std::string& where)>
      check_text;
  // Takes out of what an enforcement point reports what looks like a credential, and the values of
  // the tool's secret parameters. (It happened: refusing the report would lose it.) Null tool:
  // nobody configured it any more.
  std::function<void(doc::Value& reported, const catalog::Tool* tool, const doc::Value& args)>
      redact_report;
  std::function<void(std::string_view line)> log;  // what went wrong without anybody waiting for it
  // So many entries of the ledger have evidence of this kind (`published`, `cosigned`); nullopt: it
  // is not to be had here.
  std::function<std::optional<std::uint64_t>(std::string_view kind)> evident;
};

struct Ports {
  store::Journal& journal;
  Executor& executor;
  const Clock& clock;
  Random& random;
  std::function<void(Task<void>)> spawn;  // runs a task on the I/O thread to its end
  Secret hmac_key;                        // for keyed fingerprints of request bodies
};

struct Submitted {
  RecordPtr record;
  bool created = true;  // false: the same request again, attached
};

struct VoteCommand {
  review::Decision decision;
  std::string digest;
  std::string note;
  // Set by identity/ when a passkey assertion over exactly this case was verified; public, kept in
  // the ledger.
  std::optional<doc::Value> assertion;
  std::optional<Duration> looked;  // time on the page, as the server measured it
  bool retyped = false;
  std::optional<std::string> instead_of;  // whose place it is to fill (review::CastVote)
  std::string provider;                   // that vouched for the voter's sign-in; "" our own
};

// Wakes its owner on every change of one action, of an inbox, or of any; stops when destroyed.
class Watch {
 public:
  Watch() = default;
  explicit Watch(std::function<void()> stop) : stop_(std::move(stop)) {}
  Watch(Watch&& o) noexcept : stop_(std::exchange(o.stop_, nullptr)) {}
  Watch& operator=(Watch&& o) noexcept;
  ~Watch();

 private:
  std::function<void()> stop_;
};

// That people are asked once more, or others than before. Recorded by then.
struct Notice {
  enum class Kind { kReminder, kEscalation } kind = Kind::kReminder;
  RecordPtr record;
  std::vector<std::string> to;  // person ids; nobody who is out of office
};

class Gate {
 public:
  Gate(Ports ports, GateOptions options);
  ~Gate();

  // Loads people, configuration and open actions. Before serving.
  void load();
  // Begins to ask the executor, side by side, what became of the executions that a crash left
  // without outcome: those that are loaded now, so call it before anything new can start. They stay
  // `executing` until it is known; a program that still runs is known when it ends.
  void recover();
  // What was asked for before this process began. Until it is told, a condition that reads
  // `history` is an error, and denies.
  struct Past {
    std::vector<store::Uses> minutes, hours, ever;  // of the last hour, of the last 7 days
    std::vector<store::DeniedPrint> denied_prints;  // of 30 days
    std::vector<store::Approved> approvals;         // of 30 days
  };
  void load_past(const Past& past);

  // ---- the life of an action. Refusal codes are those of API.md, unchanged.
  Task<Result<Submitted>> submit(Principal who, ActionRequest request);
  Task<Result<RecordPtr>> vote(Principal who, ActionId id, VoteCommand command);
  Task<Result<RecordPtr>> take_back(Principal who, ActionId id);
  // The look afterwards, with words. Codes: not_found, inactive, own_request, related_to_requester,
  // not_a_reviewer (also whoever approved it), closed, not_due, assurance_too_low, empty_text.
  Task<Result<RecordPtr>> look_after(Principal who, ActionId id, bool justified, std::string note);
  // An exercise (canary.cpp): a request that reviewers should deny, as if that agent had made it.
  // By administrators and auditors, signed in. Codes: not_allowed, assurance_too_low,
  // unknown_agent, canary_not_asked (policy would decide it without people), those of submit().
  Task<Result<RecordPtr>> plant_canary(Principal who, std::string agent, ActionRequest request);
  // Actions that wait for such a look, oldest first; those that `person` may take, unless it is "".
  std::vector<RecordPtr> to_look_after(const std::string& person) const;

  // Opens an incident, or breaks the glass, for a while. `assertion`: the passkey's signature over
  // it, verified by identity/; breaking the glass asks for one. Codes: inactive, not_an_opener,
  // assurance_too_low, passkey_required, unknown_agent, invalid_args.
  struct OpenEmergency {
    people::EmergencyKind kind = people::EmergencyKind::kIncident;
    std::set<std::string> agents;
    std::string reason;
    std::optional<Duration> lasts;
    doc::Value assertion;
  };
  Task<Result<people::Emergency>> open_emergency(Principal who, OpenEmergency wanted);
  // Whether policy names the person among those who may; the rest is looked at when they do.
  bool may_open(const std::string& person, people::EmergencyKind kind) const;
  // Whom it concerns, and who hears of it loudly: its opener, whoever may open or look afterwards,
  // owners of its agents, administrators and auditors.
  bool concerns(const std::string& person, const people::Emergency& emergency) const;
  // By its opener, whoever may open one, or an administrator. Codes: not_found, closed,
  // not_allowed.
  Task<Result<people::Emergency>> close_emergency(Principal who, std::string id);

  // ---- standing approvals (people/standing.h), standing_wish.cpp
  // What would stand, made from an action that people approved, as everything is now: all but who
  // agrees to it. Its plan is what policy asks for such an action now. Codes: not_found,
  // cannot_stand (why nothing can), invalid_args (what of the wish cannot be).
  struct StandingWish {
    ActionId model;
    people::Bounds bounds;
    std::uint64_t uses = 0;
    Time until;
  };
  Task<Result<people::Standing>> standing_like(Principal who, StandingWish wish);
  // Whoever agreed to it or is in a group that its plan asks, its proposer, the agent's owner,
  // administrators and auditors.
  bool may_see(const std::string& person, const people::Standing& standing) const;
  // At once, also for what was allowed by it and has not started. By those but auditors, or the
  // host. Codes: not_found, not_allowed, closed, empty_text.
  Task<Result<people::Standing>> revoke_standing(Principal who, std::string id, std::string reason);
  // "" while it stands; else why it does not, in words. Who agreed is counted at each use.
  std::string why_over(const people::Standing& standing) const;
  Task<Result<RecordPtr>> comment(Principal who, ActionId id, std::string text);
  Task<Result<RecordPtr>> cancel(Principal who, ActionId id);
  Task<Result<Submitted>> amend(Principal who, ActionId id, doc::Value args, std::string note);
  Task<Result<RecordPtr>> consume_grant(Principal who, std::string grant, std::string digest);
  Task<Result<RecordPtr>> report_outcome(Principal who, ActionId id, OutcomeKind kind,
                                         doc::Value result);
  // Starts what was approved and waits for its requester (ActionRequest::attended), who is there.
  // Everything that it rests on is looked at again, so that the record may come back pending or
  // denied; approved still: its evidence is on the way. Already executing or final: as it is.
  // Codes: not_found, closed, suspended, and those of a release.
  Task<Result<RecordPtr>> take_up(Principal who, ActionId id);
  // The grant itself, once, to the requester: in the answer that first carries it.
  std::optional<std::string> take_grant(const Principal& who, const ActionRecord& record);
  // Begins to expire, un-defer and mark overdue what is due, each action for itself. Call at least
  // every 250 ms; what breaks is logged and begun again by a later call.
  void tick();

  // ---- reading
  // Null when there is no such action or `who` may not know of it.
  Task<RecordPtr> find(Principal who, ActionId id);
  RecordPtr find_open(const ActionId& id) const;
  bool may_read(const Principal& who, const ActionRecord& record) const;
  bool may_vote(const std::string& person,
                const ActionRecord& record) const;  // eligible, unrelated, not voted
  // Pending, and a vote of this person would count, or it was escalated to them; oldest first. From
  // memory: it costs what the list is long. The pointers hold until the next change of any action.
  std::vector<const ActionRecord*> waiting_for(const std::string& person) const;
  std::size_t count_waiting_for(const std::string& person) const;
  // Pending, with this account's standing vote; oldest first.
  std::vector<const ActionRecord*> voted_by(const std::string& person) const;
  std::vector<RecordPtr> open_records() const;
  std::map<State, std::size_t> count_open() const;  // states without any are absent
  // The hypothetical: what would policy say, and why. For people. `draft` is a document to ask
  // instead of the one in force, null for that; tools are those in force all the same.
  // `sees_past`: else it is as if the agent had never asked for anything, so that nobody learns
  // from a verdict what was asked for.
  Task<Result<doc::Value>> explain(ActionRequest request, std::string agent,
                                   std::shared_ptr<const policy::Document> draft, bool sees_past);

  // The ledger was published, or cosigned: what was approved and waited for that is released.
  void evidence_moved();
  void set_evident(std::function<std::optional<std::uint64_t>(std::string_view kind)> evident);

  Watch watch(const ActionId& id, std::function<void()> changed);
  Watch watch_all(std::function<void(const RecordPtr&)> changed);
  // Changes of what waits for this person, did until then, or has a vote of theirs.
  Watch watch_inbox(const std::string& person, std::function<void(const RecordPtr&)> changed);
  // For everything that carries word to people: every channel; and the inbox of one person.
  Watch watch_notices(std::function<void(const Notice&)> carry);
  Watch watch_notices_to(const std::string& person, std::function<void(const Notice&)> carry);

  // ---- what else is recorded
  const World& world() const { return world_; }
  // Appends identity, configuration or security events and folds them into the world. For admin/
  // and identity/. Refuses with code `conflict` when something it expected has moved; the caller
  // decides again.
  Task<Result<std::vector<Event>>> record(std::vector<EventDraft> events,
                                          std::vector<store::Expect> expects,
                                          std::vector<store::Claim> claims = {});
  // Folds the open streams with this prefix into the world and shows them to the followers. Before
  // serving.
  void load_streams(const std::string& prefix);
  // Version of a stream as far as world() has it: what a decision over the world expects.
  std::uint64_t seen(const std::string& stream) const;
  // What people write is searched for literal credentials (GateOptions::check_text).
  Result<void> check_words(std::string_view text, std::string_view what,
                           const std::string& where) const;
  // A refused request that concerns security leaves a trace: code, who, tool. Never the content.
  Task<void> record_refusal(Principal who, std::string code, std::string tool);
  // Called for every committed event that is not an action's, in order, from load() on.
  void on_event(std::function<void(const Event&)> follower);
  store::Journal& journal() { return ports_.journal; }
  const Clock& clock() const { return ports_.clock; }
  Random& random() { return ports_.random; }

  // Built-in tools ("keyturn.…") are described and executed by admin/ instead of connectors/.
  struct BuiltIn {
    std::function<Task<Result<Outcome>>(const ActionRecord&)> run;
    // What exactly it would do, for reviewers, as Executor::describe() says it. When people have
    // looked at a description already, `reviewed` is that (else null): give it back unchanged while
    // it still holds. Null: there is nothing to say.
    std::function<Task<Result<doc::Value>>(Principal who, doc::Value args, doc::Value reviewed)>
        describe;
    // Who has a part in it, besides who proposes it, and so does not review it. Null: nobody.
    std::function<Task<std::vector<people::Party>>(doc::Value args)> related;
    // Whom it asks at least, as its description says; null: the same each time, see add_built_in().
    std::function<Plan(const doc::Value& description)> floor;
    // After a crash: what became of it. Null: nobody can say.
    std::function<Task<Outcome>(ActionId action)> recover;
    // Runs ask for it, in whoever's name they are; nobody else does. Without a rule for it, it asks
    // whom `floor` says, and is allowed where that is null.
    bool steps_only = false;
  };
  // Tools that are runbooks: `begin` starts a run and comes back; conclude() says how it ended,
  // also after a restart, when nobody begins it again. `describe` gives the plan; `asks` whom the
  // approval of that plan asks, where it is to be approved as a whole (null: nobody).
  struct Asked {  // valid until the task ends
    const Principal& requester;
    const catalog::Tool& tool;
    const doc::Value &args, &claims;
    const ActionId& id;
  };
  struct Runner {
    std::function<Task<Result<void>>(RecordPtr record)> begin;
    std::function<Task<Result<doc::Value>>(Asked run)> describe;
    std::function<Result<std::optional<Plan>>(const doc::Value& description)> asks;
    // Whether a step of it may begin: not when it is cancelled. Asked right before a record that
    // lets the step begin, so that none stands behind the cancelling. May be empty.
    std::function<bool(const RunStep& step)> wants;
  };
  void set_runner(Runner runner);
  // Of a run: recorded before anybody hears of it. Nothing when it was concluded before.
  Task<void> conclude(ActionId run, Outcome outcome);
  // What submit() would decide, without a trace: the verdict, the description and arguments as
  // they would run. Codes: those of submit().
  struct Foreseen {
    Verdict verdict;
    const catalog::Tool* tool = nullptr;  // null: there is no such tool; kept by `configuration`
    std::shared_ptr<const Configuration> configuration;
    doc::Value args, description;
    Facts facts;
  };
  Task<Result<Foreseen>> foresee(Principal who, ActionRequest request);
  // The action that this attempt at a step of a run was asked for as, if it was.
  Task<std::optional<ActionId>> action_of(RunStep step);
  void add_built_in(catalog::Tool tool, Plan floor, BuiltIn what);

  // ---- erasure (erase.cpp). What of an action is private, and not erased yet: all of it, or what
  // this person (any account of the same human) asked for, wrote or changed, or had asked on their
  // behalf. Codes: not_found, still_open: only what is over is erased.
  struct Erasable {
    ActionId id;  // empty: of a person's own stream
    std::string tool;
    std::string stream;
    std::uint64_t version = 0;           // of its stream
    std::vector<std::uint64_t> entries;  // ascending; may be empty
  };
  Task<Result<Erasable>> erasable(ActionId id, std::string person);
  // Where the action is a run: what is kept apart of the run, and of the delivery that started it
  // (with those that it started besides).
  Task<std::vector<Erasable>> erasable_of_run(ActionId id);
  // Of a person's entry in the directory: the name and the mail address.
  Task<Erasable> erasable_person(std::string person);
  // Why the person opened the incidents and broke the glass that are over.
  Task<std::vector<Erasable>> erasable_emergencies(std::string person);
  // Of standing approvals that are over: what a person proposed or said when they revoked one; or
  // those that were made from an action. `in_force`: how many are left because they stand.
  struct ErasableStandings {
    std::vector<Erasable> over;
    std::size_t in_force = 0;
  };
  Task<ErasableStandings> erasable_standings(std::string person, std::string model);
  // Destroys them, and records it in each action's stream, in one commit: all of it or nothing.
  // Takes the claim "erasure/" + authorised_by. Code conflict: an action has moved since.
  Task<Result<void>> erase(std::vector<Erasable> what, doc::Value subject, ActionId authorised_by);

  struct Numbers {  // for /metrics and /v1/stats
    std::uint64_t requested = 0, allowed = 0, denied = 0, required = 0, deferred = 0;
    std::uint64_t votes = 0, released = 0, executed = 0, refused = 0, conflicts = 0;
  };
  const Numbers& numbers() const { return numbers_; }

 private:
  struct Impl;
  friend struct Impl;
  bool now_passed(Time time) const;
  Ports ports_;
  GateOptions options_;
  World world_;
  Numbers numbers_;
  std::unique_ptr<Impl> impl_;
};

// Whether somebody may take the look afterwards (done or not). Codes: those of Gate::look_after.
Result<void> can_look_after(const World& world, const Principal& who, const ActionRecord& record);

}  // namespace keyturn::gate
