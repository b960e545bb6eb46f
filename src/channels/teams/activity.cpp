#include "channels/teams/activity.h"

#include "base/ascii.h"

namespace keyturn::channels::teams {
namespace {

constexpr std::size_t kMentionsMax = 50;  // of the bot, in one text

std::string at(const doc::Value& json, std::initializer_list<std::string_view> path) {
  const doc::Value* found = json.find_path(path);
  return found != nullptr && found->is_string() ? found->as_string() : std::string();
}

void replace_all(std::string& in, std::string_view what, std::string_view with) {
  if (what.empty()) return;
  for (std::size_t from = 0; (from = in.find(what, from)) != std::string::npos; from += with.size())
    in.replace(from, what.size(), with);
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// What was said, without "<at>Keyturn</at>".
std::string said(const doc::Value& json, const std::string& bot) {
  std::string text = at(json, {"text"});
  const doc::Value* entities = json.find("entities");
  if (entities != nullptr && entities->is_array()) {
    std::size_t looked_at = 0;
    for (const doc::Value& one : entities->as_array()) {
      if (++looked_at > kMentionsMax) break;
      if (one.text("type") == "mention" && at(one, {"mentioned", "id"}) == bot)
        replace_all(text, one.text("text"), " ");
    }
  }
  replace_all(text, "&nbsp;", " ");
  replace_all(text, "\u00A0", " ");
  return trimmed(text);
}

std::vector<std::string> members(const doc::Value& json, std::string_view key) {
  std::vector<std::string> out;
  const doc::Value* list = json.find(key);
  if (list == nullptr || !list->is_array()) return out;
  for (const doc::Value& one : list->as_array()) out.emplace_back(one.text("id"));
  return out;
}

}  // namespace

std::optional<std::string> guid_of(std::string text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != kShape.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char& c = text[i];
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    const bool is_hex = is_digit(c) || (c >= 'a' && c <= 'f');
    if (kShape[i] == '-' ? c != '-' : !is_hex) return std::nullopt;
  }
  return text;
}

std::string without_thread(const std::string& conversation) {
  return conversation.substr(0, conversation.find(';'));
}

Activity activity_of(const doc::Value& json) {
  Activity out;
  out.type = at(json, {"type"});
  out.name = at(json, {"name"});
  out.id = at(json, {"id"});
  out.reply_to = at(json, {"replyToId"});
  out.action = at(json, {"action"});
  out.channel = at(json, {"channelId"});
  out.service_url = at(json, {"serviceUrl"});
  out.conversation = at(json, {"conversation", "id"});
  out.conversation_type = at(json, {"conversation", "conversationType"});
  // Where both are said, they agree, or neither counts.
  const std::string tenant = at(json, {"channelData", "tenant", "id"});
  const std::string also = at(json, {"conversation", "tenantId"});
  if (tenant.empty() || also.empty() || tenant == also)
    out.tenant = guid_of(tenant.empty() ? also : tenant).value_or("");
  out.user = at(json, {"from", "id"});
  out.user_name = at(json, {"from", "name"});
  out.object_id = guid_of(at(json, {"from", "aadObjectId"})).value_or("");
  out.bot = at(json, {"recipient", "id"});
  out.text = said(json, out.bot);
  if (const doc::Value* value = json.find("value"); value != nullptr) out.value = *value;
  out.added = members(json, "membersAdded");
  out.removed = members(json, "membersRemoved");
  return out;
}

}  // namespace keyturn::channels::teams
