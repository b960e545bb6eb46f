#include "admin/upstream_view.h"

#include <set>
#include <string>

#include "catalog/pins.h"
#include "catalog/upstream.h"

namespace keyturn::admin {
namespace {

using catalog::Definition;
using catalog::Upstream;

std::string_view to_text(Upstream::Kind kind) {
  switch (kind) {
    case Upstream::Kind::kHttp:
      return "http";
    case Upstream::Kind::kCommand:
      return "command";
    case Upstream::Kind::kAttached:
      return "attached";
  }
  return "";
}

std::string_view state_of(const Definition* pinned, const Definition* offered) {
  if (offered == nullptr) return "pinned";
  if (pinned == nullptr) return "new";
  return offered->digest.empty() ? "gone" : "changed";
}

doc::Value tool_json(const gate::World& world, const Upstream& upstream, const std::string& name,
                     bool for_person) {
  const Definition* pinned = world.pins.pinned(upstream.name, name);
  const Definition* offered = world.pins.offered(upstream.name, name);
  doc::Value out =
      doc::object({{"name", name},
                   {"digest", pinned == nullptr ? doc::Value(nullptr) : doc::Value(pinned->digest)},
                   {"state", state_of(pinned, offered)}});
  const std::string tool = upstream.name + "." + name;
  if (const catalog::Tool* used = world.configuration->tools->find(tool);
      used != nullptr && used->mcp_name == name) {
    out.set("tool", tool);
    out.set("operation", used->operation);
  }
  if (pinned != nullptr) {
    out.set("since", to_rfc3339(pinned->since));
    if (for_person) out.set("definition", pinned->value);
  }
  if (for_person && offered != nullptr) {
    doc::Value said =
        doc::object({{"digest", offered->digest}, {"since", to_rfc3339(offered->since)}});
    if (!offered->digest.empty()) said.set("definition", offered->value);
    out.set("offered", std::move(said));
  }
  return out;
}

// An agent is told of what it may use, as it may use it.
doc::Value upstream_json(const gate::World& world, const Upstream& upstream,
                         const Principal& reader) {
  const bool for_person = reader.kind == PrincipalKind::kPerson;
  std::set<std::string> names;
  for (const auto& [name, definition] : world.pins.all_pinned(upstream.name)) names.insert(name);
  if (for_person) {
    for (const auto& [name, definition] : world.pins.all_offered(upstream.name)) names.insert(name);
  }
  doc::Array tools;
  for (const std::string& name : names) {
    if (for_person || upstream.may_use(reader.id, name))
      tools.push_back(tool_json(world, upstream, name, for_person));
  }
  const bool differs = !world.pins.all_offered(upstream.name).empty();
  doc::Value out = doc::object({{"name", upstream.name},
                                {"kind", to_text(upstream.kind)},
                                {"state", !world.pins.knows(upstream.name) ? "unseen"
                                          : differs                        ? "changed"
                                                                           : "accepted"},
                                {"path", "/mcp/" + upstream.name},
                                {"tools", std::move(tools)}});
  if (!for_person) return out;
  if (upstream.kind == Upstream::Kind::kHttp) out.set("url", upstream.url);
  if (upstream.kind == Upstream::Kind::kCommand)
    out.set("command", doc::array_of(upstream.command));
  out.set("digest", upstream.digest);
  return out;
}

bool is_for(const Upstream& upstream, const Principal& who) {
  if (who.kind == PrincipalKind::kPerson || upstream.agents.empty()) return true;
  const auto own = upstream.agents.find(who.id);
  const auto list = own == upstream.agents.end() ? upstream.agents.find("*") : own;
  return list != upstream.agents.end() && !list->second.empty();
}

}  // namespace

doc::Value shown_upstreams(const gate::World& world, const Principal& reader) {
  doc::Array out;
  for (const auto& upstream : world.configuration->tools->upstreams()) {
    if (is_for(*upstream, reader)) out.push_back(upstream_json(world, *upstream, reader));
  }
  return out;
}

}  // namespace keyturn::admin
