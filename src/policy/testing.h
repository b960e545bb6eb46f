// For the tests of this room.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "policy/decide.h"
#include "policy/document.h"
#include "policy/tests.h"

namespace keyturn::policy::testing {

inline std::string all(const doc::Problems& problems) {
  std::string out;
  for (const doc::Problem& p : problems) out += doc::to_text(p, "p.yaml") + " [" + p.code + "]\n";
  return out;
}

// A document of these rules ("- {id: …}" lines), or a failed test.
inline Document rules(const std::string& text, const std::string& head = {},
                      const LoadOptions& options = {}) {
  doc::Problems problems;
  auto document = Document::load(
      "apiVersion: keyturn/v1\nkind: Policy\nmetadata: {name: t}\n" + head + "\nrules:\n" + text,
      options, problems);
  const std::string said = all(problems);
  CAPTURE(said);
  REQUIRE(document.has_value());
  return std::move(*document);
}

inline PolicyInput input(std::string tool, doc::Value args = doc::Object{}) {
  PolicyInput in = test_base();
  in.tool = std::move(tool);
  in.args = std::move(args);
  return in;
}

}  // namespace keyturn::policy::testing
