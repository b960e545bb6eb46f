// A policy document, loaded and checked (POLICY "A document"). Immutable, move-only; decide() may
// use one document from many threads.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "catalog/tool.h"
#include "doc/read.h"
#include "doc/value.h"
#include "model/verdict.h"

namespace keyturn::policy {

// Who is in which group, as far as load-time checks need it.
struct Roster {
  std::map<std::string, std::set<std::string>> groups;  // group -> active people
  std::set<std::string> owners;                         // people who own an agent
};

struct LoadOptions {
  const catalog::Catalog* tools =
      nullptr;  // null: tools are not checked, action.args is dyn. Borrowed for the call
  const Roster* roster = nullptr;  // null: groups are not checked. Borrowed for the call
  bool sealed = false;    // unknown groups and unsatisfiable quorums are errors, not warnings
  bool run_tests = true;  // the document's own tests must pass
  // Asked before each of them; false: no more are run, and that is an error. Empty: all are.
  std::function<bool()> go_on;
};

struct EmergencyRules;  // emergencies.h

class Document {
 public:
  // Loads YAML (or JSON). Every problem carries its position; warnings too. With any error the
  // answer is nullopt and the document in force stays.
  static std::optional<Document> load(std::string_view text, const LoadOptions& options,
                                      doc::Problems& problems);

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  const std::string& name() const;
  std::int64_t revision() const;
  const std::string& digest() const;  // "sha256:…" over the RFC 8785 form of the document's tree
  const std::string& text() const;    // as it was loaded
  bool observe() const;               // mode: observe
  std::size_t rule_count() const;
  std::vector<std::string> rule_ids() const;
  // Every group that some rule asks, or names in veto or escalate, or that has a part in
  // emergencies.
  std::set<std::string> groups() const;
  const EmergencyRules& emergencies() const;

  struct Rep;
  const Rep& rep() const { return *rep_; }  // for the other files of this room

 private:
  explicit Document(std::unique_ptr<const Rep> rep);
  std::unique_ptr<const Rep> rep_;
};

}  // namespace keyturn::policy
