// What can be refused is a value. A Refusal says what happened, to what, and what to do next.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace keyturn {

// `code` is a stable word that programs may test (snake_case; the HTTP API shows it unchanged).
// `message` is for people: what happened, to what, what to do next; it never holds a secret.
// `where` is the place, if there is one: a JSON Pointer ("/args/sql") or "file:line:column".
// `retry_after_s`: whole seconds after which the same may be granted; 0 where nobody can tell.
struct Refusal {
  std::string code;
  std::string message;
  std::string where;
  unsigned retry_after_s = 0;
};

template <class T>
using Result = std::expected<T, Refusal>;

[[nodiscard]] inline std::unexpected<Refusal> refuse(std::string code, std::string message,
                                                     std::string where = {}) {
  return std::unexpected(Refusal{std::move(code), std::move(message), std::move(where)});
}

}  // namespace keyturn
