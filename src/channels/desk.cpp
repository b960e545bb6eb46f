#include "channels/desk.h"

#include "base/bytes.h"
#include "base/task_impl.h"
#include "channels/case.h"
#include "channels/entra.h"
#include "crypto/crypto.h"

namespace keyturn::channels {
namespace {

std::unexpected<Refusal> no_such_action() {
  return refuse("not_found", "there is no such action, or not for you");
}

Result<void> approvable_by_click(const Plan& plan) {
  if (plan.look.count() > 0)
    return refuse("look_too_short", "this case asks for a look of at least " +
                                        keyturn::to_text(plan.look) + ", and that is on its page");
  if (!plan.retype.empty())
    return refuse("retype_mismatch",
                  "this case asks to type " + plan.retype + " again, and that is on its page");
  return {};
}

}  // namespace

Desk::Desk(gate::Gate& gate, std::string public_url, Secret fingerprint_key)
    : gate_(gate),
      public_url_(std::move(public_url)),
      fingerprint_key_(std::move(fingerprint_key)),
      meter_(10) {}

const people::Person* Desk::person_of(std::string_view account) const {
  const people::Directory& directory = gate_.world().directory;
  const people::Person* person = directory.by_account(account);
  const people::Person* vouched = vouched_for(account);
  if (person != nullptr && vouched != nullptr && !directory.same_human(person->id, vouched->id))
    return nullptr;
  if (person == nullptr) person = vouched;
  return person != nullptr && person->active && !person->simulated ? person : nullptr;
}

const people::Person* Desk::vouched_for(std::string_view account) const {
  return person_at_entra(gate_.world(), fingerprint_key_, account);
}

Principal Desk::principal_of(const people::Person& person, std::string_view channel,
                             std::string_view account) const {
  return {.kind = PrincipalKind::kPerson,
          .id = person.id,
          .credential = std::string(account),
          .assurance = Assurance::kChat,
          .channel = std::string(channel)};
}

Result<void> Desk::can_decide_in(std::string_view channel, const gate::ActionRecord& record,
                                 review::Decision decision) const {
  if (record.state != State::kPending || !record.review)
    return refuse("closed", "nobody is asked about this any more");
  const Plan& plan = record.review->plan;
  if (plan.channels && !plan.channels->contains(std::string(channel)))
    return refuse("wrong_channel",
                  "votes on this case are taken over: " + people::in_words(*plan.channels) +
                      "; not over " + std::string(channel));
  if (plan.assurance == Assurance::kPasskey)
    return refuse("passkey_required", "this case asks for a passkey, and that is on its page");
  if (plan.assurance > Assurance::kChat)
    return refuse("assurance_too_low",
                  "this case asks for a signed-in browser: decide on its page");
  return decision == review::Decision::kApprove ? approvable_by_click(plan) : Result<void>{};
}

std::string Desk::fingerprint(std::string_view text) const {
  return to_hex(view(crypto::hmac_sha256(fingerprint_key_.reveal(),
                                         std::string("channels\n").append(text))))
      .substr(0, 32);
}

std::string Desk::page_of(const gate::ActionRecord& record) const {
  return public_url_ + "/a/" + record.id.str();
}

Task<Result<gate::RecordPtr>> Desk::vote(Principal who, ActionId id, review::Decision decision,
                                         std::string digest, std::string note, bool whole) {
  const gate::RecordPtr record = co_await gate_.find(who, id);
  if (!record) co_return no_such_action();
  const auto refuse_it = [](Refusal why) { return std::unexpected(std::move(why)); };
  // Whoever may not vote at all hears that from the gate first, as everywhere.
  if (gate_.may_vote(who.id, *record)) {
    Result<void> here = can_decide_in(who.channel, *record, decision);
    if (here && decision == review::Decision::kApprove && !whole)
      here = refuse("not_shown",
                    "not all of this case fits here, so it cannot be approved here: open its page");
    if (!here) {
      co_await this->record(who, here.error().code, record->tool);
      co_return refuse_it(here.error());
    }
  }
  gate::VoteCommand command{.decision = decision,
                            .digest = std::move(digest),
                            .note = std::move(note),
                            .assertion = {},
                            .looked = {},
                            .instead_of = {},
                            .provider = {}};
  Result<gate::RecordPtr> voted = co_await gate_.vote(who, id, std::move(command));
  if (!voted) co_await this->record(who, voted.error().code, record->tool);
  co_return voted;
}

Task<Result<gate::RecordPtr>> Desk::take_back(Principal who, ActionId id) {
  Result<gate::RecordPtr> done = co_await gate_.take_back(who, id);
  if (!done) co_await record(who, done.error().code, "");
  co_return done;
}

Task<Result<gate::RecordPtr>> Desk::comment(Principal who, ActionId id, std::string text) {
  Result<gate::RecordPtr> done = co_await gate_.comment(who, id, std::move(text));
  if (!done) co_await record(who, done.error().code, "");
  co_return done;
}

Task<void> Desk::refused(std::string_view channel, std::string_view who, std::string code) {
  Principal nobody;
  nobody.kind = PrincipalKind::kHost;
  nobody.id = "unauthenticated";
  nobody.credential = who.substr(0, 200);
  nobody.channel = channel;
  co_await record(std::move(nobody), std::move(code), "keyturn." + std::string(channel));
}

// What is merely late or already done concerns nobody's security.
Task<void> Desk::record(Principal who, std::string code, std::string tool) {
  if (code == "closed" || code == "already_voted" || code == "no_vote" || code == "conflict" ||
      code == "empty_text" || code == "text_too_large" || code == "note_too_large")
    co_return;
  const std::optional<std::uint64_t> before =
      meter_.admit(code + " " + who.id + " " + who.channel, gate_.clock().now());
  if (!before) co_return;
  if (*before > 0) tool += " (and " + std::to_string(*before) + " more like it, not recorded)";
  co_await gate_.record_refusal(std::move(who), std::move(code), std::move(tool));
}

}  // namespace keyturn::channels
