#include "audit/cosigning.h"

#include <charconv>

#include "base/task_impl.h"

namespace keyturn::audit {
namespace {

constexpr int kConflict = 409;
constexpr int kAttempts = 2;

// A 409 says what the witness has: a decimal number and a line break (text/x.tlog.size).
std::optional<std::uint64_t> size_in(std::string_view body) {
  if (body.ends_with('\n')) body.remove_suffix(1);
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), size);
  if (error != std::errc{} || end != body.data() + body.size() || body.empty()) return std::nullopt;
  return size;
}

std::string first_line(std::string_view body) {
  constexpr std::size_t kMax = 200;
  std::string line(body.substr(0, std::min(body.find('\n'), kMax)));
  for (char& c : line) {
    if (c < ' ' || c > '~') c = '?';
  }
  return line;
}

}  // namespace

std::string add_checkpoint_body(std::uint64_t old_size, const std::vector<Digest>& proof,
                                std::string_view note) {
  std::string body = "old " + std::to_string(old_size) + "\n";
  for (const Digest& hash : proof) body += to_base64(view(hash)) + "\n";
  body += "\n";
  body += note;
  return body;
}

Task<Result<WitnessAnswer>> Cosigner::submit(std::string note, std::uint64_t size) {
  const std::uint64_t from = has_;
  std::vector<Digest> proof;
  if (from > 0 && from < size) {
    Result<std::vector<Digest>> found = co_await prove_(from, size);
    if (!found) co_return std::unexpected(found.error());
    proof = std::move(*found);
  }
  Result<WitnessAnswer> answer =
      co_await witness_.add_checkpoint(add_checkpoint_body(from, proof, note));
  co_return answer;
}

Task<Result<ledger::NoteSignature>> Cosigner::cosign(std::string note, std::uint64_t size) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<WitnessAnswer> answer = co_await submit(note, size);
    if (!answer) co_return std::unexpected(answer.error());
    if (answer->status == kConflict) {
      const std::optional<std::uint64_t> theirs = size_in(answer->body);
      if (theirs && *theirs > size) {
        co_return refuse("rolled_back", witness_.key.name + " has seen this log with " +
                                            std::to_string(*theirs) + " entries, and it has " +
                                            std::to_string(size) +
                                            ": it was restored from a backup");
      }
      if (theirs && *theirs != has_) {
        has_ = *theirs;
        continue;
      }
    }
    if (answer->status != 200) {
      co_return refuse("witness_refused", witness_.key.name + " answered " +
                                              std::to_string(answer->status) + ": " +
                                              first_line(answer->body));
    }
    Result<ledger::Note> parsed = ledger::parse_note(note + answer->body);
    const Result<ledger::Note> ours = ledger::parse_note(note);
    if (!parsed || !ours || parsed->text != ours->text)
      co_return refuse("bad_cosignature", witness_.key.name + " sent no signature line");
    if (ledger::check_signature(*parsed, witness_.key) != ledger::SignatureCheck::kValid) {
      co_return refuse("bad_cosignature",
                       "what " + witness_.key.name + " sent does not verify with its key");
    }
    has_ = size;
    for (ledger::NoteSignature& line : parsed->signatures) {
      if (line.name == witness_.key.name && line.key_id == witness_.key.id())
        co_return std::move(line);
    }
  }
  co_return refuse("witness_refused", witness_.key.name + " does not say what it has seen");
}

}  // namespace keyturn::audit
