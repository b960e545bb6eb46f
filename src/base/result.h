// What can be refused is a value. A Refusal says what happened, to what, and what to do next.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace keyturn {

// `code` is a stable word that programs may test (snake_case; the HTTP API shows it unchanged).
// `message` is for people: what happened, to what, what to do next; it never holds a secret.
// `where` is the place, if there is one: a JSON Pointer ("/args/sql") or "file:line:column".
struct Refusal {
  std::string code;
  std::string message;
  std::string where;
};

template <class T>
using Result = std::expected<T, Refusal>;

[[nodiscard]] inline std::unexpected<Refusal> refuse(std::string code, std::string message,
                                                     std::string where = {}) {
  return std::unexpected(Refusal{std::move(code), std::move(message), std::move(where)});
}

}  // namespace keyturn
