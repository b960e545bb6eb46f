#include "connectors/exec/image.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/bytes.h"
#include "connectors/testing.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::connectors::exec {
namespace {

using testing::TempFolder;
using testing::write_file;

Plan plan_of(std::vector<std::string> argv) {
  Plan plan;
  plan.argv = plan.shown_argv = plan.own_words = std::move(argv);
  plan.timeout = std::chrono::seconds(5);
  plan.output_bytes_max = 1000;
  return plan;
}

Isolation own_user() {
  return {.user = "me", .sandbox_works = true, .data_folder = "/nowhere"};
}

const SealedFile* file_at(const Image& image, const std::string& path) {
  for (const SealedFile& file : image.files) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

TEST_CASE("a sealed copy cannot be written, and is what was digested") {
  const TempFolder folder;
  const std::string path = folder.path() + "/x.sh";
  write_file(path, "#!/bin/sh\necho one\n", 0755);
  const Plan plan = plan_of({path});
  const auto image = seal_image(plan, own_user());
  REQUIRE(image);
  write_file(path, "#!/bin/sh\necho two\n", 0755);
  std::string copy(64, '\0');
  copy.resize(
      static_cast<std::size_t>(::pread(image->program().fd.get(), copy.data(), copy.size(), 0)));
  CHECK(copy == "#!/bin/sh\necho one\n");
  CHECK(image->program().digest == crypto::sha256_text(copy));
  CHECK(::pwrite(image->program().fd.get(), "X", 1, 0) == -1);
  CHECK(::ftruncate(image->program().fd.get(), 0) == -1);
}

TEST_CASE("program, interpreter, and every file that argv names are found") {
  const TempFolder folder;
  const std::string script = folder.path() + "/run", plain = folder.path() + "/plain";
  write_file(script, "#!/usr/bin/env sh\necho\n", 0755);
  write_file(plain, "data", 0644);
  Plan plan = plan_of({"/bin/sh", "plain", script, "--config=" + plain, "/nowhere/at/all", "-c"});
  plan.cwd = folder.path();
  const auto image = seal_image(plan, own_user());
  REQUIRE(image);
  CHECK(image->files.size() == 4);
  CHECK(image->program().real_path != "/bin/sh");
  CHECK(file_at(*image, script)->script);
  CHECK(file_at(*image, plain)->argv_index == 1);
  CHECK(image->files.back().prefix == "--config=");

  const auto direct = seal_image(plan_of({script}), own_user());
  REQUIRE(direct);
  REQUIRE(direct->interpreter.size() == 1);  // env is not asked: what it would find is sealed
  CHECK(direct->interpreter[0].ends_with("/sh"));
  CHECK(direct->files[1].role == FileRole::kInterpreter);
}

TEST_CASE("reviewers see the text of scripts, and not of data") {
  const TempFolder folder;
  const std::string script = folder.path() + "/s", data = folder.path() + "/d";
  write_file(script, "echo hello", 0644);  // a script because sh runs it
  write_file(data, "password", 0644);
  const Plan plan = plan_of({"/bin/sh", script, data});
  const auto image = seal_image(plan, own_user());
  REQUIRE(image);
  const std::string shown = doc::write_json(describe(plan, *image, own_user()));
  CHECK(shown.find("echo hello") != std::string::npos);
  CHECK(shown.find("password") == std::string::npos);
}

TEST_CASE("the same world is described the same; any change is named") {
  const TempFolder folder;
  const std::string script = folder.path() + "/s";
  write_file(script, "#!/bin/sh\necho one", 0755);
  Plan plan = plan_of({script, "a"});
  const auto describe_now = [&] {
    return describe(plan, *seal_image(plan, own_user()), own_user());
  };
  const doc::Value before = describe_now();
  CHECK(drift(before, describe_now()).empty());
  SUBCASE("content") {
    write_file(script, "#!/bin/sh\necho two", 0755);
    CHECK(drift(before, describe_now()) == script + ": its content changed since it was reviewed");
  }
  SUBCASE("argv") {
    plan.argv = plan.shown_argv = {script, "b"};
    CHECK(drift(before, describe_now()).starts_with("argv"));
  }
  SUBCASE("cwd") {
    const TempFolder other;  // an empty one: in /tmp there may be a file that an argument names
    plan.cwd = other.path();
    CHECK(drift(before, describe_now()).starts_with("cwd"));
  }
  SUBCASE("env") {
    plan.env["A"] = plan.shown_env["A"] = "b";
    CHECK(drift(before, describe_now()).starts_with("env"));
  }
  SUBCASE("interpreter") {
    write_file(script, "#!/bin/cat\necho one", 0755);
    CHECK(!drift(before, describe_now()).empty());
  }
}

TEST_CASE("what cannot be a program is refused with its reason") {
  const TempFolder folder;
  write_file(folder.path() + "/plain", "x", 0644);
  for (const auto& [path, word] : std::vector<std::pair<std::string, std::string>>{
           {folder.path() + "/none", "No such file"},
           {folder.path() + "/plain", "not executable"},
           {folder.path(), "no regular file"},
           {"relative", "absolute"}}) {
    CAPTURE(path);
    const auto image = seal_image(plan_of({path}), own_user());
    REQUIRE(!image);
    CHECK(image.error().code == "no_program");
    CHECK(image.error().message.find(word) != std::string::npos);
  }
}

TEST_CASE("a parameter cannot have a file copied into the sandbox that the sandbox does not show") {
  const TempFolder folder;
  const std::string secret = folder.path() + "/secret";
  write_file(secret, "x", 0644);
  Plan plan = plan_of({"/bin/cat", secret});
  plan.own_words = {"/bin/cat"};
  CHECK(seal_image(plan, own_user())->files.size() == 1);
  plan.sandbox.read_only = {folder.path()};
  CHECK(seal_image(plan, own_user())->files.size() == 2);
  Isolation isolation = own_user();
  isolation.data_folder = folder.path();  // nor ever one of the server's own
  CHECK(seal_image(plan, isolation)->files.size() == 1);
}

TEST_CASE("files are opened with the rights of the user that runs the program") {
  if (::geteuid() != 0) return;
  const TempFolder folder(0755);
  const std::string hidden = folder.path() + "/hidden";
  write_file(hidden, "#!/bin/sh\n", 0700);
  Isolation isolation = own_user();
  isolation.drops_user = true;
  isolation.uid = isolation.gid = 65534;
  CHECK(seal_image(plan_of({hidden}), isolation).error().message.find("Permission denied") !=
        std::string::npos);
  CHECK(seal_image(plan_of({"/bin/cat", "/etc/shadow"}), isolation)->files.size() == 1);
  CHECK(::access("/etc/shadow", R_OK) == 0);  // and this thread has its own rights back
  CHECK(!testing::read_file("/etc/shadow").empty());
}

}  // namespace
}  // namespace keyturn::connectors::exec
