#include "report/population.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "crypto/crypto.h"

namespace keyturn::report {
namespace {

std::string cell(std::string_view text) {
  std::string out;
  const bool formula =
      !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
  if (formula) out += '\'';
  out += text;
  if (out.find_first_of(",\"\r\n") == std::string::npos) return out;
  std::string quoted = "\"";
  for (const char c : out) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string time_cell(const std::optional<Time>& time) {
  return time ? to_rfc3339(*time) : "";
}

std::string number_cell(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "";
}

std::string ms_cell(const std::optional<Time>& from, const std::optional<Time>& to) {
  if (!from || !to) return "";
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(*to - *from).count());
}

constexpr std::string_view kHead =
    "index,action,requested_at,agent,owner,claimed_model,claimed_on_behalf_of,claimed_session,tool,"
    "operation,resource_kind,resource_name,resource_env,sensitivity,verdict,rules,exceptions,"
    "policy,"
    "state,approved_by,denied_by,passkey_assertions,decided_at,review_opened_at,review_closed_at,"
    "started_at,finished_at,review_ms,execution_ms,exit_code,rows,bytes,case_digest,last_index,"
    "run,runbook,step,attempt,planned,sampled";

std::string voters(const Action& action, std::string_view decision) {
  std::string out;
  for (const Vote& vote : action.votes) {
    if (vote.withdrawn || vote.decision != decision) continue;
    out += (out.empty() ? "" : ", ") + vote.reviewer + " (" + vote.assurance + ")";
  }
  return out;
}

std::string row(const Action& a, bool sampled) {
  const auto assertions = std::ranges::count_if(
      a.votes, [](const Vote& vote) { return vote.has_assertion && !vote.withdrawn; });
  const std::string cells[] = {
      std::to_string(a.index),
      cell(a.id),
      to_rfc3339(a.requested),
      cell(a.agent),
      cell(a.owner),
      cell(a.model),
      cell(a.on_behalf_of),
      cell(a.session),
      cell(a.tool),
      cell(a.operation),
      cell(a.kind),
      cell(a.name),
      cell(a.env),
      cell(a.sensitivity),
      cell(a.effect),
      cell(joined(a.rules, "; ")),
      cell(joined(a.exceptions, "; ")),
      cell(a.policy),
      cell(a.state),
      cell(voters(a, "approve")),
      cell(voters(a, "deny")),
      std::to_string(assertions),
      to_rfc3339(a.decided),
      time_cell(a.opened),
      time_cell(a.closed),
      time_cell(a.started),
      time_cell(a.finished),
      ms_cell(a.opened, a.closed),
      a.duration_ms ? number_cell(a.duration_ms) : ms_cell(a.started, a.finished),
      number_cell(a.exit_code),
      number_cell(a.rows),
      number_cell(a.bytes),
      cell(a.digest),
      std::to_string(a.steps.back().index),
      cell(a.run),
      cell(a.runbook),
      cell(a.run_step),
      cell(a.attempt),
      cell(a.planned),
      sampled ? "yes" : ""};
  std::string out;
  for (const std::string& text : cells) out += (&text == cells ? "" : ",") + text;
  return out + "\r\n";
}

}  // namespace

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += between;
    out += word;
  }
  return out;
}

std::string approvers_of(const Action& action) {
  return voters(action, "approve");
}

std::set<std::string> draw_sample(const Story& story, const std::string& seed, std::size_t count) {
  std::vector<std::pair<Digest, const std::string*>> order;
  for (const Action& action : story.actions)
    order.emplace_back(crypto::sha256(seed + ":" + action.id), &action.id);
  std::ranges::sort(order, [](const auto& a, const auto& b) { return a.first < b.first; });
  std::set<std::string> out;
  for (std::size_t i = 0; i < std::min(count, order.size()); ++i) out.insert(*order[i].second);
  return out;
}

std::string population_csv(const Story& story, const std::set<std::string>& sample) {
  std::string out(kHead);
  out += "\r\n";
  for (const Action& action : story.actions) out += row(action, sample.contains(action.id));
  return out;
}

}  // namespace keyturn::report
