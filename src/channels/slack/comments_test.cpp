#include "channels/slack/comments.h"

#include <doctest/doctest.h>

#include "base/bytes.h"
#include "channels/slack/slack.h"
#include "channels/testing.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "render/block_kit.h"

using namespace keyturn;
using namespace keyturn::channels;
using namespace keyturn::channels::slack;

namespace {

// A conversation with bob, whose thread a test looks at.
struct Thread : channels::testing::Stand {
  std::unique_ptr<Channel> channel;
  KeptPlaces kept;
  Matter now;
  std::map<std::string, std::string> hangs;    // ts -> blocks of what hangs in the thread
  std::vector<std::string> posted, to;         // all blocks ever said there; all channels, in order
  std::function<std::string(const Form&)> no;  // Slack's error word, "": it is taken
  int last_ts = 0;

  Thread() {
    secrets["BOT"] = "xoxb-1";
    secrets["SIGN"] = "s3cret";
    bench.record({people::account_linked("bob", "slack:T1/U1", "bob")});
    doc::Problems problems;
    const std::string json = R"({"team": "T1", "bot_token": {"secret": "env:BOT"},
                                 "http": {"signing_secret": {"secret": "env:SIGN"}}})";
    channel = make_slack(ports(), read_settings(*doc::parse_json(json), "", problems));
    REQUIRE(problems.empty());
    answer = [this](const net::ClientRequest& request) { return said(request); };
    REQUIRE(bench.run(channel->start()));
    now = matter(bench.ask("ask")->id);
    now.record = std::make_shared<gate::ActionRecord>(*now.record);
    CHECK(carry() == 1);  // the card
    kept.begin()->second.memo.set("channel", "D1");
  }
  ~Thread() { channel->stop(); }

  net::ClientResponse said(const net::ClientRequest& request) {
    const Form form = *from_form(request.body);
    const std::string ts = field_of(form, "ts"), thread = field_of(form, "thread_ts");
    doc::Value out = doc::object({{"ok", true}, {"team_id", "T1"}, {"channel", "D1"}});
    const std::string why = no ? no(form) : "";
    if (!why.empty()) {
      out = doc::object({{"ok", false}, {"error", why}});
    } else if (request.url.ends_with("chat.postMessage")) {
      out.set("ts", "t" + std::to_string(++last_ts));
      to.push_back(field_of(form, "channel"));
      if (!thread.empty()) posted.push_back(field_of(form, "blocks"));
      if (!thread.empty()) hangs["t" + std::to_string(last_ts)] = posted.back();
    } else if (request.url.ends_with("chat.delete")) {
      if (hangs.erase(ts) == 0) out = doc::object({{"ok", false}, {"error", "message_not_found"}});
    }
    return {.status = 200, .headers = {}, .body = doc::write_json(out)};
  }

  gate::ActionRecord& record() { return const_cast<gate::ActionRecord&>(*now.record); }
  void comment(const std::string& text, const std::string& by = "olga") {
    record().comments.push_back({by, text, bench.clock.now(), false});
  }
  // What is due in `now`, once; how many errands were carried.
  std::size_t carry() {
    std::size_t out = 0;
    for (Errand& errand : channel->due(now, kept)) {
      Kept& there = kept[errand.place];
      if (there.word == errand.word || there.dead == errand.word) continue;
      const Carried done = bench.run(channel->carry(now, errand, there.memo));
      last_failure = done ? std::nullopt : std::optional(done.error());
      if (!done && done.error().kind == Undelivered::Kind::kNever) there.dead = errand.word;
      if (!done) continue;
      there = {errand.word, *done, "", "", bench.clock.now()};
      ++out;
    }
    return out;
  }
  void carry_all() {
    while (carry() > 0 || (last_failure && last_failure->retry_after)) {
      if (last_failure && last_failure->retry_after) bench.clock.time += *last_failure->retry_after;
    }
  }
  std::string shown() const {
    std::string out;
    for (const auto& [ts, blocks] : hangs) out += blocks;
    return out;
  }
};

Task<bool> settled(Threads& threads, gate::RecordPtr record, std::string text, std::string ts) {
  co_await threads.settle(*record, "bob", text, "D1", ts);
  co_return true;
}

}  // namespace

TEST_CASE("many comments are few messages, and not one after the other without a pause") {
  Thread thread;
  for (int n = 0; n < 150; ++n) thread.comment("number " + std::to_string(n) + ".");
  CHECK(thread.carry() == 1);
  CHECK(thread.posted.size() == 1);
  CHECK(thread.posted[0].contains("number 39."));
  CHECK_FALSE(thread.posted[0].contains("number 40."));
  CHECK(thread.carry() == 1);
  CHECK(thread.carry() == 1);
  CHECK(thread.carry() == 0);  // a few at once, and then one each five seconds
  REQUIRE(thread.last_failure);
  CHECK(thread.last_failure->kind == Undelivered::Kind::kPlaceBusy);
  CHECK(thread.last_failure->retry_after == std::chrono::seconds(5));
  thread.carry_all();
  CHECK(thread.posted.size() == 4);
  for (int n = 0; n < 150; ++n) CHECK(thread.shown().contains("number " + std::to_string(n) + "."));
}

TEST_CASE("a card that waits for its turn goes before comments") {
  Thread thread;
  thread.no = [](const Form& form) {
    return field_of(form, "thread_ts").empty() ? "ratelimited" : "";
  };
  const Matter talked = thread.now;
  thread.now = thread.matter(thread.bench.ask("ask", "another")->id);
  KeptPlaces kept = std::exchange(thread.kept, {});
  CHECK(thread.carry() == 0);  // Slack lets it wait
  std::swap(kept, thread.kept);
  const Matter waits = std::exchange(thread.now, talked);
  thread.comment("me first");
  CHECK(thread.carry() == 0);
  CHECK(thread.posted.empty());
  thread.no = {};
  thread.bench.clock.time += std::chrono::seconds(2);
  CHECK(thread.carry() == 0);
  thread.now = waits;
  std::swap(kept, thread.kept);
  CHECK(thread.carry() == 1);
  std::swap(kept, thread.kept);
  thread.now = talked;
  CHECK(thread.carry() == 1);
  CHECK(thread.posted.size() == 1);
}

TEST_CASE("a long comment is cut, and one that Slack does not take keeps nobody else from coming") {
  Thread thread;
  SUBCASE("long ones") {
    for (const std::string& text : {std::string(16'384, 'z'), std::string(8000, '\x01')}) {
      thread.comment(text);
      thread.carry_all();
      CHECK(thread.posted.back().contains("(cut: open the page to see all of it)"));
      CHECK(render::characters(thread.posted.back()) < 3500);
    }
  }
  SUBCASE("refused") {
    thread.no = [](const Form& form) {
      return field_of(form, "blocks").contains("poison") ? "msg_too_long" : "";
    };
    thread.comment("before");
    thread.comment("poison", "mallory");
    thread.comment("after the poison is gone: DO NOT");
    thread.record().comments.back().text = "DO NOT";
    thread.carry_all();
    CHECK(thread.shown().contains("before"));
    CHECK(thread.shown().contains("mallory"));
    CHECK(thread.shown().contains("open the page to see it"));
    CHECK(thread.shown().contains("DO NOT"));
  }
}

TEST_CASE("what is erased from the record is deleted, and the rest of its message said again") {
  Thread thread;
  for (const char* text : {"one", "SECRET", "three"}) thread.comment(text);
  thread.carry_all();
  thread.comment("four");
  thread.carry_all();
  CHECK(thread.shown().contains("SECRET"));
  thread.record().comments[1] = {"olga", "", thread.bench.clock.now(), true};
  SUBCASE("seen by bob") {}
  SUBCASE("it was deleted by somebody") {
    thread.hangs.erase(thread.hangs.begin());
  }
  thread.carry_all();
  CHECK_FALSE(thread.shown().contains("SECRET"));
  for (const char* text : {"one", "three", "four"}) CHECK(thread.shown().contains(text));
  CHECK(thread.posted.size() == 3);
  for (gate::Comment& one : thread.record().comments) one = {"olga", "", one.at, true};
  thread.carry_all();
  CHECK(thread.hangs.empty());
  CHECK(thread.posted.size() == 3);
}

TEST_CASE("what was said in the thread is known once, and kept by no word of it") {
  Thread thread;
  const Ports ports = thread.ports();
  Threads threads(ports);
  const std::string action = thread.now.record->id.str();
  const auto take = [&](const std::string& ts, const std::string& text) {
    return thread.bench.run(threads.take(action, "bob", text, "D1", "t1", ts));
  };
  const auto was_said = [&](std::size_t n) {
    return threads.was_said(*thread.now.record, n, "D1", "t1");
  };
  CHECK(take("t2", "I agree"));
  CHECK_FALSE(take("t2", "I agree"));
  thread.comment("I agree", "bob");
  thread.bench.run(settled(threads, thread.now.record, "I agree", "t2"));
  thread.comment("I agree", "bob");  // on the page
  CHECK(was_said(0));
  CHECK_FALSE(was_said(1));
  CHECK(was_said(0));
  CHECK_FALSE(threads.was_said(*thread.now.record, 0, "D1", "t9"));
  // Of a message that is no comment yet, nobody can try out what it says.
  CHECK(take("t3", "PIN 4711"));
  const std::string key = "slack/said/" + action + "/D1/t3";
  const std::string unkeyed =
      to_hex(view(crypto::sha256(std::string("bob\nPIN 4711")))).substr(0, 32);
  CHECK(thread.keep.all[key].contains("print"));
  CHECK_FALSE(thread.keep.all[key].contains(unkeyed));
  thread.comment("PIN 4711", "bob");
  thread.bench.run(settled(threads, thread.now.record, "PIN 4711", "t3"));
  CHECK(thread.keep.all[key] == R"({"place":"D1/t1","comment":2})");
  Threads later(ports);
  REQUIRE(thread.bench.run(later.load()));
  CHECK(later.was_said(*thread.now.record, 2, "D1", "t1"));
  CHECK_FALSE(later.was_said(*thread.now.record, 1, "D1", "t1"));
}
