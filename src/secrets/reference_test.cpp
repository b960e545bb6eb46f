#include "secrets/reference.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "doc/json.h"

namespace keyturn::secrets {
namespace {

doc::Value json(std::string_view text) {
  auto value = doc::parse_json(text);
  REQUIRE(value);
  return std::move(*value);
}

TEST_CASE("references are read in every form and written in one") {
  struct Row {
    std::string_view written;
    std::string_view text;  // or the refusal's code
  };
  static constexpr Row kRows[] = {
      {R"("env:SVC_TOKEN")", "env:SVC_TOKEN"},
      {R"({"secret":"env:SVC_TOKEN"})", "env:SVC_TOKEN"},
      {R"("file:/etc/keyturn/pw")", "file:/etc/keyturn/pw"},
      {R"("exec:[\"/bin/pass\",\"show\",\"x\"]")", R"(exec:["/bin/pass","show","x"])"},
      {R"(["exec","/bin/pass","show"])", R"(exec:["/bin/pass","show"])"},
      {R"({"exec":["/bin/pass"]})", R"(exec:["/bin/pass"])"},
      {R"({"secret":{"exec":["/bin/pass"]}})", R"(exec:["/bin/pass"])"},
      {R"("vault:kv/data/x#y")", "unsupported_reference"},
      {R"("env:")", "invalid_reference"},
      {R"("env:1A")", "invalid_reference"},
      {R"("env:A=B")", "invalid_reference"},
      {R"("file:relative")", "invalid_reference"},
      {R"("file:/a\u0000b")", "invalid_reference"},
      {R"("exec:/bin/pass")", "invalid_reference"},
      {R"(["exec"])", "invalid_reference"},
      {R"(["exec","pass"])", "invalid_reference"},
      {R"(["exec","/bin/pass",1])", "invalid_reference"},
      {R"(["/bin/pass"])", "invalid_reference"},
      {R"("hunter2hunter2")", "invalid_reference"},
      {R"({"secret":{"secret":"env:A"}})", "invalid_reference"},
      {R"({"secret":"env:A","x":1})", "invalid_reference"},
      {"42", "invalid_reference"},
      {"null", "invalid_reference"},
  };
  for (const Row& row : kRows) {
    CAPTURE(row.written);
    const auto reference = parse_reference(json(row.written), "/p");
    CHECK((reference ? to_text(*reference) : reference.error().code) == row.text);
    if (!reference) {
      CHECK(reference.error().where.starts_with("/p"));
      CHECK_FALSE(reference.error().message.contains("hunter2"));
    }
  }
}

TEST_CASE("env: brings the variable, without one trailing newline") {
  ::setenv("KEYTURN_TEST_SECRET", "s3cret\r\n", 1);
  CHECK(resolve({Source::kEnv, "KEYTURN_TEST_SECRET", {}})->reveal() == "s3cret");
  ::setenv("KEYTURN_TEST_SECRET", "\n", 1);
  CHECK(resolve({Source::kEnv, "KEYTURN_TEST_SECRET", {}}).error().code == "secret_missing");
  ::unsetenv("KEYTURN_TEST_SECRET");
  const auto missing = resolve({Source::kEnv, "KEYTURN_TEST_SECRET", {}});
  CHECK(missing.error().code == "secret_missing");
  CHECK(missing.error().message.contains("env:KEYTURN_TEST_SECRET"));
}

struct SecretFile {
  SecretFile() {
    std::string name = (std::filesystem::temp_directory_path() / "keyturn-secret-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    path = folder / "secret";
  }
  ~SecretFile() { std::filesystem::remove_all(folder); }
  SecretReference write(const std::string& content, ::mode_t mode) const {
    std::ofstream(path) << content;
    ::chmod(path.c_str(), mode);
    return {Source::kFile, path.string(), {}};
  }
  std::filesystem::path folder;
  std::filesystem::path path;
};

TEST_CASE("file: refuses what every user could read, and what is no file") {
  const SecretFile file;
  CHECK(resolve(file.write("line 1\nline 2\n\n", 0600))->reveal() == "line 1\nline 2\n");
  CHECK(resolve(file.write("x", 0640))->reveal() == "x");
  for (const ::mode_t mode : {0644U, 0604U, 0602U, 0601U}) {
    const auto open = resolve(file.write("x", mode));
    CHECK(open.error().code == "secret_readable_by_others");
    CHECK(open.error().message.contains("chmod o-rwx"));
  }
  CHECK(resolve(file.write(std::string(65 * 1024, 'x'), 0600)).error().code == "secret_too_large");
  CHECK(resolve(file.write("", 0600)).error().code == "secret_missing");
}

TEST_CASE("file: what is missing or is no regular file is said so, without waiting") {
  const SecretFile file;
  CHECK(resolve({Source::kFile, file.path.string(), {}}).error().code == "secret_missing");
  CHECK(resolve({Source::kFile, file.folder.string(), {}}).error().code == "secret_failed");
  REQUIRE(::mkfifo(file.path.c_str(), 0600) == 0);
  CHECK(resolve({Source::kFile, file.path.string(), {}}).error().code == "secret_failed");
}

Result<Secret> run(std::vector<std::string> argv, const ResolveLimits& limits = {}) {
  return resolve({Source::kExec, "", std::move(argv)}, limits);
}

TEST_CASE("exec: brings standard output of a program that ends well") {
  CHECK(run({"/bin/echo", "s3cret"})->reveal() == "s3cret");
  CHECK(run({"/bin/echo", "$HOME; `id`"})->reveal() == "$HOME; `id`");  // no shell
  CHECK(run({"/bin/sh", "-c", "echo leak >&2; echo s3cret"})->reveal() == "s3cret");
  CHECK(run({"/bin/cat"}).error().code == "secret_missing");  // standard input is empty
}

TEST_CASE("exec: sees none of the server's own variables") {
  ::setenv("KEYTURN_TEST_SECRET", "s3cret", 1);
  const auto environment = run({"/usr/bin/env"});
  ::unsetenv("KEYTURN_TEST_SECRET");
  REQUIRE(environment);
  CHECK(environment->reveal().contains("PATH="));
  CHECK_FALSE(environment->reveal().contains("s3cret"));
}

TEST_CASE("exec: failures have a word each and never repeat the output") {
  struct Row {
    std::vector<std::string> argv;
    std::string_view code;
  };
  const Row rows[] = {
      {{"/bin/sh", "-c", "echo s3cret; exit 3"}, "secret_failed"},
      {{"/bin/sh", "-c", "echo s3cret; kill -9 $$"}, "secret_failed"},
      {{"/nonexistent/program"}, "secret_failed"},
      {{"/bin/sh", "-c", "echo s3cret; sleep 1000"}, "secret_timeout"},
      {{"/bin/sh", "-c", "echo s3cret; exec >&-; sleep 1000"}, "secret_timeout"},
      {{"/usr/bin/yes", "s3cret"}, "secret_too_large"},
  };
  for (const Row& row : rows) {
    const bool is_slow = row.code == "secret_timeout";
    const auto secret =
        run(row.argv, {.exec_timeout = std::chrono::milliseconds(is_slow ? 100 : 20'000)});
    REQUIRE_FALSE(secret);
    CHECK(secret.error().code == row.code);
    CHECK(secret.error().message.contains(row.argv[0]));
  }
}

TEST_CASE("a fingerprint depends on key and value; a length is shown as a class") {
  const Secret key(std::string(32, 'k'));
  const Secret other(std::string(32, 'o'));
  const std::string shown = fingerprint(Secret("hunter2"), key);
  CHECK(shown.starts_with("hmac:"));
  CHECK(shown.size() == 17);
  CHECK(shown == fingerprint(Secret("hunter2"), key));
  CHECK(shown != fingerprint(Secret("hunter3"), key));
  CHECK(shown != fingerprint(Secret("hunter2"), other));
  CHECK(length_class(Secret("1234567")) == "1-7 bytes");
  CHECK(length_class(Secret("12345678")) == "8-15 bytes");
  CHECK(length_class(Secret(std::string(127, 'x'))) == "64-127 bytes");
  CHECK(length_class(Secret(std::string(500, 'x'))) == "128 bytes or more");
}

}  // namespace
}  // namespace keyturn::secrets
