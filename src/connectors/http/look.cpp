#include "connectors/http/look.h"

#include <algorithm>

#include "base/task_impl.h"
#include "connectors/http/outcome.h"
#include "connectors/output.h"
#include "crypto/crypto.h"
#include "doc/json.h"
#include "secrets/detect.h"

namespace keyturn::connectors::http {
namespace {

constexpr Duration kLookAnswerMost = std::chrono::seconds(10);
constexpr std::size_t kObjectBytesMax = 4 << 20;
constexpr std::size_t kShownBytesMax = 32 * 1024;
constexpr std::size_t kChangesMax = 200;
constexpr std::size_t kEtagMax = 1024;

// What others put there, for people: the tool's own secrets and what looks like anybody's are
// taken out. Before anything is cut, so that no part of one is left.
void clean(doc::Value& shown, const secrets::Redactor& redactor) {
  static const secrets::CredentialDetector detector;
  redactor.redact(shown);
  detector.redact(shown);
}

std::unexpected<Refusal> failed(std::string why) {
  return refuse("preview_failed", "what it would touch cannot be told: " + std::move(why));
}

struct Asking {
  net::Loop& loop;
  net::ExchangeClient& client;
  std::shared_ptr<const Prepared> prepared;
  std::shared_ptr<const Secrets> secrets;

  // Any whole answer. Code not_sent_there, too.
  Task<Result<Answer>> ask(catalog::HttpMessage message) const {
    const std::string method = message.method;
    if (Result<void> there = check_place(*secrets, message.url()); !there)
      co_return std::unexpected(there.error());
    Called called = co_await call(loop, client,
                                  {.message = std::move(message),
                                   .secrets = secrets->headers,
                                   .ca_file = prepared->call->ca_file,
                                   .addresses = prepared->call->addresses,
                                   .timeout = std::min(prepared->timeout, kLookAnswerMost),
                                   .bytes_max = kObjectBytesMax});
    if (called.lost) co_return failed(called.lost->message);
    if (called.answer->is_cut)
      co_return failed("the answer to its " + method + " is larger than 4 MiB");
    co_return std::move(*called.answer);
  }
};

Result<doc::Value> object_of(const Answer& answer) {
  auto tree = doc::parse_json(answer.body, {.bytes_max = kObjectBytesMax});
  if (!tree || !tree->is_object()) return failed("the server's answer is no JSON object");
  return tree;
}

// "403 Forbidden: deployments.apps \"web\" is forbidden: …", of a Status (meta.k8s.io/v1).
std::string said(const Answer& answer, const secrets::Redactor& redactor) {
  std::string out = "it answered " + std::to_string(answer.status);
  if (const auto tree = doc::parse_json(answer.body); tree && tree->is_object()) {
    bool ignored = false;
    if (const std::string_view message = tree->text("message"); !message.empty())
      out += ": " + presentable(message, redactor, 500, ignored);
  }
  return out;
}

// The first that there is; a null object: nothing is there.
Task<Result<doc::Value>> live(const Asking& asking) {
  doc::Value nothing;
  for (catalog::HttpMessage& get : live_of(asking.prepared->message)) {
    auto answer = co_await asking.ask(std::move(get));
    if (!answer) co_return std::unexpected(answer.error());
    auto object = object_of(*answer);
    if (answer->status == 200) co_return object;
    const bool absent = answer->status == 404 || answer->status == 405;
    if (!absent || !object || object->text("kind") != "Status")
      co_return failed(said(*answer, asking.secrets->redactor));
  }
  co_return nothing;
}

// A server that takes dryRun for nothing would do it: it must have shown that it is a Kubernetes
// API, by an object with a resourceVersion or by its Status.
Task<Result<doc::Value>> dry_run(const Asking& asking, const doc::Value& before) {
  doc::Value shown = doc::object({{"kind", "kubernetes"}});
  if (!before.is_null()) shown.set("object", named(before));
  auto answer = co_await asking.ask(dry_run_of(asking.prepared->message));
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status < 200 || answer->status > 299) {
    shown.set("refused", said(*answer, asking.secrets->redactor));
    co_return shown;
  }
  const auto after = object_of(*answer);
  if (!after) co_return std::unexpected(after.error());
  if (asking.prepared->message.method == "DELETE") {
    shown.set("deleted", named(before.is_null() ? *after : before));
    co_return shown;
  }
  std::size_t left_out = 0;
  doc::Value changed = changes(before, *after, kChangesMax, left_out);
  clean(changed, asking.secrets->redactor);
  const std::string diff = diff_of(*after, changed);
  if (diff.empty())
    shown.set("changes", "none");
  else
    shown.set("diff", diff);
  if (left_out > 0) shown.set("more_changes", static_cast<std::int64_t>(left_out));
  co_return shown;
}

bool names_its_object(const catalog::HttpMessage& message) {
  return !live_of(message).empty();
}

std::string precondition_of(const Prepared& prepared, const Looked& looked) {
  if (!takes_precondition(prepared.message)) return "";
  if (looked.states.empty()) return "none: there is nothing yet that it could name";
  return "uid and resourceVersion: the server refuses it (409) on any other";
}

Task<Result<Looked>> look_at_object(Asking asking, LookFor what) {
  Looked out;
  // A create without a name: nothing is there, and no object shows that the server knows dry runs.
  if (!names_its_object(asking.prepared->message)) {
    out.shown =
        doc::object({{"kind", "kubernetes"}, {"unavailable", "what is created has no name yet"}});
    co_return out;
  }
  auto before = co_await live(asking);
  if (!before) co_return std::unexpected(before.error());
  if (!before->is_null()) {
    auto states = states_of(*before);
    if (!states) co_return failed(states.error().message);
    out.states = std::move(*states);
  }
  out.fingerprint = fingerprint_of(out.states);
  if (what == LookFor::kState) co_return out;
  doc::Value shown;
  if (std::string why = without_dry_run(asking.prepared->message); !why.empty()) {
    shown = doc::object({{"kind", "kubernetes"}, {"unavailable", std::move(why)}});
    if (!before->is_null()) shown.set("object", named(*before));
  } else {
    auto seen = co_await dry_run(asking, *before);
    if (!seen) co_return std::unexpected(seen.error());
    shown = std::move(*seen);
  }
  if (std::string bound = precondition_of(*asking.prepared, out); !bound.empty())
    shown.set("precondition", std::move(bound));
  clean(shown, asking.secrets->redactor);
  out.shown = std::move(shown);
  co_return out;
}

// entity-tag without "W/" (RFC 9110 §8.8.3): the only one that If-Match takes, and that tells one
// answer from every other.
bool is_strong(std::string_view etag) {
  const auto is_inside = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
  };
  return etag.size() >= 2 && etag.size() <= kEtagMax && etag.front() == '"' && etag.back() == '"' &&
         std::ranges::all_of(etag.substr(1, etag.size() - 2), is_inside);
}

// What the request says of what was looked at; "" name: nothing.
std::pair<std::string, std::string> condition_of(const Prepared& prepared, const Looked& looked) {
  if (!prepared.call->look || !prepared.call->look->if_match) return {};
  if (!looked.etag.empty()) return {"If-Match", looked.etag};
  if (looked.absent && prepared.message.method == "PUT") return {"If-None-Match", "*"};
  return {};
}

std::string condition_text(const Prepared& prepared, const Looked& looked) {
  const auto [name, value] = condition_of(prepared, looked);
  if (!name.empty()) return name + ": " + value + " (the server refuses it otherwise)";
  return std::string("none goes with the request: ") +
         (looked.absent ? "nothing is there" : "what was looked at has no strong ETag");
}

Task<Result<Looked>> look_at_url(Asking asking, LookFor what) {
  const catalog::HttpMessage message = *asking.prepared->look;
  auto answer = co_await asking.ask(message);
  if (!answer) co_return std::unexpected(answer.error());
  const bool there = answer->status >= 200 && answer->status < 300;
  if (!there && answer->status != 404) co_return failed(said(*answer, asking.secrets->redactor));
  Looked out;
  out.absent = !there;
  if (const std::string_view etag = answer->headers.find("etag").value_or("");
      there && is_strong(etag))
    out.etag = etag;
  out.fingerprint = crypto::sha256_text(doc::canonical_or_die(
      doc::object({{"v", 1},
                   {"status", answer->status},
                   {"state", out.etag.empty() ? crypto::sha256_text(answer->body)
                                              : crypto::sha256_text(out.etag)}})));
  if (what == LookFor::kState) co_return out;
  bool truncated = false;
  doc::Value body = shown_body(*answer, asking.secrets->redactor, kShownBytesMax, truncated);
  out.shown =
      doc::object({{"url", message.url()}, {"status", answer->status}, {"body", std::move(body)}});
  if (truncated) out.shown.set("truncated", true);
  if (asking.prepared->call->look->if_match)
    out.shown.set("precondition", condition_text(*asking.prepared, out));
  clean(out.shown, asking.secrets->redactor);
  co_return out;
}

}  // namespace

Task<Result<Looked>> look(net::Loop& loop, net::ExchangeClient& client,
                          std::shared_ptr<const Prepared> prepared,
                          std::shared_ptr<const Secrets> secrets, LookFor what) {
  Asking asking{loop, client, prepared, std::move(secrets)};
  if (prepared->call->previews) co_return co_await look_at_object(std::move(asking), what);
  co_return co_await look_at_url(std::move(asking), what);
}

catalog::HttpMessage bound_to(const Prepared& prepared, const Looked& looked) {
  if (prepared.call->previews && looked.states.size() == 1)
    return with_precondition(prepared.message, looked.states.front());
  catalog::HttpMessage out = prepared.message;
  if (auto condition = condition_of(prepared, looked); !condition.first.empty())
    out.headers.push_back(std::move(condition));
  return out;
}

}  // namespace keyturn::connectors::http
