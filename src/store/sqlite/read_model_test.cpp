#include "store/sqlite/read_model.h"

#include <algorithm>
#include <fstream>
#include <map>

#include "store/sqlite/testing.h"

using namespace keyturn;
using namespace keyturn::store;
using namespace keyturn::store::sqlite::testing;

namespace {

constexpr Duration kLong = std::chrono::seconds(30);

struct Asked {
  std::string id, tool, agent, owner, group, state;
};

doc::Value decided(const Asked& asked) {
  return doc::object(
      {{"state", asked.state},
       {"agent", doc::object({{"kind", "agent"}, {"id", asked.agent}, {"owner", asked.owner}})},
       {"action",
        doc::object({{"id", asked.id},
                     {"tool", asked.tool},
                     {"operation", "write"},
                     {"resource", doc::object({{"kind", "database"}, {"name", "orders_50%"}})},
                     {"digest", "sha256:00"}})},
       {"policy",
        doc::object(
            {{"verdict",
              doc::object({{"effect", "require"},
                           {"plan", doc::object({{"quorum", doc::object({{asked.group, 1}})},
                                                 {"assurance", "session"}})}})}})}});
}

struct Lists : Bench {
  std::unique_ptr<ReadModel> model;
  std::string path = dir.file("read.db");

  Lists() { open_model(); }
  void open_model() {
    model.reset();
    auto opened = sqlite::open_read_model({path, options.path}, *journal, io.get_executor());
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
    model = std::move(*opened);
  }
  void ask(const Asked& asked) {
    clock.time += std::chrono::seconds(1);
    append_one("action/" + asked.id, "action.decided", decided(asked));
  }
  void catch_up() {
    if (journal->size() > 0) CHECK(run_task(io, model->wait_for(journal->size() - 1, kLong)));
  }
  Result<ActionPage> page(ActionFilter filter) {
    return run_task(io, model->query(std::move(filter)));
  }
  std::vector<std::string> ids(ActionFilter filter) {
    catch_up();
    Result<ActionPage> found = page(std::move(filter));
    REQUIRE(found.has_value());
    return found->ids;
  }
};

using Ids = std::vector<std::string>;

void fill(Lists& lists) {
  lists.ask({"act_1", "orders-sql", "ops-bot", "alice", "dba", "pending"});
  lists.ask({"act_2", "deploy", "ops-bot", "alice", "sre", "pending"});
  lists.ask({"act_3", "orders-sql", "etl-bot", "bob", "dba", "executing"});
  lists.ask({"act_4", "deploy", "alice", "carol", "sre", "pending"});
  lists.append_one(
      "action/act_2", "review.voted",
      doc::object({{"vote", doc::object({{"reviewer", "dave"}})}, {"state", "denied"}}));
  lists.append_one("action/act_3", "execution.finished", doc::object({{"state", "succeeded"}}));
  lists.append_one("person/erin", "identity.person_added");
}

}  // namespace

TEST_CASE("a filter finds what it names, newest first") {
  Lists lists;
  fill(lists);
  const Time start = *from_rfc3339("2026-11-21T05:04:43.123Z");
  const auto at = [start](int seconds) { return start + std::chrono::seconds(seconds); };
  struct Row {
    const char* name;
    ActionFilter filter;
    Ids expected;
  };
  const Row rows[] = {
      {"all", {}, {"act_4", "act_3", "act_2", "act_1"}},
      {"one state", {.states = {State::kPending}}, {"act_4", "act_1"}},
      {"two states", {.states = {State::kDenied, State::kSucceeded}}, {"act_3", "act_2"}},
      {"one state twice", {.states = {State::kDenied, State::kDenied}}, {"act_2"}},
      {"a state nothing is in", {.states = {State::kFailed}}, {}},
      {"tool", {.tool = "orders-sql"}, {"act_3", "act_1"}},
      {"actor", {.actor = "ops-bot"}, {"act_2", "act_1"}},
      {"word", {.q = "ETL"}, {"act_3"}},
      {"part of a word", {.q = "rders"}, {"act_4", "act_3", "act_2", "act_1"}},
      {"short word", {.q = "t_"}, {"act_4", "act_3", "act_2", "act_1"}},
      {"short, literally", {.q = "0%"}, {"act_4", "act_3", "act_2", "act_1"}},
      {"short, no wildcard", {.q = "x%"}, {}},
      {"id", {.q = "act_2"}, {"act_2"}},
      {"operators are text", {.q = "act_1 OR act_2"}, {}},
      {"quotes are text", {.q = "\"act\" *"}, {}},
      {"word and states",
       {.states = {State::kPending, State::kDenied}, .q = "deploy"},
       {"act_4", "act_2"}},
      {"from", {.from = at(3)}, {"act_4", "act_3"}},
      {"to", {.to = at(3)}, {"act_2", "act_1"}},
      {"from after all", {.from = at(90)}, {}},
      {"span", {.from = at(2), .to = at(4)}, {"act_3", "act_2"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(lists.ids(row.filter) == row.expected);
  }
}

TEST_CASE("nobody is shown what they may not know of") {
  Lists lists;
  fill(lists);
  struct Row {
    const char* name;
    Visibility eyes;
    Ids expected;
  };
  const Row rows[] = {
      {"its agent", SeesAsAgent{"ops-bot"}, {"act_2", "act_1"}},
      {"an agent named as a person", SeesAsAgent{"bob"}, {}},
      {"the owner", SeesAsPerson{"bob", {}}, {"act_3"}},
      {"a group asked", SeesAsPerson{"zoe", {"dba"}}, {"act_3", "act_1"}},
      {"two groups asked",
       SeesAsPerson{"zoe", {"dba", "sre"}},
       {"act_4", "act_3", "act_2", "act_1"}},
      {"who voted", SeesAsPerson{"dave", {}}, {"act_2"}},
      {"a stranger", SeesAsPerson{"mallory", {"finance"}}, {}},
      {"a person named as an agent", SeesAsPerson{"ops-bot", {}}, {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(lists.ids({.visible_to = row.eyes}) == row.expected);
  }
}

TEST_CASE("pages follow each other without loss or repetition, whatever is added meanwhile") {
  Lists lists;
  for (int i = 100; i < 125; ++i) {
    lists.ask({"act_" + std::to_string(i), "t", "a", "o", "g", i % 2 == 0 ? "pending" : "denied"});
  }
  lists.catch_up();
  const std::vector<State> both{State::kPending, State::kDenied};
  for (const ActionFilter& wanted :
       {ActionFilter{}, {.states = both}, {.q = "act_"}, {.states = both, .q = "act_"}}) {
    Ids seen;
    ActionFilter filter = wanted;
    filter.limit = 10;
    do {
      const Result<ActionPage> page = lists.page(filter);
      REQUIRE(page.has_value());
      seen.insert(seen.end(), page->ids.begin(), page->ids.end());
      filter.after = page->next;
      lists.ask({"act_new" + std::to_string(lists.journal->size()), "t", "a", "o", "g", "pending"});
      lists.catch_up();
    } while (!filter.after.empty());
    seen.erase(seen.begin(), std::ranges::find(seen, "act_124"));
    REQUIRE(seen.size() == 25);
    CHECK(seen.back() == "act_100");
  }
  CHECK(lists.page({.after = "12x"}).error().code == "bad_cursor");
  CHECK(lists.page({.after = "-1"}).error().code == "bad_cursor");
}

TEST_CASE("states are counted") {
  Lists lists;
  fill(lists);
  lists.catch_up();
  const Result<Counts> counts = run_task(lists.io, lists.model->count_by_state(std::nullopt));
  REQUIRE(counts.has_value());
  const Counts expected{{State::kDenied, 1}, {State::kPending, 2}, {State::kSucceeded, 1}};
  CHECK(*counts == expected);
  const Time late = *from_rfc3339("2026-11-21T05:04:46.123Z");
  CHECK(run_task(lists.io, lists.model->count_by_state(late))->size() == 2);
}

TEST_CASE("a day's numbers: how it came out, who was asked and answered, how long it took") {
  Lists lists;
  const auto part = [](const char* name, doc::Value value, const char* state = nullptr) {
    doc::Value out = doc::object({{name, std::move(value)}});
    if (state != nullptr) out.set("state", state);
    return out;
  };
  const auto opened = part("review", doc::object({{"round", 1}}));
  const auto vote = [&](const char* who, const char* decision) {
    return part("vote", doc::object({{"reviewer", who}, {"decision", decision}, {"looked_s", 30}}));
  };
  lists.ask({"act_1", "orders-sql", "ops-bot", "alice", "dba", "pending"});
  lists.append_one("action/act_1", "review.opened", opened);
  lists.clock.time += std::chrono::seconds(100);
  lists.append_one("action/act_1", "review.voted", vote("dave", "approve"));
  lists.append_one("action/act_1", "review.closed",
                   part("review", doc::object({{"result", "approved"}})));
  lists.append_one("action/act_1", "execution.intended", part("execution", {}, "executing"));
  lists.append_one("action/act_1", "execution.finished", part("execution", {}, "succeeded"));
  lists.ask({"act_2", "deploy", "ops-bot", "alice", "sre", "executing"});
  lists.append_one("action/act_2", "execution.finished", part("execution", {}, "succeeded"));
  lists.ask({"act_3", "deploy", "ops-bot", "alice", "sre", "pending"});
  lists.append_one("action/act_3", "review.opened", opened);
  lists.append_one("action/act_3", "review.voted", vote("erin", "deny"));
  lists.append_one("action/act_3", "review.closed",
                   part("review", doc::object({{"result", "denied"}}), "denied"));
  lists.ask({"act_4", "deploy", "ops-bot", "alice", "sre", "pending"});
  lists.append_one("action/act_4", "review.opened", opened);
  lists.append_one("action/act_4", "canary.revealed",
                   part("canary", doc::object({{"result", "missed"}}), "cancelled"));
  lists.catch_up();
  const Time from = *from_rfc3339("2026-11-21T00:00:00Z");
  const auto found = run_task(lists.io, lists.model->figures(from, from + std::chrono::hours(24)));
  REQUIRE(found.has_value());
  std::map<std::string, std::int64_t> figures;
  for (const Figure& f : *found) figures[f.what + "/" + f.name + "/" + f.detail] = f.n;
  CHECK(figures["outcome/orders-sql/approved"] == 1);
  CHECK(figures["outcome/deploy/allowed"] == 1);
  CHECK(figures["outcome/deploy/refused"] == 1);
  CHECK(figures["outcome/deploy/cancelled"] == 0);  // an exercise is no outcome
  CHECK(figures["canary/sre/missed"] == 1);
  CHECK(figures["hour/asked/5"] == 3);
  CHECK(figures["hour/answered/5"] == 2);
  CHECK(figures["asked/dba/"] == 1);
  CHECK(figures["vote/dba/approve dave"] == 1);
  CHECK(figures["vote/sre/deny erin"] == 1);
  const std::string bucket = std::to_string(duration_bucket(std::chrono::seconds(100)));
  CHECK(figures["took/dba/" + bucket] == 1);
  CHECK(
      figures["look/dba/" + std::to_string(duration_bucket(std::chrono::seconds(30))) + " dave"] ==
      1);
  const auto other_day =
      run_task(lists.io, lists.model->figures(from - std::chrono::hours(24), from));
  CHECK(other_day->empty());
}

TEST_CASE("buckets of time are narrow, and begin where they say") {
  for (const std::int64_t ms : {1, 2, 999, 1000, 60'000, 86'400'000}) {
    const int bucket = duration_bucket(std::chrono::milliseconds(ms));
    CHECK(bucket_start(bucket) <= std::chrono::milliseconds(ms + 1));
    CHECK(bucket_start(bucket + 1) >= std::chrono::milliseconds(ms));
  }
  CHECK(duration_bucket(Duration{}) == 0);
}

TEST_CASE("denials that repeat, and approvals that stand, are told with their latest") {
  Lists lists;
  const auto denied = [&](const char* id, const char* print) {
    Asked asked{id, "deploy", "ops-bot", "alice", "sre", "denied"};
    doc::Value body = decided(asked);
    body.set("request_print", print);
    lists.clock.time += std::chrono::seconds(1);
    lists.append_one("action/" + asked.id, "action.decided", std::move(body));
  };
  denied("act_1", "p1");
  denied("act_2", "p1");
  denied("act_3", "p2");
  lists.ask({"act_4", "deploy", "ops-bot", "alice", "sre", "pending"});
  const auto vote = [](const char* who) {
    return doc::object({{"vote", doc::object({{"reviewer", who}, {"decision", "approve"}})}});
  };
  lists.append_one("action/act_4", "review.voted", vote("dave"));
  lists.append_one("action/act_4", "review.voted", vote("erin"));
  lists.append_one("action/act_4", "review.vote_withdrawn", vote("erin"));
  lists.append_one("action/act_4", "review.closed",
                   doc::object({{"state", "denied"}, {"request_print", "p2"}}));
  lists.catch_up();
  const Time from{};
  const Time to = *from_rfc3339("2027-01-01T00:00:00Z");
  const auto prints = run_task(lists.io, lists.model->denied_prints(from, 1000));
  REQUIRE(prints->size() == 2);
  CHECK((*prints)[0].print == "p1");
  CHECK((*prints)[0].times == 2);
  CHECK((*prints)[0].last == "act_2");
  CHECK((*prints)[1].last == "act_4");  // people denied that one
  const auto repeats = run_task(lists.io, lists.model->repeats(from, to, 1));
  REQUIRE(repeats->size() == 1);
  CHECK((*repeats)[0].times == 2);
  const auto approvals = run_task(lists.io, lists.model->approvals(from, 1000));
  REQUIRE(approvals->size() == 1);
  CHECK((*approvals)[0].person == "dave");
  CHECK((*approvals)[0].action == "act_4");
  CHECK((*approvals)[0].tool == "deploy");
}

TEST_CASE("a read.db that was deleted, damaged or belongs to another journal is built again") {
  Lists lists;
  fill(lists);
  const Ids all = lists.ids({});
  REQUIRE(all.size() == 4);
  lists.open_model();
  CHECK(lists.ids({}) == all);

  lists.model.reset();
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(lists.path + suffix);
  lists.open_model();
  CHECK(lists.ids({}) == all);

  lists.model.reset();
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(lists.path + suffix);
  std::ofstream(lists.path, std::ios::binary | std::ios::trunc) << std::string(5000, 'z');
  lists.open_model();
  CHECK(lists.ids({}) == all);

  // A journal that lost its end, as a restored backup has.
  lists.model.reset();
  lists.journal.reset();
  std::filesystem::remove(lists.options.path);
  lists.open();
  lists.ask({"act_9", "t", "a", "o", "g", "pending"});
  lists.open_model();
  CHECK(lists.ids({}) == Ids{"act_9"});
}

TEST_CASE("waiting for an event that never comes ends with false") {
  Lists lists;
  fill(lists);
  CHECK(!run_task(lists.io, lists.model->wait_for(1000, std::chrono::milliseconds(5))));
  CHECK(run_task(lists.io, lists.model->wait_for(0, kLong)));
}
