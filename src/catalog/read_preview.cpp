// What a tool says of looking before it runs: what people are shown of what it would touch, and
// the state that their approval is good for.
#include "catalog/tool_reader.h"

namespace keyturn::catalog {

// Its parameters are not ticked off: one that only a look uses changes nothing of what runs.
std::vector<std::string> ToolReader::read_look(std::string_view key) {
  if (in_.value().find(key) == nullptr) return {};
  std::set<std::string> used = used_;
  std::vector<std::string> argv = read_argv(key);
  used_ = std::move(used);
  return argv;
}

void ToolReader::read_sql_preview() {
  const bool wanted = in_.boolean("preview").value_or(false);
  const std::string state = in_.string("state").value_or("");
  if (!state.empty() && state != "count" && state != "rows") {
    in_.problem("unknown_choice",
                "state is `count` (how many rows; the default) or `rows` (which, and their "
                "versions)",
                "state");
  }
  if (!wanted) {
    if (!state.empty())
      in_.problem("conflict", "state goes with preview: true, which looks at the rows", "state");
    return;
  }
  if (!tool_.credential.empty()) {
    in_.problem("conflict",
                "a preview runs before anybody has agreed, and credentials are issued only "
                "afterwards: give the tool a password, or remove preview",
                "preview");
  }
  tool_.preview = Preview{.counts = true};
  if (state == "rows") tool_.preview->state = {"rows"};  // connectors/sql/look.h
}

void ToolReader::read_preview() {
  if (tool_.kind == ToolKind::kSql) return read_sql_preview();
  if (tool_.kind != ToolKind::kExec) {
    (void)in_.any("preview");  // said to be without effect
    (void)in_.any("state");
    return;
  }
  Preview preview{.shows = read_look("preview"), .state = read_look("state")};
  if (!preview.shows.empty() || !preview.state.empty()) tool_.preview = std::move(preview);
}

}  // namespace keyturn::catalog
