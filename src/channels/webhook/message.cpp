#include "channels/webhook/message.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "review/review.h"

namespace keyturn::channels::webhook {
namespace {

constexpr std::size_t kChangesMax = 200;  // the newest

doc::Value votes_of(const gate::ActionRecord& record) {
  doc::Array out;
  if (!record.review) return out;
  for (const review::Vote& vote : record.review->votes) {
    doc::Value one = doc::object({{"by", vote.reviewer},
                                  {"decision", std::string(review::to_text(vote.decision))},
                                  {"channel", vote.channel},
                                  {"at", to_rfc3339(vote.at)}});
    if (!vote.instead_of.empty()) one.set("instead_of", vote.instead_of);
    out.push_back(std::move(one));
  }
  return out;
}

doc::Value needed_by(const gate::ActionRecord& record, const people::Directory& directory) {
  if (!record.review || record.state != State::kPending) return doc::Array{};
  return review::to_value(review::tally_of(*record.review, directory).needed);
}

// Position of a moment of the timeline: they are one an event, the last at record.version.
doc::Value changes_of(const gate::ActionRecord& record, std::uint64_t since) {
  doc::Array out;
  const std::size_t size = record.timeline.size();
  for (std::size_t i = size > kChangesMax ? size - kChangesMax : 0; i < size; ++i) {
    const std::uint64_t version = record.version - (size - 1 - i);
    if (version < since) continue;
    const gate::ActionRecord::Moment& moment = record.timeline[i];
    doc::Value one =
        doc::object({{"version", version}, {"what", moment.type}, {"at", to_rfc3339(moment.at)}});
    if (!moment.by.empty()) one.set("by", moment.by);
    out.push_back(std::move(one));
  }
  return out;
}

doc::Value resource_of(const Resource& resource) {
  doc::Value out = doc::object({{"kind", resource.kind}, {"name", resource.name}});
  if (!resource.env.empty()) out.set("env", resource.env);
  return out;
}

}  // namespace

std::string message_id(std::string_view webhook, const gate::ActionRecord& record) {
  const std::string named =
      std::string(webhook) + "\n" + record.id.str() + "\n" + std::to_string(record.version);
  constexpr std::size_t kDigits = 32;
  return "msg_" + crypto::sha256_text(named).substr(std::string_view("sha256:").size(), kDigits);
}

doc::Value message_of(const std::string& id, const gate::ActionRecord& record,
                      const people::Directory& directory, std::uint64_t since,
                      const std::string& page) {
  const std::string state(keyturn::to_text(record.state));
  doc::Value data = doc::object(
      {{"action", record.id.str()},
       {"version", record.version},
       {"since", std::min(since, record.version)},
       {"changes", changes_of(record, since)},
       {"state", state},
       {"tool", record.tool},
       {"operation", record.operation},
       {"resource", resource_of(record.resource)},
       {"requester", doc::object({{"kind", std::string(keyturn::to_text(record.requester.kind))},
                                  {"id", record.requester.id}})},
       {"owner", record.owner},
       {"round", record.review ? record.review->round : 0},
       {"needed", needed_by(record, directory)},
       {"given", votes_of(record)},
       {"expires_at", to_rfc3339(record.expires_at)},
       {"url", page}});
  if (record.review && !record.review->escalated_to.empty())
    data.set("escalated_to", record.review->escalated_to);
  const Time at = record.timeline.empty() ? record.created_at : record.timeline.back().at;
  return doc::object({{"type", "action." + state},
                      {"id", id},
                      {"timestamp", to_rfc3339(at)},
                      {"data", std::move(data)}});
}

}  // namespace keyturn::channels::webhook
