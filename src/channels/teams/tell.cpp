// Cards to people and rooms, kept true; calls and comments as short messages after them.
//
// Places: "person:ID" and "room:GROUP" hold a card; "call:" and "said:" before one of these are
// what is said after it. Memo of a card: where it is, and how many calls and comments there were by
// then.
#include "channels/teams/impl.h"
#include "channels/tells.h"
#include "doc/json.h"

namespace keyturn::channels::teams {
namespace {

constexpr std::string_view kPerson = "person:", kRoom = "room:", kCall = "call:",
                           kSaidHere = "said:";
constexpr std::size_t kSmallCard = 6 * 1024;        // where Teams finds the usual one too large
constexpr std::size_t kCommentShownMax = 4 * 1024;  // bytes
constexpr std::size_t kCommentsAtOnce = 5;

bool is_channel(std::string_view conversation) {
  return conversation.contains("@thread.tacv2") || conversation.contains("@thread.skype");
}

bool holds_card(std::string_view place) {
  return place.starts_with(kPerson) || place.starts_with(kRoom);
}

std::string_view summary_of(const gate::ActionRecord& record) {
  return record.state == State::kPending ? "A request waits for people" : "A request was decided";
}

}  // namespace

std::string Teams::Impl::word_for(const std::string& by, const std::string& text) const {
  return ports.desk.fingerprint("teams said\n" + by + "\n" + text);
}

render::Encoded Teams::Impl::card_for(const gate::ActionRecord& record,
                                      const people::Person* reader,
                                      std::vector<std::string> refresh_for,
                                      std::size_t bytes_max) const {
  return render::adaptive_card(ports.desk.card_of("teams", record, reader),
                               {.refresh_for = std::move(refresh_for), .bytes_max = bytes_max});
}

// ------------------------------------------------------------------ who is where

std::string Teams::Impl::object_of(const std::string& person) {
  const people::Directory& directory = ports.desk.gate().world().directory;
  const people::Person* found = directory.person(person);
  if (found == nullptr || !found->active) return {};
  const std::string account = chat_account_of(*found, "teams");
  const std::string mine = account_of("");
  if (account.starts_with(mine)) return account.substr(mine.size());
  if (met_directory != directory.version() || met_contacts != contacts.version()) {
    met_people.clear();
    for (const auto& [object_id, contact] : contacts.all()) {
      const people::Person* one = ports.desk.person_of(account_of(object_id));
      if (one != nullptr) met_people[one->id] = object_id;
    }
    met_directory = directory.version();
    met_contacts = contacts.version();
  }
  const auto met_one = met_people.find(person);
  return met_one == met_people.end() ? "" : met_one->second;
}

std::vector<std::string> Teams::Impl::refresh_for(const std::vector<std::string>& people) {
  std::vector<std::string> out;
  for (const std::string& person : people) {
    const Contact* contact = contacts.of(object_of(person));
    if (contact != nullptr && !contact->user.empty()) out.push_back(contact->user);
    if (out.size() == render::kRefreshedUsersMax) break;
  }
  return out;
}

doc::Value Teams::Impl::card_at(const Matter& matter, std::string_view place,
                                std::size_t bytes_max) {
  if (place.starts_with(kRoom))
    return card_for(*matter.record, nullptr, refresh_for(matter.asked), bytes_max).value;
  const people::Person* reader =
      ports.desk.gate().world().directory.person(place.substr(kPerson.size()));
  const bool may = reader != nullptr && reader->active &&
                   ports.desk.gate().may_read(ports.desk.principal_of(*reader, "teams", "teams"),
                                              *matter.record);
  if (!may)
    return card_of({.heading = "This request is not yours to see any more",
                    .lines = {},
                    .fields = {},
                    .actions = {}});
  return card_for(*matter.record, reader, {}, bytes_max).value;
}

// ------------------------------------------------------------------ what is due

std::set<std::string> Teams::Impl::places_of(const Matter& matter, const KeptPlaces& kept) {
  std::set<std::string> out;
  for (const auto& [place, one] : kept) {
    if (holds_card(place) && !one.memo.is_null()) out.insert(place);
  }
  const gate::ActionRecord& record = *matter.record;
  if (record.state != State::kPending || !tells("teams", record, matter.escalations > 0))
    return out;
  if (config.tell_people) {
    for (const std::string& person : matter.asked) {
      if (!object_of(person).empty()) out.insert(std::string(kPerson) + person);
    }
  }
  if (!config.tell_rooms) return out;
  std::set<std::string> groups = groups_of(record.review->plan);
  if (!record.review->escalated_to.empty()) groups.insert(record.review->escalated_to);
  for (const std::string& group : groups) {
    auto room = config.rooms.find(group);
    if (room == config.rooms.end()) room = config.rooms.find("*");
    if (room != config.rooms.end()) out.insert(std::string(kRoom) + room->first);
  }
  return out;
}

std::vector<Errand> Teams::Impl::due(const Matter& matter, const KeptPlaces& kept) {
  std::vector<Errand> out;
  const std::set<std::string> asked(matter.asked.begin(), matter.asked.end());
  for (const std::string& place : places_of(matter, kept)) {
    doc::Value card = card_at(matter, place, render::kAdaptiveBytesMax);
    std::string word = "card:" + ports.desk.fingerprint(doc::write_json(card));
    out.push_back({place, std::move(word), doc::object({{"card", std::move(card)}})});
    const auto there = kept.find(place);
    if (there == kept.end() || there->second.memo.is_null()) continue;
    const doc::Value& memo = there->second.memo;
    const auto calls = static_cast<std::int64_t>(matter.calls);
    const bool still = place.starts_with(kRoom) || asked.contains(place.substr(kPerson.size()));
    if (matter.record->state == State::kPending && still && calls > memo.integer("calls"))
      out.push_back({std::string(kCall) + place, "call:" + std::to_string(calls),
                     doc::object({{"at", memo}, {"card", call_card(*matter.record)}})});
    if (std::optional<Errand> said = comments_due(*matter.record, place, kept))
      out.push_back(*std::move(said));
  }
  return out;
}

doc::Value Teams::Impl::call_card(const gate::ActionRecord& record) const {
  const bool escalated = record.review && !record.review->escalated_to.empty();
  Words out{
      .heading = escalated ? "It was escalated: this still waits" : "This still waits",
      .lines = {},
      .fields = {{{render::own("Request")}, render::render_text(record.id.str()).runs},
                 {{render::own("Until")}, render::render_text(to_rfc3339(record.expires_at)).runs}},
      .actions = {}};
  out.actions.push_back(open_page("See all of it", ports.desk.page_of(record)));
  return card_of(std::move(out));
}

doc::Value Teams::Impl::comment_card(const gate::ActionRecord& record,
                                     const std::vector<const gate::Comment*>& comments) const {
  Words out{.heading = "Said about " + record.id.str(), .lines = {}, .fields = {}, .actions = {}};
  for (const gate::Comment* one : comments) {
    const bool is_long = one->text.size() > kCommentShownMax;
    const std::string name = render::to_plain_text(render::render_text(one->by).runs);
    out.fields.push_back({{render::own(name)},
                          is_long ? render::Runs{render::own("a long comment: open the page")}
                                  : render::render_text(one->text, render::Style::kProse).runs});
  }
  out.actions.push_back(open_page("See all of it", ports.desk.page_of(record)));
  return card_of(std::move(out));
}

std::optional<Errand> Teams::Impl::comments_due(const gate::ActionRecord& record,
                                                const std::string& place, const KeptPlaces& kept) {
  const doc::Value& memo = kept.find(place)->second.memo;
  const std::string after = std::string(kSaidHere) + place;
  const auto before = kept.find(after);
  auto told = static_cast<std::size_t>(memo.integer("comments"));
  if (before != kept.end())
    told = std::max(told, static_cast<std::size_t>(before->second.memo.integer("told")));
  const auto here = said_there.find(record.id.str());
  std::vector<const gate::Comment*> wanted;
  std::size_t at = told;
  for (; at < record.comments.size() && wanted.size() < kCommentsAtOnce; ++at) {
    const gate::Comment& one = record.comments[at];
    const bool own = place.starts_with(kPerson) && place.substr(kPerson.size()) == one.by;
    const bool seen_there = place.starts_with(kRoom) && here != said_there.end() &&
                            here->second.contains(word_for(one.by, one.text));
    if (!one.erased && !own && !seen_there) wanted.push_back(&one);
  }
  if (wanted.empty()) return std::nullopt;
  if (place.starts_with(kPerson)) {
    const people::Person* reader =
        ports.desk.gate().world().directory.person(place.substr(kPerson.size()));
    if (reader == nullptr || !reader->active ||
        !ports.desk.gate().may_read(ports.desk.principal_of(*reader, "teams", "teams"), record))
      return std::nullopt;
  }
  return Errand{after, "said:" + std::to_string(at),
                doc::object({{"at", memo},
                             {"told", static_cast<std::int64_t>(at)},
                             {"card", comment_card(record, wanted)}})};
}

// ------------------------------------------------------------------ carrying it

Task<Carried> Teams::Impl::carry(Matter matter, Errand errand, doc::Value memo) {
  const auto failed = [](const ApiError& why) { return std::unexpected(undelivered(why)); };
  if (!holds_card(errand.place)) {
    const doc::Value& at = *errand.what.find("at");
    const Answered<std::string> posted = co_await api.post(
        std::string(at.text("service_url")), std::string(at.text("conversation")),
        message_of(*errand.what.find("card"), errand.place.starts_with(kCall)
                                                  ? "A request still waits"
                                                  : "Something was said about a request"));
    if (!posted) co_return failed(posted.error());
    co_return doc::object({{"message", *posted}, {"told", errand.what.integer("told")}});
  }
  doc::Value activity = message_of(*errand.what.find("card"), summary_of(*matter.record));
  Answered<doc::Value> done = co_await put(errand.place, memo, std::move(activity));
  if (!done && done.error().status == 413) {
    activity = message_of(card_at(matter, errand.place, kSmallCard), summary_of(*matter.record));
    done = co_await put(errand.place, memo, std::move(activity));
  }
  if (!done) co_return failed(done.error());
  if (done->find("calls") == nullptr) {  // another message than before
    done->set("calls", matter.calls);
    done->set("comments", static_cast<std::uint64_t>(matter.record->comments.size()));
  }
  co_return *done;
}

// The new memo.
Task<Answered<doc::Value>> Teams::Impl::put(std::string place, doc::Value memo,
                                            doc::Value activity) {
  const auto failed = [](ApiError why) { return std::unexpected(std::move(why)); };
  if (!memo.is_null()) {
    const Answered<void> updated = co_await api.update(std::string(memo.text("service_url")),
                                                       std::string(memo.text("conversation")),
                                                       std::string(memo.text("message")), activity);
    if (updated) co_return memo;
    if (updated.error().status != 404) co_return failed(updated.error());
  }
  if (place.starts_with(kPerson)) co_return co_await put_to_person(place, std::move(activity));
  const auto room = config.rooms.find(place.substr(kRoom.size()));
  if (room == config.rooms.end())
    co_return failed({404, "", "that room is not in keyturn.yaml any more", {}});
  const std::string url =
      room->second.service_url.empty() ? service_url() : room->second.service_url;
  std::string conversation = room->second.conversation, message;
  if (is_channel(conversation)) {
    const Answered<Api::Thread> opened =
        co_await api.open_thread(url, conversation, std::move(activity));
    if (!opened) co_return failed(opened.error());
    conversation = opened->conversation;
    message = opened->message;
  } else {
    const Answered<std::string> posted = co_await api.post(url, conversation, std::move(activity));
    if (!posted) co_return failed(posted.error());
    message = *posted;
  }
  co_return doc::object(
      {{"service_url", url}, {"conversation", conversation}, {"message", message}});
}

Task<Answered<doc::Value>> Teams::Impl::put_to_person(std::string place, doc::Value activity) {
  const std::string object_id = object_of(place.substr(kPerson.size()));
  if (object_id.empty())
    co_return std::unexpected(
        ApiError{404, "", "the person's Teams account is not linked any more", {}});
  const std::string url = service_url();
  for (int attempt = 0;; ++attempt) {
    const Answered<std::string> chat = co_await chat_of(object_id);
    if (!chat) co_return std::unexpected(chat.error());
    const Answered<std::string> posted = co_await api.post(url, *chat, activity);
    if (posted)
      co_return doc::object({{"service_url", url}, {"conversation", *chat}, {"message", *posted}});
    const bool is_gone = posted.error().status == 404;
    if (is_gone) co_await contacts.forget(object_id);  // another chat since
    if (!is_gone || attempt > 0) co_return std::unexpected(posted.error());
  }
}

// The chat with this person, opened where there is none yet.
Task<Answered<std::string>> Teams::Impl::chat_of(std::string object_id) {
  const Contact* known = contacts.of(object_id);
  if (known != nullptr && !known->conversation.empty()) co_return known->conversation;
  Contact contact = known != nullptr ? *known : Contact{};
  Answered<std::string> chat = co_await api.chat_with(service_url(), object_id);
  if (!chat) co_return chat;
  contact.conversation = *chat;
  co_await contacts.remember(object_id, std::move(contact));
  co_return chat;
}

// ------------------------------------------------------------------ which thread is of which
// action

void Teams::Impl::index(const std::string& action, const std::string& place, const Kept* kept) {
  if (!place.starts_with(kRoom)) return;
  if (kept == nullptr) {
    std::erase_if(threads, [&](const auto& item) { return item.second == action; });
    if (said_there.erase(action) > 0) ports.loop.spawn(forget_said(action));
    return;
  }
  const std::string conversation(kept->memo.text("conversation"));
  if (conversation.contains(";messageid=")) threads[conversation] = action;
}

Task<void> Teams::Impl::forget_said(std::string action) {
  (void)co_await ports.keep.write("teams/said/" + action, std::nullopt);
}

}  // namespace keyturn::channels::teams
