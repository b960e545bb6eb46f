#include "connectors/mcp/words.h"

#include "model/verdict.h"

namespace keyturn::connectors::mcp {

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
    case State::kDenied: {
      std::string why;
      for (const std::string& reason : record.verdict.reasons)
        why += (why.empty() ? "" : "; ") + reason;
      for (const std::string& note : record.notes) {
        if (!note.empty()) why += (why.empty() ? "" : "; ") + note;
      }
      return "It was denied" + (why.empty() ? "." : ": " + why + ".");
    }
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
