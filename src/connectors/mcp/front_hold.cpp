// While people decide: the client hears that it waits, and is told in time where it cannot wait on.
#include <algorithm>

#include "base/task_impl.h"
#include "connectors/mcp/amended.h"
#include "connectors/mcp/front_impl.h"
#include "connectors/mcp/outcome.h"
#include "connectors/mcp/words.h"
#include "doc/json.h"
#include "mcp/sse.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr int kLegsMax = 9;  // clients give up after ten rounds
constexpr Duration kStateLife = std::chrono::hours(24);

std::chrono::steady_clock::time_point in(Duration most) {
  return std::chrono::steady_clock::now() + most;
}

Duration until(std::chrono::steady_clock::time_point deadline) {
  return std::chrono::duration_cast<Duration>(deadline - std::chrono::steady_clock::now());
}

const doc::Value* progress_token(const Call& call) {
  const doc::Value* meta = call.message->meta();
  return meta == nullptr ? nullptr : meta->find("progressToken");
}

// What the connection waits on: the server's answer where one is to come, which is also poked when
// the action changes.
std::function<void()> waker(std::shared_ptr<net::Waiter> changed,
                            const std::shared_ptr<Delivery>& delivery) {
  return [changed = std::move(changed), weak = std::weak_ptr<Delivery>(delivery)] {
    changed->fire();
    if (const std::shared_ptr<Delivery> there = weak.lock()) there->flow()->poke();
  };
}

Task<net::Woken> wait_on(Call& call, std::shared_ptr<net::Waiter> changed,
                         std::shared_ptr<Delivery> delivery, Duration most) {
  net::Woken woken = net::Woken::kFired;
  if (delivery) {
    const std::shared_ptr<Flow> flow = delivery->flow();
    woken = co_await flow->wait(call.context, most);
  } else {
    woken = co_await call.context.park(*changed, most);
  }
  changed->reset();
  co_return woken;
}

// Words and what programs look for.
doc::Value marked(doc::Value result, const rpc::Told& told) {
  doc::Value meta = doc::object({{"keyturn/state", told.state}});
  if (!told.action.empty()) meta.set("keyturn/action", told.action);
  if (!told.review_url.empty()) meta.set("keyturn/review_url", told.review_url);
  result.set("_meta", std::move(meta));
  return result;
}

}  // namespace

void forget_in_flight(Call& call) {
  if (!call.is_modern()) call.known->in_flight.erase(rpc::id_text(call.id()));
}

doc::Value refusal_of(const Call& call, const rpc::Told& told) {
  if (call.message->method == "tools/call")
    return rpc::result(call.id(), marked(rpc::refused_result(told), told));
  return rpc::error(call.id(), rpc::kNotAllowed,
                    told.words + (told.review_url.empty() ? "" : " " + told.review_url),
                    doc::object({{"action", told.action}, {"state", told.state}}));
}

// Whether it waits as long as it hears of progress. Claude Code does (seen: 330 s, in both eras); a
// modern client of the SDK has 60 s for each leg, whatever it hears.
bool Front::Impl::is_patient(const Call& call) const {
  if (call.known->client == "claude-code") return true;
  return !call.is_modern() && progress_token(call) != nullptr;
}

rpc::Told Front::Impl::told(const Call& call, const gate::ActionRecord& record,
                            std::string words) const {
  rpc::Told out;
  out.action = record.id.str();
  out.review_url = ports.public_url + "/a/" + record.id.str();
  out.state = to_text(record.state);
  out.words = std::move(words);
  out.modern = call.is_modern();
  if (call.known->listing) {
    const doc::Value* params = call.message->params();
    const auto tool =
        call.known->listing->tools.find(params == nullptr ? "" : params->text("name"));
    out.outputs =
        tool != call.known->listing->tools.end() && tool->second.value.find("outputSchema");
  }
  return out;
}

// Nobody of this connection waits any more; an identical call may take it up.
void Front::Impl::leave(const CallPtr& call, const std::shared_ptr<Held>& one) {
  forget_in_flight(*call);
  if (one->owner != call.get() || !one->is_attended) return;
  one->owner = nullptr;
  one->is_attended = false;
  one->wake = nullptr;
  if (one->is_cancelled && one->delivery && one->delivery->has_begun()) {
    held.erase(one->action.str());
    return;
  }
  unattended.add(one->key, one->action);
  if (!one->delivery || !one->delivery->has_begun()) {
    ports.calls.leave(one->action);
    one->delivery.reset();
    held.erase(one->action.str());
  }
}

void Front::Impl::done(const CallPtr& call, const std::shared_ptr<Held>& one) {
  if (one->owner != call.get()) {  // another connection has taken it over
    forget_in_flight(*call);
    return;
  }
  one->wake = nullptr;
  const bool goes_on = one->delivery && one->delivery->has_begun() && !one->delivery->is_done();
  // The server ended the stream: what is left comes on another one of the session.
  if (goes_on && !one->delivery->waits_for_input()) return;
  one->owner = nullptr;
  forget_in_flight(*call);
  if (goes_on) return;  // it asked for input, and the client comes back with it
  one->is_attended = false;
  held.erase(one->action.str());
}

// Approved: looks again at the tool, and starts it.
Task<Result<void>> Front::Impl::begin(CallPtr call, std::shared_ptr<Held> one) {
  if (!call->still_valid())
    co_return refuse("unauthenticated", "the credential of this client is not valid any more");
  if (!call->is_built_in() && call->message->method == "tools/call") {
    call->known->stale = true;
    const doc::Value* params = call->message->params();
    if (std::optional<doc::Value> instead =
            co_await check_tool(call, std::string(params->text("name")))) {
      // Still approved: the client asks again once it has a session.
      if (is_lost_session(*instead)) co_return refuse("unknown_session", "Session not found");
      co_return refuse("definition_changed",
                       "the tool's definition is not the one that people saw any more");
    }
  }
  const auto& tools = ports.gate.world().configuration->tools;
  const auto now = call->upstream ? tools->upstream(call->upstream_name) : nullptr;
  if (call->upstream && (!now || !one->delivery || !one->delivery->is_for(*now)))
    co_return refuse("upstream_changed",
                     "the MCP server is another one than this client speaks to; ask again");
  if (one->is_cancelled || !one->is_attended)
    co_return refuse("cancelled", "the client cancelled the call");
  if (one->delivery) ports.calls.attend(one->action, one->delivery);
  Result<gate::RecordPtr> taken = co_await ports.gate.take_up(call->who, one->action);
  if (!taken) {
    ports.calls.leave(one->action);
    co_return std::unexpected(taken.error());
  }
  co_return Result<void>{};
}

Task<Front::Impl::Step> Front::Impl::step(CallPtr call, std::shared_ptr<Held> one) {
  Step out;
  const auto answer = [&](const doc::Value& response) {
    out.kind = Step::Kind::kAnswer;
    out.answer = response;
  };
  if (one->delivery && one->delivery->has_begun()) {
    const std::shared_ptr<Flow> flow = one->delivery->flow();
    if (flow->head()) out.kind = Step::Kind::kRun;
    if (!flow->failed() || flow->head()) co_return out;
    // Not sent, or lost: the record has the words for it.
  }
  gate::RecordPtr record = co_await ports.gate.find(call->who, one->action);
  while (record && record->state == State::kCancelled && !record->amended_by.empty()) {
    // People changed the arguments: what they made of it is what is waited for.
    held.erase(one->action.str());
    one->action = ActionId(record->amended_by);
    held[one->action.str()] = one;
    record = co_await ports.gate.find(call->who, one->action);
  }
  if (!record || !call->still_valid()) {
    answer(rpc::error(call->id(), rpc::kNotAllowed, "there is no such action for you any more"));
    co_return out;
  }
  if (record->state == State::kApproved && !record->held_at) {
    if (Result<void> begun = co_await begin(call, one); !begun) {
      if (begun.error().code == "conflict") co_return out;
      if (begun.error().code == "unknown_session") {
        leave(call, one);
        answer(rpc::error(call->id(), kSessionNotFound, "Session not found: initialize again",
                          doc::object({{"code", begun.error().code}})));
        co_return out;
      }
      if (begun.error().code == "upstream_changed") leave(call, one);  // it stays approved
      answer(refusal_of(*call,
                        told(*call, *record, "It did not start: " + begun.error().message + ".")));
    }
    co_return out;
  }
  if (!is_final(record->state)) co_return out;
  const bool kept = record->outcome && record->outcome->result && !record->outcome->truncated &&
                    record->outcome->result->find("content") != nullptr;
  if (kept && !call->is_built_in()) {  // answered before; this is what the record has of it
    answer(rpc::result(
        call->id(), with_amendment(*record->outcome->result, arguments_of(*call->message->params()),
                                   record->args)));
    co_return out;
  }
  const bool own = !one->delivery || call->is_built_in();
  if (own && record->outcome &&
      (record->state == State::kSucceeded || record->state == State::kFailed)) {
    const rpc::Told said = told(*call, *record, "");
    doc::Value result = marked(result_of(*record->outcome, call->is_modern()), said);
    if (!record->amends.empty())
      result =
          with_amendment(std::move(result), arguments_of(*call->message->params()), record->args);
    answer(rpc::result(call->id(), std::move(result)));
  } else {
    rpc::Told said = told(*call, *record, words_of(*record));
    answer(refusal_of(*call, said));
  }
  co_return out;
}

rpc::RequestState Front::Impl::state_for(const Call& call, const ActionId& action) const {
  rpc::RequestState state;
  state.principal = name_of(call.who);
  state.upstream = call.upstream_name;
  state.method = call.message->method;
  state.args_digest = state_digest(call);
  state.action = action.str();
  state.expires = ports.gate.clock().now() + kStateLife;
  return state;
}

// The time that this client can be held is over.
doc::Value Front::Impl::out_of_time(const Call& call, const Held& one,
                                    const gate::ActionRecord& record, int leg) {
  const Duration hold = call.upstream ? call.upstream->hold : kHold;
  const Duration each = call.upstream ? call.upstream->leg : kLeg;
  if (call.is_modern() && leg + 1 < kLegsMax && each * (leg + 2) <= hold) {
    rpc::RequestState state = state_for(call, one.action);
    state.leg = leg;
    return rpc::result(call.id(),
                       rpc::input_required_result(rpc::seal_state(state, ports.key.reveal())));
  }
  const rpc::Told said = told(call, record, words_of(record));
  if (call.message->method != "tools/call") return refusal_of(call, said);
  return rpc::result(call.id(), marked(rpc::pending_result(said), said));
}

// What will send the call, once it is released. (Null for the tools of tools.yaml.)
void Front::Impl::make_delivery(const CallPtr& call, const std::shared_ptr<Held>& one) {
  if (!call->upstream) return;
  if (one->delivery && (one->delivery->has_begun() || one->delivery->is_for(*call->upstream)))
    return;
  static const doc::Value kNone;
  const doc::Value& params = call->message->params() ? *call->message->params() : kNone;
  one->delivery =
      std::make_shared<Delivery>(ports.loop, call->backend, call->upstream,
                                 Wanted{call->id(), call->message->method,
                                        std::string(params.text("name")), params, call->forward()});
  one->delivery->made = [self = weak_from_this(), upstream = call->upstream_name,
                         who = name_of(call->who)](const std::string& task) {
    if (const std::shared_ptr<Impl> there = self.lock()) there->owners.made(upstream, task, who);
  };
  if (!call->is_modern()) return;
  one->delivery->seal = [self = weak_from_this(),
                         state = state_for(*call, one->action)]() mutable -> std::string {
    const std::shared_ptr<Impl> there = self.lock();
    if (!there) return "";
    state.expires = there->ports.gate.clock().now() + kStateLife;
    return rpc::seal_state(state, there->ports.key.reveal());
  };
}

Task<HttpResponse> Front::Impl::wait_for(CallPtr call, std::shared_ptr<Held> one, int leg) {
  make_delivery(call, one);
  const gate::RecordPtr record = ports.gate.find_open(one->action);
  const bool runs = !record || record->state == State::kExecuting;
  if (runs && one->delivery && !one->delivery->has_begun() && record)
    ports.calls.attend(one->action, one->delivery);
  if (runs || !call->takes_stream()) {
    // Nothing to wait for but the tool itself: its own form of an answer. (Or a client that takes
    // no stream.)
    const auto deadline = in(runs ? kRunMax : (call->upstream ? call->upstream->leg : kLeg));
    const auto changed = std::make_shared<net::Waiter>(ports.loop);
    one->wake = waker(changed, one->delivery);
    const gate::Watch watch = ports.gate.watch(one->action, one->wake);
    for (;;) {
      if (one->delivery && one->delivery->flow()->head())
        co_return co_await answer_from(call, one->delivery->flow(), one);
      const Step next = co_await step(call, one);
      if (next.kind == Step::Kind::kAnswer) {
        done(call, one);
        co_return json_rpc(200, next.answer);
      }
      if (next.kind == Step::Kind::kRun) continue;
      if (co_await wait_on(*call, changed, one->delivery, until(deadline)) != net::Woken::kFired)
        break;
    }
    const gate::RecordPtr last = co_await ports.gate.find(call->who, one->action);
    if (call->is_modern() && one->owner == call.get() && one->delivery &&
        one->delivery->has_begun() && call->context.is_gone())
      one->delivery->cancel();
    leave(call, one);
    if (!last)
      co_return json_rpc(
          200, rpc::error(call->id(), rpc::kNotAllowed, "there is no such action for you"));
    co_return json_rpc(200, out_of_time(*call, *one, *last, leg));
  }
  co_return net::event_stream(
      [self = shared_from_this(), call, one, leg](net::BodyWriter& out) -> Task<void> {
        return [](std::shared_ptr<Impl> self, CallPtr call, std::shared_ptr<Held> one, int leg,
                  net::BodyWriter& out) -> Task<void> {
          co_await self->hold(call, one, leg, out);
        }(self, call, one, leg, out);
      });
}

Task<void> Front::Impl::hold(CallPtr call, std::shared_ptr<Held> one, int leg,
                             net::BodyWriter& out) {
  const Duration each = call->upstream ? call->upstream->leg : kLeg;
  const Duration whole = call->upstream ? call->upstream->hold : kHold;
  const auto deadline = in(is_patient(*call) ? whole : std::min(each, whole));
  const auto changed = std::make_shared<net::Waiter>(ports.loop);
  one->wake = waker(changed, one->delivery);
  gate::Watch watch = ports.gate.watch(one->action, one->wake);
  ActionId watched = one->action;
  const doc::Value* token = progress_token(*call);
  std::int64_t beats = 0;
  bool is_there = co_await out.write(": waiting\n\n");
  while (is_there) {
    if (one->is_cancelled) {
      if (one->delivery && one->delivery->has_begun()) leave(call, one);
      forget_in_flight(*call);
      co_return;  // a cancelled request is not answered
    }
    const Step next = co_await step(call, one);
    if (next.kind == Step::Kind::kAnswer) {
      done(call, one);
      (void)co_await out.write(rpc::sse_event(doc::write_json(next.answer)));
      co_return;
    }
    if (next.kind == Step::Kind::kRun) {
      watch = gate::Watch();
      (void)co_await stream_out(call, one->delivery->flow(), one, out);
      co_return;
    }
    if (!(watched == one->action)) {  // it was amended
      watched = one->action;
      watch = ports.gate.watch(watched, waker(changed, one->delivery));
      continue;
    }
    const bool runs =
        one->delivery && one->delivery->has_begun() && !one->delivery->flow()->failed();
    const Duration left = runs ? ports.heartbeat : until(deadline);
    if (left <= Duration{0}) {
      const gate::RecordPtr record = co_await ports.gate.find(call->who, one->action);
      if (!record || is_final(record->state)) continue;
      const doc::Value answer = out_of_time(*call, *one, *record, leg);
      leave(call, one);
      (void)co_await out.write(rpc::sse_event(doc::write_json(answer)));
      co_return;
    }
    const Duration beat = std::min(left, ports.heartbeat);
    const net::Woken woken = co_await wait_on(*call, changed, one->delivery, beat);
    if (woken == net::Woken::kCancelled) break;
    if (woken != net::Woken::kDeadline) continue;
    is_there = co_await out.write(": waiting\n\n");
    if (is_there && token != nullptr) {
      const gate::RecordPtr record = co_await ports.gate.find(call->who, one->action);
      doc::Value said = doc::object({{"progressToken", *token}, {"progress", ++beats}});
      if (record)
        said.set("message", words_of(*record) + " " + ports.public_url + "/a/" + one->action.str());
      is_there = co_await out.write(rpc::sse_event(
          doc::write_json(rpc::notification("notifications/progress", std::move(said)))));
    }
  }
  leave(call, one);
}

}  // namespace keyturn::connectors::mcp
