// Buttons of cards: adaptiveCard/action invokes. Every one asks anew who that is, and is answered
// by the card as this person sees it now, or by words. What is refused changes nothing.
#include "channels/teams/impl.h"

namespace keyturn::channels::teams {
namespace {

constexpr std::string_view kNotLinked =
    "Your Teams account is linked to nobody in Keyturn yet. Open your account page there, choose "
    "Teams, and send me the code: link CODE";

std::string text_at(const doc::Value& value, std::initializer_list<std::string_view> path) {
  const doc::Value* found = value.find_path(path);
  return found != nullptr && found->is_string() ? found->as_string() : std::string();
}

std::string in_words(const Refusal& refusal) {
  return refusal.message + ".";
}

}  // namespace

Task<std::string> Teams::Impl::clicked(Activity activity) {
  const std::string verb = text_at(activity.value, {"action", "verb"});
  const Result<Caller> caller = co_await who(activity);
  if (!caller) co_return words_answer(in_words(caller.error()));
  if (verb == "link_yes" || verb == "link_no")
    co_return link_answered(activity, *caller, verb == "link_yes");
  if (caller->person == nullptr) {
    co_await leave_trace(caller->account, "account_not_linked");
    co_return words_answer(kNotLinked);
  }
  co_return co_await act(std::move(activity), *caller, verb);
}

Task<std::string> Teams::Impl::act(Activity activity, Caller caller, std::string verb) {
  const ActionId id(text_at(activity.value, {"action", "data", "action"}));
  const Principal who = principal_of(caller);
  if (verb == "refresh") co_return co_await shown_to(caller, id);
  Result<gate::RecordPtr> done = refuse("not_found", "this button is not known here");
  if (verb == "approve" || verb == "deny") {
    const gate::RecordPtr record = co_await ports.desk.gate().find(who, id);
    const bool whole = record && card_for(*record, caller.person).whole;
    done = co_await ports.desk.vote(
        who, id, verb == "approve" ? review::Decision::kApprove : review::Decision::kDeny,
        text_at(activity.value, {"action", "data", "digest"}),
        verb == "deny" ? text_at(activity.value, {"action", "data", "reason"}) : "", whole);
  } else if (verb == "take_back") {
    done = co_await ports.desk.take_back(who, id);
  } else if (verb == "comment") {
    done =
        co_await ports.desk.comment(who, id, text_at(activity.value, {"action", "data", "text"}));
  }
  if (!done) co_return words_answer(in_words(done.error()));
  co_return co_await shown_to(caller, id);
}

Task<std::string> Teams::Impl::shown_to(Caller caller, ActionId id) {
  const gate::RecordPtr record = co_await ports.desk.gate().find(principal_of(caller), id);
  if (!record) co_return words_answer("There is no such action, or not for you.");
  // Somebody may have been shut out since.
  const people::Person* person = ports.desk.person_of(caller.account);
  if (person == nullptr) co_return words_answer(kNotLinked);
  co_return card_answer(card_for(*record, person).value);
}

std::string Teams::Impl::link_answered(const Activity& activity, const Caller& caller, bool yes) {
  const Result<Links::Attempt> agreed =
      ports.links.agree(caller.account, text_at(activity.value, {"action", "data", "link"}), yes);
  if (!agreed) return words_answer(in_words(agreed.error()));
  Words words;
  if (yes) {
    words = {.heading = "One step is left",
             .lines = {"Open your account page in Keyturn and confirm this Teams account there. "
                       "Until then nothing is linked."},
             .fields = {},
             .actions = {}};
    words.actions.push_back(open_page("Open my account", ports.desk.public_url() + "/account"));
  } else {
    words.heading = "Nothing was linked";
  }
  return card_answer(card_of(std::move(words)));
}

}  // namespace keyturn::channels::teams
