// An action (API "An action") as people read it in a terminal.
#pragma once

#include <string>

#include "cli/app.h"
#include "cli/exit_codes.h"
#include "doc/value.h"

namespace keyturn::cli {

// kUnknown for a word that we do not know.
State state_of(const doc::Value& action);
// Nothing more is to be waited for. (Approved, and held until the ledger has evidence: there is.)
bool is_settled(const doc::Value& action);
Exit exit_of_action(const doc::Value& action);
std::string party(const doc::Value* party);  // "alice", of an id or of {"id"}; one line

// "1 of dba (0 so far), 2 of sre (1 so far)"; "" when nobody is asked.
std::string who_is_asked(const doc::Value& action);

// "denied by prod-ddl: …", "succeeded in 12 ms, exit code 0", …: the end, or where it stands.
std::string outcome_line(const doc::Value& action);

// The whole picture: what the server rendered, each run rendered again here; votes and comments.
std::string case_text(const doc::Value& action);

// One line of a list: id, state, tool, operation, who, what it waits for.
std::vector<std::string> summary_cells(const doc::Value& action);

// What came of it, as the command's own output: stdout, stderr, rows or the grant on stdout and
// stderr; a line of ours on stderr unless all went well and stderr is no terminal. With --json the
// action on stdout. Returns the exit code.
int print_result(Session& session, const doc::Value& action);

}  // namespace keyturn::cli
