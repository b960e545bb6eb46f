// References to secrets, as configuration writes them, and the values behind them, fetched at the
// last moment.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "doc/value.h"

namespace keyturn::secrets {

enum class Source { kEnv, kFile, kExec };

// Holds no secret: it may be shown, digested and recorded.
struct SecretReference {
  Source source = Source::kEnv;
  std::string name;               // env: the variable; file: the absolute path; exec: ""
  std::vector<std::string> argv;  // exec: the program (absolute path) and its arguments
};

// Reads what stands under `secret`: "env:NAME", "file:/absolute/path", "exec:[\"/program\", …]",
// ["exec", "/program", …] or {exec: ["/program", …]}; also the whole {secret: …} object around it.
// Refuses with code invalid_reference, or unsupported_reference for "vault:…"; `pointer` is the
// refusal's place. A value that looks like the secret itself is not repeated in the message.
[[nodiscard]] Result<SecretReference> parse_reference(const doc::Value& value,
                                                      const std::string& pointer = "");

std::string to_text(
    const SecretReference& reference);  // "env:NAME", "file:/path", "exec:[\"/a\",\"b\"]"

struct ResolveLimits {
  std::size_t bytes_max = 64 * 1024;
  Duration exec_timeout = std::chrono::seconds(10);
};

// Fetches the value; call it only for an execution that was released, on a thread that may block.
//  env:  a variable of this process.
//  file: a regular file that others cannot read or write (mode & 0007 is refused).
//  exec: standard output of the program, run without a shell, with an environment of PATH, HOME,
//  USER,
//        LOGNAME, LANG, LC_ALL, TZ and XDG_RUNTIME_DIR only, its own process group, no standard
//        input; standard error is discarded, because it might hold the secret. Exit status must be
//        0.
// One trailing newline (LF or CR LF) is cut off. Empty values are refused. Refusals have the code
// secret_missing, secret_readable_by_others, secret_too_large, secret_timeout or secret_failed,
// name the reference, and never hold any part of the value.
[[nodiscard]] Result<Secret> resolve(const SecretReference& reference,
                                     const ResolveLimits& limits = {});

// How a secret may be shown: never its value.
// Keyed, so that a guess cannot be checked without `key`: "hmac:" + 12 hexadecimal digits of
// HMAC-SHA256(key, "keyturn/v1/fingerprint" || 0x00 || value).
std::string fingerprint(const Secret& value, const Secret& key);
std::string length_class(const Secret& value);  // "1-7 bytes", "8-15 bytes", …, "128 bytes or more"

}  // namespace keyturn::secrets
