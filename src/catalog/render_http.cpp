// From an http tool and checked arguments to exactly the message that is sent.
#include <algorithm>
#include <stdexcept>

#include "base/percent.h"
#include "catalog/http_call.h"
#include "catalog/template.h"
#include "doc/json.h"

namespace keyturn::catalog {
namespace {

constexpr std::size_t kTargetBytesMax = 8 * 1024;

std::unexpected<Refusal> invalid_parameter(std::string_view name, std::string_view message) {
  return refuse("invalid_args", "parameter \"" + std::string(name) + "\" " + std::string(message),
                "/args/" + doc::pointer_escape(name));
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// Templates of one message, filled with one set of arguments.
class Filler {
 public:
  explicit Filler(const doc::Value& args) : args_(args) {}

  // The parameter that stands alone in the text is not there.
  bool leaves_out(const std::vector<Piece>& pieces) const {
    const std::string whole = whole_parameter(pieces);
    return !whole.empty() && args_.find(whole) == nullptr;
  }

  // `text`: literal parts as they are, values after `form` had its say.
  template <class Form>
  Result<std::string> fill(const std::vector<Piece>& pieces, Form form) const {
    std::string out;
    for (const Piece& piece : pieces) {
      const doc::Value* value = piece.parameter ? args_.find(piece.text) : nullptr;
      if (!piece.parameter) {
        out += piece.text;
      } else if (value != nullptr) {
        Result<std::string> formed = form(piece.text, argument_text(*value));
        if (!formed) return formed;
        out += *formed;
      }
    }
    return out;
  }

  Result<std::string> path(std::string_view text) const {
    std::string out;
    while (!text.empty()) {
      text.remove_prefix(1);  // "/"
      const std::size_t end = std::min(text.find('/'), text.size());
      const std::vector<Piece> pieces = pieces_of(text.substr(0, end));
      Result<std::string> segment = fill(pieces, path_value);
      if (!segment) return segment;
      if (auto good = check_segment(pieces, *segment); !good) return std::unexpected(good.error());
      out += "/" + *segment;
      text.remove_prefix(end);
    }
    return out;
  }

  Result<std::string> query(const std::vector<std::pair<std::string, std::string>>& pairs) const {
    std::string out;
    const auto add = [&](const std::string& name, std::string_view encoded) {
      out += (out.empty() ? "?" : "&") + percent_encoded(name) + "=" + std::string(encoded);
    };
    for (const auto& [name, text] : pairs) {
      const std::vector<Piece> pieces = pieces_of(text);
      if (leaves_out(pieces)) continue;
      if (const doc::Value* list = whole_array(pieces)) {
        for (const doc::Value& item : list->as_array())
          add(name, percent_encoded(argument_text(item)));
        continue;
      }
      const Result<std::string> value = fill(pieces, as_it_is);
      add(name, percent_encoded(*value));
    }
    return out;
  }

  Result<std::string> header(const std::vector<Piece>& pieces) const {
    return fill(pieces, header_value);
  }

  std::string text(std::string_view text) const { return *fill(pieces_of(text), as_it_is); }

  // Strings of a tree are templates; one that is a parameter and nothing else has its own type, or
  // is left out with it. nullopt: left out.
  std::optional<doc::Value> json(const doc::Value& value) const {
    if (value.is_string()) {
      const std::vector<Piece> pieces = pieces_of(value.as_string());
      if (const std::string whole = whole_parameter(pieces); !whole.empty()) {
        const doc::Value* given = args_.find(whole);
        return given == nullptr ? std::nullopt : std::optional(*given);
      }
      return doc::Value(*fill(pieces, as_it_is));
    }
    if (value.is_array()) {
      doc::Value out{doc::Array{}};
      for (const doc::Value& item : value.as_array()) {
        if (auto filled = json(item)) out.push(std::move(*filled));
      }
      return out;
    }
    if (value.is_object()) {
      doc::Value out{doc::Object{}};
      for (const doc::Member& member : value.as_object()) {
        if (auto filled = json(member.value)) out.set(member.key, std::move(*filled));
      }
      return out;
    }
    return value;
  }

  std::string form(const std::vector<std::pair<std::string, std::string>>& pairs) const {
    const Result<std::string> out = query(pairs);
    return out->empty() ? "" : out->substr(1);
  }

 private:
  const doc::Value* whole_array(const std::vector<Piece>& pieces) const {
    const std::string whole = whole_parameter(pieces);
    const doc::Value* value = whole.empty() ? nullptr : args_.find(whole);
    return value != nullptr && value->is_array() ? value : nullptr;
  }

  static Result<std::string> as_it_is(std::string_view /*name*/, std::string text) { return text; }

  // Refused is what some server on the way could take for more than a piece of one segment, once it
  // has decoded it, however often.
  static Result<std::string> path_value(std::string_view name, const std::string& text) {
    for (const char c : text) {
      if (is_control(c))
        return invalid_parameter(name, "holds a control character, which no path may");
      if (c == '/' || c == '\\' || c == '%')
        return invalid_parameter(name,
                                 std::string("holds \"") + c +
                                     "\", which could be read as more than one piece of the path");
    }
    return percent_encoded(text);
  }

  static Result<std::string> header_value(std::string_view name, const std::string& text) {
    for (const char c : text) {
      if (is_control(c))
        return invalid_parameter(name, "holds a control character, which no header may");
      if (static_cast<unsigned char>(c) >= 0x80)
        return invalid_parameter(name, "holds other than ASCII characters, which no header may");
    }
    return text;
  }

  Result<void> check_segment(const std::vector<Piece>& pieces, const std::string& segment) const {
    const auto first = std::ranges::find_if(pieces, &Piece::parameter);
    if (first == pieces.end()) return {};
    if (segment.empty())
      return invalid_parameter(first->text, "is empty, and makes a piece of the path");
    if (segment == "." || segment == "..")
      return invalid_parameter(
          first->text, "makes \"" + segment + "\" a piece of the path, which leads elsewhere");
    return {};
  }

  const doc::Value& args_;
};

void write_body(const HttpBody& body, const Filler& filler, HttpMessage& out) {
  switch (body.kind) {
    case HttpBody::Kind::kNone:
      return;
    case HttpBody::Kind::kJson: {
      const auto tree = filler.json(body.json);
      out.body = doc::write_json(tree ? *tree : doc::Value());
      break;
    }
    case HttpBody::Kind::kText:
      out.body = filler.text(body.text);
      break;
    case HttpBody::Kind::kForm:
      out.body = filler.form(body.form);
      break;
  }
  out.headers.emplace_back("Content-Type", body.type);
}

Result<std::string> target_of(const Filler& filler, const std::string& path,
                              const std::vector<std::pair<std::string, std::string>>& query) {
  Result<std::string> target = filler.path(path);
  if (!target) return target;
  *target += *filler.query(query);
  if (target->size() > kTargetBytesMax)
    return refuse("invalid_args", "the URL would be longer than 8 KiB", "/args");
  return target;
}

}  // namespace

std::string fixed_prefix(const HttpCall& call) {
  return call.server + call.path.substr(0, call.path.find("{{"));
}

Result<HttpMessage> render_http(const Tool& tool, const doc::Value& args) {
  const HttpCall& call = *tool.http;
  const Filler filler(args);
  HttpMessage out{.method = call.method, .server = call.server};
  Result<std::string> target = target_of(filler, call.path, call.query);
  if (!target) return std::unexpected(target.error());
  out.target = std::move(*target);
  for (const HttpHeaderField& field : call.headers) {
    if (!field.is_plain()) continue;
    const std::vector<Piece> pieces = pieces_of(field.text);
    if (filler.leaves_out(pieces)) continue;
    Result<std::string> value = filler.header(pieces);
    if (!value) return std::unexpected(value.error());
    out.headers.emplace_back(field.name, std::move(*value));
  }
  write_body(call.body, filler, out);
  return out;
}

Result<HttpMessage> render_look(const Tool& tool, const doc::Value& args) {
  const HttpLook& look = *tool.http->look;
  HttpMessage out{.method = "GET", .server = tool.http->server};
  Result<std::string> target = target_of(Filler(args), look.path, look.query);
  if (!target) return std::unexpected(target.error());
  out.target = std::move(*target);
  for (const HttpHeaderField& field : tool.http->headers) {
    if (field.is_plain() && !field.text.contains("{{"))
      out.headers.emplace_back(field.name, field.text);
  }
  return out;
}

}  // namespace keyturn::catalog
