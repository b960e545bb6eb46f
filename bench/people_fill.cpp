// Fills a data folder's journal as a large organisation would have left it: people in groups,
// agents, who stands in for whom, and actions, of which the last PENDING wait for people.
//
//   keyturn_bench_people DATA ACTIONS PENDING     (DATA from `keyturn init`, no server running)
//
// Of the others a tenth was denied by policy, a fifth approved by people, the rest allowed.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/id.h"
#include "data_journal.h"
#include "model/action.h"
#include "model/verdict.h"
#include "people/directory.h"
#include "review/review.h"

using namespace keyturn;

namespace {

constexpr unsigned kAppenders = 1024;
constexpr unsigned kPeople = 500, kGroups = 50, kGroupsOfOneMax = 5, kAgents = 200;
constexpr unsigned kEachDelegates = 12;
constexpr unsigned kTools = 40, kResources = 300;

std::string numbered(const char* prefix, unsigned number) {
  std::string digits = std::to_string(number);
  return prefix + std::string(3 - std::min<std::size_t>(3, digits.size()), '0') + digits;
}

Event committed(const EventDraft& draft, std::uint64_t position, Time now) {
  Event event;
  event.stream = draft.stream;
  event.position = position;
  event.type = draft.type;
  event.time = now;
  event.body = draft.body;
  event.private_part = draft.private_part;
  return event;
}

class Organisation {
 public:
  explicit Organisation(Time now) : now_(now) {}

  // p000 is the administrator; some groups are large, most are small.
  std::vector<EventDraft> people() {
    std::vector<EventDraft> out;
    std::vector<std::set<std::string>> members(kGroups);
    for (unsigned i = 0; i < kPeople; ++i) {
      people::Person person;
      person.id = numbered("p", i);
      person.name = "Person number " + std::to_string(i);
      person.email = person.id + "@example.com";
      person.admin = i == 0;
      out.push_back(people::person_added(person));
      for (unsigned of = 1 + any(kGroupsOfOneMax); of > 0; --of) members[group()].insert(person.id);
    }
    for (unsigned i = 0; i < kGroups; ++i)
      out.push_back(people::group_changed(numbered("g", i), members[i], {}));
    for (unsigned i = 0; i < kAgents; ++i)
      out.push_back(people::agent_added(numbered("agent", i), numbered("p", any(kPeople))));
    for (unsigned i = 0; i < kPeople; i += kEachDelegates) {
      people::Delegation one{"del_" + std::to_string(i), numbered("p", i),
                             numbered("p", (i + 5) % kPeople)};
      one.start = now_ - std::chrono::hours(1);
      one.until = now_ + std::chrono::hours(24 * 30);
      out.push_back(people::delegated(one));
    }
    for (const EventDraft& draft : out) people::evolve(directory_, committed(draft, 1, now_));
    directory_.pass_time(now_);
    return out;
  }

  // The events of one action from the beginning. `waits`: it still does.
  std::vector<EventDraft> action(std::uint64_t number, bool waits) {
    const std::string id = make_sortable_id("act", unix_ms(now_) + std::int64_t(number), system_);
    const bool denied = !waits && number % 10 == 0;
    const bool asked = waits || number % 10 == 1 || number % 10 == 2;
    Verdict verdict;
    verdict.effect = denied ? Effect::kDeny : asked ? Effect::kRequire : Effect::kAllow;
    verdict.decided_by = "rule-" + std::to_string(any(kTools));
    verdict.reasons = {verdict.decided_by + " says what happens to this kind of request"};
    verdict.hits.push_back({verdict.decided_by, verdict.effect, "as its rule says"});
    verdict.policy_digest = digest();
    if (asked) verdict.plan = plan();
    std::vector<EventDraft> out;
    const people::Lineage lineage = lineage_of_some_agent();
    const std::string decided_digest = digest();
    const Time expires = now_ + std::chrono::hours(4) + std::chrono::minutes(any(7 * 24 * 60));
    out.push_back(decided(id, verdict, lineage, decided_digest, expires));
    out.back().body.set("state", denied ? "denied" : asked ? "pending" : "executing");
    if (denied) return out;
    if (asked) {
      const bool half_way = number % 5 == 0;
      review(out, review::Open{id, verdict.plan, decided_digest, lineage, expires},
             waits ? unsigned(half_way) : 64U);
    }
    if (waits) return out;
    out.push_back({"action/" + id, "execution.intended",
                   doc::object({{"state", "executing"},
                                {"execution", doc::object({{"connector", "exec"}})}})});
    out.push_back({"action/" + id, "execution.finished",
                   doc::object({{"state", "succeeded"},
                                {"execution", doc::object({{"kind", "succeeded"},
                                                           {"exit_code", 0},
                                                           {"duration_ms", any(5000)}})}})});
    return out;
  }

 private:
  unsigned any(unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(random_);
  }
  // The first groups are asked, and have members, more often.
  unsigned group() { return std::min(any(kGroups), any(kGroups)); }
  std::string digest() {
    std::string hex;
    for (int i = 0; i < 64; ++i) hex += "0123456789abcdef"[any(16)];
    return "sha256:" + hex;
  }

  Plan plan() {
    Plan out;
    out.expires = std::chrono::hours(24 * 7);
    const std::string first = numbered("g", group());
    const std::string other = numbered("g", (group() + 1) % kGroups);
    switch (any(10)) {
      case 0:
        out.any.push_back({Quorum{{first, 1}}, Quorum{{other, 2}}});
        break;
      case 1:
        out.stages.push_back({Quorum{{first, 1}}, Quorum{{other, 1}}});
        break;
      case 2:
      case 3:
        out.quorum = {{first, 1}, {other, 1}};
        break;
      case 4:
        out.quorum = {{first, 2}};
        break;
      default:
        out.quorum = {{first, 1}};
    }
    return out;
  }

  people::Lineage lineage_of_some_agent() {
    people::Lineage out;
    agent_ = any(kAgents);
    out.requester = numbered("agent", agent_);
    out.requested_at = now_;
    out.add(people::Role::kOwner, directory_.agent(out.requester)->owner());
    return out;
  }

  EventDraft decided(const std::string& id, const Verdict& verdict, const people::Lineage& lineage,
                     const std::string& case_digest, Time expires) {
    // An agent does a few things, again and again.
    const std::string tool = numbered("tool", (agent_ * 7 + any(3)) % kTools);
    const std::string resource = numbered("orders-", (agent_ * 11 + any(5)) % kResources);
    EventDraft out{.stream = "action/" + id, .type = "action.decided"};
    out.body = doc::object(
        {{"agent", doc::object({{"kind", "agent"},
                                {"id", lineage.requester},
                                {"owner", lineage.parties.front().id},
                                {"credential", "tok_of_" + lineage.requester},
                                {"channel", "api"}})},
         {"claims", doc::object({{"model", "model-7"}})},
         {"action", doc::object({{"id", id},
                                 {"tool", tool},
                                 {"tool_digest", digest()},
                                 {"operation", any(2) == 0 ? "write" : "delete"},
                                 {"mode", "execute"},
                                 {"resource", doc::object({{"kind", "database"},
                                                           {"name", resource},
                                                           {"env", "prod"},
                                                           {"labels", doc::object({})}})},
                                 {"digest", case_digest},
                                 {"created_at", to_rfc3339(now_)}})},
         {"policy", doc::object({{"digest", verdict.policy_digest},
                                 {"configuration", digest()},
                                 {"verdict", to_value(verdict)}})},
         {"lineage", people::to_value(lineage)},
         {"expires_at", to_rfc3339(expires)}});
    const std::string statement =
        "DELETE FROM " + resource + " WHERE id = " + std::to_string(any(1'000'000));
    out.private_part = doc::object(
        {{"args", doc::object({{"statement", statement}})},
         {"reason", "the customer asked for it in ticket " + std::to_string(any(100'000))},
         {"claims", doc::object({{"model", "model-7"}})},
         {"description", doc::object({{"sql", statement}})},
         {"salt", digest()}});
    return out;
  }

  // Opens the review, and people vote until it is over, or `votes_max` have.
  void review(std::vector<EventDraft>& out, const review::Open& open, unsigned votes_max) {
    review::Review state;
    const auto take = [&](const review::Command& command) {
      Result<std::vector<EventDraft>> drafts = review::decide(state, command, directory_, now_);
      if (!drafts) {
        std::fprintf(stderr, "%s\n", drafts.error().message.c_str());
        std::exit(1);
      }
      for (EventDraft& draft : *drafts) {
        state = review::evolve(state, committed(draft, out.size() + 1, now_));
        out.push_back(std::move(draft));
      }
    };
    take(open);
    for (; votes_max > 0 && state.status == review::Status::kOpen; --votes_max) {
      const std::vector<std::string> asked = review::waiting_for(state, directory_);
      if (asked.empty()) return;
      Principal who{PrincipalKind::kPerson, asked[any(unsigned(asked.size()))], "ses_of_them",
                    Assurance::kSession, "web"};
      if (places_needed(state) == 1 && votes_max == 1) return;  // it would be over
      take(review::CastVote{.by = std::move(who), .digest = state.digest});
    }
  }

  int places_needed(const review::Review& state) const {
    int out = 0;
    for (const review::Needed& need : review::tally_of(state, directory_).needed)
      out += need.count - need.have;
    return out;
  }

  Time now_;
  std::mt19937_64 random_{7};  // the same organisation every time
  SystemRandom system_;
  people::Directory directory_;
  unsigned agent_ = 0;  // that asks for the present one
};

struct Work {
  std::uint64_t next = 0, end = 0, waiting_from = 0;
};

Task<void> append(store::Journal& journal, store::AppendRequest request) {
  const store::Appended appended = co_await journal.append(std::move(request));
  if (!appended) {
    std::fprintf(stderr, "%s\n", appended.error().what.c_str());
    std::exit(1);
  }
}

Task<void> append_people(store::Journal* journal, Organisation* organisation) {
  co_await append(*journal, {.events = organisation->people()});
}

Task<void> append_actions(store::Journal* journal, Organisation* organisation, Work* work) {
  while (work->next < work->end) {
    const std::uint64_t number = work->next++;
    store::AppendRequest request;
    request.events = organisation->action(number, number >= work->waiting_from);
    request.expects.push_back({request.events.front().stream, 0, true});
    co_await append(*journal, std::move(request));
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) return 2;
  Work work;
  work.end = std::strtoull(words[2], nullptr, 10);
  work.waiting_from =
      work.end - std::min<std::uint64_t>(work.end, std::strtoull(words[3], nullptr, 10));
  bench::DataJournal on(words[1]);
  Organisation organisation(on.clock.now());
  boost::asio::co_spawn(on.io, append_people(on.journal.get(), &organisation),
                        boost::asio::detached);
  on.io.run();
  on.io.restart();
  for (unsigned i = 0; i < kAppenders; ++i) {
    boost::asio::co_spawn(on.io, append_actions(on.journal.get(), &organisation, &work),
                          boost::asio::detached);
  }
  on.io.run();
  return 0;
}
