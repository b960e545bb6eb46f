// What others deliver, and what it starts.
#include <algorithm>
#include <cmath>

#include "base/bytes.h"
#include "base/task_impl.h"
#include "crypto/crypto.h"
#include "triggers/impl.h"

namespace keyturn::triggers {
namespace {

constexpr Duration kKeyAge = std::chrono::minutes(1);
constexpr Duration kNoKeyAge = std::chrono::seconds(10);  // of one that could not be read
constexpr std::size_t kPrintDigits = 32;
constexpr int kConflictsMax = 8;

std::string print_of(const std::string& secret, const Told& told) {
  std::string all = secret + "\n";
  for (const std::string& id : told.ids) all += id + "\n";
  return to_hex(view(crypto::sha256(all))).substr(0, kPrintDigits);
}

std::string code_of(const doc::Value& start) {
  return std::string(start.text("refused"));
}

std::string claim_of(const std::string& hook, const std::string& secret, const std::string& id) {
  return "hook/" + hook + "/" + to_hex(view(crypto::sha256(secret + "\n" + id)));
}

}  // namespace

// Fetched again after a minute, so that a changed one is seen. Anybody may ask for it by a
// delivery: one that cannot be read is looked for, and told, once in a while.
Task<Result<Secret>> Triggers::Impl::secret_of(InForce one) {
  const runbook::Hook& hook = *one.trigger->hook;
  const std::string name = secrets::to_text(hook.secret);
  const gate::Serial::Hold hold = co_await reading.take(name);
  const auto kept = keys.find(name);
  std::size_t refused = 0;
  if (kept != keys.end()) {
    Key& key = kept->second;
    const bool fresh = now() < key.fetched + (key.secret ? kKeyAge : kNoKeyAge);
    if (fresh) co_return key.secret;
    refused = key.refused;
  }
  Result<Secret> secret = co_await ports.fetch(hook.secret);
  if (secret && secret->reveal().size() < kSecretBytesMin)
    secret = refuse("too_short", name + " is shorter than " + std::to_string(kSecretBytesMin) +
                                     " bytes: anybody could guess it");
  if (!secret)
    say("webhook " + hook.name + " of runbook " + one.document->name +
        " takes nothing: " + secret.error().message +
        (refused > 0 ? " (" + std::to_string(refused) + " deliveries since this was said)" : ""));
  keys.insert_or_assign(name, Key{secret, now(), 0});
  co_return secret;
}

Task<void> Triggers::Impl::read_secrets() {
  const std::vector<InForce> all = triggers;
  for (const InForce& one : all) {
    if (one.trigger->hook) (void)co_await secret_of(one);
  }
}

// The triggers of this name whose secret the sender knows.
Task<std::vector<InForce>> Triggers::Impl::of_sender(Delivery delivery) {
  refresh();
  std::vector<InForce> out;
  const std::vector<InForce> all = triggers;
  for (const InForce& one : all) {
    if (!one.trigger->hook || one.trigger->hook->name != delivery.hook) continue;
    const Result<Secret> secret = co_await secret_of(one);
    if (!secret)
      ++keys[secrets::to_text(one.trigger->hook->secret)].refused;
    else if (is_from_sender(*one.trigger->hook, delivery, *secret, now()))
      out.push_back(one);
  }
  co_return out;
}

Result<void> Triggers::Impl::admit(const Sender& sender) {
  const double wait =
      buckets[sender].take({kDeliveriesPerSecond * 10, kDeliveriesPerSecond}, now());
  if (wait > 0)
    return std::unexpected(Refusal{
        "rate_limited", "deliveries come too often; wait a second, and send what is left", "", 1});
  return {};
}

Task<std::vector<Told>> Triggers::Impl::new_ones(Sender sender, std::vector<Told> told) {
  std::vector<Told> out;
  std::set<std::string> here;
  for (Told& one : told) {
    bool is_new = true;
    for (const std::string& id : one.ids) {
      is_new = is_new && !here.contains(id) &&
               !(co_await ports.gate.journal().find_claim(claim_of(sender.hook, sender.secret, id)))
                    .has_value();
    }
    if (!is_new) continue;
    here.insert(one.ids.begin(), one.ids.end());
    out.push_back(std::move(one));
  }
  co_return out;
}

// What it starts is said now, by the documents in force: whatever changes afterwards.
EventDraft Triggers::Impl::draft_of(const Sender& sender, const std::vector<InForce>& wanted,
                                    const Told& told) const {
  const std::string& hook = sender.hook;
  runbook::Scope scope;
  scope.event = told.event;
  doc::Array starts;
  for (const InForce& one : wanted) {
    Result<bool> when = one.trigger->hook->when ? one.trigger->hook->when->holds(scope) : true;
    if (when && !*when) continue;
    doc::Value start =
        doc::object({{"runbook", one.document->name}, {"agent", one.trigger->agent}});
    Result<doc::Value> inputs = doc::Value();
    if (when) inputs = one.trigger->inputs.fill(scope);
    if (when && inputs) {
      start.set("inputs", std::move(*inputs));
    } else {
      const Refusal& why = when ? inputs.error() : when.error();
      say("webhook " + hook + " of runbook " + one.document->name +
          " starts nothing: " + why.message);
      start.set("refused", why.code);
    }
    starts.push_back(std::move(start));
  }
  const std::string print = print_of(sender.secret, told);
  const doc::Value said = doc::object(
      {{"name", hook}, {"kind", to_text(wanted.front().trigger->hook->kind)}, {"delivery", print}});
  EventDraft out;
  out.stream = "hook/" + hook + "/" + print;
  out.type = starts.empty() ? "hook.ignored" : "hook.received";
  out.body = doc::object({{"hook", said}});
  if (!starts.empty())
    out.private_part = doc::object({{"event", told.event}, {"starts", std::move(starts)}});
  return out;
}

Task<Result<std::size_t>> Triggers::Impl::record_told(Sender sender, std::vector<InForce> wanted,
                                                      std::vector<Told> told) {
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    told = co_await new_ones(sender, std::move(told));
    if (told.empty()) co_return std::size_t{0};
    std::vector<EventDraft> drafts;
    std::vector<store::Claim> claims;
    std::vector<std::optional<doc::Value>> private_parts;
    for (const Told& one : told) {
      drafts.push_back(draft_of(sender, wanted, one));
      private_parts.push_back(drafts.back().private_part);
      for (const std::string& id : one.ids)
        claims.push_back({claim_of(sender.hook, sender.secret, id), "1"});
    }
    Result<std::vector<Event>> recorded =
        co_await ports.gate.record(std::move(drafts), {}, std::move(claims));
    if (!recorded && recorded.error().code == "already_used") continue;
    if (!recorded) co_return std::unexpected(recorded.error());
    for (std::size_t i = 0; i < recorded->size(); ++i) {
      (*recorded)[i].private_part = std::move(private_parts[i]);
      load_received({(*recorded)[i]});
      const auto found = received.find((*recorded)[i].stream);
      if (found != received.end()) start_runs(found->second);
    }
    co_return recorded->size();
  }
  co_return refuse("overloaded", "the same is delivered again and again; send it once more");
}

Task<Result<std::size_t>> Triggers::received(Delivery delivery) {
  const std::string hook = delivery.hook;
  std::vector<InForce> known;
  if (runbook::is_hook_name(hook)) known = co_await impl_->of_sender(delivery);
  if (known.empty())
    co_return refuse("bad_delivery",
                     "there is no such webhook, or this does not prove that it comes from whoever "
                     "may call it: look at its secret, and how it signs");
  std::size_t taken = 0;
  while (!known.empty()) {  // most often all of one secret and kind
    const runbook::HookKind kind = known.front().trigger->hook->kind;
    const Impl::Sender sender{hook, secrets::to_text(known.front().trigger->hook->secret)};
    if (Result<void> ok = impl_->admit(sender); !ok) co_return std::unexpected(ok.error());
    std::vector<InForce> same, others;
    for (InForce& one : known) {
      const runbook::Hook& its = *one.trigger->hook;
      const bool is_same = its.kind == kind && secrets::to_text(its.secret) == sender.secret;
      (is_same ? same : others).push_back(std::move(one));
    }
    known = std::move(others);
    Result<std::vector<Told>> told = told_by(kind, delivery);
    if (!told) co_return std::unexpected(told.error());
    Result<std::size_t> recorded =
        co_await impl_->record_told(sender, std::move(same), std::move(*told));
    if (!recorded) co_return recorded;
    taken += *recorded;
  }
  co_return taken;
}

void Triggers::Impl::load_received(const std::vector<Event>& events) {
  const Event& first = events.front();
  const doc::Value* starts = first.private_part ? first.private_part->find("starts") : nullptr;
  if (events.back().type != "hook.received" || starts == nullptr) return;
  auto one = std::make_shared<Received>();
  one->stream = first.stream;
  one->hook = *first.body.find("hook");
  one->starts = starts->as_array();
  one->at = first.time;
  received[one->stream] = std::move(one);
}

void Triggers::Impl::tick_received() {
  for (const auto& [stream, one] : received) {
    if (!one->again || now() < *one->again) continue;
    one->again.reset();
    start_runs(one);
  }
}

void Triggers::Impl::start_runs(std::shared_ptr<Received> one) {
  if (std::exchange(one->busy, true)) return;
  ports.spawn(start_each(std::move(one)));
}

// Begun again after a crash, what was asked for already is found again.
Task<void> Triggers::Impl::start_each(std::shared_ptr<Received> one) {
  doc::Array started, refused;
  bool again = false;
  for (std::size_t i = 0; i < one->starts.size(); ++i) {
    const doc::Value& start = one->starts[i];
    const std::string runbook(start.text("runbook"));
    std::string code = code_of(start);
    if (code.empty()) {
      const doc::Value* inputs = start.find("inputs");
      const Result<gate::RecordPtr> asked = co_await ask(
          {runbook, std::string(start.text("agent")), "webhook",
           "webhook " + std::string(one->hook.text("name")) + ", delivery " +
               std::string(one->hook.text("delivery")),
           one->stream + "/" + std::to_string(i), inputs == nullptr ? doc::Value() : *inputs});
      if (asked) {
        started.push_back(doc::object({{"runbook", runbook}, {"action", (*asked)->id.str()}}));
        continue;
      }
      code = asked.error().code;
      again = again || (passes(code) && now() - one->at < kGiveUp);
      if (!passes(code))
        say("webhook " + std::string(one->hook.text("name")) + " does not start " + runbook + ": " +
            asked.error().message);
    }
    refused.push_back(doc::object({{"runbook", runbook}, {"code", code}}));
  }
  if (!again) {
    doc::Value body = doc::object({{"hook", one->hook}, {"started", std::move(started)}});
    if (!refused.empty()) body.set("refused", std::move(refused));
    std::vector<EventDraft> drafts;
    drafts.push_back({one->stream, "hook.settled", std::move(body), std::nullopt});
    const Result<void> done = co_await append(std::move(drafts));
    again = !done.has_value();
  }
  one->busy = false;
  if (again)
    one->again = now() + kTryAgain;
  else
    received.erase(one->stream);
}

}  // namespace keyturn::triggers
