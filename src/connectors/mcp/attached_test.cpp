#include "connectors/mcp/attached.h"

#include <doctest/doctest.h>

#include "base/task_impl.h"

namespace keyturn::connectors::mcp {
namespace {

Principal agent(std::string id) {
  return {PrincipalKind::kAgent, std::move(id), "token", Assurance::kToken, "api"};
}

struct Fixture {
  explicit Fixture(AttachmentLimits limits = {})
      : attachments(std::make_unique<Attachments>(
            AttachmentPorts{loop, random, [this](const std::string& name) { return known(name); }},
            limits)) {}
  std::shared_ptr<const catalog::Upstream> known(const std::string& name) const {
    auto out = std::make_shared<catalog::Upstream>();
    out->name = name;
    out->kind =
        name == "files" ? catalog::Upstream::Kind::kHttp : catalog::Upstream::Kind::kAttached;
    if (name == "theirs") out->agents = {{"other", {"*"}}};
    return name == "none" ? nullptr : out;
  }
  std::shared_ptr<Attached> attached(const std::string& who = "bot") {
    const Result<std::string> id = attachments->open(agent(who), "local");
    REQUIRE(id);
    std::shared_ptr<Attached> out = attachments->find(agent(who), *id);
    REQUIRE(out);
    return out;
  }
  // The line that came, or the word of the refusal.
  std::string read(const std::shared_ptr<Attached>& from) {
    std::string out;
    loop.spawn(read_one(loop, from, out));
    loop.run();
    return out;
  }
  static Task<void> read_one(net::Loop& loop, std::shared_ptr<Attached> from, std::string& out) {
    Result<std::string> line = co_await from->read();
    out = line ? *line : "(" + line.error().code + ")";
    loop.stop();
  }
  SystemRandom random;
  net::Loop loop;
  std::unique_ptr<Attachments> attachments;
};

// Counts what reaches it.
class Inner final : public Backend {
 public:
  Task<Result<std::shared_ptr<Answer>>> send(Forward) override {
    ++sent;
    co_return refuse("unavailable", "for this test");
  }
  int sent = 0;
};

Forward forward(const std::string& attachment, const std::string& method,
                const std::string& session = "", const std::string& who = "bot") {
  Forward out;
  out.attachment = attachment;
  out.session = session;
  out.who = agent(who);
  out.message = *rpc::read(rpc::request(1, method, doc::Object{}));
  return out;
}

}  // namespace

TEST_CASE("what a process says comes in lines, however it was cut and however often it was sent") {
  Fixture f;
  const auto attached = f.attached();
  CHECK(attached->say(0, "{\"a\":1}\n{\"b").value() == 11);
  CHECK(attached->say(0, "{\"a\":1}\n{\"b").value() == 11);          // the answer was lost
  CHECK(attached->say(8, "{\"b\":2}\r\n\n\n{\"c\"").value() == 23);  // known in part
  CHECK(attached->say(40, "x").error().code == "out_of_step");
  CHECK(f.read(attached) == "{\"a\":1}");
  CHECK(f.read(attached) == "{\"b\":2}");
  CHECK(attached->say(23, ":3}\n").value() == 27);
  CHECK(f.read(attached) == "{\"c\":3}");
}

TEST_CASE("what was said before the end is read; then the end") {
  Fixture f;
  const auto attached = f.attached();
  CHECK(attached->say(0, "one\n"));
  attached->end("over");
  CHECK(f.read(attached) == "one");
  CHECK(f.read(attached) == "(closed)");
  CHECK(attached->say(4, "two\n").error().code == "closed");
  CHECK(attached->write("x").error().code == "closed");
}

TEST_CASE("lines for a process are kept for a stream that broke, up to a bound") {
  Fixture f({.sent_bytes_max = 10});
  const auto attached = f.attached();
  for (const char* line : {"aaaa", "bbbb", "cccc", "dddd"}) CHECK(attached->write(line));
  CHECK(*attached->after(0)->text == "aaaa");
  CHECK(*attached->after(3)->text == "dddd");
  CHECK_FALSE(attached->after(4));
  attached->sent(2);
  CHECK(attached->can_go_on_after(0));  // eight bytes: all are there
  attached->sent(4);
  CHECK_FALSE(attached->can_go_on_after(0));
  CHECK_FALSE(attached->can_go_on_after(1));
  CHECK(attached->can_go_on_after(2));
  CHECK(*attached->after(2)->text == "cccc");
  CHECK(attached->can_go_on_after(4));
  CHECK_FALSE(attached->can_go_on_after(5));
}

TEST_CASE("nobody fills the memory: too much unread ends an attachment, either way") {
  Fixture f({.line_bytes_max = 8, .unread_bytes_max = 20});
  const auto says = f.attached();
  CHECK(says->say(0, "123456789").error().code == "too_large");
  CHECK(says->ended());
  const auto talks = f.attached();
  CHECK(talks->say(0, "1234567\n1234567\n1234567\n").error().code == "too_large");
  const auto deaf = f.attached();
  CHECK(deaf->write("0123456789"));
  deaf->sent(1);
  CHECK(deaf->write("0123456789"));
  CHECK(deaf->write("0123456789"));
  CHECK(deaf->write("0").error().code == "closed");
}

TEST_CASE("an attachment is its principal's, for its upstream, and has one pipe") {
  Fixture f({.of_principal_max = 2});
  const auto attached = f.attached();
  const std::string id = attached->id();
  CHECK(f.attachments->find(agent("other"), id) == nullptr);
  CHECK(f.attachments->find({PrincipalKind::kPerson, "bot"}, id) == nullptr);
  CHECK_FALSE(f.attachments->take(agent("other"), "local", id));
  CHECK_FALSE(f.attachments->take(agent("bot"), "files", id));
  {
    const auto pipe = f.attachments->take(agent("bot"), "local", id);
    REQUIRE(pipe);
    CHECK_FALSE(f.attachments->take(agent("bot"), "local", id));
  }
  CHECK(attached->ended());  // with its pipe
  CHECK(f.attachments->find(agent("bot"), id) == nullptr);
  f.attached();
  f.attached();
  CHECK(f.attachments->open(agent("bot"), "local").error().code == "too_many_attachments");
  CHECK(f.attachments->open(agent("other"), "local"));
  const auto refused = [&](const char* upstream) {
    return f.attachments->open(agent("third"), upstream).error().code;
  };
  CHECK(refused("none") == "unknown_upstream");
  CHECK(refused("theirs") == "unknown_upstream");
  CHECK(refused("files") == "not_attached");
  CHECK(f.attachments->open(agent("other"), "theirs"));
}

TEST_CASE("an attachment that nobody reads is over after a while") {
  Fixture f({.alone_max = std::chrono::milliseconds(5)});
  const auto read = f.attached();
  const auto alone = f.attached();
  read->read_by(std::make_shared<net::Waiter>(f.loop));
  CHECK(f.read(alone) == "(closed)");
  CHECK_FALSE(read->ended());
  read->read_by(nullptr);
  CHECK(f.read(read) == "(closed)");
}

TEST_CASE("who names no attachment of theirs, or begins anew over one in use, is told 404") {
  Fixture f;
  const auto inner = std::make_shared<Inner>();
  AttachedBackend backend(*f.attachments, "local", inner);
  const auto status = [&](Forward what) {
    int out = 0;
    f.loop.spawn([](net::Loop& loop, AttachedBackend& to, Forward what, int& out) -> Task<void> {
      auto answer = co_await to.send(std::move(what));
      out = answer ? (*answer)->status : 0;
      loop.stop();
    }(f.loop, backend, std::move(what), out));
    f.loop.run();
    return out;
  };
  const auto attached = f.attached();
  const std::string id = attached->id();
  CHECK(status(forward("", "initialize")) == 404);
  CHECK(status(forward("mat_none", "initialize")) == 404);
  CHECK(status(forward(id, "initialize", "", "other")) == 404);
  CHECK(inner->sent == 0);
  CHECK(status(forward(id, "initialize")) == 0);
  const auto pipe = f.attachments->take(agent("bot"), "local", id);
  REQUIRE(pipe);
  CHECK(status(forward(id, "tools/list", "session")) == 0);
  CHECK(inner->sent == 2);
  CHECK(status(forward(id, "initialize")) == 404);
  CHECK(attached->ended());
  CHECK(status(forward(id, "tools/list", "session")) == 404);
  CHECK(inner->sent == 2);
}

}  // namespace keyturn::connectors::mcp
