// Private to this folder: the channel, in the parts that teams.h names.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/task_impl.h"
#include "channels/kept_secret.h"
#include "channels/teams/api.h"
#include "channels/teams/cards.h"
#include "channels/teams/contacts.h"
#include "channels/teams/incoming.h"
#include "channels/teams/once.h"
#include "channels/teams/teams.h"

namespace keyturn::channels::teams {

// Somebody in Teams, as Teams itself vouches for them now.
struct Caller {
  std::string account;                     // "teams:TENANT/OBJECTID"
  std::string name;                        // as Teams calls them: to be shown, never trusted
  const people::Person* person = nullptr;  // null: linked to nobody here
};

struct Teams::Impl {
  Impl(Config wanted, const Ports& given);

  std::string account_of(const std::string& object_id) const {
    return "teams:" + config.tenant + "/" + object_id;
  }
  // Where Teams is reached.
  std::string service_url() const {
    return contacts.service_url().empty() ? config.service_url : contacts.service_url();
  }

  // ---- who it is (callers.cpp). Asks Teams each time, or uses its answer of seconds ago: a guest,
  // somebody of another tenant, or somebody who is not there any more does not count. Codes:
  // teams_unreachable, guest_account, wrong_tenant, not_in_conversation.
  Task<Result<Caller>> who(Activity activity);
  Principal principal_of(const Caller& caller) const {
    return ports.desk.principal_of(*caller.person, "teams", caller.account);
  }
  Task<void> leave_trace(std::string account, std::string code);

  Task<Result<void>> load();
  Task<net::HttpResponse> take(net::HttpRequest request);
  Task<std::string> work(Activity activity);  // the body of the answer to an invoke, else ""

  // ---- buttons (clicks.cpp): the body of the answer to an invoke.
  Task<std::string> clicked(Activity activity);
  Task<std::string> act(Activity activity, Caller caller, std::string verb);
  Task<std::string> shown_to(Caller caller, ActionId id);
  std::string link_answered(const Activity& activity, const Caller& caller, bool yes);

  // ---- words (talk.cpp)
  Task<std::string> said(Activity activity);  // always ""
  Task<void> commented(Activity activity, Caller caller, std::string action);
  Task<void> met(Activity activity);
  Task<doc::Value> reply_to(Activity activity, Caller caller);
  doc::Value help(const Caller& caller, bool alone) const;
  doc::Value what_waits(const Caller& caller) const;
  doc::Value linking(const Caller& caller, std::string_view code);
  Task<void> say(Activity activity, doc::Value card, std::string_view summary);

  // ---- cards (tell.cpp)
  // `reader` null: as a room sees it.
  render::Encoded card_for(const gate::ActionRecord& record, const people::Person* reader,
                           std::vector<std::string> refresh_for = {},
                           std::size_t bytes_max = render::kAdaptiveBytesMax) const;
  std::vector<Errand> due(const Matter& matter, const KeptPlaces& kept);
  std::set<std::string> places_of(const Matter& matter, const KeptPlaces& kept);
  doc::Value card_at(const Matter& matter, std::string_view place, std::size_t bytes_max);
  doc::Value call_card(const gate::ActionRecord& record) const;
  doc::Value comment_card(const gate::ActionRecord& record,
                          const std::vector<const gate::Comment*>& comments) const;
  std::optional<Errand> comments_due(const gate::ActionRecord& record, const std::string& place,
                                     const KeptPlaces& kept);
  Task<Carried> carry(Matter matter, Errand errand, doc::Value memo);
  Task<Answered<doc::Value>> put(std::string place, doc::Value memo, doc::Value activity);
  Task<Answered<doc::Value>> put_to_person(std::string place, doc::Value activity);
  Task<Answered<std::string>> chat_of(std::string object_id);
  void index(const std::string& action, const std::string& place, const Kept* kept);
  Task<void> forget_said(std::string action);

  // The object id of somebody whom Teams can reach; "": we know of none.
  std::string object_of(const std::string& person);
  std::vector<std::string> refresh_for(const std::vector<std::string>& people);
  // What was said in a thread needs no telling there.
  std::string word_for(const std::string& by, const std::string& text) const;

  Config config;
  Ports ports;
  Contacts contacts;
  Incoming incoming;
  Api api;
  Once once;
  std::shared_ptr<KeptSecret> secret;          // looked for until it is there; api reads it itself
  std::map<std::string, std::string> threads;  // conversation -> action
  std::map<std::string, std::set<std::string>> said_there;  // action -> word_for()

  struct Seen {
    Time at;
    Member member;
  };
  std::map<std::string, Seen> seen;  // "conversation user" -> the roster's answer

  // Object ids of people whom the bot has met, by person; of one state of people and contacts.
  std::map<std::string, std::string> met_people;
  std::uint64_t met_directory = 0, met_contacts = 0;
};

}  // namespace keyturn::channels::teams
