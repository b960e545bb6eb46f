#include "secrets/detect.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <vector>

#include "doc/read.h"
#include "secrets/rewrite.h"

namespace keyturn::secrets {
namespace {

constexpr std::string_view kPrivateKey = "a private key";

struct Shape {
  std::string_view kind;
  std::string_view pattern;  // group 1 is the value; shapes that may be placeholders check it
  bool may_be_placeholder = false;
};

constexpr std::array<Shape, 17> kShapes = {{
    {kPrivateKey, R"((-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----))"},
    {"an AWS access key", R"(\b((?:AKIA|ASIA)[A-Z2-7]{16})\b)"},
    {"an AWS secret key",
     R"((?i)\baws[a-z_ -]{0,30}["']?\s*[:=]\s*["']?([a-z0-9/+]{40})(?:[^a-z0-9/+=]|$))"},
    {"a GitHub token", R"(\b(gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}))"},
    {"a GitLab token", R"(\b(glpat-[A-Za-z0-9_-]{20,}))"},
    {"a Slack token", R"(\b(xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}))"},
    {"a Slack webhook", R"((hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]+))"},
    {"a Stripe key", R"(\b([rs]k_(?:live|test)_[A-Za-z0-9]{16,}))"},
    {"a Google API key", R"(\b(AIza[0-9A-Za-z_-]{35}))"},
    {"an API key", R"(\b(sk-(?:[a-z]+-)?[A-Za-z0-9_-]{24,}))"},
    {"a JSON Web Token", R"(\b(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}))"},
    {"a URL with a password",
     R"((?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'"<>]{0,100}:([^\s/@'"]{1,200})@)", true},
    {"an Authorization header",
     R"((?i)\bauthorization["']?\s*[:=]\s*["']?(?:bearer|basic|token)\s+([^\s"']{8,}))", true},
    {"a password",
     R"((?i)(?:password|passwd|pwd|passphrase|pgpassword|secret|token|api[_-]?key|access[_-]?key|client[_-]?secret)=([^\s"',;&|)]{4,}))",
     true},
    {"a password",
     R"((?i)(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|client[_-]?secret)["']?\s*[:=]\s*["']([^"']{4,})["'])",
     true},
    {"a password", R"((?i)\bpassword\s+'([^']+)')", true},
    {"a password",
     R"((?i)--(?:password|passphrase|token|secret|api-key|access-key|client-secret)\s+["']?([^\s"'-][^\s"']{3,}))",
     true},
}};

// "env:NAME" or "file:/path": where a secret is kept, as configuration says it.
bool is_reference(std::string_view value) {
  if (value.starts_with("file:/")) return true;
  if (!value.starts_with("env:") || value.size() == 4) return false;
  return value.substr(4).find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
         std::string_view::npos;
}

// What stands for a value instead of being one: variables, templates, bind parameters, masks,
// calls, references to secrets.
bool is_placeholder(std::string_view value) {
  static constexpr std::array<std::string_view, 9> kWords = {"null",     "none",        "true",
                                                             "false",    "default",     "password",
                                                             "redacted", "placeholder", "changeme"};
  if (value.empty() || std::string_view("$<%?{[").contains(value.front())) return true;
  if (value.contains("{{") || value.contains("${") || is_reference(value)) return true;
  const std::size_t word =
      value.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.");
  if (word != std::string_view::npos && word > 0 && value[word] == '(') return true;
  const bool is_mask = value.find_first_not_of("*x.X") == std::string_view::npos;
  const auto is_word = [&](std::string_view word) {
    return std::ranges::equal(
        word, value, [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
  };
  return is_mask || std::ranges::any_of(kWords, is_word);
}

// Members whose name leaves no doubt. ("token" and "secret" alone may be a page token or a
// resource's name.)
bool is_credential_name(std::string_view name) {
  static constexpr std::array<std::string_view, 15> kNames = {
      "password",  "passwd",    "pwd",         "passphrase",   "apikey",
      "accesskey", "secretkey", "privatekey",  "clientsecret", "accesstoken",
      "authtoken", "apitoken",  "bearertoken", "refreshtoken", "secretaccesskey"};
  std::string plain;
  for (const char c : name) {
    if (c != '_' && c != '-') plain += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  return std::ranges::find(kNames, plain) != kNames.end();
}

// Where what a pattern found ends. The pattern of a key knows its first line only.
std::size_t end_of(std::string_view kind, std::string_view text, std::size_t found_end) {
  if (kind != kPrivateKey) return found_end;
  const std::size_t last_line = text.find("-----END", found_end);
  if (last_line == std::string_view::npos) return text.size();
  const std::size_t dashes = text.find("-----", last_line + 8);
  return dashes == std::string_view::npos ? text.size() : dashes + 5;
}

std::string redacted(std::string_view kind) {
  return "[redacted: " + std::string(kind) + "]";
}

std::unexpected<Refusal> literal(std::string_view kind, const std::string& pointer) {
  return refuse(
      "literal_credential",
      "the arguments hold what looks like " + std::string(kind) +
          ", and reviewers, the ledger and channels would see it; give the tool a secret reference "
          "in its configuration ({secret: \"env:NAME\"} or {secret: \"file:/path\"}), or mark the "
          "parameter `secret: true`, and rotate this credential if it was real",
      pointer);
}

}  // namespace

struct CredentialDetector::Patterns {
  struct Compiled {
    const Shape* shape;
    std::unique_ptr<re2::RE2> regex;
  };
  std::vector<Compiled> all;
};

CredentialDetector::CredentialDetector() : patterns_(std::make_unique<Patterns>()) {
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);  // bytes: arguments may hold anything
  options.set_log_errors(false);
  for (const Shape& shape : kShapes) {
    auto regex = std::make_unique<re2::RE2>(
        re2::StringPiece(shape.pattern.data(), shape.pattern.size()), options);
    if (!regex->ok()) throw std::logic_error("credential pattern: " + regex->error());
    patterns_->all.push_back({&shape, std::move(regex)});
  }
}

CredentialDetector::~CredentialDetector() = default;

std::optional<FoundCredential> CredentialDetector::find(std::string_view text) const {
  std::optional<FoundCredential> first;
  for (const auto& [shape, regex] : patterns_->all) {
    re2::StringPiece rest(text.data(), text.size());
    re2::StringPiece value;
    while (re2::RE2::FindAndConsume(&rest, *regex, &value)) {
      const auto offset = static_cast<std::size_t>(value.data() - text.data());
      if (first && offset >= first->offset) break;
      if (shape->may_be_placeholder && is_placeholder({value.data(), value.size()})) continue;
      first = {shape->kind, offset};
      break;
    }
  }
  return first;
}

Result<void> CredentialDetector::check(const doc::Value& value, const std::string& pointer) const {
  if (value.is_string()) {
    if (const auto found = find(value.as_string())) return literal(found->kind, pointer);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.as_array().size(); ++i) {
      auto ok = check(value.as_array()[i], pointer + "/" + std::to_string(i));
      if (!ok) return ok;
    }
  } else if (value.is_object()) {
    for (const doc::Member& member : value.as_object()) {
      const std::string place = pointer + "/" + doc::pointer_escape(member.key);
      if (find(member.key)) return literal("a credential", pointer);
      const bool is_named = member.value.is_string() && is_credential_name(member.key);
      if (is_named && !is_placeholder(member.value.as_string()))
        return literal("a credential", place);
      auto ok = check(member.value, place);
      if (!ok) return ok;
    }
  }
  return {};
}

Result<void> CredentialDetector::check_args(const doc::Value& args,
                                            const std::set<std::string>& secret_params,
                                            const std::string& pointer) const {
  if (secret_params.empty() || !args.is_object()) return check(args, pointer);
  doc::Object shown;
  for (const doc::Member& member : args.as_object()) {
    if (!secret_params.contains(member.key)) shown.push_back(member);
  }
  return check(doc::Value(std::move(shown)), pointer);
}

Result<void> CredentialDetector::check_text(std::string_view text, std::string_view what,
                                            const std::string& pointer) const {
  const std::optional<FoundCredential> found = find(text);
  if (!found) return {};
  return refuse("literal_credential",
                std::string(what) + " holds what looks like " + std::string(found->kind) +
                    ", and everybody who may read the action would see it; leave it out, say where "
                    "it is kept instead, and rotate it if it was real",
                pointer);
}

std::vector<CredentialDetector::Span> CredentialDetector::spans(std::string_view text) const {
  std::vector<Span> found;
  for (const auto& [shape, regex] : patterns_->all) {
    re2::StringPiece rest(text.data(), text.size());
    re2::StringPiece value;
    while (re2::RE2::FindAndConsume(&rest, *regex, &value)) {
      if (shape->may_be_placeholder && is_placeholder({value.data(), value.size()})) continue;
      const auto begin = static_cast<std::size_t>(value.data() - text.data());
      found.push_back({begin, end_of(shape->kind, text, begin + value.size()), shape->kind});
    }
  }
  std::ranges::sort(found, {}, [](const Span& span) { return std::pair(span.begin, span.end); });
  std::vector<Span> apart;  // what overlaps goes together, under the name of the first
  for (const Span& span : found) {
    if (!apart.empty() && span.begin < apart.back().end)
      apart.back().end = std::max(apart.back().end, span.end);
    else
      apart.push_back(span);
  }
  return apart;
}

std::string CredentialDetector::redact(std::string_view text) const {
  std::string out;
  std::size_t done = 0;
  for (const Span& span : spans(text)) {
    out.append(text.substr(done, span.begin - done)).append(redacted(span.kind));
    done = span.end;
  }
  return out.append(text.substr(done));
}

void CredentialDetector::redact(doc::Value& value) const {
  const auto text = [this](const std::string& t) { return redact(std::string_view(t)); };
  const auto leaf = [&text](doc::Value& v) {
    if (v.is_string()) v = doc::Value(text(v.as_string()));
  };
  rewrite(value, leaf, text, [](doc::Member& member) {
    const bool is_secret = member.value.is_number() ||
                           (member.value.is_string() && !is_placeholder(member.value.as_string()));
    if (!is_secret || !is_credential_name(member.key)) return false;
    member.value = doc::Value(redacted("a credential"));
    return true;
  });
}

}  // namespace keyturn::secrets
