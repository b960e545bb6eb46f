// The ways to people: linking one's chat account, what comes in from chats, what was given up.
#include "channels/channels.h"

#include "api/impl.h"

namespace keyturn::api {
namespace {

doc::Value attempt_json(const channels::Links::Attempt& one) {
  doc::Value account = nullptr;
  if (one.account)
    account = doc::object({{"account", one.account->id}, {"name", one.account->name}});
  return doc::object({{"id", one.id},
                      {"channel", one.channel},
                      {"code", one.account ? doc::Value(nullptr) : doc::Value(one.code)},
                      {"expires_at", to_rfc3339(one.expires_at)},
                      {"account", std::move(account)},
                      {"agreed", one.agreed}});
}

bool is_chat(std::string_view kind) {
  return kind == "slack" || kind == "teams";
}

Refusal no_such_channel(const std::string& name) {
  return {"not_found", "no channel \"" + name + "\" is configured", ""};
}

Task<Response> from_chat(Service& s, Call& call, std::string kind) {
  if (s.ports.channels == nullptr) co_return problem(no_such_channel(kind));
  co_return co_await s.ports.channels->answer(std::move(kind), std::move(call.request));
}

Task<Response> unlinked(Service& s, Call& call, std::string person, std::string channel) {
  const people::Person* of = s.directory().person(person);
  const std::string account = of == nullptr ? "" : channels::chat_account_of(*of, channel);
  Result<void> done =
      co_await s.ports.channels->links().unlink(call.caller.principal, std::move(person), account);
  if (!done) co_return co_await s.refused(call, done.error());
  co_return json_answer(200, doc::object({{"channel", channel}, {"account", account}}));
}

}  // namespace

Task<Response> post_slack(Service& s, Call& call) {
  return from_chat(s, call, "slack");
}
Task<Response> post_teams(Service& s, Call& call) {
  return from_chat(s, call, "teams");
}

Task<Response> get_links(Service& s, Call& call) {
  doc::Array items, under_way, chats;
  const std::string& me = call.caller.principal.id;
  if (const people::Person* person = s.directory().person(me)) {
    for (const std::string& account : channels::chat_accounts_of(*person))
      items.push_back(
          doc::object({{"channel", account.substr(0, account.find(':'))}, {"account", account}}));
  }
  if (s.ports.channels != nullptr) {
    for (const auto& one : s.ports.channels->links().under_way(me))
      under_way.push_back(attempt_json(one));
    for (const std::string_view kind : {"slack", "teams"}) {
      if (s.ports.channels->has(kind)) chats.emplace_back(kind);
    }
  }
  co_return json_answer(200, doc::object({{"items", std::move(items)},
                                          {"under_way", std::move(under_way)},
                                          {"channels", std::move(chats)},
                                          {"next", nullptr}}));
}

Task<Response> post_link(Service& s, Call& call) {
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  const std::string channel = required(fields, "channel");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  if (s.ports.channels == nullptr || !is_chat(channel) || !s.ports.channels->has(channel))
    co_return problem(no_such_channel(channel));
  Result<channels::Links::Attempt> begun =
      s.ports.channels->links().begin(call.caller.principal, channel);
  if (!begun) co_return co_await s.refused(call, begun.error());
  co_return json_answer(201, attempt_json(*begun));
}

Task<Response> confirm_link(Service& s, Call& call) {
  if (s.ports.channels == nullptr) co_return problem(no_such_channel("chat"));
  Result<void> done =
      co_await s.ports.channels->links().confirm(call.caller.principal, call.parts.front());
  if (!done) co_return co_await s.refused(call, done.error());
  co_return co_await get_links(s, call);
}

// One that is under way, by its id; or the account that is linked, by its chat.
Task<Response> delete_link(Service& s, Call& call) {
  if (s.ports.channels == nullptr) co_return problem(no_such_channel("chat"));
  const std::string what = call.parts.front();
  if (is_chat(what)) co_return co_await unlinked(s, call, call.caller.principal.id, what);
  Result<void> done = s.ports.channels->links().drop(call.caller.principal, what);
  if (!done) co_return co_await s.refused(call, done.error());
  co_return json_answer(200, doc::object({{"id", what}}));
}

Task<Response> delete_persons_link(Service& s, Call& call) {
  if (s.ports.channels == nullptr) co_return problem(no_such_channel(call.parts.back()));
  co_return co_await unlinked(s, call, call.parts.front(), call.parts.back());
}

Task<Response> retry_channel(Service& s, Call& call) {
  const people::Person* person = s.person_of(call);
  if (person == nullptr || !person->admin)
    co_return co_await s.refused(call, {"not_allowed", "administrators may do this", ""});
  Result<doc::Value> body = json_body(call.request);
  if (!body) co_return problem(body.error());
  doc::Problems problems;
  doc::ObjectReader fields(*body, "", problems);
  const std::string action = fields.string("action").value_or("");
  fields.finish();
  if (Result<void> ok = checked(problems); !ok) co_return problem(ok.error());
  const std::optional<std::size_t> retried =
      s.ports.channels == nullptr ? std::nullopt
                                  : s.ports.channels->retry(call.parts.front(), action);
  if (!retried) co_return problem(no_such_channel(call.parts.front()));
  co_return json_answer(200, doc::object({{"retried", *retried}}));
}

// As Administration lists them.
void add_channels(const Service& s, doc::Array& out) {
  if (s.ports.channels == nullptr) return;
  for (const channels::CourierState& one : s.ports.channels->states()) {
    std::string detail = std::to_string(one.carried) +
                         (one.carried == 1 ? " message" : " messages") + " since the start";
    if (one.waiting > 0) detail += ", " + std::to_string(one.waiting) + " wait";
    if (one.error) detail += ": " + one.error->message;
    if (!one.dead.empty())
      detail += "; " + std::to_string(one.dead.size()) + " given up, the newest (" +
                one.dead.front().action + "): " + one.dead.front().why;
    const std::string_view state = one.error ? "down" : one.dead.empty() ? "ok" : "warning";
    doc::Value shown = doc::object(
        {{"name", one.name},
         {"kind", one.kind},
         {"state", state},
         {"detail", detail},
         {"since", one.failing_since ? doc::Value(to_rfc3339(*one.failing_since)) : doc::Value()}});
    const doc::Value full = channels::to_value(one);
    shown.set("waiting", one.waiting);
    shown.set("dead", *full.find("dead"));
    out.push_back(std::move(shown));
  }
}

}  // namespace keyturn::api
