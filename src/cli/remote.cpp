#include "cli/remote.h"

#include <fmt/format.h>

#include <array>
#include <ostream>

#include "base/percent.h"
#include "doc/json.h"

namespace keyturn::cli {
namespace {

struct Hint {
  std::string_view code;
  std::string_view words;
};
constexpr std::array kHints = std::to_array<Hint>({
    {"unauthenticated", "Set KEYTURN_TOKEN to a token of yours (keyturn token create …)."},
    {"invalid_token",
     "The token is wrong, expired or revoked. Make a new one: keyturn token create …"},
    {"assurance_too_low",
     "Policy wants more than a terminal's token here. Open the review in a browser and sign in."},
    {"passkey_required", "Policy wants a passkey's signature. Open the review in a browser."},
    {"wrong_channel", "Policy does not take votes from here. Open the review in a browser."},
    {"own_request", "Whoever asked cannot agree to it. Somebody else has to."},
    {"related_to_requester", "You are related to whoever asked. Somebody else has to agree."},
    {"digest_mismatch", "The case changed since it was shown. Look at it again: keyturn show ID"},
    {"already_voted", "Take your vote back first: keyturn take-back ID"},
    {"look_too_short", "Policy wants the case looked at for a while before a vote. Try again."},
    {"retype_mismatch", "Policy wants a name typed again: --retype NAME"},
    {"not_a_reviewer", "Policy asks other people about this one (keyturn show ID)."},
    {"cannot_connect", "Is the server running? KEYTURN_URL says where it is looked for."},
    {"tls_failed", "The server's certificate is not trusted by this machine."},
});

Failure unreachable(const std::string& url, const Refusal& refusal) {
  return {Exit::kUnreachable,
          {refusal.code, fmt::format("{} does not answer: {}", url, refusal.message), ""},
          {}};
}

Failure failure_of(int status, const std::string& body) {
  Failure failure;
  failure.exit = exit_of_status(status);
  const Result<doc::Value> problem = doc::parse_json(body);
  if (!problem || !problem->is_object() || problem->text("code").empty()) {
    // Somebody in between says that there is no Keyturn behind it.
    if (status >= 502 && status <= 504) failure.exit = Exit::kUnreachable;
    failure.refusal = {"not_keyturn",
                       fmt::format("the server answered HTTP {} without an explanation", status),
                       ""};
    return failure;
  }
  failure.problem = *problem;
  const std::string_view detail = problem->text("detail");
  failure.refusal = {std::string(problem->text("code")),
                     std::string(detail.empty() ? problem->text("title") : detail),
                     std::string(problem->text("pointer"))};
  return failure;
}

}  // namespace

std::string_view hint_for(std::string_view code) {
  for (const Hint& hint : kHints)
    if (hint.code == code) return hint.words;
  return "";
}

int complain(Session& session, const Failure& failure) {
  Console& console = session.console;
  if (session.json) {
    doc::Value problem = failure.problem;
    if (problem.is_null())
      problem = doc::object({{"code", failure.refusal.code}, {"detail", failure.refusal.message}});
    console.err << doc::write_json(problem) << '\n';
    return code(failure.exit);
  }
  console.err << on_err(console, Tone::kBad, "keyturn: ") << printable(failure.refusal.message);
  if (!failure.refusal.where.empty()) console.err << " (" << one_line(failure.refusal.where) << ")";
  console.err << '\n';
  const std::string_view hint = hint_for(failure.refusal.code);
  if (!hint.empty()) console.err << "  " << hint << '\n';
  return code(failure.exit);
}

std::string with_query(std::string path, const Query& query) {
  char separator = path.contains('?') ? '&' : '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    path += separator + name + "=" + percent_encoded(value);
    separator = '&';
  }
  return path;
}

Remote::Remote(Environment environment) : environment_(std::move(environment)) {
  while (environment_.url.ends_with('/')) environment_.url.pop_back();
}

net::ClientRequest Remote::request(std::string method, const std::string& path) const {
  net::ClientRequest out;
  out.method = std::move(method);
  out.url = environment_.url + path;
  out.headers.add("X-Keyturn-Channel", "cli");
  if (!environment_.token.empty()) out.headers.add("Authorization", "Bearer " + environment_.token);
  return out;
}

Attempt<doc::Value> Remote::answer(const net::ClientRequest& request) const {
  const Result<net::ClientResponse> response = net::fetch(request);
  if (!response) return std::unexpected(unreachable(environment_.url, response.error()));
  if (response->status < 200 || response->status > 299)
    return std::unexpected(failure_of(response->status, response->body));
  if (response->body.empty()) return doc::Value(doc::Object{});
  doc::ParseLimits limits;
  limits.bytes_max = request.body_bytes_max;
  limits.values_max = 2'000'000;
  Result<doc::Value> value = doc::parse_json(response->body, limits);
  if (!value) {
    return std::unexpected(Failure{
        Exit::kFailed,
        {"not_keyturn",
         fmt::format("{} does not speak Keyturn: {}", environment_.url, value.error().message), ""},
        {}});
  }
  return std::move(*value);
}

Attempt<doc::Value> Remote::get(const std::string& path,
                                std::optional<std::chrono::seconds> wait) const {
  net::ClientRequest out = request("GET", path);
  if (wait) {
    out.headers.add("Prefer", fmt::format("wait={}", wait->count()));
    out.timeout += *wait;
  }
  return answer(out);
}

Attempt<doc::Value> Remote::post(const std::string& path, const doc::Value& body,
                                 std::optional<std::chrono::seconds> patience) const {
  net::ClientRequest out = request("POST", path);
  out.headers.add("Content-Type", "application/json");
  out.body = doc::write_json(body);
  if (patience) out.timeout = *patience;
  return answer(out);
}

Attempt<doc::Value> Remote::erase(const std::string& path) const {
  return answer(request("DELETE", path));
}

Attempt<bool> Remote::listen(const std::string& path,
                             const std::function<bool(const net::ServerEvent&)>& heard) const {
  net::ClientRequest out = request("GET", path);
  out.headers.add("Accept", "text/event-stream");
  out.timeout = Duration{0};
  out.silence_timeout = std::chrono::seconds(90);  // the server sends a heartbeat
  net::EventReader events;
  bool enough = false;
  out.on_bytes = [&](std::string_view bytes) {
    const bool more = events.feed(bytes, [&](const net::ServerEvent& event) {
      enough = !heard(event);
      return !enough;
    });
    return more;
  };
  const Result<net::ClientResponse> response = net::fetch(out);
  if (enough) return true;
  if (!response) return std::unexpected(unreachable(environment_.url, response.error()));
  if (response->status < 200 || response->status > 299)
    return std::unexpected(failure_of(response->status, response->body));
  return false;
}

}  // namespace keyturn::cli
