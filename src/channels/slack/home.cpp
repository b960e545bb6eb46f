#include "channels/slack/home.h"

#include <algorithm>

#include "base/task_impl.h"
#include "channels/slack/words.h"
#include "doc/json.h"
#include "net/loop.h"
#include "review/quorum.h"

namespace keyturn::channels::slack {
namespace {

constexpr Duration kKeptFor = std::chrono::hours(8), kGather = std::chrono::milliseconds(300);
constexpr Duration kBetweenHomes = std::chrono::milliseconds(2),
                   kAskAgain = std::chrono::seconds(5);
constexpr std::size_t kHomesMax = 5000, kShownMax = 30;
constexpr std::size_t kBlocksMax = 95;  // of Slack's 100 in a view

doc::Value home_of(doc::Array blocks) {
  return doc::object({{"type", "home"}, {"blocks", std::move(blocks)}});
}

doc::Value stranger_home(std::string_view words) {
  doc::Array blocks;
  render::RichText text;
  text.literal(render::render_text(words, render::Style::kProse).runs, false);
  blocks.push_back(text.block());
  return home_of(std::move(blocks));
}

// Where the glass was broken and what was escalated come first; then what more people are asked
// about: policy has judged it the riskier.
int risk_of(const gate::ActionRecord& record) {
  const bool escalated = record.review && !record.review->escalated_to.empty();
  const int people = record.review ? review::people_asked(record.review->plan) : 0;
  return (record.break_glass.empty() ? 0 : 2000) + (escalated ? 1000 : 0) + std::min(people, 999);
}

void add_item(doc::Array& blocks, const render::Card& card) {
  render::RichText text;
  say_what(text, card);
  std::size_t shown = 0;
  for (const render::Field& field : card.status) {
    // "What" is there already; the next few say who, why and until when.
    if (&field == &card.status.front() || ++shown > 6) continue;
    const std::string value = render::to_plain_text(field.value);
    if (value.size() > 400) continue;
    text.line().literal_line(field.name, false).own(": ").literal_line(field.value);
  }
  blocks.push_back(text.block());
  doc::Array buttons;
  buttons.push_back(doc::object({{"type", "button"},
                                 {"action_id", "open"},
                                 {"text", render::slack_plain("Open", 75)},
                                 {"url", card.page}}));
  blocks.push_back(doc::object({{"type", "actions"}, {"elements", std::move(buttons)}}));
  blocks.push_back(doc::object({{"type", "divider"}}));
}

doc::Value inbox_home(const Office& office, const std::string& person) {
  Desk& desk = office.ports.desk;
  std::vector<const gate::ActionRecord*> waiting = desk.gate().waiting_for(person);
  std::ranges::sort(waiting, [](const gate::ActionRecord* a, const gate::ActionRecord* b) {
    const int first = risk_of(*a), second = risk_of(*b);
    return first != second ? first > second : a->id < b->id;  // ids sort by time
  });
  doc::Array blocks;
  const std::string count = waiting.empty() ? "Nothing waits for you"
                                            : "Waiting for you: " + std::to_string(waiting.size());
  blocks.push_back(doc::object({{"type", "header"}, {"text", render::slack_plain(count, 150)}}));
  std::size_t shown = 0;
  const people::Person* reader = desk.gate().world().directory.person(person);
  while (shown < std::min(waiting.size(), kShownMax) && blocks.size() + 4 < kBlocksMax)
    add_item(blocks, desk.card_of(kName, *waiting[shown++], reader));
  render::RichText more;
  if (shown < waiting.size()) more.own(std::to_string(waiting.size() - shown) + " more. ");
  more.link(desk.public_url() + "/", "Your inbox in Keyturn");
  blocks.push_back(more.block());
  return home_of(std::move(blocks));
}

}  // namespace

Task<void> Homes::opened(std::string user, std::string team) {
  if (!is_slack_id(user)) co_return;
  const Time now = office_->now();
  std::erase_if(open_,
                [&](const auto& one) { return one.second.until <= now && !one.second.writing; });
  if (open_.size() >= kHomesMax && !open_.contains(user)) co_return;
  Open& home = open_[user];
  home.until = now + kKeptFor;
  home.shown.clear();
  home.changed = true;
  if (!std::exchange(home.writing, true)) co_await write(shared_from_this(), user, team);
}

void Homes::changed(const std::string& user) {
  const auto found = open_.find(user);
  if (found == open_.end() || found->second.until <= office_->now()) return;
  found->second.changed = true;
  if (!std::exchange(found->second.writing, true))
    start(office_, write(shared_from_this(), user, office_->settings.team));
}

void Homes::people_changed() {
  look_again_ = true;
  if (!std::exchange(looking_, true)) start(office_, look_at_all(shared_from_this()));
}

bool Homes::is_outdated(const std::string& user) const {
  const auto found = open_.find(user);
  if (found == open_.end()) return false;
  const Office& office = *office_;
  const people::Person* person = office.ports.desk.person_of(office.visitors.account_of(user));
  if (person == nullptr || person->id != found->second.person) return true;
  return doc::write_json(inbox_home(office, person->id)) != found->second.shown;
}

// One after the other, so that everything else goes on meanwhile.
Task<void> Homes::look_at_all(std::shared_ptr<Homes> me) {
  while (std::exchange(me->look_again_, false)) {
    std::vector<std::string> users;
    for (const auto& [user, home] : me->open_) users.push_back(user);
    for (const std::string& user : users) {
      if (me->is_outdated(user)) me->changed(user);
      co_await me->office_->ports.loop.sleep(kBetweenHomes);
    }
  }
  me->looking_ = false;
}

Task<void> Homes::write(std::shared_ptr<Homes> me, std::string user, std::string team) {
  while (me->open_.contains(user) && std::exchange(me->open_[user].changed, false)) {
    const Result<Visitor> visitor = co_await me->office_->visitors.admit(user, team);
    if (!visitor && visitor.error().code == "slack_unreachable") {
      co_await me->office_->ports.loop.sleep(kAskAgain);
      if (me->open_.contains(user)) me->open_[user].changed = true;
      continue;
    }
    const doc::Value view = visitor ? inbox_home(*me->office_, visitor->person)
                                    : stranger_home(visitor.error().message + ".");
    Open& home = me->open_[user];
    const std::string person = visitor ? visitor->person : "";
    if (person != home.person || person.empty()) {
      home.person = person;
      home.watch = {};
      const std::weak_ptr<Homes> weak = me;
      if (!person.empty())
        home.watch = me->office_->ports.desk.gate().watch_inbox(
            person, [weak, user](const gate::RecordPtr&) {
              if (const auto homes = weak.lock()) homes->changed(user);
            });
    }
    const std::string text = doc::write_json(view);
    if (text != home.shown) {
      const Answer shown =
          co_await me->office_->client.call("views.publish", {{"user_id", user}, {"view", text}});
      if (shown && me->open_.contains(user)) me->open_[user].shown = text;
      if (!shown) me->office_->ports.log("slack: " + shown.error().what.why);
      // Slack asked to wait, or does not answer: later, once.
      if (!shown && shown.error().what.kind != Undelivered::Kind::kNever) {
        co_await me->office_->ports.loop.sleep(
            shown.error().what.retry_after.value_or(std::chrono::seconds(5)));
        if (me->open_.contains(user)) me->open_[user].changed = true;
      }
    }
    co_await me->office_->ports.loop.sleep(kGather);  // a burst is one update
  }
  if (me->open_.contains(user)) me->open_[user].writing = false;
}

}  // namespace keyturn::channels::slack
