// A channel: a way by which word of what waits reaches people, and perhaps their answer comes back.
// To add one, implement Channel (docs/guides/channel.md); everything else is there.
//
// A channel is told nothing once and for all: it is asked, again and again, what is still to be
// done so that what people see there is true (due()), and told to do it (carry()). What came of it
// is kept, durably, and handed to it the next time. So nothing is lost over crashes and outages,
// and a burst of changes costs one update.
//
// Threads: the I/O thread only.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "doc/value.h"
#include "gate/record.h"
#include "net/http.h"

namespace keyturn::channels {

// One action, as it is now.
struct Matter {
  gate::RecordPtr record;
  std::vector<std::string> asked;  // person ids in whose inbox it stands (gate/whom.h)
  std::uint64_t calls = 0;  // reminders and escalations so far, of all rounds: people are called
  std::uint64_t escalations = 0;  // those among them
};

// What is kept of one place for one action.
struct Kept {
  std::string word;  // of the last errand that was carried there
  doc::Value memo;   // what it left: ids of messages, say. Nothing private
  std::string dead;  // of an errand that was given up; it is not tried again by itself
  std::string why;   // in words
  Time at{};         // of the last of these
};
using KeptPlaces = std::map<std::string, Kept, std::less<>>;  // by place

struct Errand {
  std::string place;  // "person:alice", "room:C0123/thread": the channel's own; at most 200 bytes
  std::string word;   // what it brings about, at most 200 bytes: other words, another errand
  doc::Value what;    // the channel's own, not kept
};

// Why an errand was not carried.
struct Undelivered {
  enum class Kind {
    kPlaceBusy,    // not to this place before retry_after
    kBusy,         // not by this channel before retry_after
    kUnreachable,  // the other side does not answer; tried again, later and later
    kNever,        // it will not be taken as it is: given up, and shown in Administration
  } kind = Kind::kUnreachable;
  std::string why;  // for administrators: no secret, nothing of what was asked for
  std::optional<Duration> retry_after;
};
using Carried = std::expected<doc::Value, Undelivered>;

class Channel {
 public:
  virtual ~Channel() = default;
  virtual std::string_view name() const = 0;  // "slack"; a webhook's own
  virtual std::string_view kind() const = 0;  // as a plan's `notify` names it: "slack", "pager" …

  // Reads what it needs (secrets) and opens what it keeps open. A refusal here keeps the server
  // from starting: only for what no later try could mend.
  virtual Task<Result<void>> start() = 0;
  virtual void stop() {}
  // Why nothing comes or goes just now, where the channel itself knows: a connection that is down.
  virtual std::optional<Refusal> trouble() const { return std::nullopt; }

  // A request that came to /KIND/… of this server, from the other side. It vouches for itself.
  virtual Task<net::HttpResponse> answer(net::HttpRequest request);

  // What is to be done now, the order being that of importance; nothing when all is as it should
  // be. An errand whose word equals that of its place's Kept is left out by whoever asks. Looks at
  // nothing but its arguments, the world and the configuration.
  virtual std::vector<Errand> due(const Matter& matter, const KeptPlaces& kept) = 0;
  // Another number whenever others than before can be reached, besides by changes of people that
  // are recorded: what is open is looked at again then.
  virtual std::uint64_t reach() const { return 0; }
  // Who may see or do what may have changed: what shows more than one action (a list of what waits,
  // say) is to be made anew. Some seconds after the change.
  virtual void people_changed() {}
  // Called for everything that is kept, at the start and whenever it changes; null: no more. For
  // who must find an action by what hangs in a place.
  virtual void on_kept(const std::string& /*action*/, const std::string& /*place*/,
                       const Kept* /*kept*/) {}
  // Does it, at most once at a time for a place of an action. `memo`: what the last one left there,
  // or null. Gives the new memo.
  virtual Task<Carried> carry(Matter matter, Errand errand, doc::Value memo) = 0;
};

}  // namespace keyturn::channels
