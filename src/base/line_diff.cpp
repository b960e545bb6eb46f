#include "base/line_diff.h"

#include <algorithm>
#include <vector>

namespace keyturn {
namespace {

using Lines = std::vector<std::string_view>;

constexpr int kEditsMax = 1000;

// With their ends: a line that lacks it differs from one that has it.
Lines lines_of(std::string_view text) {
  Lines out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
    out.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return out;
}

struct Line {
  char sign = ' ';  // ' ', '-', '+'
  std::string_view text;
  std::size_t number = 0;  // from 1, in the text that has it; of both, in the new one
};

// The furthest places that D edits reach, a row for each D (Myers, "An O(ND) difference
// algorithm", 1986); empty when more than kEditsMax would be needed.
std::vector<std::vector<int>> traced(const Lines& a, const Lines& b) {
  const int n = static_cast<int>(a.size()), m = static_cast<int>(b.size());
  const int most = std::min(n + m, kEditsMax);
  std::vector<int> furthest(static_cast<std::size_t>(2 * most + 3), 0);
  const auto at = [&](int k) -> int& { return furthest[static_cast<std::size_t>(k + most + 1)]; };
  std::vector<std::vector<int>> rows;
  for (int d = 0; d <= most; ++d) {
    rows.emplace_back(furthest.begin() + (most + 1 - d - 1), furthest.begin() + (most + 1 + d + 2));
    for (int k = -d; k <= d; k += 2) {
      const bool down = k == -d || (k != d && at(k - 1) < at(k + 1));
      int x = down ? at(k + 1) : at(k - 1) + 1;
      int y = x - k;
      while (x < n && y < m && a[static_cast<std::size_t>(x)] == b[static_cast<std::size_t>(y)])
        ++x, ++y;
      at(k) = x;
      if (x >= n && y >= m) return rows;
    }
  }
  return {};
}

// Signs for the middle, where the two begin and end differently.
std::vector<Line> compared(const Lines& a, const Lines& b, std::size_t before) {
  std::vector<Line> out;
  const auto removed = [&](int x) {
    const auto i = static_cast<std::size_t>(x);
    out.push_back({'-', a[i], before + i + 1});
  };
  const auto in_new = [&](char sign, int y) {
    const auto i = static_cast<std::size_t>(y);
    out.push_back({sign, b[i], before + i + 1});
  };
  int x = static_cast<int>(a.size()), y = static_cast<int>(b.size());
  const std::vector<std::vector<int>> rows = traced(a, b);
  if (rows.empty()) {
    for (int i = 0; i < x; ++i) removed(i);
    for (int i = 0; i < y; ++i) in_new('+', i);
    return out;
  }
  for (int d = static_cast<int>(rows.size()) - 1; d >= 0; --d) {
    const auto at = [&](int k) {
      return rows[static_cast<std::size_t>(d)][static_cast<std::size_t>(k + d + 1)];
    };
    const int k = x - y;
    const bool down = k == -d || (k != d && at(k - 1) < at(k + 1));
    const int from_x = d == 0 ? 0 : at(down ? k + 1 : k - 1);
    const int from_y = d == 0 ? 0 : from_x - (down ? k + 1 : k - 1);
    while (x > from_x && y > from_y &&
           !(d > 0 && x == from_x + (down ? 0 : 1) && y == from_y + (down ? 1 : 0))) {
      --x, --y;
      in_new(' ', y);
    }
    if (d == 0) break;
    if (down)
      in_new('+', --y);
    else
      removed(--x);
  }
  std::ranges::reverse(out);
  return out;
}

// Within a run of changes, what goes before what comes.
std::vector<Line> removed_first(const std::vector<Line>& lines) {
  std::vector<Line> out, added;
  for (const Line& line : lines) {
    if (line.sign == '+') {
      added.push_back(line);
      continue;
    }
    if (line.sign == ' ') {
      out.insert(out.end(), added.begin(), added.end());
      added.clear();
    }
    out.push_back(line);
  }
  out.insert(out.end(), added.begin(), added.end());
  return out;
}

std::vector<Line> all_lines(const Lines& a, const Lines& b) {
  const std::size_t least = std::min(a.size(), b.size());
  std::size_t head = 0, tail = 0;
  while (head < least && a[head] == b[head]) ++head;
  while (tail < least - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  const auto middle = [&](const Lines& all) {
    return Lines(all.begin() + static_cast<std::ptrdiff_t>(head),
                 all.end() - static_cast<std::ptrdiff_t>(tail));
  };
  std::vector<Line> out;
  for (std::size_t i = 0; i < head; ++i) out.push_back({' ', b[i], i + 1});
  const std::vector<Line> changed = removed_first(compared(middle(a), middle(b), head));
  out.insert(out.end(), changed.begin(), changed.end());
  for (std::size_t i = b.size() - tail; i < b.size(); ++i) out.push_back({' ', b[i], i + 1});
  return out;
}

}  // namespace

std::string line_diff(std::string_view before, std::string_view after, std::size_t context) {
  if (before == after) return "";
  const std::vector<Line> lines = all_lines(lines_of(before), lines_of(after));
  std::vector<bool> shown(lines.size(), false);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].sign == ' ') continue;
    const std::size_t from = i < context ? 0 : i - context;
    const std::size_t to = std::min(lines.size(), i + context + 1);
    for (std::size_t j = from; j < to; ++j) shown[j] = true;
  }
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!shown[i]) continue;
    if (i > 0 && !shown[i - 1]) out += "@ line " + std::to_string(lines[i].number) + "\n";
    out += lines[i].sign;
    out += ' ';
    out += lines[i].text;
    if (!lines[i].text.ends_with('\n')) out += "\n@ (no end of line there)\n";
  }
  return out;
}

}  // namespace keyturn
