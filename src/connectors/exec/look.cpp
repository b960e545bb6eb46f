#include "connectors/exec/look.h"

#include <algorithm>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace keyturn::connectors::exec {
namespace {

constexpr std::size_t kWordsMax = 400;  // of what a failed command said

// At most `most` bytes, cut between characters.
std::string start_of(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

}  // namespace

Plan look_plan(const catalog::Tool& tool, std::vector<std::string> argv, const doc::Value& args,
               std::int64_t bytes_max) {
  catalog::Tool looking = tool;
  looking.exec = std::move(argv);
  looking.credential_env.clear();
  std::ranges::move(looking.sandbox.read_write, std::back_inserter(looking.sandbox.read_only));
  looking.sandbox.read_write.clear();
  looking.timeout = std::min(tool.timeout, kLookTimeout);
  looking.output_bytes_max = bytes_max;
  return make_plan(looking, args);
}

doc::Value shown_of(const Plan& plan, const Outcome& outcome) {
  doc::Value out = doc::object({{"argv", doc::array_of(plan.shown_argv)},
                                {"stdout", outcome.stdout_text},
                                {"stderr", outcome.stderr_text},
                                {"truncated", outcome.truncated}});
  if (outcome.exit_code)
    out.set("exit_code", *outcome.exit_code);
  else
    out.set("failed", outcome.reason);
  return out;
}

Result<std::string> state_print(const Plan& plan, const Outcome& outcome) {
  const std::string command = "the state command " + plan.shown_argv.front();
  if (outcome.kind != OutcomeKind::kSucceeded) {
    const std::string said = start_of(outcome.stderr_text, kWordsMax);
    return refuse("state_unavailable",
                  command + " " + outcome.reason + (said.empty() ? "" : ": " + said));
  }
  if (outcome.truncated) {
    return refuse("state_unavailable", command + " said more than " +
                                           std::to_string(kStateBytesMax) +
                                           " bytes; let it print a digest");
  }
  return crypto::sha256_text(outcome.stdout_text);
}

doc::Value state_shown(const Plan& plan, const Outcome& outcome, const std::string& print) {
  std::string text = start_of(outcome.stdout_text, kStateShownMax);
  const bool cut = text.size() < outcome.stdout_text.size();
  return doc::object({{"argv", doc::array_of(plan.shown_argv)},
                      {"sha256", print},
                      {"text", std::move(text)},
                      {"truncated", cut}});
}

}  // namespace keyturn::connectors::exec
