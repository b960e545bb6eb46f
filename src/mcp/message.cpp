#include "mcp/message.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "doc/json.h"

namespace keyturn::mcp {
namespace {

bool is_id(const doc::Value& value) {
  return value.is_string() || value.as_int64().has_value();
}

Refusal invalid_message(std::string message) {
  return {.code = "invalid_request", .message = std::move(message)};
}

// 2026-07-28, "Standard Request Headers", and the tasks extension: which parameter Mcp-Name
// repeats.
std::string_view name_source(std::string_view method) {
  if (method == "tools/call" || method == "prompts/get") return "name";
  if (method == "resources/read") return "uri";
  if (method == "tasks/get" || method == "tasks/update" || method == "tasks/cancel")
    return "taskId";
  return {};
}

// A header's value that is no plain text is "=?base64?" TEXT "?=".
std::optional<std::string> decoded(std::string_view header) {
  constexpr std::string_view kBegin = "=?base64?", kEnd = "?=";
  if (header.size() < kBegin.size() + kEnd.size() || !header.starts_with(kBegin) ||
      !header.ends_with(kEnd))
    return std::string(header);
  header.remove_prefix(kBegin.size());
  header.remove_suffix(kEnd.size());
  auto text = from_base64(header);
  if (text && first_invalid_utf8(*text)) return std::nullopt;
  return text;
}

// Revisions are named by their day, so that later ones compare greater.
bool is_modern(std::string_view version) {
  return version.size() == kModernVersion.size() && version >= kModernVersion;
}

const doc::Value* claimed_version(const Message& message) {
  const doc::Value* meta = message.meta();
  return meta == nullptr ? nullptr : meta->find(kVersionKey);
}

std::unexpected<Refusal> mismatch(std::string what) {
  return refuse("header_mismatch",
                "Bad Request: the request headers and body disagree: " + std::move(what));
}

Result<void> check_name(const Message& message, std::string_view name) {
  const std::string_view source = name_source(message.method);
  if (source.empty()) return {};
  const doc::Value* params = message.params();
  const doc::Value* in_body = params == nullptr ? nullptr : params->find(source);
  if (in_body == nullptr || !in_body->is_string()) return {};
  const std::string says = "the body has params." + std::string(source) + " \"" +
                           in_body->as_string() + "\" but the Mcp-Name header ";
  if (name.empty()) {
    if (in_body->as_string().empty()) return {};
    return mismatch(says + "is missing");
  }
  const auto text = decoded(name);
  if (!text) return mismatch(says + "is not well-formed base64 of UTF-8");
  if (*text != in_body->as_string()) return mismatch(says + "says \"" + *text + "\"");
  return {};
}

}  // namespace

const doc::Value* Message::params() const {
  return value.find("params");
}

const doc::Value* Message::meta() const {
  const doc::Value* found = value.find_path({"params", "_meta"});
  return found != nullptr && found->is_object() ? found : nullptr;
}

Result<Message> parse(std::string_view text, std::size_t bytes_max) {
  auto value =
      doc::parse_json(text, {.bytes_max = bytes_max, .depth_max = 128, .values_max = 1'000'000});
  if (!value) {
    return refuse("parse_error", "This is not JSON that can be read: " + value.error().message,
                  value.error().where);
  }
  return read(*std::move(value));
}

Result<Message> read(doc::Value value) {
  if (value.is_array()) {
    return std::unexpected(
        invalid_message("JSON-RPC batches are not taken: send one message at a time"));
  }
  if (!value.is_object())
    return std::unexpected(invalid_message("A JSON-RPC message is an object"));
  if (value.text("jsonrpc") != "2.0") {
    return std::unexpected(invalid_message("A JSON-RPC message says \"jsonrpc\": \"2.0\""));
  }
  Message message;
  const doc::Value* id = value.find("id");
  const doc::Value* method = value.find("method");
  const doc::Value* result = value.find("result");
  const doc::Value* error = value.find("error");
  const doc::Value* params = value.find("params");
  if (id != nullptr && !is_id(*id) && !(id->is_null() && error != nullptr)) {
    return std::unexpected(
        invalid_message("The id of a JSON-RPC message is a string or an integer"));
  }
  if (id != nullptr) message.id = *id;
  if (method != nullptr) {
    if (!method->is_string() || method->as_string().empty())
      return std::unexpected(invalid_message("The method of a JSON-RPC message is a name"));
    if (result != nullptr || error != nullptr)
      return std::unexpected(
          invalid_message("A JSON-RPC message is a request or a response, not both"));
    if (params != nullptr && !params->is_object())
      return std::unexpected(invalid_message("The params of a message of MCP are an object"));
    message.kind = id == nullptr ? Kind::kNotification : Kind::kRequest;
    message.method = method->as_string();
  } else {
    if ((result == nullptr) == (error == nullptr)) {
      return std::unexpected(
          invalid_message("A JSON-RPC message has a method, or else a result or an error"));
    }
    if (result != nullptr && id == nullptr)
      return std::unexpected(invalid_message("A JSON-RPC response has the id of its request"));
    if (error != nullptr && !error->is_object())
      return std::unexpected(invalid_message("The error of a JSON-RPC response is an object"));
    message.kind = Kind::kResponse;
  }
  message.value = std::move(value);
  return message;
}

std::string id_text(const doc::Value& id) {
  if (id.is_string()) return "s:" + id.as_string();
  if (const auto number = id.as_int64()) return "n:" + std::to_string(*number);
  return {};
}

doc::Value request(doc::Value id, std::string_view method, doc::Value params) {
  doc::Value out = doc::object({{"jsonrpc", "2.0"}, {"id", std::move(id)}, {"method", method}});
  if (!params.is_null()) out.set("params", std::move(params));
  return out;
}

doc::Value notification(std::string_view method, doc::Value params) {
  doc::Value out = doc::object({{"jsonrpc", "2.0"}, {"method", method}});
  if (!params.is_null()) out.set("params", std::move(params));
  return out;
}

doc::Value result(const doc::Value& id, doc::Value result) {
  return doc::object({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

doc::Value error(const doc::Value& id, std::int64_t code, std::string_view message,
                 doc::Value data) {
  doc::Value told = doc::object({{"code", code}, {"message", message}});
  if (!data.is_null()) told.set("data", std::move(data));
  return doc::object({{"jsonrpc", "2.0"}, {"id", id}, {"error", std::move(told)}});
}

Era era_of(const Message& message, std::string_view version_header) {
  if (const doc::Value* claimed = claimed_version(message)) {
    // One that cannot be read is for the era that has it to refuse.
    const bool is_old = claimed->is_string() && !is_modern(claimed->as_string());
    return is_old ? Era::kLegacy : Era::kModern;
  }
  return is_modern(version_header) ? Era::kModern : Era::kLegacy;
}

Result<void> check_headers(const Message& message, std::string_view version,
                           std::string_view method, std::string_view name) {
  if (message.kind == Kind::kResponse || era_of(message, version) == Era::kLegacy) return {};
  const doc::Value* claimed = claimed_version(message);
  const std::string in_body =
      claimed != nullptr && claimed->is_string() ? claimed->as_string() : std::string();
  const bool is_request = message.kind == Kind::kRequest;
  if (version.empty() && is_request)
    return mismatch("the body is of revision " + in_body +
                    " but the MCP-Protocol-Version header is missing");
  if (!version.empty() && !in_body.empty() && version != in_body)
    return mismatch("the body is of revision " + in_body +
                    " but the MCP-Protocol-Version header says " + std::string(version));
  if (claimed == nullptr && message.method == "initialize")
    return mismatch("initialize is of the revisions before " + std::string(kModernVersion) +
                    " but the MCP-Protocol-Version header says " + std::string(version));
  if (method.empty() && is_request)
    return mismatch("the body has the method " + message.method +
                    " but the Mcp-Method header is missing");
  if (!method.empty() && method != message.method)
    return mismatch("the body has the method " + message.method +
                    " but the Mcp-Method header says " + std::string(method));
  return is_request ? check_name(message, name) : Result<void>{};
}

}  // namespace keyturn::mcp
