#include "base/durable_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace keyturn {
namespace {

std::string content_of(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

}  // namespace

TEST_CASE("a durable file is replaced as a whole, and is its owner's alone") {
  std::string folder = (std::filesystem::temp_directory_path() / "keyturn-durable-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string path = folder + "/state";
  CHECK(write_durably(path, "a long first content\n"));
  CHECK(write_durably(path, std::string("b\0c", 3)));
  CHECK(content_of(path) == std::string("b\0c", 3));
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK_FALSE(std::filesystem::exists(path + ".new"));

  std::filesystem::create_directory(path + ".new");  // nothing can be written beside
  CHECK_FALSE(write_durably(path, "d"));
  CHECK(errno == EISDIR);
  CHECK(content_of(path) == std::string("b\0c", 3));
  CHECK_FALSE(write_durably(folder + "/none/state", "d"));
  CHECK(errno == ENOENT);
  CHECK_FALSE(replace_durably(folder + "/none", path));
  CHECK_FALSE(sync_folder(path));
  std::filesystem::remove_all(folder);
}

}  // namespace keyturn
