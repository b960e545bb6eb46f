// What does this HTTP request do, and what to Kubernetes? From its method and URL alone.
#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "base/bytes.h"
#include "facts/classify.h"
#include "facts/reason.h"

namespace keyturn::facts {
namespace {

using Segments = std::vector<std::string>;

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool coded = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                       hex_value(text[i + 2]) >= 0;
    out +=
        coded ? static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i];
    if (coded) i += 2;
  }
  return first_invalid_utf8(out) ? std::string(text) : out;
}

Segments split(std::string_view text, char by) {
  Segments out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(by), text.size());
    if (end > 0) out.push_back(decoded(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

struct Url {
  std::string scheme, host, path;
  std::int64_t port = 0;
  Segments segments;
  std::vector<std::pair<std::string, std::string>> query;
};

Url parse(std::string_view url) {
  Url out;
  const std::size_t colon = url.find("://");
  out.scheme = url.substr(0, colon);
  url.remove_prefix(colon + 3);
  const std::size_t slash = std::min(url.find_first_of("/?"), url.size());
  std::string_view authority = url.substr(0, slash);
  url.remove_prefix(slash);
  out.port = out.scheme == "https" ? 443 : 80;
  const std::size_t port = authority.rfind(':');
  if (port != std::string_view::npos && authority.find(']', port) == std::string_view::npos) {
    std::from_chars(authority.data() + port + 1, authority.data() + authority.size(), out.port);
    authority = authority.substr(0, port);
  }
  out.host = authority;
  for (char& c : out.host) c = to_lower(c);
  const std::size_t question = std::min(url.find('?'), url.size());
  out.path = decoded(url.substr(0, question));
  out.segments = split(url.substr(0, question), '/');
  for (const std::string& pair :
       split(question < url.size() ? url.substr(question + 1) : std::string_view{}, '&')) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    out.query.emplace_back(pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())));
  }
  return out;
}

struct Api {
  std::string verb, group, version, resource, subresource, name_space, name;
  bool known = false;  // an object or a collection of the API
};

constexpr std::array<std::string_view, 4> kConnects{"exec", "attach", "portforward", "proxy"};

bool connects(const Api& api) {
  return std::ranges::find(kConnects, api.subresource) != kConnects.end();
}

bool says(const Url& url, std::string_view name, std::string_view value) {
  return std::ranges::any_of(
      url.query, [&](const auto& pair) { return pair.first == name && pair.second == value; });
}

std::string verb_of(std::string_view method, const Url& url, const Api& api) {
  const bool watches = says(url, "watch", "true") || says(url, "watch", "1");
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return api.name.empty() ? "deletecollection" : "delete";
  if (watches) return "watch";
  return api.name.empty() ? "list" : "get";
}

// As the API server itself takes a path apart (k8s.io/apiserver, RequestInfo).
Api api_of(std::string_view method, const Url& url) {
  Api out;
  Segments rest = url.segments;
  const auto take = [&] {
    std::string one = rest.front();
    rest.erase(rest.begin());
    return one;
  };
  const bool core = !rest.empty() && rest.front() == "api";
  if (rest.empty() || (!core && rest.front() != "apis") || rest.size() < (core ? 3U : 4U))
    return out;
  take();
  if (!core) out.group = take();
  out.version = take();
  const bool watches = rest.front() == "watch" && rest.size() > 1;  // a path of old
  if (watches) take();
  // namespaces/NAME alone, and its status and finalize, are the namespace itself.
  if (rest.front() == "namespaces" && rest.size() > 1) {
    out.name_space = rest[1];
    const bool itself =
        rest.size() == 2 || (rest.size() == 3 && (rest[2] == "status" || rest[2] == "finalize"));
    if (!itself) rest.erase(rest.begin(), rest.begin() + 2);
  }
  out.resource = take();
  if (!rest.empty()) out.name = take();
  if (!rest.empty()) out.subresource = take();
  out.known = true;
  out.verb = watches ? "watch" : verb_of(method, url, out);
  return out;
}

bool reads(std::string_view verb) {
  return verb == "get" || verb == "list" || verb == "watch";
}

doc::Value api_value(const Api& api, bool dry_run) {
  return doc::object({{"verb", api.verb},
                      {"group", api.group},
                      {"version", api.version},
                      {"resource", api.resource},
                      {"subresource", api.subresource},
                      {"namespace", api.name_space},
                      {"name", api.name},
                      {"dry_run", dry_run}});
}

}  // namespace

Facts classify_http(const HttpRequestSeen& request) {
  const Url url = parse(request.url);
  std::vector<std::string> names;
  for (const auto& [name, value] : url.query) names.push_back(name);
  Facts out;
  out.operation = request.method == "GET" || request.method == "HEAD" ? "read" : "write";
  out.tree = doc::object(
      {{"uninspectable", false},
       {"why", doc::Array{}},
       {"http", doc::object({{"method", request.method},
                             {"scheme", url.scheme},
                             {"host", url.host},
                             {"port", url.port},
                             {"path", url.path},
                             {"query", doc::array_of(names)},
                             {"content_type", request.content_type},
                             {"body_bytes", static_cast<std::int64_t>(request.body_bytes)}})}});
  return out;
}

Facts classify_kubernetes(const HttpRequestSeen& request) {
  Facts out = classify_http(request);
  const Url url = parse(request.url);
  Api api = api_of(request.method, url);
  // The object says its name when it is created.
  if (api.verb == "create" && api.name.empty()) api.name = request.object_name;
  out.tree.set("kubernetes", api_value(api, says(url, "dryRun", "All")));
  std::string why;
  if (!api.known)
    why = "the path is that of no object of the API";
  else if (connects(api))
    why = api.resource + "/" + api.subresource + " runs or reaches what no request tells";
  if (why.empty()) {
    out.operation = reads(api.verb) ? "read" : "write";
    return out;
  }
  out.uninspectable = true;
  out.operation = "execute";
  out.tree.set("uninspectable", true);
  out.tree.set("why", doc::array_of({short_reason(why)}));
  return out;
}

}  // namespace keyturn::facts
