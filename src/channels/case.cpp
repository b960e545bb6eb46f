#include "channels/case.h"

#include "base/bytes.h"
#include "catalog/tool.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::channels {
namespace {

// As the tool is defined now. (Null for a tool that is not configured: then nothing is known to be
// secret.)
const catalog::Tool* tool_of(const gate::World& world, const gate::ActionRecord& record) {
  const auto& tools = world.configuration->tools;
  return tools ? tools->find(record.tool) : nullptr;
}

std::string length_class(std::size_t bytes) {
  std::size_t low = 1;
  while (low * 2 <= bytes) low *= 2;
  if (bytes == 0) return "empty";
  return std::to_string(low) + " to " + std::to_string(low * 2 - 1) + " bytes";
}

std::vector<render::SecretParam> secrets_of(const catalog::Tool* tool, const doc::Value& args,
                                            const Secret& key) {
  std::vector<render::SecretParam> out;
  if (tool == nullptr) return out;
  for (const catalog::Param& param : tool->params) {
    if (!param.secret) continue;
    const doc::Value* value = args.find(param.name);
    const std::string text = value == nullptr     ? std::string()
                             : value->is_string() ? value->as_string()
                                                  : doc::write_json(*value);
    const std::string print =
        to_hex(view(crypto::hmac_sha256(key.reveal(), param.name + "\n" + text)));
    out.push_back({param.name, length_class(text.size()), print.substr(0, 8)});
  }
  return out;
}

}  // namespace

render::CaseInput case_of(const gate::World& world, const gate::ActionRecord& r,
                          const Secret& key) {
  const catalog::Tool* tool = tool_of(world, r);
  render::CaseInput in;
  in.id = r.id.str();
  in.digest = r.case_digest;
  in.amends = r.amends;
  in.tool = r.tool;
  in.operation = r.operation;
  in.mode = r.mode;
  in.resource = r.resource;
  in.requester_kind = r.requester.kind;
  in.requester = r.requester.id;
  in.owner = r.owner;
  in.created_at = r.created_at;
  in.expires_at = r.expires_at;
  in.reason = r.reason;
  in.claims = r.claims;
  if (!r.args.is_null()) in.args = r.args;
  if (!r.original_args.is_null()) in.original_args = r.original_args;
  in.secrets = secrets_of(tool, r.args, key);
  in.description = r.description;
  in.facts = r.facts.tree;
  in.verdict = r.verdict;
  if (r.request_erased && r.erased) in.erased_by = r.erased->by;
  return in;
}

}  // namespace keyturn::channels
