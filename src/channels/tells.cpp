#include "channels/tells.h"

#include <set>
#include <string>

namespace keyturn::channels {

bool tells(std::string_view kind, const gate::ActionRecord& record, bool escalated, bool always) {
  if (!record.review || record.review->status == review::Status::kNone) return false;
  if (kind == "pager" && escalated) return true;
  const std::set<std::string>& notify = record.review->plan.notify;
  if (!notify.empty()) return notify.contains(std::string(kind));
  return always || kind == "slack" || kind == "teams";
}

}  // namespace keyturn::channels
