#include "store/sqlite/kept_file.h"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>

#include "base/run_task.h"
#include "store/sqlite/database.h"
#include "store/sqlite/testing.h"

namespace keyturn::store::sqlite {
namespace {

using Pairs = KeptFile::Pairs;

TEST_CASE("what is kept is there after it is opened again, by prefix, and until it is erased") {
  const testing::TempDir folder;
  const std::string path = folder.path() + "/channels.db";
  boost::asio::io_context context;
  {
    auto file = KeptFile::open(path, context.get_executor());
    REQUIRE(file);
    CHECK(run_task(context, (*file)->write("slack/at/act_1/dm", "one")));
    CHECK(run_task(context, (*file)->write("slack/at/act_1/dm", "two")));
    CHECK(run_task(context, (*file)->write("slack/\xf0\x9f\x98\x80", "smile")));
    CHECK(run_task(context, (*file)->write("teams/at/act_1/dm", "other")));
    CHECK(run_task(context, (*file)->write("slack/gone", "x")));
    CHECK(run_task(context, (*file)->write("slack/gone", std::nullopt)));
  }
  auto file = KeptFile::open(path, context.get_executor());
  REQUIRE(file);
  CHECK(run_task(context, (*file)->read("slack/")).value() ==
        Pairs{{"slack/at/act_1/dm", "two"}, {"slack/\xf0\x9f\x98\x80", "smile"}});
  CHECK(run_task(context, (*file)->read("slack/at/act_2/")).value().empty());
}

TEST_CASE("a file of a newer version, or of somebody else, is refused with words") {
  const testing::TempDir folder;
  const std::string path = folder.path() + "/channels.db";
  boost::asio::io_context context;
  {
    Database newer(path, Access::kCreate);
    newer.run("PRAGMA user_version=99");
  }
  const auto refused = KeptFile::open(path, context.get_executor());
  REQUIRE(!refused);
  CHECK(refused.error().code == "kept_unreadable");
  CHECK(refused.error().message.find("newer") != std::string::npos);
}

}  // namespace
}  // namespace keyturn::store::sqlite
