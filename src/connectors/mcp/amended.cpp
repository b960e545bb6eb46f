#include "connectors/mcp/amended.h"

#include <string>

#include "connectors/mcp/outcome.h"
#include "doc/json.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr std::size_t kValueBytesMax = 300;
constexpr int kDifferencesMax = 20;

bool is_same(const doc::Value& a, const doc::Value& b) {
  const Result<std::string> left = doc::canonical(a), right = doc::canonical(b);
  return left && right ? *left == *right : doc::write_json(a) == doc::write_json(b);
}

std::string shown(const doc::Value* value) {
  return value == nullptr ? "absent" : beginning(doc::write_json(*value), kValueBytesMax);
}

// One line for each member that differs, of both.
std::string differences(const doc::Value& asked, const doc::Value& ran) {
  std::string out;
  int count = 0;
  const auto add = [&](const std::string& name) {
    const doc::Value* before = asked.find(name);
    const doc::Value* now = ran.find(name);
    if (before != nullptr && now != nullptr && is_same(*before, *now)) return;
    if (++count > kDifferencesMax) return;
    out += "\n" + name + ": was " + shown(before) + ", now " + shown(now);
  };
  for (const doc::Member& member : asked.as_object()) add(member.key);
  for (const doc::Member& member : ran.as_object()) {
    if (asked.find(member.key) == nullptr) add(member.key);
  }
  if (count > kDifferencesMax) out += "\nand " + std::to_string(count - kDifferencesMax) + " more";
  return out;
}

}  // namespace

const doc::Value& arguments_of(const doc::Value& params) {
  static const doc::Value kNone = doc::Object{};
  const doc::Value* arguments = params.find("arguments");
  return arguments == nullptr || arguments->is_null() ? kNone : *arguments;
}

doc::Value with_amendment(doc::Value result, const doc::Value& asked, const doc::Value& ran) {
  if (!asked.is_object() || !ran.is_object() || is_same(asked, ran)) return result;
  doc::Value meta = doc::Object{};
  if (const doc::Value* said = result.find("_meta"); said != nullptr && said->is_object())
    meta = *said;
  meta.set("keyturn/ran", doc::object({{"arguments", ran}}));
  result.set("_meta", std::move(meta));
  const doc::Value* content = result.find("content");
  if (content == nullptr || !content->is_array()) return result;
  doc::Array blocks = content->as_array();
  blocks.push_back(
      doc::object({{"type", "text"},
                   {"text",
                    "Note from Keyturn: the arguments of this call were changed before it ran, and "
                    "the result is of the changed call." +
                        differences(asked, ran)}}));
  result.set("content", std::move(blocks));
  return result;
}

}  // namespace keyturn::connectors::mcp
