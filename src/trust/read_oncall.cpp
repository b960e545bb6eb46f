// The section `oncall`.
#include "trust/reader.h"

namespace keyturn::trust {
namespace {

constexpr std::string_view kAdministrators = "administrators";
constexpr Duration kStaleMin = std::chrono::seconds(1), kStaleMax = std::chrono::days(31);

std::string read_group(doc::ObjectReader& in, std::string_view key) {
  std::string name = in.require_string(key);
  const doc::Value* value = in.value().find(key);
  if (value != nullptr && value->is_string() && !is_name_here(name))
    in.problem("invalid_group",
               std::string(key) + " is the name of a group here: letters, digits and . _ @ + -",
               key);
  return name;
}

void read_source(doc::ObjectReader& in, OnCallSchedule& out, doc::Problems& problems) {
  out.file = in.string("file").value_or("");
  out.webhook = read_secret(in, "webhook", problems);
  const bool has_file = in.value().find("file") != nullptr;
  const bool has_webhook = in.value().find("webhook") != nullptr;
  if (has_file == has_webhook)
    in.problem(has_file ? "conflict" : "missing_field",
               "a schedule comes from a file or from a webhook: needs file: PATH or webhook: "
               "{secret: env:NAME}, one of them");
  if (has_file && out.file.empty() && in.value().find("file")->is_string())
    in.problem("missing_field", "file cannot be empty", "file");
  if (const auto stale = in.duration("stale_after")) {
    out.stale_after = *stale;
    if (*stale < kStaleMin || *stale > kStaleMax)
      in.problem("out_of_range", "stale_after is from 1s to 31d", "stale_after");
    if (has_file)
      in.problem("conflict", "stale_after is of a webhook; a file is read again by itself",
                 "stale_after");
  }
}

class Check {
 public:
  Check(const Document& document, const doc::Value& tree, doc::Problems& problems)
      : document_(document), tree_(tree), problems_(problems) {}

  void schedule(const OnCallSchedule& one) {
    for (const auto& [name, other] : document_.oncall) {
      if (name == one.name) continue;
      if (name < one.name && other.group == one.group)
        add(one, "duplicate_group", "is the group of oncall." + name + ", too; give each its own");
      if (other.of == one.group)
        add(one, "invalid_group",
            "oncall." + name + " takes its people from \"" + one.group +
                "\": no schedule rests on another; let both take theirs from the same group");
    }
    for (const auto& [name, provider] : document_.providers) {
      mapped(one, provider.groups.map, "providers." + name);
      mapped(one, provider.groups.roles, "providers." + name);
    }
    for (const auto& [name, section] : document_.scim) mapped(one, section.groups, "scim." + name);
  }

 private:
  void mapped(const OnCallSchedule& one,
              const std::map<std::string, std::string, std::less<>>& groups,
              const std::string& where) {
    for (const auto& [outside, here] : groups) {
      if (here != one.group) continue;
      add(one, "invalid_group",
          where + " makes members of \"" + one.group +
              "\" as well; a schedule's group has nobody but who is on call: map \"" + outside +
              "\" to \"" + one.of + "\", or choose another group here");
      return;
    }
  }

  void add(const OnCallSchedule& one, std::string code, const std::string& message) {
    const doc::Value* at = tree_.find_path({"oncall", one.name, "group"});
    problems_.push_back({std::move(code), message, "/oncall/" + one.name + "/group",
                         at == nullptr ? doc::Position{} : at->position()});
  }

  const Document& document_;
  const doc::Value& tree_;
  doc::Problems& problems_;
};

}  // namespace

OnCallSchedule read_oncall(const doc::Value& value, const std::string& name,
                           const std::string& pointer, doc::Problems& problems) {
  doc::ObjectReader in(value, pointer, problems);
  OnCallSchedule out;
  out.name = name;
  out.group = read_group(in, "group");
  out.of = read_group(in, "of");
  if (out.group == kAdministrators)
    in.problem("invalid_group",
               "nobody becomes an administrator by a schedule; choose another group", "group");
  if (!out.group.empty() && out.group == out.of)
    in.problem("invalid_group",
               "group and of are two groups: whoever is on call, and whoever may be", "of");
  if (value.is_object()) read_source(in, out, problems);
  in.finish();
  return out;
}

void check_oncall(const Document& document, const doc::Value& tree, doc::Problems& problems) {
  Check check(document, tree, problems);
  for (const auto& [name, schedule] : document.oncall) check.schedule(schedule);
}

}  // namespace keyturn::trust
