#include "store/sqlite/read_figures.h"

#include "model/action.h"
#include "store/read_model.h"

namespace keyturn::store::sqlite {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kDayMs = 24 * kHourMs;

std::int64_t day_of(Time time) {
  return unix_ms(time) / kDayMs;
}

// How it came out, once it is decided: nothing before.
std::string_view outcome_of(const Event& event, bool people_were_asked) {
  const std::optional<State> state = state_from_text(event.body.text("state"));
  if (!state || event.type == "canary.revealed") return {};
  switch (*state) {
    case State::kApproved:
      return event.type == "review.closed" || event.type == "release.held" ? ""
             : people_were_asked                                           ? "approved"
                                                                           : "allowed";
    case State::kExecuting:
      return people_were_asked ? "approved" : "allowed";
    case State::kDenied:
      return event.type == "review.closed" ? "refused" : "denied";
    case State::kExpired:
      return "expired";
    case State::kCancelled:
      return "cancelled";
    case State::kDeferred:
    case State::kPending:
    case State::kSucceeded:
    case State::kFailed:
    case State::kUnknown:
      return {};
  }
  return {};
}

std::string_view text_in(const Event& event, std::string_view part, std::string_view key) {
  const doc::Value* found = event.body.find(part);
  return found == nullptr ? std::string_view() : found->text(key);
}

}  // namespace

ReadFigures::ReadFigures(Database& database)
    : read_row_(database, "SELECT tool, asked_ms, outcome IS NOT NULL FROM action WHERE seq = ?"),
      set_asked_(database, "UPDATE action SET asked_ms = ? WHERE seq = ?"),
      set_outcome_(database, "UPDATE action SET outcome = ? WHERE seq = ?"),
      read_groups_(database,
                   "SELECT substr(who, 7) FROM visible WHERE seq = ? AND who LIKE 'group:%'"),
      add_(database,
           "INSERT INTO figure(day, what, name, detail, n) VALUES(?, ?, ?, ?, ?) "
           "ON CONFLICT DO UPDATE SET n = n + excluded.n"),
      add_vote_(database,
                "INSERT OR REPLACE INTO approval(seq, person, by, at_ms) VALUES(?, ?, ?, ?)"),
      drop_vote_(database, "DELETE FROM approval WHERE seq = ? AND by = ?"),
      mark_canary_(database, "UPDATE action SET canary = 1 WHERE seq = ?") {}

ReadFigures::Row ReadFigures::row_of(std::int64_t seq) {
  Query query(read_row_);
  if (!query.bind(seq).step()) return {};
  Row row{std::string(query.bytes(0)), std::nullopt, query.integer(2) != 0};
  if (!query.is_null(1)) row.asked_ms = query.integer(1);
  return row;
}

std::set<std::string> ReadFigures::groups_asked(std::int64_t seq) {
  std::set<std::string> out;
  Query query(read_groups_);
  query.bind(seq);
  while (query.step()) out.emplace(query.bytes(0));
  return out;
}

void ReadFigures::count(std::int64_t day, std::string_view what, std::string_view name,
                        std::string_view detail) {
  ++counted_[{day, std::string(what), std::string(name), std::string(detail)}];
}

void ReadFigures::note(std::int64_t seq, const Event& event) {
  if (event.type == "review.opened") note_opened(seq, event);
  if (event.type == "review.voted") note_vote(seq, event);
  if (event.type == "review.vote_withdrawn")
    Query(drop_vote_).bind(seq).bind_text(text_in(event, "vote", "reviewer")).run();
  if (event.type == "canary.revealed") note_canary(seq, event);
  if (event.body.find("state") != nullptr) note_outcome(seq, event);
}

void ReadFigures::note_opened(std::int64_t seq, const Event& event) {
  const doc::Value* round = event.body.find_path({"review", "round"});
  if (round == nullptr || round->as_int64() != 1) return;
  const std::int64_t ms = unix_ms(event.time);
  Query(set_asked_).bind(ms).bind(seq).run();
  count(day_of(event.time), "hour", "asked", std::to_string(ms % kDayMs / kHourMs));
  for (const std::string& group : groups_asked(seq)) count(day_of(event.time), "asked", group, "");
}

void ReadFigures::note_vote(std::int64_t seq, const Event& event) {
  const std::int64_t ms = unix_ms(event.time);
  const std::string reviewer(text_in(event, "vote", "reviewer"));
  const std::string_view decision = text_in(event, "vote", "decision");
  const std::string_view whose = text_in(event, "vote", "instead_of");
  for (const std::string_view person : {std::string_view(reviewer), whose}) {
    if (decision == "approve" && !person.empty())
      Query(add_vote_).bind(seq).bind_text(person).bind_text(reviewer).bind(ms).run();
  }
  count(day_of(event.time), "hour", "answered", std::to_string(ms % kDayMs / kHourMs));
  const doc::Value* looked = event.body.find_path({"vote", "looked_s"});
  for (const std::string& group : groups_asked(seq)) {
    count(day_of(event.time), "vote", group, std::string(decision) + " " + reviewer);
    if (looked == nullptr || !looked->as_int64()) continue;
    const Duration time = std::chrono::seconds(*looked->as_int64());
    count(day_of(event.time), "look", group,
          std::to_string(duration_bucket(time)) + " " + reviewer);
  }
}

void ReadFigures::note_outcome(std::int64_t seq, const Event& event) {
  const Row row = row_of(seq);
  const std::string_view outcome = outcome_of(event, row.asked_ms.has_value());
  if (outcome.empty() || row.counted) return;
  Query(set_outcome_).bind_text(outcome).bind(seq).run();
  const std::int64_t day = day_of(event.time);
  count(day, "outcome", row.tool, outcome);
  if (!row.asked_ms || (outcome != "approved" && outcome != "refused")) return;
  const auto took = std::chrono::milliseconds(unix_ms(event.time) - *row.asked_ms);
  const std::string bucket = std::to_string(duration_bucket(took));
  count(day, "took", "", bucket);
  for (const std::string& group : groups_asked(seq)) count(day, "took", group, bucket);
}

// An exercise is no outcome, and nothing that an agent asked for.
void ReadFigures::note_canary(std::int64_t seq, const Event& event) {
  Query(mark_canary_).bind(seq).run();
  const std::string_view result = text_in(event, "canary", "result");
  count(day_of(event.time), "canary", "", result);
  for (const std::string& group : groups_asked(seq))
    count(day_of(event.time), "canary", group, result);
}

void ReadFigures::flush() {
  for (const auto& [key, n] : counted_) {
    const auto& [day, what, name, detail] = key;
    Query(add_).bind(day).bind_text(what).bind_text(name).bind_text(detail).bind(n).run();
  }
  counted_.clear();
}

}  // namespace keyturn::store::sqlite
