// The record, served: checkpoint and hash tiles to anybody, entries and proofs to people.
#include <limits>

#include "api/impl.h"

namespace keyturn::api {
namespace {

constexpr std::uint64_t kIndexMax = std::uint64_t{1} << 53;
constexpr std::uint64_t kEntriesMax = 256;

Response plain(std::string type, std::string body, std::string caching) {
  Response response;
  response.headers = {{"Content-Type", std::move(type)}, {"Cache-Control", std::move(caching)}};
  response.body = std::move(body);
  return response;
}

}  // namespace

Task<Response> get_checkpoint(Service& s, Call&) {
  if (const auto& alarm = s.ports.audit.alarm())
    co_return problem({"read_only", "ALARM: " + alarm->message, ""});
  std::string note = s.ports.audit.checkpoint();
  if (note.empty()) co_return problem({"not_ready", "no checkpoint was signed yet", ""});
  co_return plain("text/plain; charset=utf-8", std::move(note), "no-cache");
}

Task<Response> get_tile(Service& s, Call& call) {
  const std::string path = call.request.path.substr(1);
  const bool entries = path.starts_with("tile/entries/");
  Result<audit::Audit::Tile> tile = co_await s.ports.audit.tile(path);
  if (!tile) co_return problem(tile.error());
  std::string caching = entries ? "private, " : "public, ";
  caching += tile->immutable ? "max-age=31536000, immutable" : "no-cache";
  co_return plain("application/octet-stream", std::move(tile->bytes), std::move(caching));
}

Task<Response> get_ledger(Service& s, Call&) {
  const auto& alarm = s.ports.audit.alarm();
  co_return json_answer(
      200, doc::object(
               {{"origin", s.ports.audit.origin()},
                {"vkey", s.ports.audit.vkey()},
                {"size", s.ports.audit.signed_size()},
                {"checkpoint", s.ports.audit.checkpoint()},
                {"cosigned_size", s.ports.audit.cosigned_size()},
                {"witness_problems", doc::array_of(s.ports.audit.witness_problems())},
                {"alarm", alarm ? doc::object({{"code", alarm->code}, {"message", alarm->message}})
                                : doc::Value()},
                {"entries_public", false}}));
}

Task<Response> get_entries(Service& s, Call& call) {
  if (Result<void> ok = known_parameters(call.request, {"from", "limit"}); !ok)
    co_return problem(ok.error());
  const auto from = number_parameter(call.request, "from", kIndexMax);
  if (!from) co_return problem(from.error());
  const auto limit = number_parameter(call.request, "limit", kEntriesMax);
  if (!limit) co_return problem(limit.error());
  Result<doc::Value> page = co_await s.ports.audit.entries(
      from->value_or(0), static_cast<std::size_t>(limit->value_or(50)));
  if (!page) co_return problem(page.error());
  co_return json_answer(200, *page);
}

Task<Response> get_proof(Service& s, Call& call) {
  if (Result<void> ok = known_parameters(call.request, {"index", "size"}); !ok)
    co_return problem(ok.error());
  const auto index = number_parameter(call.request, "index", kIndexMax);
  if (!index) co_return problem(index.error());
  if (!*index) co_return problem({"invalid_parameter", "say which entry: index=", ""});
  const auto size = number_parameter(call.request, "size", kIndexMax);
  if (!size) co_return problem(size.error());
  Result<doc::Value> proof = co_await s.ports.audit.inclusion(**index, *size);
  if (!proof) co_return problem(proof.error());
  co_return json_answer(200, *proof);
}

Task<Response> get_consistency(Service& s, Call& call) {
  if (Result<void> ok = known_parameters(call.request, {"from", "to"}); !ok)
    co_return problem(ok.error());
  const auto from = number_parameter(call.request, "from", kIndexMax);
  if (!from) co_return problem(from.error());
  const auto to = number_parameter(call.request, "to", kIndexMax);
  if (!to) co_return problem(to.error());
  if (!*from || !*to) co_return problem({"invalid_parameter", "say both sizes: from= and to=", ""});
  Result<doc::Value> proof = co_await s.ports.audit.consistency(**from, **to);
  if (!proof) co_return problem(proof.error());
  co_return json_answer(200, *proof);
}

Task<Response> get_exports(Service& s, Call& call) {
  const people::Person* person = s.person_of(call);
  if (person == nullptr || (!person->admin && !person->auditor)) {
    co_return co_await s.refused(
        call, {"not_allowed", "administrators and auditors may look at the exports", ""});
  }
  co_return json_answer(
      200, doc::object({{"items", s.ports.exports ? s.ports.exports() : doc::Value(doc::Array{})},
                        {"size", s.ports.gate.journal().size()}}));
}

}  // namespace keyturn::api
