// Real programs, through the real helper.
#include "connectors/mcp/child.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "connectors/exec/testing.h"
#include "connectors/testing.h"

namespace keyturn::connectors::mcp {
namespace {

using connectors::testing::await;
using connectors::testing::TempFolder;
using connectors::testing::write_file;

struct Rig {
  Rig() {
    how = {.data_folder = data.path(),
           .program = exec::testing::own_program("keyturn_exec_helper")};
    how.arguments = {"exec-helper", "--linger-ms", "100"};
    auto connection = exec::start_helper(how);
    REQUIRE_MESSAGE(connection, connection.error().message);
    helper = connection->child;
    link = std::make_unique<exec::HelperLink>(*loop, *pool, how, std::move(*connection));
    children = std::make_unique<Children>(*loop, *pool, *link);
    SystemRandom random;
    upstream.name = "files";
    upstream.env["KEYTURN_TEST_MARK"] = mark = make_sortable_id("mark_", 1, random);
  }
  ~Rig() { stop(); }
  void stop() {
    children.reset();
    link.reset();
    pool.reset();
    loop.reset();
  }

  Result<std::shared_ptr<Pipe>> start(std::vector<std::string> command) {
    upstream.command = std::move(command);
    return await(*loop, children->open(std::make_shared<const catalog::Upstream>(upstream), known));
  }
  std::shared_ptr<Pipe> run(const std::string& script) {
    auto pipe = start({"/bin/sh", "-c", script});
    REQUIRE_MESSAGE(pipe, pipe.error().message);
    return *pipe;
  }
  std::string read(Pipe& pipe) {
    const auto line = await(*loop, pipe.read());
    return line ? *line : line.error().code + ": " + line.error().message;
  }
  void write(Pipe& pipe, const std::string& line) {
    CHECK(await(*loop, pipe.write(line)).has_value());
  }
  // Processes of this test, wherever they went.
  int living() const {
    int count = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
      if (entry.path().filename().string().find_first_not_of("0123456789") != std::string::npos)
        continue;
      std::ifstream in(entry.path() / "environ", std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      if (text.contains("KEYTURN_TEST_MARK=" + mark)) ++count;
    }
    return count;
  }
  bool all_gone() const {
    for (int i = 0; i < 2000 && living() > 0; ++i) ::usleep(10'000);
    return living() == 0;
  }

  TempFolder data;
  exec::HelperStart how;
  std::unique_ptr<net::Loop> loop = std::make_unique<net::Loop>();
  std::unique_ptr<net::BlockingPool> pool =
      std::make_unique<net::BlockingPool>(*loop, "test-files", 2);
  pid_t helper = -1;
  std::unique_ptr<exec::HelperLink> link;
  catalog::Upstream upstream;
  std::unique_ptr<Children> children;
  std::shared_ptr<KnownSecrets> known = std::make_shared<KnownSecrets>();
  std::string mark;
};

}  // namespace

TEST_CASE("a child speaks in lines, and ends with its pipe") {
  Rig rig;
  bool cut = false;
  SUBCASE("cut, in a sandbox") {
    cut = true;
  }
  SUBCASE("gone, in a sandbox") {}
  SUBCASE("cut, without a sandbox") {
    cut = true;
    rig.upstream.sandbox.enabled = false;
  }
  SUBCASE("gone, without a sandbox") {
    rig.upstream.sandbox.enabled = false;
  }
  auto pipe = rig.start({"/bin/cat"});
  REQUIRE_MESSAGE(pipe, pipe.error().message);
  const std::string big(1'000'000, 'x');
  rig.write(**pipe, R"({"a":1})");
  CHECK(rig.read(**pipe) == R"({"a":1})");
  rig.loop->spawn([](std::shared_ptr<Pipe> to, std::string line) -> Task<void> {
    (void)co_await to->write(std::move(line));
  }(*pipe, big));
  CHECK(rig.read(**pipe) == big);
  CHECK(rig.living() > 0);
  if (cut) {
    (*pipe)->cut();
    CHECK(rig.read(**pipe) == "closed: the MCP server files was ended");
    CHECK(!await(*rig.loop, (*pipe)->write("x")));
  } else {
    pipe->reset();
  }
  CHECK(rig.all_gone());
}

TEST_CASE("a child has the environment that is named, its secrets, its folder, and two pipes") {
  ::setenv("KEYTURN_TEST_LEAK", "leaked", 1);
  Rig rig;
  const TempFolder secrets;
  write_file(secrets.path() + "/token", "s3cret-t0ken\n", 0600);
  rig.upstream.secret_env["TOKEN"] = {{secrets::Source::kFile, secrets.path() + "/token", {}},
                                      false};
  rig.upstream.secret_env["FILE"] = {{secrets::Source::kFile, secrets.path() + "/token", {}}, true};
  rig.upstream.cwd = "/usr";
  BOTH_WAYS(rig.upstream)
  const auto pipe = rig.run(
      "pwd; echo $TOKEN; cat $FILE; echo; env | grep -c LEAK; ls /proc/self/fd | wc -l; "
      "echo \"no $TOKEN here\" >&2; exit 3");
  CHECK(rig.read(*pipe) == "/usr");
  CHECK(rig.read(*pipe) == "s3cret-t0ken");
  CHECK(rig.read(*pipe) == "s3cret-t0ken");
  CHECK(rig.read(*pipe) == "0");
  CHECK(rig.read(*pipe) == "5");  // with the secret's, and the folder that ls reads
  const std::string end =
      "closed: the MCP server files ended: exited with code 3; the last that it "
      "said on its standard error: no [redacted:TOKEN] here";
  CHECK(rig.read(*pipe) == end);
  CHECK(rig.read(*pipe) == end);
  REQUIRE(rig.known->redactor() != nullptr);
  CHECK(rig.known->redactor()->redact("s3cret-t0ken").starts_with("[redacted:"));
  CHECK(rig.all_gone());
}

TEST_CASE("of what a child says on its standard error the end is kept") {
  Rig rig;
  rig.upstream.sandbox.enabled = false;
  const auto pipe = rig.run("head -c 300000 /dev/zero | tr '\\0' x >&2; echo the end >&2");
  const std::string words = rig.read(*pipe);
  CHECK(words.ends_with("xthe end"));
  CHECK(words.size() > 4000);
  CHECK(words.size() < 4300);
}

TEST_CASE("whatever a child does, it ends with its pipe, and all that it started") {
  struct Row {
    const char *name, *script;
  };
  const Row rows[] = {
      {"hears neither the end of its input nor SIGTERM",
       "trap '' TERM INT HUP; echo up; while :; do sleep 1; done"},
      {"started others",
       "sleep 1000 & setsid sleep 1000 & (sleep 1000 <&- >&- 2>&- &); echo up; sleep 1000"},
      {"floods", "yes up"},
      {"opened its own output to read",
       "if (exec 5</proc/self/fd/1) 2>&-; then exec 5</proc/self/fd/1; fi; echo up; trap '' TERM; "
       "while :; do sleep 1; done"},
      {"its first process ends alone", "sleep 1000 & echo up; exit 0"},
  };
  for (const bool has_sandbox : {true, false}) {
    Rig rig;  // all of them at once: what ends late ends at the same time
    rig.upstream.sandbox.enabled = has_sandbox;
    std::vector<std::shared_ptr<Pipe>> pipes;
    for (const Row& row : rows) {
      CAPTURE(row.name);
      CAPTURE(has_sandbox);
      pipes.push_back(rig.run(row.script));
      CHECK(rig.read(*pipes.back()) == "up");
    }
    CHECK(rig.living() > 0);
    for (const auto& pipe : pipes) pipe->cut();
    CHECK(rig.all_gone());
  }
}

TEST_CASE("a child ends with the server, and with the helper") {
  Rig rig;
  bool helper_dies = false;
  SUBCASE("the server, in a sandbox") {}
  SUBCASE("the server, without a sandbox") {
    rig.upstream.sandbox.enabled = false;
  }
  SUBCASE("the helper, in a sandbox") {
    helper_dies = true;
  }
  SUBCASE("the helper, without a sandbox") {
    helper_dies = true;
    rig.upstream.sandbox.enabled = false;
  }
  auto pipe = rig.run("sleep 1000 & setsid sleep 1000 & echo up; sleep 1000");
  CHECK(rig.read(*pipe) == "up");
  CHECK(rig.living() > 0);
  if (helper_dies) {
    ::kill(rig.helper, SIGKILL);
    CHECK(rig.read(*pipe).starts_with("closed: the MCP server files was ended: the exec helper"));
    ::waitpid(rig.helper, nullptr, 0);
  } else {
    pipe.reset();
    rig.stop();
  }
  CHECK(rig.all_gone());
}

TEST_CASE("what got away from a child does not hold its pipe for ever") {
  Rig rig;
  rig.upstream.sandbox.enabled = false;
  const auto pipe = rig.run("env -i sleep 40 2>/dev/null & echo up; exit 3");
  CHECK(rig.read(*pipe) == "up");
  CHECK(rig.read(*pipe) == "closed: the MCP server files ended: exited with code 3");
}

TEST_CASE("a line without end is too large") {
  Rig rig;
  const auto pipe = rig.run("head -c 18000000 /dev/zero | tr '\\0' x; sleep 1000");
  CHECK(rig.read(*pipe).starts_with("too_large: the MCP server files: "));
  CHECK(rig.all_gone());
}

TEST_CASE("many children at a time: each has its own pipes") {
  Rig rig;
  rig.upstream.sandbox.enabled = false;
  rig.upstream.command = {"/bin/cat"};
  std::vector<std::shared_ptr<Pipe>> pipes;
  int left = 12;
  for (int i = 0; i < 12; ++i) {
    rig.loop->spawn(
        [](Rig& rig, std::vector<std::shared_ptr<Pipe>>& pipes, int& left) -> Task<void> {
          auto pipe = co_await rig.children->open(
              std::make_shared<const catalog::Upstream>(rig.upstream), rig.known);
          if (pipe) pipes.push_back(*pipe);
          if (--left == 0) rig.loop->stop();
        }(rig, pipes, left));
  }
  rig.loop->run();
  REQUIRE(pipes.size() == 12);
  for (std::size_t i = 0; i < pipes.size(); ++i) rig.write(*pipes[i], "I am " + std::to_string(i));
  for (std::size_t i = 0; i < pipes.size(); ++i)
    CHECK(rig.read(*pipes[i]) == "I am " + std::to_string(i));
  pipes.clear();
  CHECK(rig.all_gone());
}

TEST_CASE("what the sandbox does not show is copied in, the rest is there as it is on disk") {
  Rig rig;
  const TempFolder folder(0755);
  write_file(folder.path() + "/server", "#!/bin/sh\necho \"one $1\"\ncat \"$1\"\n", 0755);
  write_file(folder.path() + "/data", "two\n", 0644);
  SUBCASE("nothing shown") {}
  SUBCASE("the folder shown") {
    rig.upstream.sandbox.read_only = {folder.path()};
  }
  SUBCASE("without a sandbox") {
    rig.upstream.sandbox.enabled = false;
  }
  const auto pipe = rig.start({folder.path() + "/server", folder.path() + "/data"});
  REQUIRE_MESSAGE(pipe, pipe.error().message);
  CHECK(rig.read(**pipe) == "one " + folder.path() + "/data");
  CHECK(rig.read(**pipe) == "two");
  CHECK(rig.read(**pipe) == "closed: the MCP server files ended");
}

TEST_CASE("a child that cannot be started says why") {
  Rig rig;
  BOTH_WAYS(rig.upstream)
  const auto why = [&](std::vector<std::string> command) {
    const auto pipe = rig.start(std::move(command));
    REQUIRE(!pipe);
    return pipe.error().code + ": " + pipe.error().message;
  };
  CHECK(why({"/usr/bin/no-such-program"}).contains("/usr/bin/no-such-program: No such file"));
  CHECK(why({"/usr"}).contains("is no regular file"));
  CHECK(why({"/usr"}).starts_with("unavailable: the MCP server files cannot be started: "));
  rig.upstream.secret_env["TOKEN"] = {{secrets::Source::kFile, "/no/such/file", {}}, false};
  CHECK(why({"/bin/cat"}).starts_with("no_secret: the MCP server files: the secret TOKEN: "));
}

}  // namespace keyturn::connectors::mcp
