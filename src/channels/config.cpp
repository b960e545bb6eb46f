#include "channels/config.h"

#include <array>
#include <set>

#include "channels/email/settings.h"
#include "channels/slack/config.h"
#include "channels/teams/teams.h"
#include "channels/webhook/settings.h"

namespace keyturn::channels {
namespace {

using Read = std::vector<Configured> (*)(const doc::Value& value, const std::string& pointer,
                                         doc::Problems& problems);

// A new kind of channel is a folder, and a row here.
struct Row {
  std::string_view key;
  Read read;
};
constexpr std::array kRows = std::to_array<Row>({
    {"slack", slack::read_slack},
    {"teams", teams::read_teams},
    {"webhooks", webhook::read_webhooks},
    {"email", email::read_email},
});

}  // namespace

std::vector<Configured> read_channels(doc::ObjectReader& root, doc::Problems& problems) {
  std::vector<Configured> out;
  const doc::Value* value = root.object("channels");
  if (value == nullptr) return out;
  doc::ObjectReader reader(*value, root.pointer_to("channels"), problems);
  std::set<std::string> names;
  for (const Row& row : kRows) {
    const doc::Value* section = reader.any(row.key);
    if (section == nullptr) continue;
    for (Configured& one : row.read(*section, reader.pointer_to(row.key), problems)) {
      if (!names.insert(one.name).second)
        reader.problem("duplicate_name", "two channels are called \"" + one.name + "\"", row.key);
      out.push_back(std::move(one));
    }
  }
  reader.finish();
  return out;
}

std::vector<std::string> check_secrets(const Configured& wanted) {
  std::vector<std::string> out;
  for (const NeededSecret& needed : wanted.secrets) {
    if (needed.reference.source == secrets::Source::kExec) continue;
    const std::string begin = "channels: " + wanted.name + ": ";
    const Result<Secret> found = secrets::resolve(needed.reference);
    if (!found)
      out.push_back(begin + needed.name + ": " + found.error().message);
    else if (const Result<void> good = check_form(needed, *found); !good)
      out.push_back(begin + good.error().message);
  }
  return out;
}

}  // namespace keyturn::channels
