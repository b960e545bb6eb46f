#include "channels/webhook/incident.h"

#include <algorithm>
#include <array>

#include "doc/json.h"
#include "render/runs.h"
#include "review/review.h"

namespace keyturn::channels::webhook {
namespace {

constexpr std::array kStages{Stage::kNone, Stage::kTriggered, Stage::kAcknowledged,
                             Stage::kResolved};
constexpr std::size_t kOpsgenieMessageMax = 130;
constexpr std::size_t kSummaryMax = 1024;  // PagerDuty's
constexpr std::size_t kDetailMax = 200;

// Visible, and cut between characters: at most so many bytes.
std::string plain(std::string_view text, std::size_t bytes_max) {
  std::string out = render::to_plain_text(render::render_text(text).runs);
  std::ranges::replace(out, '\n', ' ');
  if (out.size() <= bytes_max) return out;
  constexpr std::string_view kCut = "…";
  std::size_t end = bytes_max - kCut.size();
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
  return out.substr(0, end) + std::string(kCut);
}

doc::Value pagerduty_event(const Settings& settings, const Secret& key, Stage step,
                           const Alert& alert) {
  doc::Value event = doc::object({{"routing_key", std::string(key.reveal())},
                                  {"event_action", step == Stage::kTriggered      ? "trigger"
                                                   : step == Stage::kAcknowledged ? "acknowledge"
                                                                                  : "resolve"},
                                  {"dedup_key", alert.action}});
  if (step != Stage::kTriggered) return event;
  doc::Value details;
  for (const auto& [name, text] : alert.details) details.set(name, text);
  event.set("payload", doc::object({{"summary", plain(alert.summary, kSummaryMax)},
                                    {"source", alert.source},
                                    {"severity", settings.urgency},
                                    {"timestamp", to_rfc3339(alert.at)},
                                    {"class", "approval"},
                                    {"custom_details", std::move(details)}}));
  event.set("links",
            doc::Array{doc::object({{"href", alert.page}, {"text", "Open it in Keyturn"}})});
  event.set("client", "Keyturn");
  event.set("client_url", alert.page);
  return event;
}

doc::Value opsgenie_alert(const Settings& settings, const Alert& alert) {
  doc::Value details;
  for (const auto& [name, text] : alert.details) details.set(name, text);
  details.set("page", alert.page);
  return doc::object({{"message", plain(alert.summary, kOpsgenieMessageMax)},
                      {"alias", alert.action},
                      {"description", plain(alert.summary, kSummaryMax) + "\n" + alert.page},
                      {"details", std::move(details)},
                      {"source", "Keyturn"},
                      {"priority", settings.urgency}});
}

std::string opsgenie_path(Stage step, const std::string& alias) {
  if (step == Stage::kTriggered) return "/v2/alerts";
  return "/v2/alerts/" + alias + (step == Stage::kAcknowledged ? "/acknowledge" : "/close") +
         "?identifierType=alias";
}

std::string groups_in_words(const Plan& plan) {
  return people::in_words(groups_of(plan));
}

}  // namespace

std::string_view to_text(Stage stage) {
  switch (stage) {
    case Stage::kNone:
      return "";
    case Stage::kTriggered:
      return "triggered";
    case Stage::kAcknowledged:
      return "acknowledged";
    case Stage::kResolved:
      return "resolved";
  }
  return "";
}

Stage stage_from_text(std::string_view text) {
  for (const Stage one : kStages) {
    if (to_text(one) == text) return one;
  }
  return Stage::kNone;
}

Stage stage_of(const gate::ActionRecord& record) {
  if (record.state != State::kPending || !record.review) return Stage::kResolved;
  const review::Review& review = *record.review;
  const Time called = review.escalated_to.empty() ? review.opened_at : review.escalated_at;
  const bool somebody = std::ranges::any_of(
      review.votes, [&](const review::Vote& vote) { return vote.at >= called; });
  return somebody ? Stage::kAcknowledged : Stage::kTriggered;
}

// A page that somebody acknowledged does not call again: it is ended, and begun anew.
std::vector<Stage> steps(Stage from, Stage to) {
  const bool is_open = from == Stage::kTriggered || from == Stage::kAcknowledged;
  switch (to) {
    case Stage::kTriggered:
      if (from == Stage::kAcknowledged) return {Stage::kResolved, Stage::kTriggered};
      return {Stage::kTriggered};
    case Stage::kAcknowledged:
      if (is_open) return {Stage::kAcknowledged};
      return {Stage::kTriggered, Stage::kAcknowledged};
    case Stage::kResolved:
      return {Stage::kResolved};
    case Stage::kNone:
      return {};
  }
  return {};
}

Alert alert_of(const gate::ActionRecord& record, const std::string& page) {
  Alert out;
  out.action = record.id.str();
  out.page = page;
  const std::size_t host = page.find("://") + 3;
  out.source = page.substr(host, page.find_first_of("/?", host) - host);
  out.at = record.created_at;
  const auto detail = [&](const char* name, const std::string& text) {
    if (!text.empty()) out.details.emplace_back(name, plain(text, kDetailMax));
  };
  detail("action", out.action);
  detail("tool", record.tool);
  detail("operation", record.operation);
  detail("resource_kind", record.resource.kind);
  detail("resource", record.resource.name);
  detail("environment", record.resource.env);
  detail("requester", record.requester.id);
  detail("owner", record.owner);
  std::string waits = "Keyturn: " + plain(record.tool, kDetailMax) + " (" +
                      plain(record.operation, kDetailMax) + ") waits for people";
  if (record.review) {
    const std::string groups = groups_in_words(record.review->plan);
    detail("waits_for", groups);
    detail("escalated_to", record.review->escalated_to);
    out.escalated = !record.review->escalated_to.empty();
    out.at = out.escalated ? record.review->escalated_at : record.review->opened_at;
    waits += " of " + plain(groups, kDetailMax);
  }
  detail("expires_at", to_rfc3339(record.expires_at));
  if (out.escalated) waits += ", escalated to " + plain(record.review->escalated_to, kDetailMax);
  out.summary = std::move(waits);
  return out;
}

net::ClientRequest request_for(const Settings& settings, const Secret& key, Stage step,
                               const Alert& alert) {
  net::ClientRequest request;
  request.method = "POST";
  request.headers = {{"Content-Type", "application/json"}};
  if (settings.form == Template::kPagerDuty) {
    request.url = settings.url;
    request.body = doc::write_json(pagerduty_event(settings, key, step, alert));
    return request;
  }
  request.url = settings.url + opsgenie_path(step, alert.action);
  request.headers.add("Authorization", "GenieKey " + std::string(key.reveal()));
  request.body = doc::write_json(step == Stage::kTriggered ? opsgenie_alert(settings, alert)
                                                           : doc::object({{"source", "Keyturn"}}));
  return request;
}

}  // namespace keyturn::channels::webhook
