// name=value, as people type it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "doc/value.h"

namespace keyturn::cli {

// Reads a file's whole content; "-" is the standard input.
[[nodiscard]] Result<std::string> read_file(const std::string& path);

// "name=value": a value that is valid JSON is that JSON ("3" a number, "true" a boolean, "\"3\"" a
// text); anything else is text. "name=@file": the file's content, as text, whatever it holds.
// Codes: usage, unreadable, invalid_text (no UTF-8).
[[nodiscard]] Result<doc::Value> arguments_of(const std::vector<std::string>& words);

// "name=value": always text.
[[nodiscard]] Result<doc::Value> claims_of(const std::vector<std::string>& words);

// JSON, "@file" or "-".
[[nodiscard]] Result<doc::Value> json_argument(const std::string& word);

}  // namespace keyturn::cli
