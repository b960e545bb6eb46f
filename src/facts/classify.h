// What does this SQL do, what does this argv run, what does this HTTP request ask for? Keyturn's
// own classification, from the bytes alone (promise own-facts). What cannot be told is said as a
// fact: "uninspectable", never "harmless". Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/action.h"

namespace keyturn::facts {

struct SqlLimits {
  std::size_t sql_bytes_max = 64 * 1024;
  std::size_t depth_max = 4'000;  // of the parse tree's JSON
  // Of the parser's thread: it recurses with the SQL. 64 KiB of the worst SQL known take 6 MB.
  std::size_t stack_bytes = 32ull << 20;
  // SQL up to this long is parsed on the caller's stack (1 MB of it, at worst): no thread to wait
  // for.
  std::size_t callers_stack_sql_bytes_max = 1024;
};

// PostgreSQL's own grammar (libpg_query 15). Gives Facts.tree:
//   {"uninspectable": bool, "why": [...],
//    "sql": {"statements": [{"verb": "DELETE", "object": "table", "operation": "write",
//            "relations": [{"schema", "name", "access": "read"|"write"}],
//            "functions": ["lower"], "has_where": bool, "has_limit": bool, "nested": bool}],
//            "count": n, "relations": [...], "functions": [...]}}
// "count" is of the statements that stand by themselves. A data-modifying CTE, the query inside
// EXPLAIN, COPY or CREATE … AS, each action of MERGE and ON CONFLICT DO UPDATE is a statement of
// its own with nested: true, after the one it stands in. has_where is true only when the condition
// looks at a column and can be false: WHERE 1=1 is none, nor is a=1 OR true. Relations are named as
// written; the name of a CTE is among them.
// operation: "read" only if every statement is a SELECT, VALUES, SHOW or EXPLAIN that locks
// nothing, writes nothing and calls only functions known to be harmless (PostgreSQL's own pure
// ones, and `harmless_functions`, as PostgreSQL folds them: lower case, "schema.name" where written
// so; types may be named there too); "write" for data and schema changes that call nothing else but
// nextval and its kin; "export" for COPY to a file; else "execute". COPY to or from a program or
// the client, transaction control, SET, code in any language and whatever is not understood is
// uninspectable, and then "execute".
// What no text can tell, and the database role must not allow: objects made by others that shadow
// or overload PostgreSQL's own, functions behind views, triggers, defaults, policies and domains,
// t.f for f(t) where t is a table. standard_conforming_strings must be on, the encoding UTF-8.
Facts classify_sql(std::string_view sql, const std::vector<std::string>& harmless_functions = {},
                   const SqlLimits& limits = {});

// What an argv really runs, looking through shells and wrappers (sh -c, busybox, env -S, xargs,
// find -exec, sudo, nohup, timeout …). Gives Facts.tree:
//   {"uninspectable": bool, "why": [...], "argv": [...],
//    "shell": {"programs": ["rm", …], "inline": bool, "uninspectable": bool}}
// Code handed to an interpreter (python -c, perl -e, eval, command substitution, a pipe into a
// shell) is uninspectable. operation is always "execute": what a program does cannot be told from
// its name.
Facts classify_argv(const std::vector<std::string>& argv);

// A request that Keyturn itself has put together.
struct HttpRequestSeen {
  std::string method, url;  // url: whole, percent-encoded
  std::string content_type;
  std::size_t body_bytes = 0;
  std::string object_name;  // kubernetes: metadata.name of the body; "" none
};

// Gives Facts.tree:
//   {"uninspectable": false, "why": [],
//    "http": {"method", "scheme", "host", "port", "path", "query": [names], "content_type",
//             "body_bytes"}}
// host is in lower case, path and query names are decoded. operation: "read" for GET and HEAD, else
// "write".
Facts classify_http(const HttpRequestSeen& request);

// The same of a request to a Kubernetes API, and what it asks for, as the API server takes it apart
// (RequestInfo) and RBAC names it:
//    "kubernetes": {"verb": get list watch create update patch delete deletecollection, "group",
//                   "version", "resource", "subresource", "namespace", "name", "dry_run"}
// "" for what there is none of; the core group is "". operation: "read" for get, list and watch,
// else "write"; what is no object of the API, and the subresources exec, attach, portforward and
// proxy are uninspectable, and "execute".
Facts classify_kubernetes(const HttpRequestSeen& request);

}  // namespace keyturn::facts
