#include "triggers/delivery.h"

#include <doctest/doctest.h>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::triggers {
namespace {

using runbook::Hook;
using runbook::HookKind;

const Secret kSecret("0123456789abcdef0123");
const Time kNow = *from_rfc3339("2026-11-22T10:00:00Z");

std::string hmac(std::string_view message) {
  return to_hex(view(crypto::hmac_sha256(kSecret.reveal(), message)));
}

Hook hook(HookKind kind, std::string user = "") {
  Hook out;
  out.name = "h";
  out.kind = kind;
  out.user = std::move(user);
  return out;
}

bool taken(HookKind kind, const Delivery& delivery, const std::string& user = "") {
  return is_from_sender(hook(kind, user), delivery, kSecret, kNow);
}

Delivery signed_at(std::string_view time, const std::string& body) {
  const std::string t = std::to_string(unix_ms(*from_rfc3339(time)) / 1000);
  Delivery out;
  out.body = body;
  out.signature = "t=" + t + ",v1=" + hmac(t + "." + body);
  return out;
}

std::vector<Told> told(HookKind kind, const Delivery& delivery) {
  Result<std::vector<Told>> out = told_by(kind, delivery);
  REQUIRE_MESSAGE(out.has_value(), (out ? "" : out.error().message));
  return std::move(*out);
}

constexpr std::string_view kAlerts = R"({"version":"4","groupKey":"{}:{alertname=\"Disk\"}",
  "status":"firing","receiver":"keyturn","groupLabels":{"alertname":"Disk"},"commonLabels":{},
  "commonAnnotations":{},"externalURL":"http://am","truncatedAlerts":0,"alerts":[
  {"status":"firing","labels":{"alertname":"Disk","host":"web1"},"annotations":{},
   "startsAt":"2026-11-22T09:59:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"a1"},
  {"status":"resolved","labels":{"alertname":"Disk","host":"web2"},"annotations":{},
   "startsAt":"2026-11-22T09:00:00Z","endsAt":"2026-11-22T09:59:00Z","generatorURL":"","fingerprint":"b2"}]})";

}  // namespace

TEST_CASE("Alertmanager proves itself by a bearer token, or by a user and a password") {
  Delivery d;
  d.authorization = "Bearer 0123456789abcdef0123";
  CHECK(taken(HookKind::kAlertmanager, d));
  CHECK_FALSE(taken(HookKind::kAlertmanager, d, "am"));
  d.authorization = "Basic " + to_base64("am:0123456789abcdef0123");
  CHECK(taken(HookKind::kAlertmanager, d, "am"));
  CHECK_FALSE(taken(HookKind::kAlertmanager, d, "pm"));
  CHECK_FALSE(taken(HookKind::kAlertmanager, d));
  for (const char* wrong : {"", "Bearer ", "Bearer 0123456789abcdef012", "0123456789abcdef0123",
                            "Bearer 0123456789abcdef0123x"}) {
    d.authorization = wrong;
    CHECK_FALSE(taken(HookKind::kAlertmanager, d));
  }
}

TEST_CASE("PagerDuty signs the body; one right signature among several will do") {
  Delivery d;
  d.body = R"({"event":{"id":"01"}})";
  // RFC 4231-style: made with openssl dgst -sha256 -hmac over this body.
  d.pagerduty_signature = "v1=" + hmac(d.body);
  CHECK(taken(HookKind::kPagerDuty, d));
  d.pagerduty_signature = "v1=" + std::string(64, 'a') + ", v1=" + hmac(d.body);
  CHECK(taken(HookKind::kPagerDuty, d));
  d.pagerduty_signature = "v0=" + hmac(d.body);
  CHECK_FALSE(taken(HookKind::kPagerDuty, d));
  d.pagerduty_signature = "v1=" + hmac(d.body + " ");
  CHECK_FALSE(taken(HookKind::kPagerDuty, d));
  d.pagerduty_signature = "";
  CHECK_FALSE(taken(HookKind::kPagerDuty, d));
}

TEST_CASE("a signature of GitHub, with GitHub's own example") {
  Delivery d;
  d.body = "Hello, World!";
  d.github_signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  CHECK(is_from_sender(hook(HookKind::kGitHub), d, Secret("It's a Secret to Everybody"), kNow));
  d.body += "!";
  CHECK_FALSE(
      is_from_sender(hook(HookKind::kGitHub), d, Secret("It's a Secret to Everybody"), kNow));
}

TEST_CASE("a signature with its time is good for five minutes, either way") {
  for (const char* time : {"2026-11-22T10:00:00Z", "2026-11-22T09:55:00Z", "2026-11-22T10:05:00Z"})
    CHECK(taken(HookKind::kGeneric, signed_at(time, "{}")));
  for (const char* time : {"2026-11-22T09:54:59Z", "2026-11-22T10:05:01Z"})
    CHECK_FALSE(taken(HookKind::kGeneric, signed_at(time, "{}")));
  Delivery d = signed_at("2026-11-22T10:00:00Z", "{}");
  const std::string good = d.signature;
  for (const std::string& wrong :
       {std::string(), std::string("t=,v1=") + hmac(".{}"), "t=1," + good,
        good.substr(0, good.find(',')), good.substr(good.find(',') + 1)}) {
    d.signature = wrong;
    CHECK_FALSE(taken(HookKind::kGeneric, d));
  }
  d.signature = good + ",v1=" + std::string(64, '0');
  CHECK(taken(HookKind::kGeneric, d));
}

TEST_CASE("a secret that could be guessed lets nobody in") {
  Delivery d;
  d.authorization = "Bearer short";
  CHECK_FALSE(is_from_sender(hook(HookKind::kAlertmanager), d, Secret("short"), kNow));
  d.authorization = "Bearer ";
  CHECK_FALSE(is_from_sender(hook(HookKind::kAlertmanager), d, Secret(""), kNow));
}

TEST_CASE("what alerts share is kept with each of them, and not without end") {
  const auto message = [](std::size_t shared, int alerts) {
    Delivery d;
    d.body = R"({"groupKey":"g","commonAnnotations":{"x":")" + std::string(shared, 'y') +
             R"("},"alerts":[)";
    for (int i = 0; i < alerts; ++i)
      d.body += std::string(i == 0 ? "" : ",") + R"({"status":"firing","fingerprint":"f)" +
                std::to_string(i) + R"(","startsAt":"2026-11-22T10:00:00Z"})";
    d.body += "]}";
    return d;
  };
  CHECK(told_by(HookKind::kAlertmanager, message(400'000, 10)).has_value());
  CHECK(told_by(HookKind::kAlertmanager, message(8'000, 500)).has_value());
  const Result<std::vector<Told>> refused = told_by(HookKind::kAlertmanager, message(400'000, 11));
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == "too_large");
}

TEST_CASE("each alert is known by its group, fingerprint, begin and status") {
  Delivery d;
  d.body = kAlerts;
  const std::vector<Told> alerts = told(HookKind::kAlertmanager, d);
  REQUIRE(alerts.size() == 2);
  CHECK(alerts[0].event.find_path({"labels", "host"})->as_string() == "web1");
  CHECK(alerts[0].event.find_path({"group", "receiver"})->as_string() == "keyturn");
  CHECK(alerts[0].event.find_path({"group", "alerts"}) == nullptr);
  CHECK(alerts[0].ids != alerts[1].ids);
  CHECK(told(HookKind::kAlertmanager, d)[0].ids == alerts[0].ids);
  const auto other = [&](std::string_view from, std::string_view to) {
    Delivery changed = d;
    changed.body.replace(changed.body.find(from), from.size(), to);
    return told(HookKind::kAlertmanager, changed)[0].ids;
  };
  CHECK(other("a1", "a3") != alerts[0].ids);
  CHECK(other("09:59:00Z", "09:59:01Z") != alerts[0].ids);
  CHECK(other("Disk", "Disc") != alerts[0].ids);
  CHECK(other("http://am", "http://pm") == alerts[0].ids);
}

TEST_CASE("what is known of another by an id that is not signed is the same by its bytes") {
  Delivery d = signed_at("2026-11-22T10:00:00Z", R"({"a":1})");
  d.id = "one";
  const Told first = told(HookKind::kGeneric, d).front();
  d.id = "two";
  const Told replayed = told(HookKind::kGeneric, d).front();
  CHECK(first.ids.size() == 2);
  CHECK(first.ids[0] == replayed.ids[0]);
  Delivery again = signed_at("2026-11-22T10:00:01Z", R"({"a":1})");
  again.id = "one";
  CHECK(told(HookKind::kGeneric, again).front().ids[1] == first.ids[1]);
  Delivery push;
  push.body = R"({"ref":"main"})";
  push.github_event = "push";
  push.github_delivery = "72d3162e";
  const Told pushed = told(HookKind::kGitHub, push).front();
  CHECK(pushed.event.text("type") == "push");
  CHECK(pushed.event.find_path({"payload", "ref"})->as_string() == "main");
  push.github_delivery = "another";
  CHECK(told(HookKind::kGitHub, push).front().ids[0] == pushed.ids[0]);
}

TEST_CASE("what is not as its sender has it is refused, with the place") {
  const auto refused = [](HookKind kind, const char* body) {
    Delivery d;
    d.body = body;
    d.signature = "t=1,v1=x";
    const Result<std::vector<Told>> out = told_by(kind, d);
    return out ? std::string("taken") : out.error().code + " " + out.error().where;
  };
  CHECK(refused(HookKind::kGeneric, "[]") == "wrong_type ");
  CHECK(refused(HookKind::kGeneric, "{").starts_with("invalid_json"));
  CHECK(refused(HookKind::kPagerDuty, "{}") == "missing_field /event");
  CHECK(refused(HookKind::kPagerDuty, R"({"event":{"id":""}})") == "missing_field /event");
  CHECK(refused(HookKind::kAlertmanager, "{}") == "missing_field /alerts");
  CHECK(refused(HookKind::kAlertmanager, R"({"alerts":[{"status":"firing"}]})") ==
        "missing_field /alerts/0");
  CHECK(refused(HookKind::kAlertmanager, R"({"alerts":[1]})") == "missing_field /alerts/0");
  std::string many = R"({"alerts":[1)";
  for (std::size_t i = 0; i < kAlertsMax; ++i) many += ",1";
  CHECK(refused(HookKind::kAlertmanager, (many + "]}").c_str()) == "too_large /alerts");
}

}  // namespace keyturn::triggers
