#include "api/error_status.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "doc/json.h"

namespace keyturn::api {
namespace {

struct Row {
  std::string_view code;
  int status;
  bool security = false;  // a refusal of it is recorded
};

constexpr std::array kRows = std::to_array<Row>({
    // the request itself
    {"invalid_json", 400},
    {"duplicate_key", 400},
    {"too_deep", 400},
    {"unknown_field", 400},
    {"missing_field", 400},
    {"wrong_type", 400},
    {"out_of_range", 400},
    {"invalid_args", 400},
    {"invalid_parameter", 400},
    {"unknown_parameter", 400},
    {"invalid_prefer", 400},
    {"invalid_id", 400},
    {"invalid_name", 400},
    {"invalid_text", 400},
    {"empty_text", 400},
    {"invalid_key", 400},
    {"invalid_yaml", 400},
    {"invalid_configuration", 400},
    {"inexact_number", 400},
    {"bad_cursor", 400},
    {"ambiguous_credentials", 400, true},
    {"operation_mismatch", 400, true},
    {"resource_mismatch", 400, true},
    {"mode_mismatch", 400},
    {"literal_credential", 400, true},
    {"retype_mismatch", 400},
    {"retype_conflict", 400},
    {"confusing_name", 400},
    {"unknown_person", 400},
    {"unknown_owner", 400},
    {"invalid_assertion", 400},
    {"invalid_request", 400},
    {"unknown_agent", 400},
    {"malformed_credential", 400},
    {"unsupported_key", 400},
    {"cel_error", 400},
    {"unsupported_reference", 400},
    {"unsupported_sql", 400},
    {"search_too_wide", 400},
    {"too_large", 413},
    {"note_too_large", 413},
    {"text_too_large", 413},
    {"unsupported_media_type", 415},
    // who asks
    {"unauthenticated", 401},
    {"invalid_token", 401},
    {"expired_token", 401},
    {"revoked_token", 401},
    {"invalid_enrolment", 401},
    {"unknown_key", 401},
    {"missing_token", 401, true},
    {"wrong_tenant", 403, true},
    {"wrong_service_url", 403, true},
    {"sign_in_refused", 401},
    {"invalid_subject", 401},
    {"invalid_state", 400, true},
    {"account_not_linked", 403, true},
    {"unknown_provider", 404},
    {"last_way_in", 409},
    {"invalid_metadata", 502},
    {"invalid_keys", 502},
    {"provider_unreachable", 503},
    {"account_taken", 409, true},
    {"link_not_ready", 409},
    {"too_many_links", 429},
    {"inactive", 403, true},
    {"suspended", 403, true},
    {"not_allowed", 403, true},
    {"people_only", 403, true},
    {"run_cancelled", 409},
    {"steps_only", 403, true},
    {"not_unknown", 409},
    {"invalid_runbook", 409},
    {"expression", 422},
    {"too_many", 422},
    {"csrf", 403, true},
    {"wrong_origin", 403, true},
    {"sealed", 403, true},
    {"not_sealed", 409},
    {"too_few_administrators", 409},
    {"administrators_without_passkey", 409},
    // votes
    {"own_request", 403, true},
    {"related_to_requester", 403, true},
    {"not_a_reviewer", 403, true},
    {"ambiguous_place", 400},
    {"not_an_opener", 403, true},
    {"another_reviewer", 403},
    {"own_account", 403},
    {"canary_not_asked", 409},
    {"stale_message", 403, true},
    {"on_call_group", 409},
    {"invalid_delegation", 400},
    {"assurance_too_low", 403, true},
    {"passkey_required", 403},
    {"sign_in_again", 403},
    {"wrong_channel", 403, true},
    {"look_too_short", 403},
    {"not_shown", 403, true},
    // passkey votes
    {"bad_signature", 403, true},
    {"bad_delivery", 401, true},
    {"wrong_challenge", 403, true},
    {"cross_origin", 403, true},
    {"wrong_rp", 403, true},
    {"not_verified_user", 403, true},
    {"invalid_ceremony", 409},
    // what stands in the way
    {"not_found", 404},
    {"unknown_upstream", 404},
    {"not_attached", 409},
    {"out_of_step", 409},
    {"precondition_failed", 412},
    {"method_not_allowed", 405},
    {"closed", 409},
    {"still_open", 409},
    {"nothing_to_erase", 409},
    {"nothing_to_accept", 409},
    {"cannot_stand", 409},
    {"digest_mismatch", 409, true},
    {"already_voted", 409},
    {"already_used", 409, true},
    {"executing", 409},
    {"idempotency_mismatch", 409, true},
    {"conflict", 409},
    {"no_vote", 409},
    {"last_passkey", 409},
    {"not_due", 409},
    {"not_approved", 409},
    {"quorum_lost", 409},
    {"evidence_unavailable", 409, true},
    {"state_unavailable", 409},
    {"exists", 409},
    {"person_exists", 409},
    {"agent_exists", 409},
    {"identifier_taken", 409},
    {"unknown_tool", 409},
    {"drift", 409},
    {"no_program", 409},
    {"no_sandbox", 409},
    {"no_common_channel", 409},
    {"too_many_comments", 409},
    {"too_many_pending", 429},
    {"rate_limited", 429},
    {"too_many_streams", 429},
    {"too_many_attachments", 429},
    {"replay_running", 429},
    {"too_many_sign_ins", 429},
    // ourselves
    {"internal", 500},
    {"overloaded", 503},
    {"not_ready", 503},
    {"read_only", 503},
    {"read_model_unavailable", 503},
    {"unreadable", 503},
    {"unwritable", 503},
    {"seal_lost", 503},
    {"rolled_back", 503},
    {"forked", 503},
    {"not_configured", 503},
});

const Row* row_of(std::string_view code) {
  const auto found = std::ranges::find(kRows, code, &Row::code);
  return found == kRows.end() ? nullptr : &*found;
}

// "line:column (byte N)" -> N
std::optional<std::uint64_t> offset_in(std::string_view where) {
  const std::size_t at = where.find("(byte ");
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t offset = 0;
  const std::string_view digits = where.substr(at + 6);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), offset);
  if (error != std::errc{}) return std::nullopt;
  return offset;
}

}  // namespace

int status_of(std::string_view code) {
  const Row* row = row_of(code);
  return row == nullptr ? 400 : row->status;
}

bool is_known_code(std::string_view code) {
  return row_of(code) != nullptr;
}

std::vector<std::string_view> known_codes() {
  std::vector<std::string_view> out;
  out.reserve(std::size(kRows));
  for (const Row& row : kRows) out.push_back(row.code);
  return out;
}

bool concerns_security(std::string_view code) {
  const Row* row = row_of(code);
  return row != nullptr && row->security;
}

net::HttpResponse problem(const Refusal& refusal) {
  const int status = status_of(refusal.code);
  // Which of the reasons a credential failed for is in the detail; programs test one word.
  const std::string code =
      status == 401 && (refusal.code.ends_with("_token") || refusal.code.ends_with("_session"))
          ? "unauthenticated"
          : refusal.code;
  doc::Value body = doc::object({{"type", "urn:keyturn:problem:" + code},
                                 {"title", net::reason_phrase(status)},
                                 {"status", status},
                                 {"detail", refusal.message},
                                 {"code", code}});
  if (refusal.where.starts_with('/')) {
    body.set("pointer", refusal.where);
  } else if (const std::optional<std::uint64_t> offset = offset_in(refusal.where)) {
    body.set("offset", *offset);
    body.set("where", refusal.where);
  } else if (!refusal.where.empty()) {
    body.set("where", refusal.where);
  }
  net::HttpResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}};
  if (status == 401) response.headers.add("WWW-Authenticate", "Bearer realm=\"keyturn\"");
  if (status == 429 || status == 503) {
    response.headers.add("Retry-After", std::to_string(std::max(1U, refusal.retry_after_s)));
  }
  response.body = doc::write_json(body);
  return response;
}

}  // namespace keyturn::api
