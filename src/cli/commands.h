// Every command adds itself to the command line. What a callback borrows lives as long as the app.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/app.h"

namespace keyturn::cli {

void add_serve(CLI::App& app, Session& session);     // serve, init
void add_seal(CLI::App& app, Session& session);      // seal
void add_person(CLI::App& app, Session& session);    // person …
void add_agent(CLI::App& app, Session& session);     // agent …
void add_oncall(CLI::App& app, Session& session);    // oncall
void add_channels(CLI::App& app, Session& session);  // channels …
void add_token(CLI::App& app, Session& session);     // token …
void add_login(CLI::App& app, Session& session);     // login
void add_request(CLI::App& app, Session& session);   // request
void add_read(CLI::App& app, Session& session);      // list, show
void add_review(CLI::App& app, Session& session);    // approve, deny, take-back, comment, cancel
void add_standing(CLI::App& app, Session& session);  // standing …
void add_upstream(CLI::App& app, Session& session);  // upstream …
void add_runbook(CLI::App& app, Session& session);   // runbook …
void add_watch(CLI::App& app, Session& session);     // watch
void add_policy(CLI::App& app, Session& session);    // policy check|test|explain …
void add_policy_sign(CLI::App& policy, Session& session);    // policy key|sign
void add_policy_replay(CLI::App& policy, Session& session);  // policy replay|diff
void add_cel(CLI::App& app, Session& session);               // cel
void add_verify(CLI::App& app, Session& session);            // verify
void add_prove(CLI::App& app, Session& session);             // prove
void add_evidence(CLI::App& app, Session& session);          // evidence
void add_fsck(CLI::App& app, Session& session);              // fsck
void add_export(CLI::App& app, Session& session);            // export
void add_witness(CLI::App& app, Session& session);           // witness
void add_ledger(CLI::App& app, Session& session);            // ledger restart
void add_mcp(CLI::App& app, Session& session);               // mcp
void add_completion(CLI::App& app, Session& session);        // completion
void add_version(CLI::App& app, Session& session);           // version

// A command that can be run, with --json.
inline CLI::App* leaf(CLI::App& parent, Session& session, const std::string& name,
                      const std::string& description) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->add_flag("--json", session.json, "Print JSON, for programs");
  return command;
}

// A command that only has commands below it.
inline CLI::App* branch(CLI::App& parent, const std::string& name, const std::string& description) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->require_subcommand(1);
  return command;
}

}  // namespace keyturn::cli
