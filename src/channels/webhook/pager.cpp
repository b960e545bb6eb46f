#include "channels/webhook/pager.h"

#include "base/task_impl.h"
#include "channels/tells.h"
#include "channels/webhook/incident.h"

namespace keyturn::channels::webhook {
namespace {

constexpr std::string_view kIncident = "incident";

bool is_escalated(const gate::ActionRecord& record) {
  return record.review && !record.review->escalated_to.empty();
}

std::string word_for(Stage stage, const gate::ActionRecord& record) {
  return std::string(to_text(stage)) + "/r" +
         std::to_string(record.review ? record.review->round : 0) +
         (is_escalated(record) ? "/escalated" : "");
}

}  // namespace

Task<Result<void>> Pager::start() {
  co_return Result<void>{};
}

// What is over and was never told is ended all the same: an answer may have been lost, and whoever
// was called is not to go on being called.
std::vector<Errand> Pager::due(const Matter& matter, const KeptPlaces& kept) {
  const gate::ActionRecord& record = *matter.record;
  const auto at = kept.find(kIncident);
  const Stage told =
      at == kept.end() ? Stage::kNone : stage_from_text(at->second.memo.text("stage"));
  const Stage wanted = stage_of(record);
  const bool is_open_there = told == Stage::kTriggered || told == Stage::kAcknowledged;
  const bool may_begin = tells(kind(), record, is_escalated(record), settings_.always) &&
                         (wanted != Stage::kResolved || at == kept.end());
  if (!is_open_there && !may_begin) return {};
  return {{std::string(kIncident), word_for(wanted, record), nullptr}};
}

Task<Carried> Pager::carry(Matter matter, Errand, doc::Value memo) {
  const Result<Secret> key = co_await receiver_.secret();
  if (!key) co_return std::unexpected(receiver_.secret_missing(key.error()));
  const gate::ActionRecord& record = *matter.record;
  const Stage wanted = stage_of(record);
  const Alert alert = alert_of(record, ports_.desk.page_of(record));
  for (const Stage step : steps(stage_from_text(memo.text("stage")), wanted)) {
    const Taken done = co_await receiver_.post(request_for(settings_, *key, step, alert));
    if (!done) co_return std::unexpected(done.error());
  }
  co_return doc::object({{"stage", std::string(to_text(wanted))}});
}

}  // namespace keyturn::channels::webhook
