// keyturn list, keyturn show.
#include <fmt/format.h>

#include <ostream>

#include "base/percent.h"
#include "cli/action_text.h"
#include "cli/commands.h"
#include "cli/remote.h"

namespace keyturn::cli {
namespace {

struct ListWords {
  std::vector<std::string> states;
  std::string tool, actor, q, from, to, after;
  int limit = 50;
  bool mine = false, all = false;
};

std::string list_path(const ListWords& words, const std::string& after) {
  std::string states;
  for (const std::string& state : words.states) states += (states.empty() ? "" : ",") + state;
  Query query = {{"state", words.mine ? "pending" : states},
                 {"for", words.mine ? "me" : ""},
                 {"tool", words.tool},
                 {"actor", words.actor},
                 {"q", words.q},
                 {"from", words.from},
                 {"to", words.to},
                 {"after", after},
                 {"limit", std::to_string(words.limit)}};
  return with_query("/v1/actions", query);
}

int run_list(Session& session, const ListWords& words) {
  const Remote remote(session.environment);
  doc::Array items;
  std::string after = words.after;
  do {
    Attempt<doc::Value> page = remote.get(list_path(words, after));
    if (!page) return complain(session, page.error());
    if (const doc::Value* found = page->find("items"); found != nullptr && found->is_array())
      items.insert(items.end(), found->as_array().begin(), found->as_array().end());
    after = page->text("next");
  } while (words.all && !after.empty());
  if (session.json) {
    const doc::Value next = after.empty() ? doc::Value(nullptr) : doc::Value(after);
    print_json(session.console, doc::object({{"items", std::move(items)}, {"next", next}}));
    return code(Exit::kOk);
  }
  std::vector<Row> rows;
  for (const doc::Value& item : items) rows.push_back(summary_cells(item));
  if (rows.empty()) {
    session.console.err << "Nothing.\n";
    return code(Exit::kOk);
  }
  session.console.out << aligned({"ID", "STATE", "CREATED", "TOOL", "OPERATION", "BY", "NEEDS"},
                                 rows);
  if (!after.empty())
    session.console.err << fmt::format("More: --after {}, or --all\n", one_line(after));
  return code(Exit::kOk);
}

int run_show(Session& session, const std::string& id) {
  const Attempt<doc::Value> action =
      Remote(session.environment).get("/v1/actions/" + percent_encoded(id));
  if (!action) return complain(session, action.error());
  if (session.json)
    print_json(session.console, *action);
  else
    session.console.out << case_text(*action);
  return code(Exit::kOk);
}

}  // namespace

void add_read(CLI::App& app, Session& session) {
  CLI::App* list = leaf(app, session, "list", "Actions that you may read, newest first");
  auto words = std::make_shared<ListWords>();
  list->add_option("--state", words->states, "pending, succeeded, …; may be repeated")
      ->allow_extra_args(false);
  list->add_flag("--mine", words->mine, "What waits for your vote");
  list->add_option("--tool", words->tool, "Of this tool");
  list->add_option("--actor", words->actor, "Asked for by this agent or person");
  list->add_option("-q,--query", words->q, "Words to search for");
  list->add_option("--from", words->from, "Created at or after (RFC 3339)");
  list->add_option("--to", words->to, "Created before (RFC 3339)");
  list->add_option("--after", words->after, "Where the page before ended");
  list->add_option("--limit", words->limit, "Of one page")->check(CLI::Range(1, 200));
  list->add_flag("--all", words->all, "Every page");
  list->callback([&session, words] { session.exit = run_list(session, *words); });

  CLI::App* show = leaf(app, session, "show", "The whole picture of one action");
  auto id = std::make_shared<std::string>();
  show->add_option("ID", *id, "act_…")->required();
  show->callback([&session, id] { session.exit = run_show(session, *id); });
}

}  // namespace keyturn::cli
