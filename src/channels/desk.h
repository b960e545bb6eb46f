// Where answers from chats come in: who clicked, whether that counts, and what they are shown.
//
// A chat account speaks for a person only while a link that both sides proved stands (links.h), and
// never with more than Assurance::kChat. Everything else is decided by the gate, as for any vote.
//
// Threads: the I/O thread only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "gate/gate.h"
#include "gate/refusal_meter.h"
#include "render/card.h"

namespace keyturn::channels {

class Desk {
 public:
  // `public_url` without a slash at the end.
  Desk(gate::Gate& gate, std::string public_url, Secret fingerprint_key);

  // For whom this account ("slack:T0123/U0456") speaks now; null: for nobody, also where a link and
  // an identity provider name two humans. One of Teams that no
  // link names speaks for whoever the same tenant vouched for here otherwise (entra.h).
  const people::Person* person_of(std::string_view account) const;
  // `channel`: "slack", "teams".
  Principal principal_of(const people::Person& person, std::string_view channel,
                         std::string_view account) const;

  // Whether somebody may decide by a click in this chat, as far as the plan goes: it may be voted
  // on there and asks for no more than a click; to approve, it asks for no look of a certain time
  // and no retyping either. Else why not, in words for people (codes: closed, wrong_channel,
  // passkey_required, assurance_too_low, look_too_short, retype_mismatch).
  Result<void> can_decide_in(std::string_view channel, const gate::ActionRecord& record,
                             review::Decision decision) const;

  // The card as a room sees it (`reader` null), or this person: with what they can do about it now.
  render::Card card_of(std::string_view channel, const gate::ActionRecord& record,
                       const people::Person* reader) const;

  // Acts. `whole`: the card that was clicked showed every byte; else approving is refused with
  // not_shown. `digest`: of the case that the clicked card showed. Codes: not_found, those of
  // can_decide_in() and of gate::Gate. A refusal is recorded, as the API's are.
  Task<Result<gate::RecordPtr>> vote(Principal who, ActionId id, review::Decision decision,
                                     std::string digest, std::string note, bool whole);
  Task<Result<gate::RecordPtr>> take_back(Principal who, ActionId id);
  Task<Result<gate::RecordPtr>> comment(Principal who, ActionId id, std::string text);
  // Leaves a trace of a click, message or request that counted for nothing: no link, no signature,
  // a guest. `who`: an account of the chat, or "".
  Task<void> refused(std::string_view channel, std::string_view who, std::string code);

  // A word for a text, to tell it from others without keeping it: keyed, so that nobody who reads
  // the word can try out what the text was.
  std::string fingerprint(std::string_view text) const;
  // Whose account it is as an identity provider says, active or not (entra.h).
  const people::Person* vouched_for(std::string_view account) const;

  gate::Gate& gate() { return gate_; }
  std::string page_of(const gate::ActionRecord& record) const;
  const std::string& public_url() const { return public_url_; }

 private:
  Task<void> record(Principal who, std::string code, std::string tool);
  gate::Gate& gate_;
  std::string public_url_;
  Secret fingerprint_key_;
  gate::RefusalMeter meter_;
};

}  // namespace keyturn::channels
