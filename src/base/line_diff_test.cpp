#include "base/line_diff.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

using namespace keyturn;

namespace {

// One of the two texts, read back out of a diff that shows every line.
std::string side(const std::string& diff, char sign) {
  std::string out;
  bool ours = false;
  for (std::size_t at = 0; at < diff.size();) {
    const std::size_t end = diff.find('\n', at);
    const std::string line = diff.substr(at, end - at);
    at = end + 1;
    if (line == "@ (no end of line there)") {
      if (ours) out.pop_back();
      continue;
    }
    ours = line[0] == ' ' || line[0] == sign;
    if (ours) out += line.substr(2) + "\n";
  }
  return out;
}

std::size_t changes(const std::string& diff) {
  std::size_t count = diff.starts_with('-') || diff.starts_with('+') ? 1 : 0;
  for (std::size_t at = 0; (at = diff.find('\n', at)) != std::string::npos; ++at)
    count += diff[at + 1] == '-' || diff[at + 1] == '+' ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a difference is the changed lines, their neighbours, and where it goes on") {
  const std::string before = "a\nb\nc\nd\ne\nf\ng\n", after = "a\nB\nc\nd\ne\nf\ng\nh\n";
  CHECK(line_diff(before, after, 1) == "  a\n- b\n+ B\n  c\n@ line 7\n  g\n+ h\n");
  CHECK(line_diff(before, before).empty());
  CHECK(line_diff("", "x\n") == "+ x\n");
  CHECK(line_diff("x\n", "") == "- x\n");
  CHECK(line_diff("x", "x\n") == "- x\n@ (no end of line there)\n+ x\n");
  CHECK(line_diff("1\n2\n3\n", "2\n3\n4\n") == "- 1\n  2\n  3\n+ 4\n");
}

TEST_CASE("content cannot pass for our words: they alone begin with @") {
  CHECK(line_diff("", "@ line 7\n+ x\n") == "+ @ line 7\n+ + x\n");
}

TEST_CASE("both texts can be read back from it, and no line is changed for nothing") {
  std::mt19937 random(7);
  for (int round = 0; round < 400; ++round) {
    std::string before, after;
    for (int i = 0; i < 20; ++i) {
      const std::string line(1, static_cast<char>('a' + random() % 4));
      if (random() % 4 != 0) before += line + "\n";
      if (random() % 4 != 0) after += line + "\n";
    }
    if (random() % 5 == 0 && !after.empty()) after.pop_back();
    const std::string diff = line_diff(before, after, 1000);
    if (before == after) continue;
    CHECK(side(diff, '-') == before);
    CHECK(side(diff, '+') == after);
    CHECK(changes(diff) <= 20);
  }
}

TEST_CASE("two texts that have nothing in common are given whole") {
  std::string before = "same\n", after = "same\n";
  for (int i = 0; i < 3000; ++i) {
    before += "old " + std::to_string(i) + "\n";
    after += "new " + std::to_string(i) + "\n";
  }
  const std::string diff = line_diff(before, after);
  CHECK(changes(diff) == 6000);
  CHECK(side(diff, '-') == before);
  CHECK(side(diff, '+') == after);
}
