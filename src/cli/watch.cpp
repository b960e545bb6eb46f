// keyturn watch: one action until its end, or everything that waits for you.
#include <fmt/format.h>

#include <chrono>
#include <ostream>
#include <set>
#include <thread>

#include "base/percent.h"
#include "cli/action_text.h"
#include "cli/commands.h"
#include "cli/wait.h"
#include "doc/json.h"

namespace keyturn::cli {
namespace {

constexpr std::chrono::seconds kLookAgain{2};

void print_event(Session& session, const net::ServerEvent& event, const doc::Value& action) {
  Console& console = session.console;
  if (session.json) {
    console.out << doc::write_json(doc::object({{"event", event.event}, {"action", action}}))
                << std::endl;
    return;
  }
  console.err << fmt::format("{:<9}{}  {}", one_line(event.event), one_line(action.text("id")),
                             outcome_line(action))
              << std::endl;
}

// Until settled. A stream that ends early is opened again.
Attempt<bool> follow(Session& session, const Remote& remote, const std::string& id) {
  const std::string path = fmt::format("/v1/actions/{}/stream", percent_encoded(id));
  std::int64_t version = 0;
  for (;;) {
    Attempt<bool> settled = remote.listen(path, [&](const net::ServerEvent& event) {
      const Result<doc::Value> action = doc::parse_json(event.data);
      if (!action || action->text("state").empty()) return true;
      if (event.event != "snapshot" || action->integer("version") > version)
        print_event(session, event, *action);
      version = action->integer("version");
      return !is_settled(*action);
    });
    if (!settled || *settled) return settled;
    std::this_thread::sleep_for(kLookAgain);
  }
}

int watch_one(Session& session, const std::string& id) {
  const Remote remote(session.environment);
  {
    const Farewell farewell = leave_review(id);
    const Attempt<bool> settled = follow(session, remote, id);
    if (!settled) return complain(session, settled.error());
  }
  const Attempt<doc::Value> action = remote.get("/v1/actions/" + percent_encoded(id));
  if (!action) return complain(session, action.error());
  return print_result(session, *action);
}

void print_waiting(Session& session, const doc::Value& action) {
  if (session.json) {
    session.console.out << doc::write_json(action) << std::endl;
    return;
  }
  session.console.out << fmt::format("{}  {} {} by {}: {}", one_line(action.text("id")),
                                     one_line(action.text("tool")),
                                     one_line(action.text("operation")),
                                     party(action.find("requester")), outcome_line(action))
                      << std::endl;
}

// What waits already, then what changes; until Ctrl-C. What waits is read once the stream stands,
// so that nothing falls between the two; again after each interruption.
int watch_inbox(Session& session) {
  const Remote remote(session.environment);
  std::set<std::string> shown;
  if (session.console.err_terminal)
    session.console.err << "Watching your inbox; Ctrl-C ends it." << std::endl;
  const auto print_all = [&] {
    const Attempt<doc::Value> waiting = remote.get("/v1/actions?state=pending&for=me&limit=200");
    const doc::Value* items = waiting ? waiting->find("items") : nullptr;
    if (items == nullptr || !items->is_array()) return;
    for (const doc::Value& action : items->as_array())
      if (shown.insert(std::string(action.text("id"))).second) print_waiting(session, action);
  };
  for (;;) {
    const Attempt<bool> ended = remote.listen("/v1/inbox/stream", [&](const net::ServerEvent& e) {
      if (e.event == "ping") {
        print_all();
        return true;
      }
      const Result<doc::Value> action = doc::parse_json(e.data);
      if (!action || action->text("id").empty()) return true;
      shown.insert(std::string(action->text("id")));
      print_waiting(session, *action);
      return true;
    });
    if (!ended) return complain(session, ended.error());
    std::this_thread::sleep_for(kLookAgain);
  }
}

}  // namespace

void add_watch(CLI::App& app, Session& session) {
  CLI::App* watch = leaf(app, session, "watch", "Follow one action to its end, or your inbox");
  auto id = std::make_shared<std::string>();
  watch->add_option("ID", *id, "act_…; without it: what waits for you");
  watch->footer("The exit code is that of the action, as with request.");
  watch->callback([&session, id] {
    session.exit = id->empty() ? watch_inbox(session) : watch_one(session, *id);
  });
}

}  // namespace keyturn::cli
