// The request that an http tool makes, and what its answer means. Of a kubernetes tool, too: it is
// written in other words and sent the same way.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "catalog/tool.h"

namespace keyturn::catalog {

// A header: a template of text, or a secret, or a field of an issued credential; then `text` is
// what stands before it ("Bearer ").
struct HttpHeaderField {
  std::string name;
  std::string text;
  std::optional<SecretRef> secret;
  std::optional<CredentialRef> credential;

  bool is_plain() const { return !secret && !credential; }
};

struct HttpBody {
  enum class Kind { kNone, kJson, kText, kForm };
  Kind kind = Kind::kNone;
  doc::Value json;                                        // strings in it are templates
  std::string text;                                       // template
  std::vector<std::pair<std::string, std::string>> form;  // name, template
  std::string type;                                       // Content-Type
};

// Which addresses a connection may go to. Never link-local ones (a cloud's metadata), multicast or
// unspecified ones, and this machine only where the server's name says it, unless `networks` does.
struct HttpAddresses {
  bool only_public = false;           // nor private ones
  std::vector<std::string> networks;  // "10.0.0.0/8"; not empty: these alone
};

// A look at what the request would change: a GET to the same server.
struct HttpLook {
  std::string path;  // template
  std::vector<std::pair<std::string, std::string>> query;
  bool if_match = false;  // the request then says If-Match with the ETag that was shown
};

struct HttpCall {
  std::string_view written_as = "http";  // or "kubernetes": its word in tools.yaml
  std::string server;                    // "https://api.example.com:8443"; no path
  std::string method;                    // GET HEAD POST PUT PATCH DELETE
  std::string path;                      // template; begins with "/"
  std::vector<std::pair<std::string, std::string>> query;  // name, template
  std::vector<HttpHeaderField> headers;
  HttpBody body;
  std::vector<int> success;    // statuses; empty: 200 to 299
  std::vector<int> failed_on;  // of 500 to 599, those after which nothing has changed
  std::vector<std::string> response_headers;  // lower case: those that an outcome shows
  std::string ca_file;                        // PEM; "" the system's roots
  HttpAddresses addresses;
  std::string idempotency_header;  // that says the action's id; "" none
  bool kubernetes = false;         // it speaks to a Kubernetes API
  bool previews = false;           // kubernetes: a dry run of the request
  std::optional<HttpLook> look;    // others

  // GET and HEAD (RFC 9110 §9.2.1): sending it changes nothing.
  bool is_safe() const { return method == "GET" || method == "HEAD"; }
};

// The URL up to its first parameter: where the request goes at all.
std::string fixed_prefix(const HttpCall& call);

struct HttpMessage {
  std::string method;
  std::string server, target;  // target: path and query, percent-encoded
  // All but Host, Content-Length, secrets and credentials.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  std::string url() const { return server + target; }
};

// The message that a tool of kind http sends. A value becomes (part of) one path segment, one
// query value, one header or one JSON value, and nothing else, whatever it holds. Refuses
// invalid_args, with a JSON Pointer below /args, what cannot be said so: an empty segment, "." and
// "..", "/", "\", "%" and control characters in a path; control characters and other than ASCII in
// a header. Precondition: args passed the schemas of the tool's parameters.
[[nodiscard]] Result<HttpMessage> render_http(const Tool& tool, const doc::Value& args);
// The same of the look, a GET without a body.
[[nodiscard]] Result<HttpMessage> render_look(const Tool& tool, const doc::Value& args);

}  // namespace keyturn::catalog
