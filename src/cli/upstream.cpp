// keyturn upstream: what MCP servers say of their tools, and accepting it.
#include <memory>
#include <ostream>

#include "base/percent.h"
#include "cli/action_text.h"
#include "cli/commands.h"
#include "cli/host.h"
#include "cli/remote.h"

namespace keyturn::cli {
namespace {

struct UpstreamWords {
  Place place;
  std::string name, reason;
  std::vector<std::string> tools;
};

std::string state_in_words(const doc::Value& tool) {
  const std::string_view state = tool.text("state");
  if (state == "pinned") return tool.find("tool") == nullptr ? "not offered: its name" : "accepted";
  if (state == "new") return "new: to be accepted";
  if (state == "changed") return "changed: to be accepted";
  return state == "gone" ? "gone" : one_line(state);
}

// A row a tool; of a server without tools, one that says so.
int list_upstreams(Session& session) {
  const Attempt<doc::Value> answer = Remote(session.environment).get("/v1/upstreams");
  if (!answer) return complain(session, answer.error());
  if (session.json) {
    print_json(session.console, *answer);
    return code(Exit::kOk);
  }
  std::vector<Row> rows;
  const doc::Value* items = answer->find("items");
  for (const doc::Value& upstream : items == nullptr ? doc::Array{} : items->as_array()) {
    const std::string name = one_line(upstream.text("name"));
    const doc::Value* tools = upstream.find("tools");
    for (const doc::Value& tool : tools == nullptr ? doc::Array{} : tools->as_array())
      rows.push_back({name, one_line(tool.text("name")), one_line(tool.text("operation")),
                      state_in_words(tool)});
    if (tools == nullptr || tools->as_array().empty())
      rows.push_back({name, "", "", "nobody has used it yet"});
  }
  if (rows.empty())
    session.console.err << "There is no MCP server: tools.yaml names them under upstreams.\n";
  else
    session.console.out << aligned({"SERVER", "TOOL", "OPERATION", "STATE"}, rows);
  return code(Exit::kOk);
}

int accept(Session& session, const UpstreamWords& words) {
  doc::Value body = doc::object({{"upstream", words.name}});
  if (!words.tools.empty()) body.set("tools", doc::array_of(words.tools));
  return run_host(session, words.place, "/host/upstream/accept", body,
                  "Accepted what " + words.name + " says of " +
                      (words.tools.empty() ? "its tools" : "these tools") + " now.");
}

// What the server offers now of the named tools, by digest: another definition is not proposed
// unseen.
Attempt<doc::Value> offered_by(const Session& session, const UpstreamWords& words) {
  const Attempt<doc::Value> all = Remote(session.environment).get("/v1/upstreams");
  if (!all) return all;
  doc::Value digests = doc::Object{};
  const doc::Value* items = all->find("items");
  for (const doc::Value& upstream : items == nullptr ? doc::Array{} : items->as_array()) {
    if (upstream.text("name") != words.name) continue;
    for (const doc::Value& tool : upstream.find("tools")->as_array()) {
      const doc::Value* offered = tool.find("offered");
      for (const std::string& wanted : words.tools) {
        if (wanted == tool.text("name"))
          digests.set(wanted, offered == nullptr ? "" : std::string(offered->text("digest")));
      }
    }
  }
  for (const std::string& wanted : words.tools) {
    if (digests.find(wanted) == nullptr) return usage(words.name + " has no tool " + wanted);
  }
  return digests;
}

int propose(Session& session, const UpstreamWords& words) {
  doc::Value body = doc::object({{"reason", words.reason}});
  if (!words.tools.empty()) {
    Attempt<doc::Value> digests = offered_by(session, words);
    if (!digests) return complain(session, digests.error());
    body.set("tools", std::move(*digests));
  }
  const Attempt<doc::Value> action =
      Remote(session.environment)
          .post("/v1/upstreams/" + percent_encoded(words.name) + "/accept", body);
  if (!action) return complain(session, action.error());
  if (session.json)
    print_json(session.console, *action);
  else
    session.console.out << case_text(*action) << "Proposed. Now: " << outcome_line(*action) << '\n';
  return code(Exit::kOk);
}

}  // namespace

void add_upstream(CLI::App& app, Session& session) {
  CLI::App* upstream = branch(app, "upstream", "MCP servers, and what they say of their tools");
  const auto words = std::make_shared<UpstreamWords>();

  CLI::App* list = leaf(*upstream, session, "list", "Which there are, with their tools");
  list->callback([&session] { session.exit = list_upstreams(session); });

  CLI::App* yes = leaf(*upstream, session, "accept",
                       "Accept what a server says now (on the server's machine, before the seal)");
  yes->add_option("NAME", words->name, "Which server")->required();
  yes->add_option("TOOL", words->tools, "Of which tools; all that it offers otherwise");
  add_place(*yes, words->place);
  yes->callback([&session, words] { session.exit = accept(session, *words); });

  CLI::App* ask = leaf(*upstream, session, "propose", "Ask two administrators to accept it");
  ask->add_option("NAME", words->name, "Which server")->required();
  ask->add_option("TOOL", words->tools, "Of which tools; all that it offers otherwise");
  ask->add_option("--reason", words->reason, "Why")->required();
  ask->callback([&session, words] { session.exit = propose(session, *words); });
}

}  // namespace keyturn::cli
