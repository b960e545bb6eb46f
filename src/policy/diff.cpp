#include "policy/diff.h"

#include <array>
#include <map>
#include <set>

namespace keyturn::policy {
namespace {

using Named = std::map<std::string, const doc::Value*>;
using Fields = std::vector<Difference::Field>;

// A list's element by what tells it apart: rules by id, tests by name, risk terms by reason.
struct Section {
  std::string_view name;
  std::string_view key;  // "": the section is an object, or a single value
};
constexpr std::array kSections = std::to_array<Section>({{"apiVersion", ""},
                                                         {"kind", ""},
                                                         {"metadata", ""},
                                                         {"mode", ""},
                                                         {"defaults", ""},
                                                         {"variables", ""},
                                                         {"risk", "reason"},
                                                         {"calendar", ""},
                                                         {"emergencies", ""},
                                                         {"standing", "id"},
                                                         {"rules", "id"},
                                                         {"tests", "name"}});

void add_named(Named& out, std::string name, const doc::Value& value) {
  const std::string first = name;
  for (int n = 2; !out.emplace(name, &value).second; ++n) name = first + " #" + std::to_string(n);
}

Named parts_of(const doc::Value* section, std::string_view key) {
  Named out;
  if (section == nullptr) return out;
  if (!key.empty() && section->is_array()) {
    for (const doc::Value& one : section->as_array())
      add_named(out, std::string(one.text(key)), one);
  } else if (key.empty() && section->is_object()) {
    for (const doc::Member& member : section->as_object()) add_named(out, member.key, member.value);
  } else {
    out.emplace("", section);
  }
  return out;
}

void compare(const doc::Value* before, const doc::Value* after, const std::string& path,
             Fields& out) {
  if (before != nullptr && after != nullptr && *before == *after) return;
  const bool both = before != nullptr && after != nullptr;
  if (!both || !before->is_object() || !after->is_object()) {
    Difference::Field field{.path = path};
    if (before != nullptr) field.before = *before;
    if (after != nullptr) field.after = *after;
    out.push_back(std::move(field));
    return;
  }
  const auto deeper = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
  for (const doc::Member& member : before->as_object())
    compare(&member.value, after->find(member.key), deeper(member.key), out);
  for (const doc::Member& member : after->as_object()) {
    if (before->find(member.key) == nullptr)
      compare(nullptr, &member.value, deeper(member.key), out);
  }
}

const doc::Value* found(const Named& parts, const std::string& name) {
  const auto at = parts.find(name);
  return at == parts.end() ? nullptr : at->second;
}

void compare_section(const std::string& section, std::string_view key, const doc::Value& before,
                     const doc::Value& after, std::vector<Difference>& out) {
  const Named old = parts_of(before.find(section), key);
  const Named fresh = parts_of(after.find(section), key);
  std::set<std::string> names;
  for (const Named* parts : {&old, &fresh}) {
    for (const auto& [name, value] : *parts) names.insert(name);
  }
  for (const std::string& name : names) {
    const doc::Value* was = found(old, name);
    const doc::Value* is = found(fresh, name);
    Difference difference{.section = section, .name = name};
    if (was == nullptr) difference.kind = Difference::Kind::kAdded;
    if (is == nullptr) difference.kind = Difference::Kind::kRemoved;
    compare(was, is, "", difference.fields);
    if (!difference.fields.empty()) out.push_back(std::move(difference));
  }
}

}  // namespace

std::vector<Difference> differences(const doc::Value& before, const doc::Value& after) {
  std::vector<Difference> out;
  std::set<std::string, std::less<>> known;
  for (const Section& section : kSections) {
    known.emplace(section.name);
    compare_section(std::string(section.name), section.key, before, after, out);
  }
  std::set<std::string> others;  // that no document that loads has
  for (const doc::Value* tree : {&before, &after}) {
    if (!tree->is_object()) continue;
    for (const doc::Member& member : tree->as_object()) {
      if (!known.contains(member.key)) others.insert(member.key);
    }
  }
  for (const std::string& section : others) compare_section(section, "", before, after, out);
  return out;
}

std::string_view to_text(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::kAdded:
      return "added";
    case Difference::Kind::kRemoved:
      return "removed";
    case Difference::Kind::kChanged:
      return "changed";
  }
  return "";
}

doc::Value to_value(const std::vector<Difference>& differences) {
  doc::Array out;
  for (const Difference& difference : differences) {
    doc::Array fields;
    for (const Difference::Field& field : difference.fields) {
      doc::Value one = doc::object({{"path", field.path}});
      if (field.before) one.set("before", *field.before);
      if (field.after) one.set("after", *field.after);
      fields.push_back(std::move(one));
    }
    out.push_back(doc::object({{"section", difference.section},
                               {"name", difference.name},
                               {"change", to_text(difference.kind)},
                               {"fields", std::move(fields)}}));
  }
  return out;
}

}  // namespace keyturn::policy
