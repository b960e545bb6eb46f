// Server-sent events: one action, what waits for a person, or all that they may read.
#include <algorithm>
#include <deque>
#include <set>

#include "api/impl.h"
#include "api/seat.h"

namespace keyturn::api {
namespace {

constexpr std::size_t kInboxQueueMax = 2'000;  // actions changed and not yet told; past it: again

struct Stream {
  Stream(Service& s, const Call& c)
      : service(s), call(c), seat(s, c.caller.principal.id), waiter(s.ports.loop) {}
  Service& service;
  Call call;  // its own copy: the handler's frame is gone by the time the stream runs
  Seat seat;
  net::Waiter waiter;
  std::deque<ActionId> changed;  // inbox: in order, each once
  std::set<ActionId> queued;
  std::deque<gate::Notice> notices;  // inbox: for this person
  bool overflowed = false;
};

// What of an action has been told.
struct Told {
  std::uint64_t version = 0;
  std::size_t lost = 0;  // votes of people who are deactivated since
  State state = State::kPending;
  std::size_t votes = 0, comments = 0;
  bool outcome = false;
};

Told told_of(const people::Directory& directory, const gate::ActionRecord& record) {
  std::size_t lost = 0, votes = 0;
  if (record.review) {
    votes = record.review->votes.size();
    for (const review::Vote& vote : record.review->votes) {
      const people::Person* voter = directory.person(vote.reviewer);
      lost += voter == nullptr || !voter->active ? 1 : 0;
    }
  }
  return {record.version,         lost,
          record.state,           votes,
          record.comments.size(), record.outcome.has_value()};
}

// The words for what is new; a change of another kind (a lease renewed, a note) is `state` too, so
// that nobody misses a version.
std::vector<std::string_view> news(const Told& before, const Told& now) {
  std::vector<std::string_view> out;
  if (before.votes != now.votes || before.lost != now.lost) out.push_back("vote");
  if (before.comments != now.comments) out.push_back("comment");
  if (before.state != now.state || out.empty()) out.push_back("state");
  if (!before.outcome && now.outcome) out.push_back("outcome");
  return out;
}

std::string summary(const Stream& stream, const gate::ActionRecord& record) {
  return doc::write_json(
      action_json(view_of(stream.service), stream.call.caller.principal, record, Detail::kSummary));
}

Task<void> run_action(std::shared_ptr<Stream> stream, net::BodyWriter& out) {
  net::EventWriter events(out);
  Service& s = stream->service;
  const ActionId id = stream->call.action();
  const gate::Watch watch = s.ports.gate.watch(id, [weak = std::weak_ptr(stream)] {
    if (const auto open = weak.lock()) open->waiter.fire();
  });
  std::optional<Told> told;
  for (;;) {
    if (!s.still_valid(stream->call)) co_return;
    const gate::RecordPtr record = co_await s.ports.gate.find(stream->call.caller.principal, id);
    if (!record) co_return;
    const Told now = told_of(s.directory(), *record);
    if (!told || told->version != now.version || told->lost != now.lost) {
      const std::string data = summary(*stream, *record);
      const std::string version = std::to_string(now.version);
      const std::vector<std::string_view> words =
          told ? news(*told, now) : std::vector<std::string_view>{"snapshot"};
      const bool final = is_final(record->state);
      told = now;
      for (const std::string_view word : words) {
        const bool more = co_await events.write(word, version, data);
        if (!more) co_return;
      }
      if (final) co_return;
    }
    const net::Woken woken =
        co_await stream->call.context.park(stream->waiter, s.options.heartbeat);
    if (woken == net::Woken::kCancelled) co_return;
    if (woken == net::Woken::kDeadline) {
      const bool more = co_await events.comment("still here");
      if (!more) co_return;
    }
    stream->waiter.reset();
  }
}

void note_change(Stream& stream, const gate::RecordPtr& record) {
  if (!stream.queued.insert(record->id).second) return;
  if (stream.changed.size() >= kInboxQueueMax) stream.overflowed = true;
  if (!stream.overflowed) stream.changed.push_back(record->id);
  stream.waiter.fire();
}

void note_notice(Stream& stream, const gate::Notice& notice) {
  if (stream.notices.size() >= kInboxQueueMax) stream.overflowed = true;
  if (!stream.overflowed) stream.notices.push_back(notice);
  stream.waiter.fire();
}

std::string_view word_for(gate::Notice::Kind kind) {
  switch (kind) {
    case gate::Notice::Kind::kReminder:
      return "reminder";
    case gate::Notice::Kind::kEscalation:
      return "escalation";
  }
  return "reminder";
}

// How many wait for the caller, told when it is another number than `told`. False: end.
Task<bool> tell_waiting(const Stream& stream, net::EventWriter& events,
                        std::optional<std::size_t>& told) {
  const std::size_t total =
      stream.service.ports.gate.count_waiting_for(stream.call.caller.principal.id);
  if (std::exchange(told, total) == total) co_return true;
  const std::string data = doc::write_json(doc::object({{"total", total}}));
  const bool more = co_await events.write("waiting", "", data);
  co_return more;
}

// What has changed, as far as the caller may read it. False: end.
Task<bool> tell_changes(std::shared_ptr<Stream> stream, net::EventWriter& events) {
  Service& s = stream->service;
  const Principal who = stream->call.caller.principal;
  while (!stream->changed.empty()) {
    const ActionId id = stream->changed.front();
    stream->changed.pop_front();
    stream->queued.erase(id);
    const gate::RecordPtr record = co_await s.ports.gate.find(who, id);
    if (!record) continue;
    const std::string data = summary(*stream, *record);
    const bool more = co_await events.write("action", std::to_string(record->version), data);
    if (!more) co_return false;
  }
  while (!stream->notices.empty()) {
    const gate::Notice notice = std::move(stream->notices.front());
    stream->notices.pop_front();
    if (!s.ports.gate.may_read(who, *notice.record)) continue;
    const std::string data = summary(*stream, *notice.record);
    const bool more = co_await events.write(word_for(notice.kind), "", data);
    if (!more) co_return false;
  }
  co_return true;
}

Task<void> run_inbox(std::shared_ptr<Stream> stream, net::BodyWriter& out, bool everything) {
  net::EventWriter events(out);
  Service& s = stream->service;
  const auto note = [weak = std::weak_ptr(stream)](const gate::RecordPtr& record) {
    if (const auto open = weak.lock()) note_change(*open, record);
  };
  const std::string& person = stream->call.caller.principal.id;
  const gate::Watch watch =
      everything ? s.ports.gate.watch_all(note) : s.ports.gate.watch_inbox(person, note);
  gate::Watch notices;
  if (!everything) {
    notices = s.ports.gate.watch_notices_to(
        person, [weak = std::weak_ptr(stream)](const gate::Notice& notice) {
          if (const auto open = weak.lock()) note_notice(*open, notice);
        });
  }
  std::optional<std::size_t> waiting;
  const bool open = co_await events.write("ping", "", "{}");
  if (!open) co_return;
  for (;;) {
    // A client that fell behind too far comes back and reads its inbox anew.
    if (stream->overflowed || !s.still_valid(stream->call)) co_return;
    const bool told = co_await tell_changes(stream, events);
    if (!told) co_return;
    if (!everything) {
      const bool counted = co_await tell_waiting(*stream, events, waiting);
      if (!counted) co_return;
    }
    const net::Woken woken =
        co_await stream->call.context.park(stream->waiter, s.options.heartbeat);
    if (woken == net::Woken::kCancelled) co_return;
    if (woken == net::Woken::kDeadline) {
      const bool more = co_await events.comment("still here");
      if (!more) co_return;
    }
    stream->waiter.reset();
  }
}

Response open_inbox(Service& s, const Call& call, bool everything) {
  if (Result<void> ok = admit_stream(s, call); !ok) return problem(ok.error());
  if (call.request.is_head) return net::event_stream({});
  auto stream = std::make_shared<Stream>(s, call);
  return net::event_stream(
      [stream, everything](net::BodyWriter& out) { return run_inbox(stream, out, everything); });
}

}  // namespace

Task<Response> stream_action(Service& s, Call& call) {
  const gate::RecordPtr record = co_await s.ports.gate.find(call.caller.principal, call.action());
  if (!record) co_return problem(no_such_action());
  if (Result<void> ok = admit_stream(s, call); !ok) co_return problem(ok.error());
  if (call.request.is_head) co_return net::event_stream({});
  auto stream = std::make_shared<Stream>(s, call);
  co_return net::event_stream([stream](net::BodyWriter& out) { return run_action(stream, out); });
}

Task<Response> stream_inbox(Service& s, Call& call) {
  co_return open_inbox(s, call, false);
}

Task<Response> stream_actions(Service& s, Call& call) {
  co_return open_inbox(s, call, true);
}

}  // namespace keyturn::api
