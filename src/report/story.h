// What the entries of a period say, told by action. Pure: entries in, nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace keyturn::report {

struct Vote {
  std::uint64_t index = 0;
  Time at;
  std::string reviewer, decision, assurance, channel, provider;
  bool has_assertion = false;  // a passkey signed this very case
  bool withdrawn = false;
};

struct Step {
  std::uint64_t index = 0;
  Time at;
  std::string type, says;
};

// One action, as far as the period tells.
struct Action {
  std::uint64_t index = 0;  // of its first entry here
  std::string id, digest, agent, owner, credential, channel;
  std::string model, on_behalf_of, session;  // as the agent claims
  std::string tool, operation, mode, kind, name, env, sensitivity;
  std::string effect, decided_by, policy, configuration;
  std::vector<std::string> rules, exceptions;
  std::vector<std::string> lineage;  // requester first
  std::string state;  // the last that was written; "approved" where only a review says so
  Time requested, decided;
  std::optional<Time> opened, closed, started, finished, settled;
  // Of a step of a run: the action that is the run, its runbook, the step's path and attempt.
  std::string run, runbook, run_step, attempt;
  std::string planned;  // the run whose plan people agreed to, with this step in it
  std::string review_result;
  std::vector<Vote> votes;
  std::string outcome, connector;
  std::optional<std::int64_t> exit_code, rows, bytes, duration_ms;
  std::vector<Step> steps;
  bool from_before = false;  // it began before the period
};

struct Notable {  // of the entries that are of no action
  std::uint64_t index = 0;
  Time at;
  std::string type, stream, by;
};

struct PolicyVersion {
  std::string digest, name, revision;      // of the document
  std::optional<std::uint64_t> activated;  // the entry, where it is of this period
  std::uint64_t decisions = 0;             // that were taken by it in this period
};

struct Story {
  std::uint64_t from = 0, to = 0;
  std::optional<Time> first, last;
  std::map<std::string, std::vector<std::uint64_t>> by_type;  // indexes
  std::vector<Action>
      actions;  // decided for the first time in this period, in order: the population
  std::vector<Action> carried;  // begun before it
  std::vector<Notable> notable;
  std::vector<PolicyVersion> policies;  // in force at some time of this period, as far as it tells
};

// Entries that are no leaves are counted under the type "" and tell nothing more.
Story read_story(const std::vector<std::string>& leaves, std::uint64_t from);

}  // namespace keyturn::report
