// A tool as tools.yaml defines it (API "Tools"). Immutable after loading; named by its definition
// digest.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "doc/read.h"
#include "doc/value.h"
#include "model/action.h"
#include "secrets/reference.h"

namespace keyturn::catalog {

// "runbook.NAME" is the tool that starts a run; no other tool is called so.
inline constexpr std::string_view kRunbookPrefix = "runbook.";

enum class ToolKind { kExec, kSql, kGrantOnly, kMcp, kHttp, kRunbook };
enum class Mode { kExecute, kGrant };

// One parameter: the JSON Schema words that Keyturn understands (type
// string|integer|number|boolean|array|object, pattern (RE2, anchored as written), enum, minimum,
// maximum, minLength, maxLength, bytes_max, items, properties, default), plus `secret: true` for
// what is never shown. `schema` keeps the whole as written. `leading_dash: true` lets a stand-alone
// argv element start with "-".
struct Schema;    // schema.h: the same, checked and compiled
struct Upstream;  // upstream.h: an MCP server
struct HttpCall;  // http_call.h: a request to an HTTP server

struct Param {
  std::string name;
  doc::Value schema;
  bool required = true;  // false when it has a default or says required: false
  bool secret = false;   // never in argv or SQL text; through param_env or a bind parameter only
  std::shared_ptr<const Schema> checked;  // set by Catalog::load
};

// `{secret: "env:NAME"}` in the file; resolved only at execution (secrets/).
struct SecretRef {
  secrets::SecretReference reference;
  bool as_file = false;  // env only: as a private descriptor whose path is in the variable
};

// A field of a credential that is issued for one execution (credentials.yaml): `{credential: NAME,
// field: password}`.
struct CredentialRef {
  std::string name, field;
  bool as_file = false;
  doc::Position position;  // where it was written
};

// What it would touch, and on what state: gate::Previewed.
struct Preview {
  std::vector<std::string> shows;  // exec: argv template; its output is shown. http: {method}
  std::vector<std::string> state;  // exec: argv template; the digest of its output is the state
  bool counts = false;             // sql: EXPLAIN, and the rows counted
  bool operator==(const Preview&) const = default;
};

struct Sandbox {
  bool enabled = true;           // `none`, or {disabled: true}, turns it off
  bool exposes_keyturn = false;  // turned off in the knowledge of what that means: LoadOptions
  bool network = false;
  std::vector<std::string> read_only;  // further paths to bind, absolute
  std::vector<std::string> read_write;
};

// What one execution of a program may use.
struct Limits {
  std::int64_t memory_bytes = std::int64_t{4} << 30;
  std::int64_t processes = 256;  // at a time, threads counted
  std::int64_t open_files = 1024;
  std::int64_t file_bytes = std::int64_t{16} << 30;  // of each file that it writes
  bool operator==(const Limits&) const = default;
};
inline constexpr Limits kLimitsLeast{std::int64_t{16} << 20, 1, 256, 4096};
inline constexpr Limits kLimitsMost{std::int64_t{1} << 40, 32'768, 1 << 20, std::int64_t{1} << 50};

struct Tool {
  std::string name;
  std::string description;  // for people and agents; "" none
  ToolKind kind = ToolKind::kExec;
  Mode mode = Mode::kExecute;
  std::string enforcement_point;      // grant mode: the agent that may consume
  std::string operation = "execute";  // as configured; SQL and exec classifiers may override
  Resource resource;
  std::vector<Param> params;
  std::vector<std::string> exec;  // argv template, "{{name}}" inside elements; absolute argv[0]
  std::map<std::string, std::string> env;  // plain variables
  std::map<std::string, SecretRef> secret_env;
  std::map<std::string, std::string> param_env;  // variable -> parameter: `env: {X: {param: NAME}}`
  std::string cwd = "/";
  Sandbox sandbox;
  Limits limits;
  std::string dsn;  // sql: libpq conninfo without password
  std::optional<SecretRef> password;
  doc::Position credential_position;
  std::string credential;  // sql, http: of credentials.yaml, instead of `password`; "" none
  std::map<std::string, CredentialRef> credential_env;  // exec: variable -> field
  std::optional<Preview> preview;
  std::shared_ptr<const HttpCall> http;
  std::string statement =
      "{{sql}}";  // sql: statement template; only whole-statement substitution or $n
  std::int64_t rows_max = 1000;
  std::int64_t output_bytes_max = 1 << 20;
  Duration timeout = std::chrono::seconds(60);
  std::vector<std::string> harmless_functions;  // sql: functions known not to write, lower case
  std::shared_ptr<const Upstream> upstream;     // mcp: whose tool it is
  std::string method;                           // mcp: "tools/call", or another that is gated
  std::string mcp_name;                         // mcp: the tool's own name there
  doc::Value definition;  // mcp: as its server said it, and as it is pinned; runbook: the document
  std::string digest;     // "sha256:…" over the canonical definition
};

// What the host that loads a document asks of it.
struct LoadOptions {
  // Keyturn is not root here, so that programs run as its own user: one without a sandbox could
  // read its keys and data, and its tool must say that it knows (exposes_keyturn).
  bool programs_run_as_server = false;
  bool sealed = false;  // then that is an error; before, a warning
  // What a client library says of a conninfo string; not asked when empty.
  std::function<Result<void>(const std::string& dsn)> check_dsn;
  // What is wrong with credentials.yaml (null: there is none) and with what tools use of it; not
  // asked when empty.
  std::function<void(const doc::Value& credentials, const std::vector<struct CredentialUse>& uses,
                     doc::Problems& problems)>
      check_credentials;
};

class Catalog {
 public:
  // Parses tools.yaml's tree. Every problem is reported with its position; errors refuse the whole.
  // Its further documents (credentials.yaml, runbooks) are given beside it: documents.h.
  static std::optional<Catalog> load(const doc::Value& tree, doc::Problems& problems,
                                     const LoadOptions& options = {});
  // The configuration of tools as one text, several documents in it (documents.h). Positions are
  // those in the text.
  static std::optional<Catalog> load_text(std::string_view text, doc::Problems& problems,
                                          const LoadOptions& options = {});

  const Tool* find(std::string_view name) const;  // valid as long as the catalog
  const std::vector<Tool>& tools() const { return tools_; }
  const std::vector<std::shared_ptr<const Upstream>>& upstreams() const { return upstreams_; }
  std::shared_ptr<const Upstream> upstream(std::string_view name) const;  // null: none
  const std::string& digest() const { return digest_; }
  // credentials.yaml as it stands; null: there is none.
  const doc::Value& credentials() const { return credentials_; }

 private:
  class Loader;
  friend std::shared_ptr<const Catalog> with_pins(const Catalog& configured,
                                                  const class Pins& pins);
  std::vector<Tool> tools_;
  std::vector<std::shared_ptr<const Upstream>> upstreams_;
  doc::Value credentials_;
  std::string digest_;
};

// Checks `args` against the tool's parameters and fills in defaults. Refuses with invalid_args and
// a JSON Pointer ("/args/unit"): unknown or missing parameters, wrong types, out of bounds, strings
// that start with "-" in a stand-alone argv place ("leading dash"), NUL bytes, what an HTTP request
// cannot say in its place (render_http). Of an MCP tool any object is taken as it is: its server
// checks it against its own schema.
[[nodiscard]] Result<doc::Value> check_args(const Tool& tool, const doc::Value& args);

// The argv after substitution: exactly what would run. Precondition: args passed check_args. A
// parameter that is absent and has no default leaves its stand-alone element out, and is "" inside
// another; an array parameter, which must stand alone, becomes one element for each of its own.
std::vector<std::string> render_argv(const Tool& tool, const doc::Value& args);

// Variables that come from parameters (Tool::param_env). May hold secret parameters.
std::map<std::string, std::string> render_env(const Tool& tool, const doc::Value& args);

// The SQL text to send. Either the statement is "{{sql}}" and the text is that argument, or the
// text is the statement with $1, $2, … where it says {{name}}; the values are sql_parameters(), in
// order, as text, absent ones null. An argument is never spliced into a statement.
std::string render_sql(const Tool& tool, const doc::Value& args);
std::vector<std::optional<std::string>> sql_parameters(const Tool& tool, const doc::Value& args);

// The text of a scalar argument: strings as they are, numbers as written, true and false.
std::string argument_text(const doc::Value& value);

}  // namespace keyturn::catalog
