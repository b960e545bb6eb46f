// Programs that only look, through the real helper.
#include "connectors/exec/testing.h"

namespace keyturn::connectors::exec {
namespace {

using connectors::testing::read_file;
using connectors::testing::TempFolder;
using connectors::testing::write_file;
using testing::Rig;
using testing::tool_of;

catalog::Tool looking(std::vector<std::string> shows, std::vector<std::string> state = {}) {
  catalog::Tool tool = tool_of({"/bin/echo", "it ran"});
  tool.preview = catalog::Preview{.shows = std::move(shows), .state = std::move(state)};
  return tool;
}

Result<gate::Previewed> preview(Rig& rig, const catalog::Tool& tool,
                                doc::Value args = doc::Object{}) {
  return connectors::testing::await(rig.loop(), rig.executor().preview(tool, std::move(args)));
}

// As it is compared at release: without what people would be shown.
Result<std::string> fingerprint(Rig& rig, catalog::Tool tool, doc::Value args = doc::Object{}) {
  tool.preview->shows.clear();
  const auto seen = preview(rig, tool, std::move(args));
  if (!seen) return std::unexpected(seen.error());
  CHECK(seen->shown.find("preview") == nullptr);
  return seen->fingerprint;
}

std::string text(const doc::Value& of, std::string_view part, std::string_view key) {
  const doc::Value* found = of.find(part);
  return found == nullptr ? "" : std::string(found->text(key));
}

}  // namespace

TEST_CASE("a preview is what its program said, and the state the digest of what its own said") {
  Rig rig;
  auto tool =
      looking({"/bin/sh", "-c", "echo would touch $1; echo careful >&2; exit 1", "x", "{{what}}"},
              {"/bin/echo", "revision", "{{what}}"});
  BOTH_WAYS(tool)
  const doc::Value args = doc::object({{"what", "web"}});
  const auto seen = preview(rig, tool, args);
  REQUIRE_MESSAGE(seen, seen.error().message);
  CHECK(text(seen->shown, "preview", "stdout") == "would touch web\n");
  CHECK(text(seen->shown, "preview", "stderr") == "careful\n");
  CHECK(seen->shown.find("preview")->integer("exit_code", -1) == 1);
  CHECK(text(seen->shown, "state", "text") == "revision web\n");
  CHECK(seen->fingerprint.starts_with("sha256:"));
  CHECK(text(seen->shown, "state", "sha256") == seen->fingerprint);
  CHECK(preview(rig, tool, args)->shown == seen->shown);
  CHECK(*fingerprint(rig, tool, args) == seen->fingerprint);
  CHECK(*fingerprint(rig, tool, doc::object({{"what", "db"}})) != seen->fingerprint);
}

TEST_CASE("a state command that fails, says too much or is not there tells no state") {
  Rig rig;
  const struct {
    std::vector<std::string> state;
    std::string_view says;
  } rows[] = {
      {{"/bin/sh", "-c", "echo same; echo no repository >&2; exit 3"}, "no repository"},
      {{"/bin/sh", "-c", "echo same; kill -9 $$"}, "signal 9"},
      {{"/bin/sh", "-c", "head -c 2000000 /dev/zero | tr '\\0' x"}, "said more than"},
      {{"/nowhere/state"}, "/nowhere/state"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.says);
    const auto tool = looking({"/bin/echo", "shown"}, row.state);
    const auto seen = preview(rig, tool);
    REQUIRE_FALSE(seen);
    CHECK_MESSAGE(seen.error().message.contains(row.says), seen.error().message);
    CHECK_FALSE(fingerprint(rig, tool));
  }
}

TEST_CASE("a preview that cannot be had leaves the state, and says why") {
  Rig rig;
  const auto missing = preview(rig, looking({"/nowhere/preview"}, {"/bin/echo", "one"}));
  REQUIRE(missing);
  CHECK(missing->fingerprint.starts_with("sha256:"));
  CHECK(missing->shown.text("unavailable").contains("/nowhere/preview"));
  auto slow = looking({"/bin/sleep", "60"});
  slow.timeout = std::chrono::milliseconds(200);
  const auto late = preview(rig, slow);
  REQUIRE(late);
  CHECK(late->fingerprint == "");
  CHECK(text(late->shown, "preview", "failed").starts_with("timed out after"));
  const auto nothing = preview(rig, tool_of({"/bin/true"}));
  REQUIRE(nothing);
  CHECK(nothing->shown.is_null());
}

TEST_CASE("what a tool may write, its preview can only read") {
  Rig rig;
  const TempFolder folder(0777);
  write_file(folder.path() + "/there", "before", 0666);
  auto tool = looking({"/bin/sh", "-c",
                       "cat " + folder.path() + "/there; echo after > " + folder.path() +
                           "/there; echo more > " + folder.path() + "/more"});
  tool.sandbox.read_write = {folder.path()};
  const auto seen = preview(rig, tool);
  REQUIRE(seen);
  CHECK(text(seen->shown, "preview", "stdout") == "before");
  CHECK(text(seen->shown, "preview", "stderr").contains("Read-only file system"));
  CHECK(read_file(folder.path() + "/there") == "before");
  CHECK_FALSE(std::filesystem::exists(folder.path() + "/more"));
}

TEST_CASE("a preview has the tool's own variables and secrets, which nobody is shown") {
  Rig rig;
  const TempFolder folder(0755);
  write_file(folder.path() + "/token", "s3cr3t-token-of-a-tool", 0600);
  auto tool =
      looking({"/bin/sh", "-c", "echo $COLOR $TOKEN $PIN key=${KEY-none}; echo $TOKEN | rev"},
              {"/bin/sh", "-c", "echo $TOKEN"});
  tool.env["COLOR"] = "blue";
  tool.secret_env["TOKEN"] =
      catalog::SecretRef{.reference = {secrets::Source::kFile, folder.path() + "/token", {}}};
  tool.params = {{.name = "pin", .schema = {}, .secret = true}};
  tool.param_env["PIN"] = "pin";
  tool.credential_env["KEY"] = catalog::CredentialRef{.name = "issued", .field = "key"};
  const auto seen = preview(rig, tool, doc::object({{"pin", "pin-7431-of-the-request"}}));
  REQUIRE_MESSAGE(seen, seen.error().message);
  const std::string shown = doc::write_json(seen->shown);
  CHECK(shown.contains("blue"));
  CHECK_FALSE(shown.contains("s3cr3t-token-of-a-tool"));
  CHECK_FALSE(shown.contains("pin-7431-of-the-request"));
  // No credential is issued for it: nobody has agreed to anything yet.
  CHECK(shown.contains("key=none\\n"));
}

TEST_CASE("a look leaves nothing behind in the spool, and no two are mixed up") {
  Rig rig;
  const auto files = [&] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(rig.data() + "/spool"))
      count += entry.is_regular_file() ? std::filesystem::file_size(entry.path()) + 1 : 0;
    return count;
  };
  const std::size_t before = files();
  const auto tool = looking({"/bin/echo", "{{n}}"}, {"/bin/echo", "{{n}}"});
  std::vector<std::optional<Result<gate::Previewed>>> seen(12);
  std::size_t done = 0;
  const auto look = [](Rig& from, const catalog::Tool& what, std::string n,
                       std::optional<Result<gate::Previewed>>& into, std::size_t& count,
                       std::size_t all) -> Task<void> {
    into.emplace(co_await from.executor().preview(what, doc::object({{"n", n}})));
    if (++count == all) from.loop().stop();
  };
  for (std::size_t i = 0; i < seen.size(); ++i)
    rig.loop().spawn(look(rig, tool, std::to_string(i), seen[i], done, seen.size()));
  rig.loop().run();
  for (std::size_t i = 0; i < seen.size(); ++i) {
    REQUIRE(seen[i]);
    REQUIRE_MESSAGE(*seen[i], seen[i]->error().message);
    CHECK(text((*seen[i])->shown, "preview", "stdout") == std::to_string(i) + "\n");
  }
  CHECK(files() == before);
}

}  // namespace keyturn::connectors::exec
