#include "api/body.h"

#include <algorithm>
#include <charconv>

#include "doc/json.h"

namespace keyturn::api {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  if (text.empty() || text.size() > 19) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool says_json(const net::HttpRequest& request) {
  if (request.headers.count("content-type") != 1) return false;
  const std::string_view type = *request.header("content-type");
  return net::equal_ignoring_case(trimmed(type.substr(0, type.find(';'))), "application/json");
}

bool holds(std::initializer_list<std::string_view> list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

// The next element of a comma-separated list; removes it.
std::string_view take_element(std::string_view& list) {
  const std::size_t end = std::min(list.find(','), list.size());
  const std::string_view element = trimmed(list.substr(0, end));
  list.remove_prefix(std::min(end + 1, list.size()));
  return element;
}

}  // namespace

Result<doc::Value> json_body(const net::HttpRequest& request) {
  if (request.body.empty() && !request.header("content-type")) return doc::Value(doc::Object{});
  if (!says_json(request)) {
    return refuse("unsupported_media_type", "send the body as Content-Type: application/json");
  }
  if (request.body.empty()) return doc::Value(doc::Object{});
  Result<doc::Value> value = doc::parse_json(request.body);
  if (!value) {
    // One code for whatever is no acceptable JSON; the message says which rule it breaks.
    return refuse("invalid_json", value.error().message, value.error().where);
  }
  if (!value->is_object()) return refuse("wrong_type", "the body must be one JSON object", "/");
  return value;
}

std::string required(doc::ObjectReader& fields, std::string_view key) {
  if (fields.value().is_object() && fields.value().find(key) == nullptr) {
    fields.problem("missing_field", "the field \"" + std::string(key) + "\" is missing", key);
  }
  return fields.string(key).value_or("");
}

Result<void> checked(const doc::Problems& problems) {
  for (const doc::Problem& problem : problems) {
    if (!problem.warning)
      return refuse(problem.code, problem.message, problem.pointer.empty() ? "/" : problem.pointer);
  }
  return {};
}

Result<std::optional<Duration>> preferred_wait(const net::HttpRequest& request, Duration most) {
  for (const net::Header& header : request.headers.all()) {
    if (!net::equal_ignoring_case(header.name, "prefer")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const std::string_view element = take_element(rest);
      const std::size_t equals = element.find('=');
      const std::string_view name = trimmed(element.substr(0, equals));
      if (!net::equal_ignoring_case(name, "wait")) continue;
      std::string_view value =
          equals == std::string_view::npos ? "" : trimmed(element.substr(equals + 1));
      value = trimmed(value.substr(0, value.find(';')));
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
      const std::optional<std::uint64_t> seconds = whole_number(value);
      if (!seconds) return refuse("invalid_prefer", "Prefer: wait= takes whole seconds");
      const auto cap = static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::seconds>(most).count());
      return std::chrono::seconds(std::min(*seconds, cap));  // the first one counts (RFC 7240 §2)
    }
  }
  return std::nullopt;
}

Result<void> known_parameters(const net::HttpRequest& request,
                              std::initializer_list<std::string_view> known,
                              std::initializer_list<std::string_view> repeatable) {
  for (std::size_t i = 0; i < request.query.size(); ++i) {
    const std::string& name = request.query[i].name;
    if (holds(repeatable, name)) continue;
    if (!holds(known, name)) {
      std::string all;
      for (const std::string_view word : known)
        all += (all.empty() ? "" : ", ") + std::string(word);
      return refuse("unknown_parameter", "there is no parameter \"" + name + "\" here" +
                                             (all.empty() ? "" : "; known are " + all));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (request.query[j].name == name)
        return refuse("invalid_parameter", "parameter \"" + name + "\" is given twice");
    }
  }
  return {};
}

Result<std::optional<std::uint64_t>> number_parameter(const net::HttpRequest& request,
                                                      std::string_view name, std::uint64_t most) {
  const std::optional<std::string_view> text = request.param(name);
  if (!text) return std::nullopt;
  const std::optional<std::uint64_t> value = whole_number(*text);
  if (!value || *value > most) {
    return refuse("invalid_parameter", "parameter \"" + std::string(name) +
                                           "\" must be a whole number, at most " +
                                           std::to_string(most));
  }
  return value;
}

Result<std::optional<Time>> time_parameter(const net::HttpRequest& request, std::string_view name) {
  const std::optional<std::string_view> text = request.param(name);
  if (!text || text->empty()) return std::nullopt;
  const std::optional<Time> time = from_rfc3339(*text);
  if (!time) {
    return refuse("invalid_parameter", "parameter \"" + std::string(name) +
                                           "\" must be a time like 2026-11-21T05:04:43Z");
  }
  return time;
}

}  // namespace keyturn::api
