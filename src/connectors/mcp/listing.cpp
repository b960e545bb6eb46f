#include "connectors/mcp/listing.h"

#include "base/task_impl.h"
#include "connectors/mcp/pieces.h"
#include "doc/json.h"

namespace keyturn::connectors::mcp {
namespace {

constexpr int kPagesMax = 200;
constexpr std::size_t kToolsMax = 5'000;   // of one listing
constexpr std::size_t kKnownMax = 10'000;  // of one server, ever: more are never recorded, nor used
constexpr std::size_t kToolsOfEvent = 250;         // each a name of at most 128 bytes and a digest
constexpr std::size_t kDefinitionBytes = 1 << 20;  // a tool with a larger one is never used
constexpr std::size_t kEventBytes = 512 << 10;     // of definitions, where there are several
constexpr int kConflictsMax = 5;

net::Headers listing_headers(const net::Headers& client, rpc::Era era) {
  net::Headers out;
  for (const net::Header& header : client.all()) {
    if (net::equal_ignoring_case(header.name, "mcp-method") ||
        net::equal_ignoring_case(header.name, "mcp-name") ||
        net::equal_ignoring_case(header.name, "last-event-id"))
      continue;
    out.add(header.name, header.value);
  }
  if (era == rpc::Era::kModern) out.add("Mcp-Method", "tools/list");
  return out;
}

// The response to `id`; whatever else the answer says is not for us.
Task<Result<doc::Value>> response_of(Answer& answer, doc::Value id) {
  for (;;) {
    Result<std::optional<Piece>> piece = co_await answer.next();
    if (!piece) co_return std::unexpected(piece.error());
    if (!*piece) break;
    if ((*piece)->message && (*piece)->message->kind == rpc::Kind::kResponse &&
        ((*piece)->message->id == id || answer.status >= 400))
      co_return std::move((*piece)->message->value);
  }
  co_return refuse("bad_listing", "the MCP server does not answer tools/list (HTTP status " +
                                      std::to_string(answer.status) + ")");
}

void take_page(const doc::Value& result, Time now, Listing& out) {
  const doc::Value* tools = result.find("tools");
  if (tools == nullptr || !tools->is_array()) return;
  for (const doc::Value& tool : tools->as_array()) {
    const Result<std::string> digest = catalog::definition_digest(tool);
    if (!digest || tool.text("name").empty()) continue;
    if (doc::write_json(tool).size() > kDefinitionBytes) continue;
    out.tools.insert_or_assign(std::string(tool.text("name")),
                               catalog::Definition{tool, *digest, now});
  }
}

// As many events as it takes: what one says publicly fits into a leaf of the ledger.
void add_drafts(const std::string& upstream, std::string_view type,
                const catalog::Pins::Tools& tools, std::vector<EventDraft>& out) {
  doc::Value digests = doc::Object{}, definitions = doc::Object{};
  std::size_t count = 0, bytes = 0;
  const auto add_one = [&] {
    EventDraft draft;
    draft.stream = "upstream/" + upstream;
    draft.type = type;
    draft.body = doc::object({{"upstream", upstream}, {"tools", std::move(digests)}});
    if (type == "upstream.pinned") draft.body.set("by", "first_use");
    draft.private_part = doc::object({{"definitions", std::move(definitions)}});
    out.push_back(std::move(draft));
    digests = definitions = doc::Object{};
    count = bytes = 0;
  };
  for (const auto& [name, definition] : tools) {
    const std::size_t size = doc::write_json(definition.value).size();
    if (count == kToolsOfEvent || (count > 0 && bytes + size > kEventBytes)) add_one();
    digests.set(name, definition.digest);
    definitions.set(name, definition.value);
    ++count;
    bytes += size;
  }
  if (count > 0) add_one();
}

struct Changes {
  catalog::Pins::Tools first, offered;
};

// What a listing says that is not recorded yet, as far as it is to be recorded now.
Changes changes_of(const catalog::Pins& pins, const ChangePace& pace,
                   const catalog::Upstream& upstream, const Listing& listing) {
  const catalog::Pins::Tools& all_pinned = pins.all_pinned(upstream.name);
  const catalog::Pins::Tools& all_offered = pins.all_offered(upstream.name);
  const auto may = [&](const std::string& name) {
    return pace.may_record("upstream/" + upstream.name + "/" + name, listing.at);
  };
  Changes out;
  std::size_t known = all_pinned.size() + all_offered.size();
  for (const auto& [name, definition] : listing.tools) {
    const catalog::Definition* pinned = pins.pinned(upstream.name, name);
    const catalog::Definition* seen = pins.offered(upstream.name, name);
    if (pinned != nullptr && pinned->digest == definition.digest && seen == nullptr) continue;
    if (seen != nullptr && seen->digest == definition.digest) continue;
    const bool is_new = pinned == nullptr && seen == nullptr;
    if (is_new && known >= kKnownMax) continue;
    if (!may(name)) continue;
    known += is_new ? 1 : 0;
    const bool is_pinned = is_new && upstream.pinning == catalog::Upstream::Pinning::kFirstUse;
    (is_pinned ? out.first : out.offered).emplace(name, definition);
  }
  const catalog::Definition gone{.value = {}, .digest = "", .since = listing.at};
  for (const auto& [name, definition] : all_pinned) {
    const catalog::Definition* seen = pins.offered(upstream.name, name);
    const bool is_noted = seen != nullptr && seen->digest.empty();
    if (!listing.tools.contains(name) && !is_noted && may(name)) out.offered.emplace(name, gone);
  }
  for (const auto& [name, definition] : all_offered) {
    const bool was_new = pins.pinned(upstream.name, name) == nullptr;
    if (was_new && !listing.tools.contains(name) && may(name)) out.offered.emplace(name, gone);
  }
  return out;
}

}  // namespace

Task<Result<Listing>> read_listing(Backend& backend, Forward like, rpc::Era era,
                                   const doc::Value& client_meta, Time now) {
  Listing out;
  out.at = now;
  like.method = "POST";
  like.headers = listing_headers(like.headers, era);
  std::string cursor;
  for (int page = 0; page < kPagesMax; ++page) {
    doc::Value params = doc::Object{};
    if (!cursor.empty()) params.set("cursor", cursor);
    if (era == rpc::Era::kModern && client_meta.is_object()) {
      doc::Value meta = doc::Object{};
      for (const doc::Member& member : client_meta.as_object()) {
        if (member.key.starts_with("io.modelcontextprotocol/")) meta.set(member.key, member.value);
      }
      params.set("_meta", std::move(meta));
    }
    const doc::Value id("keyturn-list-" + std::to_string(unix_ms(now)) + "-" +
                        std::to_string(page));
    Forward forward = like;
    Result<rpc::Message> message = rpc::read(rpc::request(id, "tools/list", std::move(params)));
    if (!message) co_return std::unexpected(message.error());
    forward.message = std::move(*message);
    Result<std::shared_ptr<Answer>> answer = co_await backend.send(std::move(forward));
    if (!answer) co_return std::unexpected(cleaned(backend, answer.error()));
    Result<doc::Value> response = co_await response_of(**answer, id);
    if (const secrets::Redactor* known = backend.redactor(); response && known != nullptr)
      known->redact(*response);
    const bool no_session = (*answer)->status == 404 && era == rpc::Era::kLegacy;
    const doc::Value* code = response ? response->find_path({"error", "code"}) : nullptr;
    if (no_session ||
        (code != nullptr && (*answer)->status == 404 && code->as_int64() == kSessionNotFound))
      co_return refuse("unknown_session", "Session not found: initialize again");
    if (!response) co_return std::unexpected(response.error());
    if (const doc::Value* error = response->find("error"))
      co_return refuse("bad_listing",
                       "the MCP server refuses tools/list: " + std::string(error->text("message")));
    const doc::Value* result = response->find("result");
    if (result == nullptr) co_return refuse("bad_listing", "the MCP server lists no tools");
    take_page(*result, now, out);
    cursor = result->text("nextCursor");
    if (cursor.empty()) co_return out;
    if (out.tools.size() > kToolsMax) break;
  }
  co_return refuse("bad_listing", "the MCP server's list of tools does not end");
}

Task<Result<void>> note_listing(gate::Gate& gate, ChangePace& pace,
                                std::shared_ptr<const catalog::Upstream> upstream,
                                const Listing& listing) {
  const std::string stream = "upstream/" + upstream->name;
  for (int attempt = 0; attempt < kConflictsMax; ++attempt) {
    const Changes changes = changes_of(gate.world().pins, pace, *upstream, listing);
    std::vector<EventDraft> events;
    add_drafts(upstream->name, "upstream.pinned", changes.first, events);
    add_drafts(upstream->name, "upstream.offered", changes.offered, events);
    if (events.empty()) co_return Result<void>{};
    Result<std::vector<Event>> recorded =
        co_await gate.record(std::move(events), {{stream, gate.seen(stream)}});
    if (recorded) {
      for (const catalog::Pins::Tools* tools : {&changes.first, &changes.offered}) {
        for (const auto& [name, definition] : *tools)
          pace.recorded(stream + "/" + name, listing.at);
      }
      co_return Result<void>{};
    }
    if (recorded.error().code != "conflict") co_return std::unexpected(recorded.error());
  }
  co_return refuse("conflict", "the MCP server's tools keep changing; ask again");
}

}  // namespace keyturn::connectors::mcp
