// What the tests of this room share. Include only in *_test.cpp.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/run_task.h"
#include "base/time.h"
#include "store/sqlite/journal.h"

namespace keyturn::store::sqlite::testing {

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "keyturn-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class HandClock final : public Clock {
 public:
  Time now() const override { return time; }
  Time time = *from_rfc3339("2026-11-21T05:04:43.123456Z");
};

// A journal in a folder of its own that can be closed and opened again.
struct Bench {
  TempDir dir;
  HandClock clock;
  SystemRandom random;
  boost::asio::io_context io;
  JournalOptions options{.path = dir.file("journal.db"),
                         .master = Secret(std::string(32, 'M')),
                         .node = "test",
                         .closed_types = {"action.settled"}};
  std::unique_ptr<Journal> journal;

  Bench() { open(); }
  void open() {
    journal.reset();
    Result<std::unique_ptr<Journal>> opened =
        open_journal(options, clock, random, io.get_executor());
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
    journal = std::move(*opened);
  }
  Appended append(AppendRequest request) {
    return run_task(io, journal->append(std::move(request)));
  }
  std::vector<Event> append_one(std::string stream, std::string type, doc::Value body = {}) {
    Appended appended = append(
        {.events = {
             {.stream = std::move(stream), .type = std::move(type), .body = std::move(body)}}});
    REQUIRE(appended.has_value());
    return std::move(*appended);
  }
  std::vector<Event> stream(const std::string& name, bool with_private = false) {
    return run_task(io, journal->read_stream(name, 1, with_private));
  }
};

}  // namespace keyturn::store::sqlite::testing
