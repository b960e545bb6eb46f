// A whole case as people are shown it: one view, from which every channel draws (promise
// whole-picture). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "doc/value.h"
#include "model/action.h"
#include "model/verdict.h"
#include "render/runs.h"

namespace keyturn::render {

// Past these a case is not complete, and Approve is not offered.
inline constexpr std::size_t kCaseBytesMax = 1 << 20;
inline constexpr std::size_t kCaseFieldsMax = 4000;

enum class SectionKind { kCode, kText, kFields, kDiff };
std::string_view to_text(SectionKind kind);  // "code" "text" "fields" "diff"

struct Field {
  Runs name;
  Runs value;
};

// Titles are ours. `runs` for code, text and diff (lines that begin with "- " or "+ "); `fields`
// for fields.
struct Section {
  std::string title;
  SectionKind kind = SectionKind::kText;
  Runs runs;
  std::vector<Field> fields;
  std::size_t bytes = 0;  // of the input that the section shows
  std::vector<std::string> warnings;
};

// What stands for a `secret: true` parameter.
struct SecretParam {
  std::string name;
  std::string length_class;  // "16 to 31 bytes"
  std::string fingerprint;   // keyed; equal secrets, equal fingerprints
};

struct CaseInput {
  std::string id, digest, amends;
  std::string tool, operation, mode;
  Resource resource;
  PrincipalKind requester_kind = PrincipalKind::kAgent;
  std::string requester, owner;
  Time created_at, expires_at;
  std::string reason;
  doc::Value claims;                        // what the agent says of itself
  std::optional<doc::Value> args;           // what will run; absent: erased or not at hand
  std::optional<doc::Value> original_args;  // what was sent, when a modify rule changed it
  std::vector<SecretParam>
      secrets;             // members of args with these names are never shown, whatever they hold
  doc::Value description;  // the executor's: argv, SQL, digests
  doc::Value preview;      // what it would touch; null: not looked at
  doc::Value facts;
  Verdict verdict;
  std::string erased_by;  // not "": what was asked for was erased, as this action decided
};

struct CaseView {
  std::vector<Section> sections;
  bool complete = true;  // false: something is not shown; say so, and offer no Approve
};

CaseView view_of(const CaseInput& input);

// [{"title", "kind", "runs" | "fields", "bytes", "warnings"}]: `display` of the API (`complete`
// goes beside it).
doc::Value to_value(const std::vector<Section>& sections);
// Reads it back for showing. Plain runs pass the renderer again: who serves the text need not be
// trusted.
std::vector<Section> sections_from_value(const doc::Value& value);

// For terminals. Headings begin in the first column, content never does, so content cannot forge
// one. Holds no control byte but "\n".
std::string to_plain_text(const std::vector<Section>& sections);

}  // namespace keyturn::render
