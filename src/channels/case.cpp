#include "channels/case.h"

#include "base/bytes.h"
#include "catalog/tool.h"
#include "crypto/crypto.h"
#include "doc/json.h"

namespace keyturn::channels {
namespace {

std::string length_class(std::size_t bytes) {
  std::size_t low = 1;
  while (low * 2 <= bytes) low *= 2;
  if (bytes == 0) return "empty";
  return std::to_string(low) + " to " + std::to_string(low * 2 - 1) + " bytes";
}

std::vector<render::SecretParam> secrets_of(const std::set<std::string>& hidden,
                                            const doc::Value& args, const Secret& key) {
  std::vector<render::SecretParam> out;
  for (const std::string& name : hidden) {
    const doc::Value* value = args.find(name);
    const std::string text = value == nullptr     ? std::string()
                             : value->is_string() ? value->as_string()
                                                  : doc::write_json(*value);
    const std::string print = to_hex(view(crypto::hmac_sha256(key.reveal(), name + "\n" + text)));
    out.push_back({name, length_class(text.size()), print.substr(0, 8)});
  }
  return out;
}

}  // namespace

std::set<std::string> hidden_parameters(const gate::World& world,
                                        const gate::ActionRecord& record) {
  std::set<std::string> out;
  const auto& tools = world.configuration->tools;
  if (const catalog::Tool* tool = tools ? tools->find(record.tool) : nullptr) {
    for (const catalog::Param& param : tool->params) {
      if (param.secret) out.insert(param.name);
    }
    return out;
  }
  const bool was_configured = !record.tool_digest.empty() && !record.tool.starts_with("keyturn.");
  for (const doc::Value* args : {&record.args, &record.original_args}) {
    if (!was_configured || !args->is_object()) continue;
    for (const doc::Member& one : args->as_object()) out.insert(one.key);
  }
  return out;
}

render::CaseInput case_of(const gate::World& world, const gate::ActionRecord& r,
                          const Secret& key) {
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
  in.secrets = secrets_of(hidden_parameters(world, r), r.args, key);
  in.description = r.description;
  in.preview = r.preview;
  in.facts = r.facts.tree;
  in.verdict = r.verdict;
  if (r.request_erased && r.erased) in.erased_by = r.erased->by;
  return in;
}

}  // namespace keyturn::channels
