// What an http tool says; and what a kubernetes tool says in the same words.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "catalog/http_call.h"
#include "catalog/http_words.h"
#include "catalog/schema.h"
#include "catalog/template.h"
#include "catalog/tool_reader.h"

namespace keyturn::catalog {

using doc::ObjectReader;

namespace {

constexpr std::array<std::string_view, 6> kMethods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
constexpr std::array<std::string_view, 6> kShownHeaders{
    "content-type", "etag", "last-modified", "retry-after", "x-request-id", "x-correlation-id"};

// "10.0.0.0/8", "192.0.2.7", "2001:db8::/32".
bool is_network(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  std::array<unsigned char, 16> bytes{};
  const bool four = ::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
  if (!four && ::inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return false;
  if (slash == std::string::npos) return true;
  unsigned bits = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
  return error == std::errc{} && stop == end && bits <= (four ? 32U : 128U);
}

}  // namespace

// The parameters of a template are scalars (one that stands alone may be a list, with `lists`), and
// not secret unless `where` says that it may be.
void ToolReader::check_http_template(const std::string& text, const doc::Value& place,
                                     const std::string& pointer, HttpPlace where) {
  const auto pieces = split_template(text);
  if (!pieces) return add(pieces.error().code, pieces.error().message, place, pointer);
  for (const Piece& piece : *pieces) {
    if (!piece.parameter) continue;
    const Param* p = use(piece.text, place, pointer);
    if (p == nullptr) continue;
    const ValueType type = p->checked->type;
    const bool whole = pieces->size() == 1;
    const bool has_form = (type != ValueType::kArray && type != ValueType::kObject) ||
                          (whole && where == HttpPlace::kJson) ||
                          (whole && type == ValueType::kArray &&
                           (where == HttpPlace::kQuery || where == HttpPlace::kForm));
    if (!has_form)
      add("wrong_type",
          "{{" + p->name + "}} is of type " + std::string(to_text(type)) +
              ", which has no form here; lists may stand alone in a query, a form or a JSON value, "
              "objects alone in a JSON value",
          place, pointer);
    if (p->secret && (where == HttpPlace::kPath || where == HttpPlace::kQuery))
      add("secret_in_url",
          "{{" + p->name +
              "}} is secret, and URLs stand in the logs of every server on the way; send it in a "
              "header or in the body",
          place, pointer);
    if (where == HttpPlace::kPath && !p->required && !p->checked->default_value)
      add("optional_in_path",
          "{{" + p->name + "}} is a piece of the path: it cannot be left out; give it a default",
          place, pointer);
  }
}

std::string ToolReader::read_http_path(ObjectReader& in) {
  const std::string path = in.require_string("path");
  const doc::Value* place = in.value().find("path");
  if (place == nullptr) return "/";
  const std::string pointer = in.pointer_to("path");
  if (const std::string wrong = wrong_with_path(path); !wrong.empty())
    add("invalid_path", wrong, *place, pointer);
  else
    check_http_template(path, *place, pointer, HttpPlace::kPath);
  return path.starts_with('/') ? path : "/";
}

std::vector<std::pair<std::string, std::string>> ToolReader::read_http_pairs(ObjectReader& in,
                                                                             std::string_view key,
                                                                             HttpPlace where) {
  std::vector<std::pair<std::string, std::string>> out;
  const doc::Value* pairs = in.object(key);
  if (pairs == nullptr) return out;
  for (const doc::Member& member : pairs->as_object()) {
    const std::string pointer = in.pointer_to(key) + "/" + doc::pointer_escape(member.key);
    const bool scalar = !member.value.is_array() && !member.value.is_object();
    const std::string text = scalar ? argument_text(member.value) : "";
    if (!scalar) add("wrong_type", "must be text, such as \"{{name}}\"", member.value, pointer);
    check_http_template(text, member.value, pointer, where);
    out.emplace_back(member.key, text);
  }
  return out;
}

void ToolReader::read_http_server(ObjectReader& in, HttpCall& call) {
  call.server = in.require_string("server");
  while (call.server.ends_with('/')) call.server.pop_back();
  if (const std::string wrong = wrong_with_server(call.server);
      !wrong.empty() && !call.server.empty())
    in.problem("bad_url", wrong, "server");
  call.ca_file = in.string("ca").value_or("");
  if (!call.ca_file.empty() && !is_absolute(call.ca_file))
    in.problem("not_absolute", "ca is the absolute path of a PEM file", "ca");
  if (const auto written = in.strings_or_one("addresses")) {
    if (*written == std::vector<std::string>{"public"})
      call.addresses.only_public = true;
    else
      call.addresses.networks = *written;
    const bool good = !written->empty() && std::ranges::all_of(call.addresses.networks, is_network);
    if (!good)
      in.problem("invalid_network",
                 "addresses: public, or a list of addresses and networks, such as [10.0.0.0/8]",
                 "addresses");
  }
}

void ToolReader::read_http_header(const doc::Member& member, const std::string& pointer,
                                  HttpCall& call) {
  HttpHeaderField field{.name = member.key};
  if (const std::string wrong = wrong_with_header(member.key); !wrong.empty())
    add(wrong.ends_with("remove it") ? "reserved_header" : "invalid_name", wrong, member.value,
        pointer);
  for (const HttpHeaderField& other : call.headers) {
    if (lower_case(other.name) == lower_case(field.name))
      add("duplicate_name", member.key + " is said twice", member.value, pointer);
  }
  if (member.value.is_object()) {
    doc::Value reference = member.value;  // but the prefix, which is plain
    if (const doc::Value* prefix = member.value.find("prefix")) {
      if (prefix->is_string())
        field.text = prefix->as_string();
      else
        add("wrong_type", "the prefix is text, such as \"Bearer \"", *prefix, pointer + "/prefix");
      std::erase_if(reference.as_object(),
                    [](const doc::Member& one) { return one.key == "prefix"; });
    }
    const bool issued = member.value.find("credential") != nullptr;
    if (issued)
      field.credential = read_credential(reference, pointer);
    else
      field.secret = read_secret(reference, pointer);
    if ((field.secret && field.secret->as_file) || (field.credential && field.credential->as_file))
      add("without_effect", "as: file has no effect for a header; remove it", member.value,
          pointer + "/as");
  } else if (member.value.is_array()) {
    add("wrong_type", "must be text, {secret: …} or {credential: …}", member.value, pointer);
  } else {
    field.text = argument_text(member.value);
    check_http_template(field.text, member.value, pointer, HttpPlace::kHeader);
    if (is_secret_header(member.key))
      add("literal_secret",
          member.key +
              " must be a reference, never the secret itself: {secret: \"env:NAME\", prefix: "
              "\"Bearer \"}, or {credential: NAME, field: token, prefix: \"Bearer \"}",
          member.value, pointer);
  }
  if (!is_field_text(field.text))
    add("invalid_text", "a header is visible ASCII on one line", member.value, pointer);
  call.headers.push_back(std::move(field));
}

void ToolReader::read_http_headers(ObjectReader& in, HttpCall& call) {
  if (const doc::Value* headers = in.object("headers")) {
    for (const doc::Member& member : headers->as_object())
      read_http_header(member, in.pointer_to("headers") + "/" + doc::pointer_escape(member.key),
                       call);
  }
  tool_.credential = in.string("credential").value_or("");
  if (const doc::Value* written = in.value().find("credential"))
    tool_.credential_position = written->position();
  const auto says_authorization = [](const HttpHeaderField& field) {
    return lower_case(field.name) == "authorization";
  };
  if (!tool_.credential.empty() && std::ranges::any_of(call.headers, says_authorization))
    in.problem("conflict", "a credential brings its own Authorization; remove one of them",
               "headers");
}

void ToolReader::check_json_template(const doc::Value& value, const std::string& pointer) {
  if (value.is_string()) {
    check_http_template(value.as_string(), value, pointer, HttpPlace::kJson);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.as_array().size(); ++i)
      check_json_template(value.as_array()[i], pointer + "/" + std::to_string(i));
  } else if (value.is_object()) {
    for (const doc::Member& member : value.as_object()) {
      const std::string place = pointer + "/" + doc::pointer_escape(member.key);
      if (member.key.contains("{{"))
        add("invalid_template", "a parameter cannot be the name of a member", member.value, place);
      check_json_template(member.value, place);
    }
  }
}

void ToolReader::read_http_body(ObjectReader& http, HttpCall& call) {
  const doc::Value* body = http.object("body");
  if (body == nullptr) return;
  if (call.is_safe())
    http.problem("conflict", "a " + call.method + " has no body; remove it", "body");
  ObjectReader in(*body, http.pointer_to("body"), problems_);
  int kinds = 0;
  if (const doc::Value* json = in.any("json")) {
    call.body.kind = HttpBody::Kind::kJson;
    call.body.json = *json;
    call.body.type = "application/json";
    check_json_template(*json, in.pointer_to("json"));
    ++kinds;
  }
  if (const doc::Value* text = in.any("text")) {
    call.body.kind = HttpBody::Kind::kText;
    call.body.text = in.require_string("text");
    call.body.type = "text/plain; charset=utf-8";
    check_http_template(call.body.text, *text, in.pointer_to("text"), HttpPlace::kText);
    ++kinds;
  }
  if (in.value().find("form") != nullptr) {
    call.body.kind = HttpBody::Kind::kForm;
    call.body.form = read_http_pairs(in, "form", HttpPlace::kForm);
    call.body.type = "application/x-www-form-urlencoded";
    ++kinds;
  }
  if (kinds != 1)
    in.problem("missing_field", "a body is one of json: …, text: \"…\" and form: {…}");
  if (const auto type = in.string("type")) {
    call.body.type = *type;
    if (type->empty() || !is_field_text(*type))
      in.problem("invalid_text", "type is a media type, such as application/merge-patch+json",
                 "type");
  }
  in.finish();
}

std::vector<int> ToolReader::read_statuses(ObjectReader& in, std::string_view key, int least,
                                           int most) {
  std::vector<int> out;
  const doc::Value* list = in.array(key);
  if (list == nullptr) return out;
  bool good = !list->as_array().empty();
  for (const doc::Value& item : list->as_array()) {
    const std::int64_t status = item.as_int64().value_or(0);
    good = good && status >= least && status <= most;
    out.push_back(static_cast<int>(status));
  }
  if (!good)
    in.problem("out_of_range",
               std::string(key) + " is a list of statuses, " + std::to_string(least) + " to " +
                   std::to_string(most),
               key);
  return out;
}

void ToolReader::read_http_answer(ObjectReader& in, HttpCall& call) {
  call.success = read_statuses(in, "success", 200, 499);
  call.failed_on = read_statuses(in, "failed_on", 500, 599);
  call.response_headers.assign(kShownHeaders.begin(), kShownHeaders.end());
  if (const auto names = in.strings("response_headers")) {
    call.response_headers.clear();
    for (const std::string& name : *names) {
      call.response_headers.push_back(lower_case(name));
      if (!is_header_name(name) || holds_secrets(name))
        in.problem("invalid_name", "\"" + name + "\" is no header of an answer that may be shown",
                   "response_headers");
    }
  }
  const doc::Value* key = in.any("idempotency_key");
  if (key == nullptr) return;
  if (key->is_bool()) {
    call.idempotency_header = key->as_bool() ? "Idempotency-Key" : "";
  } else if (key->is_string() && wrong_with_header(key->as_string()).empty()) {
    call.idempotency_header = key->as_string();
  } else {
    in.problem("wrong_type", "idempotency_key: true, or the name of the header", "idempotency_key");
  }
  for (const HttpHeaderField& field : call.headers) {
    if (lower_case(field.name) == lower_case(call.idempotency_header))
      in.problem("conflict", "the header " + field.name + " is said by idempotency_key",
                 "idempotency_key");
  }
}

// Sub-resources that open a connection, and bodies that Keyturn does not read, have no dry run.
bool ToolReader::has_dry_run(const HttpCall& call) {
  const auto is_dry = [](const auto& pair) { return lower_case(pair.first) == "dryrun"; };
  const bool connects =
      std::ranges::any_of(std::array<std::string_view, 3>{"/exec", "/attach", "/portforward"},
                          [&](std::string_view end) { return call.path.ends_with(end); });
  return call.kubernetes && !call.is_safe() && !connects && !call.path.contains("/proxy") &&
         std::ranges::none_of(call.query, is_dry) && call.body.kind != HttpBody::Kind::kText &&
         call.body.kind != HttpBody::Kind::kForm;
}

void ToolReader::read_http_preview(HttpCall& call) {
  call.previews = has_dry_run(call);
  const doc::Value* value = in_.any("preview");
  if (value != nullptr && (call.is_safe() || (call.kubernetes && !call.previews))) {
    in_.problem("without_effect", "there is nothing that a preview could show; remove it",
                "preview");
  } else if (value != nullptr && call.kubernetes) {
    if (!value->is_bool())
      in_.problem("wrong_type", "preview: true or false; it is a dry run of the request",
                  "preview");
    else
      call.previews = value->as_bool();
  } else if (value != nullptr) {
    // Its parameters are not ticked off: one that only a look uses changes nothing of what is sent.
    std::set<std::string> used = used_;
    ObjectReader look(*value, in_.pointer_to("preview"), problems_);
    HttpLook out;
    out.path = read_http_path(look);
    out.query = read_http_pairs(look, "query", HttpPlace::kQuery);
    out.if_match = look.boolean("if_match").value_or(false);
    look.finish();
    used_ = std::move(used);
    call.look = std::move(out);
  }
  if (call.previews || call.look) tool_.preview = Preview{.shows = {call.method}};
}

void ToolReader::finish_http(HttpCall call, std::string_view word) {
  for (const std::string_view other : {"exec", "sql", "http", "kubernetes"}) {
    if (other != word && in_.value().find(other) != nullptr)
      in_.problem("conflict", "a tool is one of exec, sql, http and kubernetes, not more", word);
  }
  if (call.kubernetes && in_.value().find("operation") != nullptr)
    in_.problem("without_effect",
                "operation has no effect for a request to a Kubernetes API; remove it: what it "
                "does is read from the request itself",
                "operation");
  if (in_.value().find("operation") == nullptr) tool_.operation = call.is_safe() ? "read" : "write";
  tool_.kind = ToolKind::kHttp;
  tool_.http = std::make_shared<const HttpCall>(std::move(call));
}

void ToolReader::read_http() {
  const doc::Value* value = in_.object("http");
  if (value == nullptr) return;
  ObjectReader in(*value, in_.pointer_to("http"), problems_);
  HttpCall call;
  read_http_server(in, call);
  call.method = in.require_string("method");
  if (!call.method.empty() && std::ranges::find(kMethods, call.method) == kMethods.end())
    in.problem("unknown_choice", "method is GET, HEAD, POST, PUT, PATCH or DELETE", "method");
  call.path = read_http_path(in);
  call.query = read_http_pairs(in, "query", HttpPlace::kQuery);
  read_http_headers(in, call);
  read_http_body(in, call);
  read_http_answer(in, call);
  call.kubernetes = in.boolean("kubernetes").value_or(false);
  if (call.kubernetes && !call.path.starts_with("/api/") && !call.path.starts_with("/apis/"))
    in.problem("invalid_path", "the path of an object in Kubernetes begins with /api/ or /apis/",
               "path");
  read_http_preview(call);
  in.finish();
  finish_http(std::move(call), "http");
}

}  // namespace keyturn::catalog
