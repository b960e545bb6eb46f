#include "connectors/mcp/words.h"

#include "model/verdict.h"

namespace keyturn::connectors::mcp {
namespace {

// By people: who, and what they say. Else policy's reasons; those of a review's rule say who was
// asked, not why it was denied.
std::string why_denied(const gate::ActionRecord& record) {
  std::string by;
  if (record.review) {
    for (const review::Vote& vote : record.review->votes) {
      if (vote.decision != review::Decision::kDeny) continue;
      by += (by.empty() ? "" : "; ") + vote.reviewer + " denied it";
      if (!vote.note.empty()) by += ": " + vote.note;
    }
    if (by.empty() && !record.review->closed_reason.empty())
      by = "It was denied: " + record.review->closed_reason;
  }
  if (by.empty() && record.verdict.effect == Effect::kDeny) {
    for (const std::string& reason : record.verdict.reasons)
      by += (by.empty() ? "" : "; ") + reason;
    if (!by.empty()) by = "Policy denied it: " + by;
  }
  if (by.empty()) by = "It was denied";
  return by.ends_with('.') ? by : by + ".";
}

}  // namespace

std::string words_of(const gate::ActionRecord& record) {
  switch (record.state) {
    case State::kPending: {
      std::string groups;
      for (const std::string& group :
           groups_of(record.review ? record.review->plan : record.verdict.plan))
        groups += (groups.empty() ? "" : ", ") + group;
      return "It waits for people to agree (" + groups + ").";
    }
    case State::kDeferred:
      return "Policy decides about it later.";
    case State::kApproved:
      return "People agreed; it starts as soon as it may.";
    case State::kDenied:
      return why_denied(record);
    case State::kExpired:
      return "Nobody decided in time: it has expired.";
    case State::kCancelled:
      return "It was cancelled.";
    case State::kFailed:
    case State::kUnknown:
      if (record.outcome && !record.outcome->reason.empty()) return record.outcome->reason;
      return record.state == State::kFailed ? "It failed." : "Whether it took effect is not known.";
    case State::kExecuting:
      return "It runs.";
    case State::kSucceeded:
      return "It was done.";
  }
  return "";
}

}  // namespace keyturn::connectors::mcp
