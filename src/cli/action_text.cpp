#include "cli/action_text.h"

#include <fmt/format.h>

#include <ostream>

#include "cli/console.h"
#include "doc/json.h"
#include "render/case_view.h"

namespace keyturn::cli {
namespace {

const doc::Array& items(const doc::Value* list) {
  static const doc::Array none;
  return list != nullptr && list->is_array() ? list->as_array() : none;
}

std::string joined(const doc::Value* list, std::string_view separator) {
  std::string out;
  for (const doc::Value& word : items(list)) {
    if (!word.is_string()) continue;
    if (!out.empty()) out += separator;
    out += one_line(word.as_string());
  }
  return out;
}

std::string why(const doc::Value& action) {
  const doc::Value* verdict = action.find("verdict");
  if (verdict == nullptr) return "";
  std::string out = joined(verdict->find("rules"), ", ");
  const std::string reasons = joined(verdict->find("reasons"), "; ");
  if (!reasons.empty()) out += (out.empty() ? "" : ": ") + reasons;
  return out;
}

// Who closed the review by a denial, if somebody did.
std::string denied_by(const doc::Value& action) {
  std::string out;
  for (const doc::Value& vote : items(action.find("votes"))) {
    if (vote.text("decision") != "deny") continue;
    out += fmt::format("{}{}", out.empty() ? "" : ", ", party(vote.find("reviewer")));
    if (!vote.text("note").empty()) out += fmt::format(" ({})", one_line(vote.text("note")));
  }
  return out;
}

std::string denial(const doc::Value& action) {
  const std::string people = denied_by(action);
  if (!people.empty()) return "denied by " + people;
  const std::string rules = why(action);
  return rules.empty() ? "denied" : "denied by policy: " + rules;
}

std::string execution(const doc::Value& action, std::string_view state) {
  std::string out(state);
  const doc::Value* outcome = action.find("outcome");
  if (outcome == nullptr || !outcome->is_object()) return out;
  if (const doc::Value* exit = outcome->find("exit_code"); exit != nullptr && exit->is_number())
    out += ", exit code " + exit->as_number().text;
  if (const doc::Value* rows = outcome->find("row_count"); rows != nullptr && rows->is_number())
    out += ", " + rows->as_number().text + " rows";
  if (const doc::Value* ms = outcome->find("duration_ms"); ms != nullptr && ms->is_number())
    out += ", " + ms->as_number().text + " ms";
  if (outcome->flag("truncated")) out += ", output cut off";
  std::string_view reason = outcome->text("reason");
  if (reason.empty()) reason = outcome->text("error");
  if (!reason.empty()) out += ": " + one_line(reason);
  return out;
}

std::string field(std::string_view name, const std::string& value) {
  return value.empty() ? "" : fmt::format("{:<11}{}\n", name, value);
}

std::string resource_line(const doc::Value* resource) {
  if (resource == nullptr || !resource->is_object()) return "";
  std::string out =
      fmt::format("{} {}", one_line(resource->text("kind")), one_line(resource->text("name")));
  if (!resource->text("env").empty()) out += " in " + one_line(resource->text("env"));
  return out;
}

std::string erased_line(const doc::Value* erased) {
  if (erased == nullptr || !erased->is_object()) return "";
  return fmt::format("ERASED{} at {}, agreed to in {}",
                     erased->flag("request") ? "" : " (parts of it)", one_line(erased->text("at")),
                     one_line(erased->text("by")));
}

std::string votes_text(const doc::Value& action) {
  std::string out;
  for (const doc::Value& vote : items(action.find("votes"))) {
    out += fmt::format("  {} {} {} ({}, {}){}", one_line(vote.text("at")),
                       party(vote.find("reviewer")),
                       vote.text("decision") == "approve" ? "approved" : "denied",
                       one_line(vote.text("assurance")), one_line(vote.text("channel")),
                       vote.flag("simulated") ? " [simulated]" : "");
    if (!vote.text("note").empty()) out += ": " + one_line(vote.text("note"));
    if (vote.flag("note_erased")) out += ": ERASED";
    out += '\n';
  }
  return out.empty() ? out : "Votes\n" + out;
}

std::string comments_text(const doc::Value& action) {
  std::string out;
  for (const doc::Value& comment : items(action.find("comments"))) {
    out += fmt::format("  {} {}: {}\n", one_line(comment.text("at")), party(comment.find("by")),
                       comment.flag("erased") ? "ERASED" : one_line(comment.text("text")));
  }
  return out.empty() ? out : "Comments\n" + out;
}

// What an agent may see of its own: no rendering by the server comes with it.
std::string plain_case(const doc::Value& action) {
  std::string out;
  if (const doc::Value* args = action.find("args"); args != nullptr && args->is_object()) {
    for (const doc::Member& member : args->as_object()) {
      const std::string text =
          member.value.is_string() ? member.value.as_string() : doc::write_json(member.value);
      out += fmt::format("  {} = {}\n", one_line(member.key), one_line(text));
    }
  }
  return out.empty() ? out : "Arguments\n" + out;
}

void print_outcome(Console& console, const doc::Value& outcome) {
  console.out << for_out(console, outcome.text("stdout"));
  console.err << for_err(console, outcome.text("stderr"));
  if (const doc::Value* rows = outcome.find("rows"))
    console.out << rows_text(*rows, outcome.find("columns"), console.out_terminal);
  if (const doc::Value* result = outcome.find("result"); result != nullptr && !result->is_null())
    print_json(console, *result);
}

}  // namespace

bool is_settled(const doc::Value& action) {
  return keyturn::is_settled(state_of(action)) && action.find("awaiting_evidence") == nullptr;
}

State state_of(const doc::Value& action) {
  return state_from_text(action.text("state")).value_or(State::kUnknown);
}

Exit exit_of_action(const doc::Value& action) {
  return exit_of(state_of(action));
}

std::string party(const doc::Value* party) {
  if (party == nullptr) return "";
  if (party->is_string()) return one_line(party->as_string());
  return one_line(party->text("id"));
}

std::string who_is_asked(const doc::Value& action) {
  std::string out;
  for (const doc::Value& need : items(action.find("needed"))) {
    if (!out.empty()) out += ", ";
    out += fmt::format("{} of {} ({} so far)", need.integer("count"), one_line(need.text("group")),
                       need.integer("have"));
  }
  return out;
}

std::string outcome_line(const doc::Value& action) {
  switch (state_of(action)) {
    case State::kDeferred:
      return action.text("deferred_until").empty()
                 ? "deferred by policy: " + why(action)
                 : fmt::format("deferred until {}", one_line(action.text("deferred_until")));
    case State::kPending:
      return "pending, asks " + who_is_asked(action);
    case State::kApproved:
      return "approved";
    case State::kExecuting:
      return "executing";
    case State::kSucceeded:
      return execution(action, "succeeded");
    case State::kFailed:
      return execution(action, "failed");
    case State::kUnknown:
      return execution(action, "unknown") + " (nobody can say whether it took effect)";
    case State::kDenied:
      return denial(action);
    case State::kExpired:
      return "expired: not enough people answered by " + one_line(action.text("expires_at"));
    case State::kCancelled:
      return action.text("amended_by").empty()
                 ? "cancelled"
                 : "cancelled: amended as " + one_line(action.text("amended_by"));
  }
  return "";
}

std::string case_text(const doc::Value& action) {
  std::string out = field("Action", one_line(action.text("id")));
  out += field("State", outcome_line(action));
  out += field("Tool", one_line(action.text("tool")));
  out += field("Operation", one_line(action.text("operation")));
  out += field("Resource", resource_line(action.find("resource")));
  out += field("Asked by", party(action.find("requester")));
  out += field("Owner", party(action.find("owner")));
  out += field("Reason", one_line(action.text("reason")));
  out += field("Erased", erased_line(action.find("erased")));
  out += field("Policy", why(action));
  out += field("Needs", who_is_asked(action));
  out += field("Expires", one_line(action.text("expires_at")));
  out += field("Digest", one_line(action.text("digest")));
  out += field("Review", one_line(action.text("review_url")));
  out += '\n';
  if (const doc::Value* display = action.find("display"))
    out += render::to_plain_text(render::sections_from_value(*display));
  else
    out += plain_case(action);
  if (!out.ends_with('\n')) out += '\n';
  if (const doc::Value* whole = action.find("display_complete");
      whole && *whole == doc::Value(false))
    out += "NOT WHOLE: the server could not show all of this case. It cannot be approved here.\n";
  return out + votes_text(action) + comments_text(action);
}

std::vector<std::string> summary_cells(const doc::Value& action) {
  const std::string asked =
      state_of(action) == State::kPending ? who_is_asked(action) : std::string();
  return {one_line(action.text("id")),
          one_line(action.text("state")),
          one_line(action.text("created_at")),
          one_line(action.text("tool")),
          one_line(action.text("operation")),
          party(action.find("requester")),
          asked};
}

int print_result(Session& session, const doc::Value& action) {
  Console& console = session.console;
  const Exit exit = exit_of_action(action);
  if (session.json) {
    print_json(console, action);
    return code(exit);
  }
  if (const doc::Value* outcome = action.find("outcome");
      outcome != nullptr && outcome->is_object())
    print_outcome(console, *outcome);
  const std::string_view grant = action.text("grant");
  if (!grant.empty()) console.out << one_line(grant) << '\n';
  console.out.flush();
  if (exit != Exit::kOk || console.err_terminal) {
    console.err << on_err(console, tone_of(action.text("state")), outcome_line(action)) << '\n';
    if (!grant.empty())
      console.err
          << "The grant above is shown this once; it works once, for exactly this action.\n";
  }
  return code(exit);
}

}  // namespace keyturn::cli
