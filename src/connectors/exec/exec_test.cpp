// Real programs, through the real helper: a process of its own, as in the product.
#include "connectors/exec/frame.h"
#include "connectors/exec/testing.h"

namespace keyturn::connectors::exec {
namespace {

using connectors::testing::TempFolder;
using connectors::testing::write_file;
using testing::Fifo;
using testing::new_action;
using testing::Rig;
using testing::tool_of;
using namespace std::chrono_literals;

}  // namespace

TEST_CASE("a program runs, and how it ended is said in plain words") {
  Rig rig;
  auto tool = tool_of({"/bin/sh", "-c", "{{code}}"});
  BOTH_WAYS(tool)
  const auto run = [&](const std::string& code) {
    return rig.run(tool, doc::object({{"code", code}}));
  };
  const Outcome good = run("echo out; echo err >&2");
  CHECK(good.kind == OutcomeKind::kSucceeded);
  CHECK(good.exit_code == 0);
  CHECK(good.stdout_text == "out\n");
  CHECK(good.stderr_text == "err\n");
  const Outcome bad = run("exit 3");
  CHECK(bad.kind == OutcomeKind::kFailed);
  CHECK(bad.exit_code == 3);
  CHECK(bad.reason == "exited with code 3");
  CHECK(run("kill -9 $$").reason.find("signal 9") != std::string::npos);
  CHECK(run("printf 'a\\377b'").stdout_text == "a\\xffb");
  CHECK(run("cat").stdout_text.empty());  // stdin is /dev/null
}

TEST_CASE("the environment holds what is named, and no descriptor is inherited") {
  ::setenv("KEYTURN_TEST_LEAK", "leaked", 1);
  Rig rig;
  auto tool = tool_of({"/usr/bin/env"});
  tool.env["COLOR"] = "blue";
  BOTH_WAYS(tool)
  const Outcome env = rig.run(tool);
  CHECK(env.stdout_text.starts_with(
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
      "LANG=C.UTF-8\nHOME=/tmp\nKEYTURN_ACTION=act_"));
  CHECK(env.stdout_text.find("COLOR=blue") != std::string::npos);
  CHECK(env.stdout_text.find("leaked") == std::string::npos);
  auto list = tool_of({"/bin/ls", "/proc/self/fd"});
  list.sandbox = tool.sandbox;
  CHECK(rig.run(list).stdout_text == "0\n1\n2\n3\n");  // 3 is ls reading the folder
}

TEST_CASE("script-rewritten: edited between review and execution, it does not run") {
  Rig rig;
  const TempFolder folder(0755);
  const std::string script = folder.path() + "/job";
  write_file(script, "#!/bin/sh\necho reviewed\n", 0755);
  auto tool = tool_of({script});
  BOTH_WAYS(tool)
  const auto described = rig.describe(tool);
  REQUIRE(described);
  CHECK(described->description == rig.describe(tool)->description);
  CHECK(rig.execute(tool, described->description)->stdout_text == "reviewed\n");
  write_file(script, "#!/bin/sh\necho swapped\n", 0755);
  const auto refused = rig.execute(tool, described->description);
  REQUIRE(!refused);
  CHECK(refused.error().code == "drift");
  CHECK(refused.error().message.find(script + ": its content changed") != std::string::npos);
  std::filesystem::remove(script);
  CHECK(rig.execute(tool, described->description).error().code == "drift");
}

TEST_CASE("argv-changed, cwd-changed, env-changed: refused") {
  Rig rig;
  auto tool = tool_of({"/bin/echo", "{{word}}"});
  const auto described = rig.describe(tool, doc::object({{"word", "a"}}));
  REQUIRE(described);
  doc::Value args = doc::object({{"word", "a"}});
  SUBCASE("argv") {
    args = doc::object({{"word", "b"}});
  }
  SUBCASE("cwd") {
    tool.cwd = "/tmp";
  }
  SUBCASE("env") {
    tool.env["A"] = "b";
  }
  SUBCASE("sandbox") {
    tool.sandbox.network = true;
  }
  CHECK(rig.execute(tool, described->description, args).error().code == "drift");
}

TEST_CASE("a rewrite while the program starts changes nothing: it runs from the sealed copy") {
  Rig rig;
  const TempFolder folder(0755);
  const std::string first = folder.path() + "/first", second = folder.path() + "/second";
  const Fifo said(folder.path() + "/said"), go(folder.path() + "/go");
  // By the time the second script is read, it was overwritten on disk.
  write_file(second, "echo reviewed\n", 0755);
  write_file(first,
             "#!/bin/sh\necho here > " + said.path + "\nread x < " + go.path + "\n. \"$1\"\n",
             0755);
  auto tool = tool_of({first, second});
  tool.sandbox.read_write = {said.path, go.path};
  BOTH_WAYS(tool)
  SUBCASE("in a sandbox that shows the files on disk") {
    tool.sandbox.read_only = {folder.path()};
  }
  const auto described = rig.describe(tool);
  REQUIRE_MESSAGE(described, described.error().message);
  std::thread attacker([&] {
    CHECK(said.read_line() == "here");
    write_file(second, "echo swapped\n", 0755);
    write_file(first, "#!/bin/sh\necho swapped\n", 0755);
    go.write_line("go");
  });
  const auto outcome = rig.execute(tool, described->description);
  attacker.join();
  REQUIRE_MESSAGE(outcome, outcome.error().message);
  CHECK(outcome->stdout_text == "reviewed\n");
}

TEST_CASE("a program cannot see the data folder, whatever its tool binds") {
  Rig rig;
  // In a sandbox it is hidden even if its permissions are wide open.
  write_file(rig.data() + "/key", "signing key", 0644);
  ::chmod(rig.data().c_str(), 0755);
  auto tool =
      tool_of({"/bin/sh", "-c",
               "cat " + rig.data() + "/key " + rig.data() + "/exec.sock; ls " + rig.data()});
  SUBCASE("in a sandbox") {}
  SUBCASE("in a sandbox that shows /tmp") {
    tool.sandbox.read_only = {"/tmp"};
  }
  SUBCASE("in a sandbox that may write /tmp") {
    tool.sandbox.read_write = {"/tmp"};
  }
  SUBCASE("without a sandbox") {
    tool.sandbox.enabled = false;
    ::chmod(rig.data().c_str(), 0700);
    if (!rig.isolation().drops_user) return;
  }
  const Outcome outcome = rig.run(tool);
  CHECK(outcome.kind == OutcomeKind::kFailed);
  CHECK(outcome.stdout_text.empty());
}

TEST_CASE("a program runs as another user, and without a network unless its tool says so") {
  Rig rig;
  auto tool = tool_of({"/usr/bin/id", "-u"});
  if (rig.isolation().drops_user) {
    CHECK(rig.run(tool).stdout_text == std::to_string(rig.isolation().uid) + "\n");
    tool.sandbox.enabled = false;
    CHECK(rig.run(tool).stdout_text == std::to_string(rig.isolation().uid) + "\n");
  }
  auto network = tool_of({"/bin/sh", "-c", "tail -n +3 /proc/net/dev | wc -l"});
  CHECK(rig.run(network).stdout_text == "1\n");  // loopback only
  auto other = tool_of(
      {"/bin/sh", "-c", "ls /root /home /etc/shadow; echo x > /usr/x; echo x > /x; echo end"});
  CHECK(rig.run(other).stdout_text == "end\n");
}

TEST_CASE("a timeout ends everything that was started") {
  Rig rig;
  const TempFolder folder(0755);
  Fifo said(folder.path() + "/said");
  // A grandchild in a session of its own holds the pipe; end of file means that it is gone.
  auto tool = tool_of({"/bin/sh", "-c",
                       "trap '' TERM; exec 3>" + said.path +
                           "; setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' & "
                           "echo up >&3; while :; do sleep 1; done"});
  tool.sandbox.read_write = {said.path};
  tool.timeout = 300ms;
  BOTH_WAYS(tool)
  const Fd ours(::open(said.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  said.held.reset();
  const Outcome outcome = rig.run(tool);
  std::string heard(16, ' ');
  CHECK(::read(ours.get(), heard.data(), heard.size()) == 3);
  pollfd closed{ours.get(), POLLIN, 0};
  CHECK(::poll(&closed, 1, 20'000) == 1);
  CHECK(::read(ours.get(), heard.data(), heard.size()) == 0);
  CHECK(outcome.kind == OutcomeKind::kFailed);
  CHECK(outcome.reason.starts_with("timed out after 300ms"));
}

TEST_CASE("output is capped, and the program is not stopped by that") {
  Rig rig;
  auto tool = tool_of({"/bin/sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo done >&2"});
  tool.output_bytes_max = 1000;
  const Outcome outcome = rig.run(tool);
  CHECK(outcome.kind == OutcomeKind::kSucceeded);
  CHECK(outcome.stdout_text == std::string(1000, 'x'));
  CHECK(outcome.stderr_text == "done\n");
  CHECK(outcome.truncated);
}

TEST_CASE("a secret reaches the program and nobody else") {
  Rig rig;
  const TempFolder folder;
  write_file(folder.path() + "/token", "s3cr3t-value-91\n", 0600);
  auto tool = tool_of({"/bin/sh", "-c", "test \"$TOKEN\" = s3cr3t-value-91 && echo got $TOKEN"});
  tool.secret_env["TOKEN"] = {.reference = {secrets::Source::kFile, folder.path() + "/token", {}}};
  BOTH_WAYS(tool)
  SUBCASE("as a variable") {}
  SUBCASE("as a file") {
    tool.exec[2] = "test \"$(cat $TOKEN)\" = s3cr3t-value-91 && echo got $(cat $TOKEN)";
    tool.secret_env["TOKEN"].as_file = true;
  }
  const auto described = rig.describe(tool);
  REQUIRE(described);
  CHECK(doc::write_json(described->description).find("s3cr3t-value-91\"") == std::string::npos);
  const Outcome outcome = rig.run(tool);
  CHECK(outcome.kind == OutcomeKind::kSucceeded);
  CHECK(outcome.stdout_text == "got [redacted:TOKEN]\n");
  rig.stop_server();
  CHECK(connectors::testing::read_file(rig.data() + "/spool/exec/journal").find("got s3cr3t") ==
        std::string::npos);
  rig.start();
  std::filesystem::remove(folder.path() + "/token");
  const auto refused = rig.execute(tool, described->description);
  CHECK(refused.error().code == "no_secret");
}

TEST_CASE("where an output is cut, or broke off, no part of a secret is left") {
  Rig rig;
  TempFolder folder;
  const std::string secret = "s3cr3t-value-91-" + std::string(1981, 'q') + "END";
  connectors::testing::write_file(folder.path() + "/token", secret, 0600);
  // As many copies as are read, and more; the last one that is read is cut.
  catalog::Tool tool = tool_of(
      {"/bin/sh", "-c", "i=0; while [ $i -lt 50 ]; do printf %s \"$TOKEN\"; i=$((i+1)); done"});
  tool.output_bytes_max = 1024;
  SUBCASE("there was more than is read") {}
  SUBCASE("it was killed in the middle of a word") {
    tool.exec[2] = "printf %s \"${TOKEN%ND}\"; kill -9 $$";
  }
  tool.secret_env["TOKEN"] = {.reference = {secrets::Source::kFile, folder.path() + "/token", {}}};
  const Outcome outcome = rig.run(tool);
  CHECK_FALSE(outcome.stdout_text.empty());
  CHECK_FALSE(outcome.stdout_text.contains("s3cr3t"));
}

TEST_CASE("one action starts once") {
  Rig rig;
  const auto tool = tool_of({"/bin/echo", "x"});
  const auto described = rig.describe(tool);
  REQUIRE(described);
  const gate::Order order{new_action(), &tool, doc::Object{}, described->description};
  CHECK(connectors::testing::await(rig.loop(), rig.executor().execute(order))->stdout_text ==
        "x\n");
  CHECK(connectors::testing::await(rig.loop(), rig.executor().execute(order)).error().code ==
        "already_started");
  rig.stop_server();
  rig.start();
  CHECK(connectors::testing::await(rig.loop(), rig.executor().execute(order)).error().code ==
        "already_started");
}

TEST_CASE("the server dies while a program runs: it runs on, and its outcome is recovered") {
  Rig rig;
  const TempFolder folder(0755);
  const Fifo said(folder.path() + "/said"), go(folder.path() + "/go");
  auto tool = tool_of(
      {"/bin/sh", "-c", "echo up > " + said.path + "; read x < " + go.path + "; echo finished"});
  tool.sandbox.read_write = {said.path, go.path};
  const auto described = rig.describe(tool);
  REQUIRE(described);
  const gate::Order order{new_action(), &tool, doc::Object{}, described->description};
  rig.loop().spawn([](gate::Executor& executor, gate::Order what) -> Task<void> {
    auto outcome = co_await executor.execute(std::move(what));
  }(rig.executor(), order));
  std::thread server([&] { rig.loop().run(); });
  CHECK(said.read_line() == "up");
  rig.loop().stop();
  server.join();
  rig.stop_server();
  rig.start();
  SUBCASE("it is still running") {
    std::thread later([&] { go.write_line("go"); });
    CHECK(rig.recover(order.action).stdout_text == "finished\n");
    later.join();
  }
  SUBCASE("it is over") {
    go.write_line("go");
    CHECK(rig.recover(order.action).stdout_text == "finished\n");
    CHECK(rig.recover(order.action).kind == OutcomeKind::kSucceeded);
  }
  SUBCASE("the helper died too: unknown, and never again") {
    rig.stop_server();
    rig.kill_helper();
    rig.start();
    const Outcome outcome = rig.recover(order.action);
    CHECK(outcome.kind == OutcomeKind::kUnknown);
    CHECK(connectors::testing::await(rig.loop(), rig.executor().execute(order)).error().code ==
          "already_started");
  }
}

TEST_CASE("the helper dies under a running server: unknown; the next action finds a new one") {
  Rig rig;
  const TempFolder folder(0755);
  const Fifo said(folder.path() + "/said");
  auto tool = tool_of({"/bin/sh", "-c", "echo up > " + said.path + "; exec sleep 1000"});
  tool.sandbox.read_write = {said.path};
  const auto described = rig.describe(tool);
  REQUIRE(described);
  std::thread killer([&] {
    CHECK(said.read_line() == "up");
    rig.kill_helper();
  });
  const auto outcome = rig.execute(tool, described->description);
  killer.join();
  REQUIRE_MESSAGE(outcome, outcome.error().message);
  CHECK(outcome->kind == OutcomeKind::kUnknown);
  CHECK(rig.run(tool_of({"/bin/echo", "again"})).stdout_text == "again\n");
}

TEST_CASE("a server that was updated gets a helper of its own version") {
  Rig rig(60'000);  // the old one would stay
  const TempFolder folder(0755);
  const std::string updated = folder.path() + "/keyturn_exec_helper";
  std::filesystem::copy_file(testing::own_program("keyturn_exec_helper"), updated);
  auto parent = tool_of({"/bin/sh", "-c", "echo $PPID"});
  parent.sandbox.enabled = false;
  const std::string old_helper = rig.run(parent).stdout_text;
  CHECK(rig.run(parent).stdout_text == old_helper);
  SUBCASE("the same version: the helper stays") {
    rig.stop_server();
    rig.start();
    CHECK(rig.run(parent).stdout_text == old_helper);
    rig.kill_helper();
  }
  SUBCASE("another version, nothing runs: at once") {
    rig.stop_server();
    rig.start(updated);
    CHECK(rig.run(parent).stdout_text != old_helper);
  }
  SUBCASE(
      "another version, a program runs: it ends in peace, and what is asked for meanwhile waits") {
    const Fifo said(folder.path() + "/said"), go(folder.path() + "/go");
    auto slow = tool_of(
        {"/bin/sh", "-c", "echo up > " + said.path + "; read x < " + go.path + "; echo finished"});
    slow.sandbox.enabled = false;
    const auto described = rig.describe(slow);
    REQUIRE(described);
    const gate::Order order{new_action(), &slow, doc::Object{}, described->description};
    rig.loop().spawn([](gate::Executor& executor, gate::Order what) -> Task<void> {
      auto outcome = co_await executor.execute(std::move(what));
    }(rig.executor(), order));
    std::thread server([&] { rig.loop().run(); });
    CHECK(said.read_line() == "up");
    rig.loop().stop();
    server.join();
    rig.stop_server();
    rig.start(updated);
    std::optional<Result<Outcome>> later;
    const auto parent_described = rig.describe(parent);
    REQUIRE(parent_described);
    const gate::Order next{new_action(), &parent, doc::Object{}, parent_described->description};
    rig.loop().spawn(connectors::testing::keep(rig.executor().execute(next), later, rig.loop()));
    std::thread soon([&] { go.write_line("go"); });
    CHECK(rig.recover(order.action).stdout_text == "finished\n");
    soon.join();
    if (!later) rig.loop().run();
    REQUIRE(later);
    REQUIRE_MESSAGE(*later, later->error().message);
    CHECK((*later)->stdout_text != old_helper);
    CHECK(rig.recover(order.action).stdout_text == "finished\n");  // from the spool
  }
}

TEST_CASE("what never started is failed, and can never start; a lost spool makes it unknown") {
  Rig rig;
  const auto tool = tool_of({"/bin/echo", "x"});
  const auto described = rig.describe(tool);
  REQUIRE(described);
  const gate::Order order{new_action(), &tool, doc::Object{}, described->description};
  SUBCASE("never started") {
    CHECK(rig.recover(order.action).kind == OutcomeKind::kFailed);
    CHECK(connectors::testing::await(rig.loop(), rig.executor().execute(order)).error().code ==
          "already_started");
  }
  SUBCASE("lost") {
    rig.stop_server();
    rig.kill_helper();
    std::filesystem::remove_all(rig.data() + "/spool");
    rig.start();
    CHECK(rig.recover(order.action).kind == OutcomeKind::kUnknown);
  }
}

TEST_CASE("the helper listens to nobody but its own user") {
  Rig rig;
  struct stat status{};
  REQUIRE(::stat((rig.data() + "/exec.sock").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  const auto connection = connect_to(rig.data());
  REQUIRE(connection);
  // Nonsense ends that connection, not the helper.
  REQUIRE(send_all(connection->get(), std::string("\xff\xff\xff\xff", 4)));
  std::string buffer;
  CHECK(!read_frame(connection->get(), buffer));
  CHECK(rig.run(tool_of({"/bin/echo", "alive"})).stdout_text == "alive\n");
}

TEST_CASE("a machine that forbids the sandbox is told apart, with advice") {
  Isolation isolation{.user = "me",
                      .sandbox_works = false,
                      .sandbox_problem = "No permissions to create a new namespace"};
  const auto refused = check_sandbox(isolation, {});
  CHECK(refused.error().code == "no_sandbox");
  CHECK(refused.error().message.find("exposes_keyturn: true") != std::string::npos);
  CHECK(check_sandbox(isolation, {.enabled = false, .exposes_keyturn = true}));
  CHECK(describe(isolation, {.enabled = false}).text("note").find("WARNING") !=
        std::string_view::npos);
}

TEST_CASE("a folder that the sandbox cannot bind is a refusal: nothing ran") {
  Rig rig;
  auto tool = tool_of({"/bin/echo", "x"});
  tool.sandbox.read_only = {"/nowhere/at/all"};
  const auto described = rig.describe(tool);
  REQUIRE(described);
  const auto refused = rig.execute(tool, described->description);
  REQUIRE(!refused);
  CHECK(refused.error().code == "no_sandbox");
}

}  // namespace keyturn::connectors::exec
