// What the use cases of the gate share. Internal to gate/.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/task_impl.h"
#include "base/token_bucket.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "gate/agenda.h"
#include "gate/approvals.h"
#include "gate/fair_semaphore.h"
#include "gate/gate.h"
#include "gate/history.h"
#include "gate/inboxes.h"
#include "gate/serial.h"
#include "policy/decide.h"

namespace keyturn::gate {

// How often a command decides again before it tells its caller that too much changes at once.
inline constexpr int kConflictsMax = 8;

inline constexpr std::size_t kReasonBytesMax = 4096;
inline constexpr std::size_t kClaimBytesMax = 256;  // of one that stands in the public record
std::string_view mode_word(catalog::Mode mode);

inline std::string stream_of(const ActionId& id) {
  return "action/" + id.str();
}

// planned.cpp: of a description with a plan that is approved as a whole, the covered steps that
// people are asked for; pointers into it.
std::vector<const doc::Value*> steps_asked_for(const doc::Value& description);
// Whether what would run now is what was reviewed. What policy says of a plan's steps by now is no
// part of that: of each it is asked again.
bool runs_the_same(const catalog::Tool& tool, const doc::Value& now, const doc::Value& reviewed);
// Whether it is what people agreed to; of a plan, of each step whose state could be told.
bool is_state_of(const ActionRecord& agreed, const Previewed& now);
// The state that the plan's people saw a step on (Previewed::shown of the plan); "" none.
std::string state_in_plan(const doc::Value& preview, std::string_view path);

// What looks at what it would touch leave to be recorded: credentials that were issued for them
// (Previewed::shown). Never null.
using Noted = std::shared_ptr<std::vector<EventDraft>>;
void note_look(const ActionId& id, const doc::Value& shown, const Noted& noted);

// A case: one action as it would be decided now, before anything is recorded.
struct Case {
  ActionId id;
  const catalog::Tool* tool = nullptr;                 // kept alive by `configuration`
  std::shared_ptr<const Configuration> configuration;  // null tool: nobody configured it
  Principal requester;
  std::string owner;
  people::Lineage lineage;
  ActionRequest request;
  doc::Value args, original_args;
  Described described;
  std::optional<Plan> asked_before;  // of a step that people amend: whom it asked as it was
  Previewed previewed;
  Verdict verdict;
  std::string salt;    // 32 random bytes, hex: without it no guess at the arguments can be tested
  std::string digest;  // of the whole case
  std::string amends;
  Time created_at, expires_at;
  std::optional<Time> counted_at;  // when it is decided again: when it was counted in the history
  doc::Value inputs;               // what it was decided from, as recorded
  std::optional<Time> defer_until;
  std::vector<store::Expect> expects;  // what the decision read, as it stood when it was read
  std::string incident, break_glass;   // that the decision came out otherwise for
  std::string canary;                  // who planted it; "": it is no exercise
  std::string repeats_of;              // the latest denial of the very same request; "" none
  std::int64_t repeats = 0;            // and how many there were
  bool may_stand = false;              // nobody has been asked: a standing approval may do
  std::string standing;                // the one that it is allowed by
  std::string planned_by;              // the run whose approved plan it is allowed by
  Verdict stood_in_for;                // and what policy asked: ActionRecord::stood_in_for
  std::shared_ptr<Serial::Hold> turn;  // to use it
  bool absent = false;                 // whoever asked is not there while it is decided
  bool blind = false;                  // a hypothetical of somebody who may not look at the past
  bool hypothetical = false;           // nobody is asked: nothing is looked at for them
  bool releasing = false;              // decided again for people who agreed to it
  // Of all rounds of deciding about it.
  Noted noted = std::make_shared<std::vector<EventDraft>>();
};

// The end of an action whose place another one takes, in the same commit. Null record: of none.
struct Closing {
  std::shared_ptr<ActionRecord> record;  // held by the caller
  std::vector<EventDraft> events;
  std::vector<store::Expect> expects;
};

// Accounts that an append on its way links; they are free again when it is over.
class Linking {
 public:
  explicit Linking(std::set<std::string>& all) : all_(&all) {}
  Linking(Linking&& other) noexcept : all_(other.all_), own_(std::exchange(other.own_, {})) {}
  Linking& operator=(Linking&&) = delete;
  ~Linking() {
    for (const std::string& account : own_) all_->erase(account);
  }
  bool add(const std::string& account) {
    if (!all_->insert(account).second) return false;
    own_.push_back(account);
    return true;
  }

 private:
  std::set<std::string>* all_;
  std::vector<std::string> own_;
};

struct BuiltInTool {
  catalog::Tool tool;
  Plan floor;
  Gate::BuiltIn what;
};

struct Gate::Impl {
  Impl(Gate& owner, Ports& ports, GateOptions& options, World& world)
      : gate(owner), ports(ports), options(options), world(world), inboxes(world.directory) {}

  // ---- case.cpp: identify, describe, decide
  Task<Result<Case>> build_case(Principal who, ActionRequest request, std::string amends,
                                const ActionRecord* before);
  Task<Result<Case>> describe_case(Principal who, ActionRequest request, std::string amends,
                                   const ActionRecord* before);  // all but the decision
  static Result<void> raise_to_floor(const BuiltInTool& tool, Case& c);
  Result<void> ask_for_plan(Case& c) const;  // of a run that is approved as a whole
  Task<Result<Case>> decide_case(Case c, std::optional<Time> deferred_since);
  // `reviewed`: what people have looked at already, if they have.
  static Asked of(const Case& c) { return {c.requester, *c.tool, c.args, c.request.claims, c.id}; }
  Task<Result<Described>> describe(Asked what, doc::Value reviewed = {});
  // ---- preview.cpp: what it would touch
  enum class Looks { kAll, kOnlyState };
  Task<Previewed> preview(const Case& c);  // `c` outlives the task
  // Of a run that is approved as a whole: of each step that people are asked for.
  Task<Previewed> preview_plan(std::shared_ptr<const Configuration> configuration,
                               doc::Value description, Looks looks, std::string who);
  // In turn: `who` asks, or kReleases. `tool` outlives the task. Code state_unavailable besides.
  Task<Result<Previewed>> look(const catalog::Tool& tool, doc::Value args, std::string who);
  // Whether the state is another than people agreed to. Code state_unavailable.
  Task<Result<bool>> moved(const catalog::Tool& tool, std::shared_ptr<ActionRecord> agreed,
                           Noted noted);

  policy::PolicyInput policy_input(const Case& c) const;
  const catalog::Tool* find_tool(const Configuration& configuration, const std::string& name) const;
  bool ran_at_mcp_server(const ActionRecord& record) const;
  void seal_digest(Case& c);
  Case case_of(const ActionRecord& record) const;
  EventDraft decided_draft(const Case& c, State state) const;
  // Allowed, it would wait for its requester to take it up.
  static bool waits_for_requester(const Case& c) { return c.request.attended && c.absent; }

  // ---- flow.cpp
  Task<Result<Submitted>> submit(Principal who, ActionRequest request, std::string amends,
                                 const ActionRecord* before);
  Task<Result<Submitted>> record_case(Case c, std::vector<store::Claim> claims,
                                      Closing closes = {});
  static std::string claim_of(const Principal& who, const ActionRequest& request);
  static std::string claim_of_step(const RunStep& step);
  Result<void> check_wanted(const std::optional<RunStep>& step) const;  // code run_cancelled
  static bool is_triggered(const Principal& who);
  Task<std::optional<Result<Submitted>>> attach(std::string claim, std::string body_print);
  Result<void> admit(const Principal& who, bool is_step);
  std::vector<EventDraft> first_events(const Case& c, State& state);
  std::vector<store::Expect> expects_of(const Case& c) const;
  static History::Use use_of(const Case& c);
  static History::Use use_of(const ActionRecord& record);
  void count_denied(const ActionRecord& record);
  // What the denial of a case says of itself, so that the same request is known again: the
  // fingerprint.
  std::string note_denied(const Case& c);
  // Plans that ask for another reviewer than of late. Code another_reviewer.
  // `voted`: review.voted as it would be recorded, with the place that it fills.
  static bool asks_another(const ActionRecord& record, const EventDraft& voted) {
    return record.review->plan.another > Duration{} &&
           voted.body.find_path({"vote", "decision"})->as_string() == "approve";
  }
  Task<Serial::Hold> take_turn(const ActionRecord& record);
  Result<void> check_another(const ActionRecord& record, const EventDraft& voted) const;
  void note_approvals(const ActionRecord& record, const Event& event);
  std::string request_print(const Case& c) const;  // keyed: (agent, tool, args)

  // ---- release.cpp: from an approval to an outcome
  struct Release {
    std::vector<EventDraft> events;  // after the vote that completed the plan
    std::set<std::string> streams;   // further streams that the decision read
    std::vector<store::Claim> claims;
    bool executes = false;
  };
  // The kill switch covers what the agent asked for before, too.
  bool is_suspended(const Principal& requester) const;
  Result<void> check_not_suspended(const Principal& requester) const;
  // `there`: its requester takes it up now (ActionRequest::attended).
  Task<Result<Release>> prepare_release(std::shared_ptr<ActionRecord> voted, Time now,
                                        bool there = false);
  Task<Result<Release>> look_again(std::shared_ptr<ActionRecord> voted, Time now, bool there,
                                   Noted noted);
  // `waits`: nobody is there to take the result; it starts when somebody is.
  std::vector<EventDraft> start_events(const ActionId& id, const catalog::Tool& tool,
                                       Time expires_at, bool waits,
                                       std::vector<store::Claim>& claims);
  void start_execution(const std::shared_ptr<ActionRecord>& record);

  // ---- take_up.cpp: what starts only while its requester is there
  Task<Result<Release>> prepare_taken_up(std::shared_ptr<ActionRecord> record);
  Task<Result<Release>> prepare_allowed(std::shared_ptr<ActionRecord> record);
  // Everything from the beginning, under the configuration of now.
  Task<Result<Release>> decide_anew(std::shared_ptr<ActionRecord> record, bool there);

  // ---- erase.cpp
  bool is_of(const Event& event, const ActionRecord& record, const std::string& person) const;
  Task<void> read_again(ActionId id);

  // ---- emergencies.cpp: what is open for a while, and the look that it takes afterwards
  bool counts(const people::Emergency* one) const;  // null: no
  void fill_emergencies(const Case& c, policy::RequestInput& request) const;
  // Names in the case what of it the verdict would not be the same without, and whoever opened
  // that.
  using Decide = std::function<Verdict(const policy::PolicyInput&)>;
  void note_emergencies(Case& c, const policy::PolicyInput& input, const Verdict& verdict,
                        const Decide& decide) const;
  std::vector<EventDraft> used_emergencies(const Case& c) const;
  bool emergency_is_over(const ActionRecord& record) const;  // of those that it was decided under

  // ---- standing.cpp: what people agreed to once, for a while
  Task<Case> stand_in(Case c, policy::PolicyInput input);  // allowed, where one does
  const people::Standing* standing_for(const Case& c, const policy::PolicyInput& input) const;
  // All but whether it has uses left.
  bool stands(const people::Standing& one, const Case& c, const policy::PolicyInput& input,
              const Plan& asked, bool used) const;
  std::set<std::string> streams_of(const people::Standing& one,
                                   const people::Lineage& lineage) const;
  void use_standing(Case& c, const people::Standing& one) const;
  std::vector<EventDraft> used_standing(const Case& c) const;
  void fold_standing(const std::vector<Event>& appended);  // of one's own append
  // Whether what was decided, and has not started, would be decided so now. Codes: closed,
  // digest_mismatch.
  Result<void> check_still_decided(const ActionRecord& record) const;
  // ---- planned.cpp: a step of a run whose plan people approved, with this step in it
  Task<void> plan_in(Case& c);  // allowed, where one is; `c` outlives the task
  // What it would touch stands as the plan's people saw it; then that is its preview.
  Task<bool> is_as_planned(Case& c);
  // The run whose plan covers it; null: none.
  const ActionRecord* plan_of(const Case& c, const Plan& asked) const;

  // ---- standing_wish.cpp
  Result<people::Standing> standing_like(const ActionRecord& model, const Case& now,
                                         const Gate::StandingWish& wish) const;

  std::optional<EventDraft> review_due(const ActionRecord& record) const;
  void index_after_review(const std::shared_ptr<ActionRecord>& record);

  // ---- canary.cpp
  Result<void> check_not_planted_by(const ActionRecord& record, const Principal& who) const;
  Task<Result<void>> end_amended(Principal who, std::shared_ptr<ActionRecord> record);
  void reveal(const ActionRecord& record, std::string_view result, State state,
              std::vector<EventDraft>& drafts) const;

  // ---- evidence.cpp: what is approved, and waits until the record of that is out of our hands
  // Code evidence_unavailable.
  Result<bool> has_evidence(const ActionRecord& record, std::string_view kind) const;
  EventDraft held_draft(const ActionRecord& record, std::string_view kind) const;
  Task<void> release_held(ActionId id);
  Task<void> try_release(std::shared_ptr<ActionRecord> record);
  Task<void> execute(std::shared_ptr<ActionRecord> record);
  Task<Result<void>> note(std::shared_ptr<ActionRecord> record, std::string type, doc::Value body);
  Task<void> record_outcome(std::shared_ptr<ActionRecord> record, Outcome outcome);
  Task<void> finish(std::shared_ptr<ActionRecord> record, Outcome outcome);
  std::string grant_text(const GrantId& id) const;

  Result<void> check_words(std::string_view text, std::string_view what,
                           const std::string& where) const {
    return options.check_text ? options.check_text(text, what, where) : Result<void>{};
  }

  // Words that are asked for: some, not too many, and no secret among them.
  Result<void> check_reason(std::string_view text, std::string_view what,
                            const std::string& where) const;

  // ---- amend.cpp
  bool may_amend(const Principal& who, const ActionRecord& record) const;
  Result<void> can_amend(const Principal& who, const ActionRecord& record) const;
  Result<Closing> close_for(const Principal& who, std::shared_ptr<ActionRecord> record,
                            const Case& successor, const std::string& note) const;
  // What was appended for the closing one is folded, and taken out of `appended`.
  void fold_closing(const Closing& closes, std::vector<Event>& appended);

  // ---- people_commands.cpp, clockwork.cpp
  Task<Result<RecordPtr>> simple_command(Principal who, ActionId id, review::Command command);
  enum class Due { kNothing, kClosing, kWake };
  Due due(const ActionRecord& record, Time at) const;
  void put_on_agenda(const ActionRecord& record);
  bool begin_due(const ActionRecord& record, Due what);
  Task<void> run_due(ActionId id, Due what, std::string requester);
  Task<void> one_due(ActionId id);
  void ask_after_crash();
  Task<void> run_recovery(std::shared_ptr<ActionRecord> record, std::uint64_t round);
  Task<void> recover_one(std::shared_ptr<ActionRecord> record);
  void say_broken(const ActionId& id, std::string_view what, std::string_view why);
  Task<void> expire(std::shared_ptr<ActionRecord> record);
  Task<void> nudge(std::shared_ptr<ActionRecord> record);
  Task<void> wake(std::shared_ptr<ActionRecord> record);

  // ---- table.cpp: records and who watches them
  std::shared_ptr<ActionRecord> open_record(const ActionId& id) const;
  Task<std::shared_ptr<ActionRecord>> load_record(ActionId id);
  std::shared_ptr<ActionRecord> in_memory(const ActionId& id) const;  // open, or settled lately
  static std::shared_ptr<ActionRecord> record_of(const ActionId& id,
                                                 const std::vector<Event>& events);
  std::shared_ptr<ActionRecord> take_in(const ActionId& id, const std::vector<Event>& events);
  // Appends to one action and folds what came back. Codes: conflict (the caller decides again).
  Task<Result<std::vector<Event>>> append(std::shared_ptr<ActionRecord> record,
                                          std::vector<EventDraft> events,
                                          std::set<std::string> streams,
                                          std::vector<store::Claim> claims);
  void changed(const std::shared_ptr<ActionRecord>& record);
  void notify(Notice notice);  // leaves out who is out of office
  void settle(const std::shared_ptr<ActionRecord>& record);
  void index_open(const std::shared_ptr<ActionRecord>& record, State before, bool was_there);

  // ---- world.cpp
  bool fold(const Event& event);
  void fold_all(const std::vector<Event>& events);
  Result<Linking> begin_linking(const std::vector<EventDraft>& events);
  void wake_voted(const std::string& person);
  void wake_asked(const Event& event);
  void activate(const Event& event);
  void redigest();
  void use_pins();
  // What a decision about this tool rests on, of the configuration.
  std::set<std::string> streams_behind(const std::string& tool) const;
  std::uint64_t seen(
      const std::string& stream) const;  // version of a stream as the world has folded it
  Time now() const { return ports.clock.now(); }
  // What people and groups are now, for a decision that begins.
  void pass_time() {
    world.directory.pass_time(now());
    world.emergencies.pass_time(now());
    world.standing.pass_time(now());
  }

  Gate& gate;
  Ports& ports;
  GateOptions& options;
  World& world;
  Serial serial;
  // Looks for what is asked for, and, with room of their own, for what people have agreed to: slow
  // ones of an agent keep neither others nor a vote waiting. As many threads look at databases.
  FairSemaphore looks{{.all = 4, .of_one = 2, .patience = std::chrono::seconds(30)}};
  FairSemaphore looks_at_release{{.all = 4, .of_one = 4, .patience = std::chrono::seconds(30)}};
  Inboxes inboxes;
  Time inboxes_tidied{};

  std::unordered_map<std::string, std::shared_ptr<ActionRecord>> open;  // not final
  std::unordered_map<std::string, std::shared_ptr<ActionRecord>> settled;
  std::deque<std::string> settled_order;
  std::map<std::string, std::shared_ptr<ActionRecord>> reviews_due;  // settled, and not looked at
  std::unordered_map<std::string, std::uint64_t> world_versions;
  std::map<std::string, std::size_t> pending_by_agent;
  std::set<std::string> exercises;              // action ids, of those that are open
  std::set<std::string> exercises_of_the_past;  // that were when this process began
  std::map<std::string, TokenBucket> rates;     // by requester
  std::unordered_map<std::string, std::string>
      idempotent;  // claim key -> value, while its append is on the way
  Agenda agenda;
  std::set<std::string> held, releasing;  // approved without evidence yet; and under way
  History history;
  struct Denied {
    std::int64_t times = 0;
    std::string last;  // "act_…"
  };
  std::unordered_map<std::string, Denied>
      denied_before;  // by keyed fingerprint of (agent, tool, args)
  Approvals approvals;
  // What time has begun and not ended.
  struct {
    std::set<std::string> actions;
    std::size_t closings = 0, wakes = 0;
    std::map<std::string, std::size_t> wakes_of;  // by requester
  } under_way;
  // Outcomes that the journal had no room for: recorded at a later tick.
  std::vector<std::pair<std::shared_ptr<ActionRecord>, Outcome>> unrecorded;
  std::deque<std::shared_ptr<ActionRecord>> left_by_crash;       // not asked about yet
  std::vector<std::shared_ptr<ActionRecord>> broken_recoveries;  // to be asked about again
  std::uint64_t recovery_round = 0;
  std::size_t recoveries_under_way = 0;                 // of this round
  std::unordered_map<std::string, std::string> broken;  // action -> what was said of it last
  std::set<std::string> grants_shown;
  std::set<std::string> linking;   // accounts, by appends on their way
  std::set<std::string> revoking;  // standing approvals, likewise: they stand for nothing any more
  std::map<std::string, BuiltInTool> built_ins;
  Gate::Runner runner;
  std::map<std::string, std::map<std::uint64_t, std::function<void()>>> watchers;
  std::map<std::uint64_t, std::function<void(const RecordPtr&)>> all_watchers;
  std::map<std::uint64_t, std::function<void(const Notice&)>> messengers;
  std::unordered_map<std::string, std::map<std::uint64_t, std::function<void(const Notice&)>>>
      messengers_to;  // by person
  std::vector<std::function<void(const Event&)>> followers;
  std::uint64_t next_watch = 1;
};

// What an exercise was, and how it ended: caught | missed | expired | cancelled | amended.
EventDraft canary_revealed(const ActionRecord& record, std::string_view result, State state);

// "hmac" over the parts, each with its length: for comparing what must not be stored.
std::string keyed_print(const Secret& key, std::initializer_list<std::string_view> parts);

// Why an append wrote nothing, for people.
std::unexpected<Refusal> refused(const store::Conflict& conflict);

// An event as it would be once committed: to fold what is about to be appended.
Event as_if_committed(const EventDraft& draft, std::uint64_t position, Time now);

}  // namespace keyturn::gate
