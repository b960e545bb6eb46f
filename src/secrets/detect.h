// Literal credentials in what agents and people send: refused with advice, or taken out of what
// must not be lost (promise no-secrets).
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "doc/value.h"

namespace keyturn::secrets {

struct FoundCredential {
  std::string_view kind;   // "an AWS access key", "a private key", …: reads well after "looks like"
  std::size_t offset = 0;  // byte of the text where it starts
};

// Knows the shapes of credentials that are told apart with few false alarms: PEM private keys, AWS,
// GitHub, GitLab, Slack, Stripe, Google and OpenAI-style keys, JWTs, URLs with a password,
// Authorization headers, and assignments such as password=… or --token …. Placeholders ("$1",
// "{{x}}", "<password>", "***") pass. Build one and keep it: compiling the patterns takes a
// millisecond. Thread-safe.
class CredentialDetector {
 public:
  CredentialDetector();
  ~CredentialDetector();
  CredentialDetector(const CredentialDetector&) = delete;
  CredentialDetector& operator=(const CredentialDetector&) = delete;

  // The first one in the text.
  std::optional<FoundCredential> find(std::string_view text) const;

  // Looks through every string (and key) of an action's arguments, and at members whose very name
  // says credential ({"password": "…"}). Parameters named in `secret_params` (top-level keys) are
  // skipped: they are never shown. Refuses with code literal_credential, the JSON Pointer below
  // `pointer`, and advice; the credential itself is not repeated.
  [[nodiscard]] Result<void> check_args(const doc::Value& args,
                                        const std::set<std::string>& secret_params,
                                        const std::string& pointer = "/args") const;

  // A free text of an agent or a person: `what` it is reads well at the start of a sentence ("the
  // comment"). Refuses like check_args, with `pointer` itself as the place.
  [[nodiscard]] Result<void> check_text(std::string_view text, std::string_view what,
                                        const std::string& pointer) const;

  // With "[redacted: a GitHub token]" in place of every one; a private key goes whole, to its end
  // line or, where there is none, to the end of the text. In a value: every string and key, and
  // members whose name says credential.
  std::string redact(std::string_view text) const;
  void redact(doc::Value& value) const;

 private:
  struct Span {
    std::size_t begin, end;
    std::string_view kind;
  };
  std::vector<Span> spans(std::string_view text) const;
  Result<void> check(const doc::Value& value, const std::string& pointer) const;
  struct Patterns;
  std::unique_ptr<Patterns> patterns_;
};

}  // namespace keyturn::secrets
