#include "triggers/delivery.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::triggers {
namespace {

using runbook::HookKind;

constexpr std::size_t kSignaturesMax = 16;

std::string hmac_hex(const Secret& secret, std::string_view message) {
  return to_hex(view(crypto::hmac_sha256(secret.reveal(), message)));
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// The values of "KEY=VALUE,KEY=VALUE".
std::vector<std::string_view> values_of(std::string_view header, std::string_view key) {
  std::vector<std::string_view> out;
  for (std::size_t n = 0; n < kSignaturesMax && !header.empty(); ++n) {
    const std::size_t end = std::min(header.find(','), header.size());
    const std::string_view part = trimmed(header.substr(0, end));
    if (part.starts_with(key) && part.substr(key.size()).starts_with('='))
      out.push_back(part.substr(key.size() + 1));
    header.remove_prefix(std::min(end + 1, header.size()));
  }
  return out;
}

// Every one is compared, whatever the others were.
bool is_one_of(const std::vector<std::string_view>& given, std::string_view wanted) {
  bool found = false;
  for (const std::string_view one : given) found |= equal_constant_time(one, wanted);
  return found;
}

std::optional<std::int64_t> seconds_of(std::string_view text) {
  std::int64_t out = 0;
  constexpr std::int64_t kMost = 1'000'000'000'000;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  const bool read = error == std::errc{} && end == text.data() + text.size() && !text.empty();
  return read && out >= 0 && out <= kMost ? std::optional(out) : std::nullopt;
}

bool is_authorised(const runbook::Hook& hook, std::string_view header, const Secret& secret) {
  const std::string wanted =
      hook.user.empty() ? "Bearer " + std::string(secret.reveal())
                        : "Basic " + to_base64(hook.user + ":" + std::string(secret.reveal()));
  return equal_constant_time(header, wanted);
}

bool is_signed_now(const Delivery& delivery, const Secret& secret, Time now) {
  const std::vector<std::string_view> times = values_of(delivery.signature, "t");
  const std::string_view time = times.size() == 1 ? times.front() : "";
  const std::string wanted = hmac_hex(secret, std::string(time) + "." + delivery.body);
  const bool good = is_one_of(values_of(delivery.signature, "v1"), wanted);
  const std::optional<std::int64_t> seconds = seconds_of(time);
  if (!good || !seconds) return false;
  const Time sent{std::chrono::seconds(*seconds)};
  return sent >= now - kSignatureAge && sent <= now + kSignatureAge;
}

Result<doc::Value> object_in(const std::string& body) {
  Result<doc::Value> tree = doc::parse_json(body);
  if (!tree) return tree;
  if (!tree->is_object()) return refuse("wrong_type", "the body must be an object");
  return tree;
}

// What all alerts of a message share, without the alerts.
doc::Value group_of(const doc::Value& message) {
  doc::Value out = doc::Object{};
  for (const doc::Member& member : message.as_object()) {
    if (member.key != "alerts") out.set(member.key, member.value);
  }
  return out;
}

// An alert is the same again while it fires for the same reason: however often it is sent.
Result<std::vector<Told>> alerts_in(const doc::Value& message) {
  const doc::Value* alerts = message.find("alerts");
  if (alerts == nullptr || !alerts->is_array())
    return refuse("missing_field", "needs alerts: […], as Alertmanager sends it", "/alerts");
  if (alerts->as_array().size() > kAlertsMax)
    return refuse("too_large",
                  "has more than " + std::to_string(kAlertsMax) +
                      " alerts; say max_alerts in Alertmanager's webhook_config",
                  "/alerts");
  const doc::Value group = group_of(message);
  if (doc::write_json(group).size() * alerts->as_array().size() > kSharedBytesMax)
    return refuse("too_large",
                  "what its alerts share is too long to be kept with each of them (4 MiB "
                  "altogether); shorten the common annotations, or say max_alerts in "
                  "Alertmanager's webhook_config",
                  "/alerts");
  std::vector<Told> out;
  for (std::size_t i = 0; i < alerts->as_array().size(); ++i) {
    const doc::Value& alert = alerts->as_array()[i];
    const std::string place = "/alerts/" + std::to_string(i);
    for (const char* key : {"status", "fingerprint", "startsAt"}) {
      if (!alert.is_object() || alert.text(key).empty())
        return refuse("missing_field", std::string("an alert has ") + key, place);
    }
    Told one;
    one.event = alert;
    one.event.set("group", group);
    one.ids = {"alert " +
               doc::write_json(doc::Array{message.text("groupKey"), alert.text("fingerprint"),
                                          alert.text("startsAt"), alert.text("status")})};
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::vector<Told>> pagerduty_event(const doc::Value& body) {
  const doc::Value* event = body.find("event");
  if (event == nullptr || !event->is_object() || event->text("id").empty())
    return refuse("missing_field", "needs event: {id, …}, as webhooks of PagerDuty (v3) have it",
                  "/event");
  return std::vector<Told>{{*event, {"event " + std::string(event->text("id"))}}};
}

}  // namespace

bool is_from_sender(const runbook::Hook& hook, const Delivery& delivery, const Secret& secret,
                    Time now) {
  if (secret.reveal().size() < kSecretBytesMin) return false;
  switch (hook.kind) {
    case HookKind::kAlertmanager:
      return is_authorised(hook, delivery.authorization, secret);
    case HookKind::kPagerDuty:
      return is_one_of(values_of(delivery.pagerduty_signature, "v1"),
                       hmac_hex(secret, delivery.body));
    case HookKind::kGitHub:
      return is_one_of(values_of(delivery.github_signature, "sha256"),
                       hmac_hex(secret, delivery.body));
    case HookKind::kGeneric:
      return is_signed_now(delivery, secret, now);
  }
  return false;
}

// A signature counts among the ids: the id in a header beside it is not signed, and whoever heard
// a delivery must not make it another by that.
Result<std::vector<Told>> told_by(HookKind kind, const Delivery& delivery) {
  Result<doc::Value> body = object_in(delivery.body);
  if (!body) return std::unexpected(body.error());
  switch (kind) {
    case HookKind::kAlertmanager:
      return alerts_in(*body);
    case HookKind::kPagerDuty:
      return pagerduty_event(*body);
    case HookKind::kGitHub: {
      Told one;
      one.event = doc::object({{"type", delivery.github_event},
                               {"delivery", delivery.github_delivery},
                               {"payload", std::move(*body)}});
      one.ids = {"body " + crypto::sha256_text(delivery.body)};
      if (!delivery.github_delivery.empty())
        one.ids.push_back("delivery " + delivery.github_delivery);
      return std::vector<Told>{std::move(one)};
    }
    case HookKind::kGeneric: {
      Told one;
      one.event = std::move(*body);
      const std::vector<std::string_view> times = values_of(delivery.signature, "t");
      one.ids = {"body " + std::string(times.front()) + " " + crypto::sha256_text(delivery.body)};
      if (!delivery.id.empty()) one.ids.push_back("delivery " + delivery.id);
      return std::vector<Told>{std::move(one)};
    }
  }
  return std::vector<Told>{};
}

}  // namespace keyturn::triggers
