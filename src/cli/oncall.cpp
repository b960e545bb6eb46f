// keyturn oncall: who is on call.
#include <ostream>

#include "cli/commands.h"
#include "cli/listing.h"

namespace keyturn::cli {
namespace {

std::string people_of(const doc::Value& schedule) {
  std::string out;
  const doc::Value* people = schedule.find("on_call");
  if (people == nullptr || !people->is_array()) return out;
  for (const doc::Value& person : people->as_array()) {
    out += (out.empty() ? "" : ", ") + one_line(person.text("id"));
    if (!person.flag("counts"))
      out += " (does not count: not an active member of " + one_line(schedule.text("of")) + ")";
  }
  return out;
}

std::string schedule_state(const doc::Value& schedule) {
  const doc::Value* problems = schedule.find("problems");
  if (problems != nullptr && problems->is_array() && !problems->as_array().empty())
    return one_line(problems->as_array().front().as_string());
  return schedule.flag("stale") ? "stale: nothing was told for too long" : "";
}

int run_oncall(Session& session) {
  const auto row = [](const doc::Value& one) {
    const std::string people = people_of(one);
    return Row{one_line(one.text("name")), one_line(one.text("group")),
               people.empty() ? "nobody" : people, one_line(one.text("next_change")),
               schedule_state(one)};
  };
  return print_list(session, "/v1/oncall",
                    {"SCHEDULE", "GROUP", "ON CALL", "NEXT CHANGE", "PROBLEM"}, row,
                    "No schedule: identity.yaml has no section oncall.");
}

}  // namespace

void add_oncall(CLI::App& app, Session& session) {
  CLI::App* command = leaf(app, session, "oncall", "Who is on call, and until when");
  command->callback([&session] { session.exit = run_oncall(session); });
}

}  // namespace keyturn::cli
