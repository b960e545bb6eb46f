#include "store/sqlite/data_dir.h"

#include <sys/stat.h>

#include <fstream>

#include "store/sqlite/testing.h"

using namespace keyturn;
using store::sqlite::DataDir;
using store::sqlite::testing::TempDir;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat status{};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

}  // namespace

TEST_CASE("a data folder is made once, private, with three different keys") {
  TempDir temp;
  SystemRandom random;
  const std::string path = temp.file("data");
  std::string seed;
  {
    const Result<DataDir> made = DataDir::create(path, random);
    REQUIRE(made.has_value());
    seed = made->ledger_seed().reveal();
    CHECK(seed.size() == 32);
    CHECK(made->master_key().reveal() != seed);
    CHECK(made->hmac_key().reveal() != made->master_key().reveal());
  }
  CHECK(mode_of(path) == 0700);
  for (const char* key : {"ledger.key", "master.key", "hmac.key"}) {
    CHECK(mode_of(path + "/keys/" + key) == 0600);
  }
  const Result<DataDir> again = DataDir::create(path, random);
  CHECK(again.error().code == "already_initialised");
  const Result<DataDir> opened = DataDir::open(path);
  REQUIRE(opened.has_value());
  CHECK(opened->ledger_seed().reveal() == seed);
}

TEST_CASE("one process at a time, and the other is told which") {
  TempDir temp;
  SystemRandom random;
  Result<DataDir> first = DataDir::create(temp.path(), random);
  REQUIRE(first.has_value());
  const Result<DataDir> second = DataDir::open(temp.path());
  REQUIRE(!second.has_value());
  CHECK(second.error().code == "data_dir_locked");
  CHECK(second.error().message.find("process " + std::to_string(getpid())) != std::string::npos);
  {
    const DataDir moved = std::move(*first);
    CHECK(!DataDir::open(temp.path()).has_value());
  }
  CHECK(DataDir::open(temp.path()).has_value());
}

TEST_CASE("a folder that is missing, exposed or damaged is refused with what to do") {
  TempDir temp;
  SystemRandom random;
  CHECK(DataDir::open(temp.file("none")).error().code == "not_initialised");
  CHECK(DataDir::open(temp.path()).error().code == "not_initialised");
  REQUIRE(DataDir::create(temp.path(), random).has_value());
  const std::string key = temp.file("keys/hmac.key");
  REQUIRE(chmod(key.c_str(), 0640) == 0);
  CHECK(DataDir::open(temp.path()).error().code == "insecure_permissions");
  REQUIRE(chmod(key.c_str(), 0600) == 0);
  std::ofstream(key) << "abc";
  CHECK(DataDir::open(temp.path()).error().code == "bad_key");
  REQUIRE(chmod(temp.path().c_str(), 0755) == 0);
  CHECK(DataDir::open(temp.path()).error().code == "insecure_permissions");
}

TEST_CASE("an initialisation that was cut short can be done again") {
  TempDir temp;
  SystemRandom random;
  std::filesystem::create_directory(temp.file("keys.new"));
  std::ofstream(temp.file("keys.new/ledger.key")) << "half";
  CHECK(DataDir::create(temp.path(), random).has_value());
  CHECK(!std::filesystem::exists(temp.file("keys.new")));
}
