// What people do to a case: approve, deny, take back, comment, cancel.
#include <fmt/format.h>

#include <istream>
#include <ostream>

#include "base/percent.h"
#include "cli/action_text.h"
#include "cli/commands.h"
#include "cli/remote.h"

namespace keyturn::cli {
namespace {

struct VoteWords {
  std::string id, note, digest, retype;
  bool yes = false;
};

std::string path_of(const std::string& id, std::string_view below = {}) {
  return fmt::format("/v1/actions/{}{}", percent_encoded(id), below);
}

bool is_whole(const doc::Value& action) {
  const doc::Value* complete = action.find("display_complete");
  return complete != nullptr && complete->is_bool() && complete->as_bool();
}

std::string name_to_retype(const doc::Value& action) {
  const doc::Value* name = action.find_path({"verdict", "plan", "retype"});
  return name != nullptr && name->is_string() ? name->as_string() : "";
}

// Asks the person in front of the terminal. Anything but "yes" is no.
bool confirmed(Session& session, const VoteWords& words, std::string_view decision) {
  Console& console = session.console;
  console.err << fmt::format("\n{} {}? Type yes: ", decision == "approve" ? "Approve" : "Deny",
                             one_line(words.id))
              << std::flush;
  std::string answer;
  std::getline(console.in, answer);
  return answer == "yes";
}

void ask_name(Session& session, const doc::Value& action, VoteWords& words) {
  const std::string name = name_to_retype(action);
  if (name.empty() || !words.retype.empty() || !session.console.in_terminal) return;
  session.console.err << fmt::format("Policy wants {} typed again: ", one_line(name)) << std::flush;
  std::getline(session.console.in, words.retype);
}

// What changes the meaning of a vote here. Best effort: the vote does not depend on it.
void say_mode(Session& session, const Remote& remote) {
  const Attempt<doc::Value> me = remote.get("/v1/me");
  if (!me || session.json) return;
  if (const doc::Value* sealed = me->find("sealed"); sealed && *sealed == doc::Value(false))
    session.console.err << "This Keyturn is unsealed: its configuration can be changed by one.\n";
  if (me->text("mode") == "observe")
    session.console.err << "This Keyturn only observes: what policy says is not enforced.\n";
}

// Nothing when the vote may be sent; else the exit code.
std::optional<int> refuse_vote(Session& session, const doc::Value& action, const VoteWords& words,
                               bool approve) {
  if (!words.digest.empty() && words.digest != action.text("digest")) {
    return complain(session, {Exit::kFailed,
                              {"digest_mismatch",
                               fmt::format("{} is not the case of {} as it stands now, {}",
                                           words.digest, words.id, action.text("digest")),
                               ""},
                              {}});
  }
  if (approve && !is_whole(action)) {
    return complain(session,
                    {Exit::kFailed,
                     {"incomplete_display",
                      "the server could not show all of this case, so it cannot be approved", ""},
                     {}});
  }
  if (!words.yes && !session.console.in_terminal) {
    return complain(
        session,
        usage("not on a terminal: say --yes, best with --digest of the case you mean").error());
  }
  return std::nullopt;
}

int run_vote(Session& session, VoteWords words, std::string_view decision) {
  const Remote remote(session.environment);
  const Attempt<doc::Value> action = remote.get(path_of(words.id));
  if (!action) return complain(session, action.error());
  Console& console = session.console;
  if (!session.json) console.out << case_text(*action) << std::flush;
  say_mode(session, remote);
  if (const auto exit = refuse_vote(session, *action, words, decision == "approve")) return *exit;
  if (!words.yes && !confirmed(session, words, decision)) {
    console.err << "Nothing was sent.\n";
    return code(Exit::kCancelled);
  }
  ask_name(session, *action, words);
  doc::Value body = doc::object({{"decision", decision}, {"digest", action->text("digest")}});
  if (!words.note.empty()) body.set("note", words.note);
  if (!words.retype.empty()) body.set("retype", words.retype);
  const Attempt<doc::Value> voted = remote.post(path_of(words.id, "/votes"), body);
  if (!voted) {
    const int exit = complain(session, voted.error());
    const std::string_view url = action->text("review_url");
    if (!session.json && !url.empty()) console.err << "  " << one_line(url) << '\n';
    return exit;
  }
  if (session.json)
    print_json(console, *voted);
  else
    console.out << on_out(console, tone_of(decision), "Your vote counts. ")
                << "Now: " << outcome_line(*voted) << '\n';
  return code(Exit::kOk);
}

int say_now(Session& session, const Attempt<doc::Value>& action, std::string_view done) {
  if (!action) return complain(session, action.error());
  if (session.json)
    print_json(session.console, *action);
  else
    session.console.out << done << " Now: " << outcome_line(*action) << '\n';
  return code(Exit::kOk);
}

void add_vote(CLI::App& app, Session& session, const std::string& decision,
              const std::string& description) {
  CLI::App* vote = leaf(app, session, decision, description);
  auto words = std::make_shared<VoteWords>();
  vote->add_option("ID", words->id, "act_…")->required();
  vote->add_option("--note", words->note, "Why; kept with the vote");
  vote->add_option("--digest", words->digest, "Only if this is still the case: sha256:…");
  vote->add_option("--retype", words->retype, "The name that policy wants typed again");
  vote->add_flag("--yes", words->yes, "Do not ask for confirmation");
  vote->callback(
      [&session, words, decision] { session.exit = run_vote(session, *words, decision); });
}

}  // namespace

void add_review(CLI::App& app, Session& session) {
  add_vote(app, session, "approve", "Show a case, and agree to it");
  add_vote(app, session, "deny", "Show a case, and refuse it");
  auto words = std::make_shared<VoteWords>();

  CLI::App* back = leaf(app, session, "take-back", "Take your vote back, while it is pending");
  back->add_option("ID", words->id, "act_…")->required();
  back->callback([&session, words] {
    session.exit = say_now(session, Remote(session.environment).erase(path_of(words->id, "/votes")),
                           "Your vote is taken back.");
  });

  CLI::App* comment = leaf(app, session, "comment", "Say something about a case");
  comment->add_option("ID", words->id, "act_…")->required();
  comment->add_option("TEXT", words->note, "What")->required();
  comment->callback([&session, words] {
    const doc::Value body = doc::object({{"text", words->note}});
    session.exit = say_now(
        session, Remote(session.environment).post(path_of(words->id, "/comments"), body), "Said.");
  });

  CLI::App* cancel = leaf(app, session, "cancel", "Withdraw an action that does not run yet");
  cancel->add_option("ID", words->id, "act_…")->required();
  cancel->callback([&session, words] {
    session.exit = say_now(
        session, Remote(session.environment).post(path_of(words->id, "/cancel"), doc::Object{}),
        "Withdrawn.");
  });
}

}  // namespace keyturn::cli
