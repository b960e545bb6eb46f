#include "cli/arguments.h"

#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

#include "base/bytes.h"
#include "doc/json.h"

namespace keyturn::cli {
namespace {

struct Named {
  std::string name;
  std::string value;
};

Result<Named> split(const std::string& word, const doc::Value& so_far) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0)
    return refuse("usage", "\"" + word + "\" is not name=value");
  Named out{word.substr(0, equals), word.substr(equals + 1)};
  if (so_far.find(out.name) != nullptr) return refuse("usage", out.name + " is given twice");
  return out;
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream file(path, std::ios::binary);
  std::string content(std::istreambuf_iterator<char>(file), {});
  if (!file || file.bad()) return refuse("unreadable", path + ": cannot be read");
  return content;
}

Result<doc::Value> arguments_of(const std::vector<std::string>& words) {
  doc::Value out = doc::Object{};
  for (const std::string& word : words) {
    Result<Named> named = split(word, out);
    if (!named) return std::unexpected(named.error());
    if (named->value.starts_with('@')) {
      Result<std::string> content = read_file(named->value.substr(1));
      if (!content) return std::unexpected(content.error());
      named->value = std::move(*content);
    } else if (Result<doc::Value> json = doc::parse_json(named->value)) {
      out.set(named->name, std::move(*json));
      continue;
    }
    if (first_invalid_utf8(named->value))
      return refuse("invalid_text", named->name + ": its value is not UTF-8 text");
    out.set(named->name, named->value);
  }
  return out;
}

Result<doc::Value> claims_of(const std::vector<std::string>& words) {
  doc::Value out = doc::Object{};
  for (const std::string& word : words) {
    Result<Named> named = split(word, out);
    if (!named) return std::unexpected(named.error());
    out.set(named->name, named->value);
  }
  return out;
}

Result<doc::Value> json_argument(const std::string& word) {
  std::string text = word;
  std::string name = "argument";
  if (word == "-" || word.starts_with('@')) {
    name = word == "-" ? "standard input" : word.substr(1);
    Result<std::string> content = read_file(word == "-" ? word : name);
    if (!content) return std::unexpected(content.error());
    text = std::move(*content);
  }
  Result<doc::Value> value = doc::parse_json(text);
  if (!value)
    return refuse("usage", name + ": " + value.error().where + ": " + value.error().message);
  return value;
}

}  // namespace keyturn::cli
