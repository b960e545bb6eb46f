#include "channels/slack/deliver.h"

#include <algorithm>
#include <set>

#include "base/task_impl.h"
#include "channels/slack/comments.h"
#include "channels/slack/words.h"
#include "channels/tells.h"
#include "doc/json.h"

namespace keyturn::channels::slack {
namespace {

constexpr std::string_view kUser = "user:", kRoom = "room:", kCalls = "/calls", kThread = "/thread";
constexpr std::size_t kPlacesMax = 500, kMentionsMax = 20;

bool is_open(const gate::ActionRecord& record) {
  return record.state == State::kPending && record.review.has_value();
}

std::string_view behind(std::string_view place, std::string_view begin) {
  return place.starts_with(begin) ? place.substr(begin.size()) : std::string_view();
}

// The card in that place, as it is to be now.
render::Card card_at(Office& office, const gate::ActionRecord& record, std::string_view place) {
  Desk& desk = office.ports.desk;
  const std::string_view user = behind(place, kUser);
  if (user.empty()) return desk.card_of(kName, record, nullptr);
  const std::string account = office.visitors.account_of(user);
  const people::Person* person = desk.person_of(account);
  if (person == nullptr)
    return empty_card(desk.card_of(kName, record, nullptr),
                      "This Slack account is not linked to anybody in Keyturn any more.");
  if (!desk.gate().may_read(desk.principal_of(*person, kName, account), record))
    return empty_card(desk.card_of(kName, record, person), "This is not for you any more.");
  return desk.card_of(kName, record, person);
}

// Where it is to be shown, besides where it is already.
std::set<std::string> places_of(Office& office, const Matter& matter) {
  std::set<std::string> out;
  const gate::ActionRecord& record = *matter.record;
  if (!is_open(record) || !tells(kName, record, matter.escalations > 0)) return out;
  const Settings& settings = office.settings;
  if (settings.tell_people) {
    const auto& directory = office.ports.desk.gate().world().directory;
    for (const std::string& id : matter.asked) {
      const people::Person* person = directory.person(id);
      const std::string user = person == nullptr ? "" : office.visitors.user_of(*person);
      if (!user.empty() && out.size() < kPlacesMax) out.insert(std::string(kUser) + user);
    }
  }
  if (settings.tell_rooms) {
    std::set<std::string> groups = groups_of(record.review->plan);
    if (!record.review->escalated_to.empty()) groups.insert(record.review->escalated_to);
    for (const std::string& group : groups) {
      const std::string room = settings.room_of(group);
      if (!room.empty()) out.insert(std::string(kRoom) + room);
    }
  }
  return out;
}

std::string word_of(const Office& office, const doc::Value& message) {
  return "card:" + office.ports.desk.fingerprint(doc::write_json(message));
}

// Rooms are the administrators' choice; a person's card is for who may read the action.
bool may_see(const Office& office, const Matter& matter, std::string_view place) {
  const std::string_view user = behind(place, kUser);
  if (user.empty()) return true;
  Desk& desk = office.ports.desk;
  const std::string account = office.visitors.account_of(user);
  const people::Person* person = desk.person_of(account);
  return person != nullptr &&
         desk.gate().may_read(desk.principal_of(*person, kName, account), *matter.record);
}

bool still_asks(const Office& office, const Matter& matter, std::string_view place) {
  const std::string_view user = behind(place, kUser);
  if (user.empty()) return true;
  const people::Person* person = office.ports.desk.person_of(office.visitors.account_of(user));
  return person != nullptr && std::ranges::find(matter.asked, person->id) != matter.asked.end();
}

std::int64_t kept_number(const KeptPlaces& kept, const std::string& place, std::int64_t otherwise) {
  const auto found = kept.find(place);
  return found == kept.end() ? otherwise : found->second.memo.integer("n", otherwise);
}

// What hangs below a card that is there.
void add_below(const Office& office, const Matter& matter, const KeptPlaces& kept,
               const std::string& place, const doc::Value& card, std::vector<Errand>& out) {
  const bool may = may_see(office, matter, place);
  const doc::Value where =
      doc::object({{"channel", card.text("channel")}, {"ts", card.text("ts")}});
  const auto calls = static_cast<std::int64_t>(matter.calls);
  const std::string calls_place = place + std::string(kCalls);
  if (may && is_open(*matter.record) && still_asks(office, matter, place) &&
      calls > kept_number(kept, calls_place, card.integer("calls")))
    out.push_back({calls_place, "call:" + std::to_string(calls), where});
  const std::string thread = place + std::string(kThread);
  const auto before = kept.find(thread);
  const Kept* told = before == kept.end() ? nullptr : &before->second;
  if (auto errand = comments_due(*matter.record, thread, told, where, may))
    out.push_back(*std::move(errand));
}

std::vector<std::string> mentions_of(const Office& office, const Matter& matter) {
  std::vector<std::string> out;
  for (const std::string& id : matter.asked) {
    const people::Person* person = office.ports.desk.gate().world().directory.person(id);
    const std::string user = person == nullptr ? "" : office.visitors.user_of(*person);
    if (!user.empty() && out.size() < kMentionsMax) out.push_back(user);
  }
  return out;
}

Task<Answer> put_card(OfficePtr office, std::string place, doc::Value message, doc::Value memo) {
  if (memo.text("ts").empty()) {
    const std::string to(place.substr(place.find(':') + 1));
    const Answer answer = co_await post(office, to, std::move(message), "");
    if (answer) {
      office->client.one_place(to, answer->text("channel"));
      office->pace.card_went(office->client.place_of(to));
    } else if (answer.error().what.kind == Undelivered::Kind::kPlaceBusy) {
      const Time now = office->now();
      office->pace.card_waits(office->client.place_of(to),
                              now + answer.error().what.retry_after.value_or(Duration{}), now);
    }
    co_return answer;
  }
  Form arguments = arguments_of(message);
  arguments.emplace_back("channel", memo.text("channel"));
  arguments.emplace_back("ts", memo.text("ts"));
  co_return co_await office->client.call("chat.update", std::move(arguments));
}

bool is_too_much(const Failure& failure) {
  return failure.word == "msg_blocks_too_long" || failure.word == "msg_too_long" ||
         failure.word == "invalid_blocks";
}

Task<Carried> carry_card(OfficePtr office, Matter matter, Errand errand, doc::Value memo) {
  Answer answer = co_await put_card(office, errand.place, errand.what, memo);
  if (!answer && answer.error().word == "message_not_found") {
    // Somebody deleted it: whoever still is to decide gets another one.
    if (!is_open(*matter.record)) co_return memo;
    memo = doc::Value();
    answer = co_await put_card(office, errand.place, errand.what, memo);
  }
  if (!answer && is_too_much(answer.error())) {
    const render::Card card = short_card(card_at(*office, *matter.record, errand.place));
    answer = co_await put_card(office, errand.place, render::block_kit(card).value, memo);
  }
  if (!answer) co_return std::unexpected(answer.error().what);
  if (!memo.text("ts").empty()) co_return memo;
  co_return doc::object(
      {{"channel", answer->text("channel")}, {"ts", answer->text("ts")}, {"calls", matter.calls}});
}

Task<Carried> carry_call(OfficePtr office, Matter matter, Errand errand) {
  const std::string card_place = errand.place.substr(0, errand.place.size() - kCalls.size());
  const bool in_room = card_place.starts_with(kRoom);
  const render::Card card = card_at(*office, *matter.record, card_place);
  const doc::Value message =
      reminder_of(card, in_room ? mentions_of(*office, matter) : std::vector<std::string>{},
                  matter.escalations > 0);
  const std::string channel(errand.what.text("channel"));
  const std::string thread(in_room ? errand.what.text("ts") : std::string_view());
  const Answer answer = co_await post(office, channel, message, thread);
  if (!answer) co_return std::unexpected(answer.error().what);
  co_return doc::object({{"n", matter.calls}});
}

}  // namespace

Task<Answer> post(OfficePtr office, std::string channel, doc::Value message, std::string thread) {
  Form arguments = arguments_of(message);
  arguments.emplace_back("channel", channel);
  if (!thread.empty()) arguments.emplace_back("thread_ts", thread);
  co_return co_await office->client.call("chat.postMessage", std::move(arguments));
}

bool shows_all(const Office& office, const gate::ActionRecord& record,
               const people::Person* reader) {
  return render::block_kit(office.ports.desk.card_of(kName, record, reader)).whole;
}

std::vector<Errand> due(Office& office, const Matter& matter, const KeptPlaces& kept) {
  std::vector<Errand> out, below;
  std::set<std::string> places = places_of(office, matter);
  for (const auto& [place, one] : kept) {
    if (!place.contains('/') && !one.memo.text("ts").empty()) places.insert(place);
  }
  for (const std::string& place : places) {
    doc::Value message = render::block_kit(card_at(office, *matter.record, place)).value;
    std::string word = word_of(office, message);
    out.push_back({place, std::move(word), std::move(message)});
    const auto card = kept.find(place);
    if (card != kept.end() && !card->second.memo.text("ts").empty())
      add_below(office, matter, kept, place, card->second.memo, below);
  }
  std::ranges::move(below, std::back_inserter(out));
  return out;
}

Task<Carried> carry(OfficePtr office, Matter matter, Errand errand, doc::Value memo) {
  const auto verified = co_await verify(office);
  if (!verified) co_return std::unexpected(verified.error().what);
  if (errand.place.ends_with(kCalls)) co_return co_await carry_call(office, matter, errand);
  if (errand.place.ends_with(kThread))
    co_return co_await carry_comments(office, matter, errand, memo);
  co_return co_await carry_card(office, matter, errand, memo);
}

}  // namespace keyturn::channels::slack
