#include "connectors/mcp/child.h"

#include <optional>
#include <system_error>

#include "base/random.h"
#include "base/task_impl.h"
#include "base/time.h"
#include "connectors/exec/plan.h"
#include "connectors/exec/strays.h"
#include "connectors/fd.h"
#include "net/line_pipe.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr Duration kStartWait = std::chrono::seconds(60);
constexpr Duration kWatchWait = std::chrono::hours(24 * 7);  // then it is asked again
constexpr Duration kWordsWait = std::chrono::seconds(5);     // for how it ended
constexpr Duration kLastReads = std::chrono::seconds(5);     // of what it said before

class Child final : public Pipe {
 public:
  Child(net::Loop& loop, connectors::Pipe in, connectors::Pipe out, Fd life, std::string about)
      : lines_(loop, out.read.release(), in.write.release(), kLineBytesMax),
        life_(std::move(life)),
        over_(loop),
        about_(std::move(about)) {}

  Task<Result<void>> write(std::string line) override {
    const Result<void> written = co_await lines_.write(std::move(line));
    if (!written) co_return refuse("closed", about_ + " takes nothing more");
    co_return written;
  }

  Task<Result<std::string>> read() override {
    if (failed_) co_return std::unexpected(*failed_);
    Result<std::string> line = co_await lines_.read();
    if (line) co_return line;
    const bool was_cut = was_cut_, ended = line.error().code == "closed";
    cut();
    if (ended && !was_cut) co_await over_.wait(kWordsWait);
    const std::string words = !ended    ? ": " + line.error().message
                              : was_cut ? " was ended"
                                        : words_;
    failed_ = Refusal{line.error().code, about_ + words, ""};
    co_return std::unexpected(*failed_);
  }

  void cut() override {
    was_cut_ = was_cut_ || (life_ && !over_.done());  // by us, whenever its end is told
    lines_.close();
    life_.reset();
  }

  void told(std::string words) {
    words_ = std::move(words);
    over_.fire();
  }

 private:
  net::LinePipe lines_;
  Fd life_;  // closed: the helper ends the process
  net::Waiter over_;
  bool was_cut_ = false;
  std::string about_, words_ = " closed its standard output";
  std::optional<Refusal> failed_;
};

exec::Plan plan_of(const catalog::Upstream& upstream) {
  exec::Plan plan;
  plan.argv = plan.shown_argv = plan.own_words = upstream.command;
  plan.cwd = upstream.cwd.empty() ? "/" : upstream.cwd;
  plan.env = plan.shown_env = upstream.env;
  for (const auto& [name, reference] : upstream.secret_env)
    plan.secrets.push_back({name, reference.as_file});
  plan.sandbox = upstream.sandbox;
  plan.limits = upstream.limits;
  return plan;
}

Result<std::vector<exec::SecretVariable>> read_secrets(const catalog::Upstream& upstream) {
  std::vector<exec::SecretVariable> out;
  for (const auto& [name, from] : upstream.secret_env) {
    auto value = secrets::resolve(from.reference);
    if (!value) return refuse("no_secret", "the secret " + name + ": " + value.error().message);
    out.push_back({name, std::move(*value), from.as_file});
  }
  return out;
}

// How it ended, after the name of the server.
std::string words_of(const Result<doc::Value>& answer) {
  if (!answer) return " was ended: " + answer.error().message;
  if (const doc::Value* refusal = answer->find("refusal"))
    return " could not run: " + std::string(refusal->text("message"));
  const doc::Value* outcome = answer->find("outcome");
  if (outcome == nullptr) return " is gone";
  const std::string_view reason = outcome->text("reason");
  std::string_view said = outcome->text("stderr");
  while (said.ends_with('\n')) said.remove_suffix(1);
  std::string out = reason.empty() ? " ended" : " ended: " + std::string(reason);
  if (!said.empty()) out += "; the last that it said on its standard error: " + std::string(said);
  return out;
}

Task<void> watch(net::Loop& loop, exec::HelperLink& link, net::BlockingPool& pool, std::string name,
                 bool has_sandbox, std::weak_ptr<Child> child) {
  const doc::Value question = doc::object({{"op", "await_child"}, {"child", name}});
  Result<doc::Value> answer = co_await link.ask(question, kWatchWait);
  while (!answer && answer.error().code == "helper_slow")
    answer = co_await link.ask(question, kWatchWait);
  // Its first process died with the helper, and a sandbox with that.
  if (!answer && !has_sandbox)
    (void)co_await net::run_blocking(pool, [name] { exec::kill_marked("KEYTURN_CHILD=" + name); });
  if (const std::shared_ptr<Child> there = child.lock()) there->told(words_of(answer));
  // What it said last may still be read. Something that got away may hold the pipe open for ever.
  co_await loop.sleep(kLastReads);
  if (const std::shared_ptr<Child> there = child.lock()) there->cut();
}

struct Pipes {
  connectors::Pipe in = make_pipe(), out = make_pipe(), life = make_pipe();
};

Result<Pipes> make_pipes() {
  try {
    return Pipes();
  } catch (const std::system_error& error) {
    return refuse("unavailable", std::string("there are no descriptors left: ") + error.what());
  }
}

}  // namespace

Task<Result<std::shared_ptr<Pipe>>> Children::open(
    std::shared_ptr<const catalog::Upstream> upstream, std::shared_ptr<KnownSecrets> known) {
  const std::string about = "the MCP server " + upstream->name;
  auto values = co_await net::run_blocking(pool_, [upstream] { return read_secrets(*upstream); });
  if (!values) {
    const bool none = values.error().code == "no_secret";
    co_return refuse(none ? "no_secret" : "unavailable", about + ": " + values.error().message);
  }
  for (const exec::SecretVariable& secret : *values) known->learn(secret.name, secret.value);
  Result<Pipes> pipes = make_pipes();
  if (!pipes) co_return refuse("unavailable", about + ": " + pipes.error().message);
  SystemRandom random;
  const std::string name = make_sortable_id("child_", unix_ms(SystemClock().now()), random);
  doc::Value order = doc::object({{"op", "child"},
                                  {"child", name},
                                  {"plan", exec::to_value(plan_of(*upstream))},
                                  {"secrets", exec::to_value(*values)}});
  std::vector<Fd> theirs;
  theirs.push_back(std::move(pipes->in.read));
  theirs.push_back(std::move(pipes->out.write));
  theirs.push_back(std::move(pipes->life.read));
  const auto answer = co_await link_.ask(std::move(order), kStartWait, std::move(theirs));
  if (!answer) co_return refuse("unavailable", about + ": " + answer.error().message);
  if (const doc::Value* refusal = answer->find("refusal")) {
    const std::string code(refusal->text("code"));
    co_return refuse(code == "no_secret" ? code : "unavailable",
                     about + " cannot be started: " + std::string(refusal->text("message")));
  }
  auto child = std::make_shared<Child>(loop_, std::move(pipes->in), std::move(pipes->out),
                                       std::move(pipes->life.write), about);
  loop_.spawn(watch(loop_, link_, pool_, name, upstream->sandbox.enabled, child));
  co_return std::shared_ptr<Pipe>(std::move(child));
}

}  // namespace keyturn::connectors::mcp
