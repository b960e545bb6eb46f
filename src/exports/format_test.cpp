#include "exports/format.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>

#include "doc/json.h"

namespace keyturn::exports {
namespace {

constexpr std::string_view kForgery =
    "x\" ] \\ | = \r\n<110>1 2026-11-21T12:00:00.000Z h keyturn - action.decided - CEF:0|Keyturn|"
    "Keyturn|1|review.voted|approve|0|outcome=success \xE2\x80\xA8{\"index\":9} \xC2\x85 "
    "\xE2\x80\xAE suser=mallory [keyturn@32473 index=\"9\"]\t\x1B[2K\x7F";

std::string leaf_with(std::string_view text) {
  return doc::canonical_or_die(doc::object(
      {{"v", 1},
       {"type", "action.decided"},
       {"time", "2026-11-21T12:00:00.123Z"},
       {"node", "keys.example"},
       {"stream", "action/act_01"},
       {"position", 1},
       {"prev", ""},
       {"state", "denied"},
       {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
       {"agent",
        doc::object({{"id", text}, {"kind", "agent"}, {"owner", text}, {"channel", text}})},
       {"action",
        doc::object({{"tool", text},
                     {"operation", "write"},
                     {"resource", doc::object({{"kind", "db"}, {"name", text}, {"env", text}})}})},
       {"policy", doc::object({{"verdict", doc::object({{"effect", "deny"},
                                                        {"rules", doc::Array{text}}})}})}}));
}

Item item_of(std::string leaf, std::string origin = "keyturn.example/prod") {
  return {std::move(origin), 7, std::string(64, 'a'), std::move(leaf)};
}

std::string line(Format format, const Item& item) {
  return line_of(format, item, look_at(item.leaf));
}

constexpr std::array kAll{Format::kNdjson, Format::kOcsf, Format::kCloudEvents,
                          Format::kSyslog, Format::kCef,  Format::kOtlp};

bool is_one_line(std::string_view text) {
  for (const unsigned char c : text) {
    if (c < 0x20 || c == 0x7F) return false;
  }
  for (const std::string_view end : {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"}) {
    if (text.contains(end)) return false;
  }
  return true;
}

// RFC 5424 §6.3 as it is written: one element, or nothing.
std::optional<std::map<std::string, std::string>> structured_data(std::string_view message) {
  std::size_t at = message.find('[');
  if (at == std::string_view::npos) return std::nullopt;
  at = message.find(' ', at);
  std::map<std::string, std::string> out;
  while (message[at] == ' ') {
    const std::size_t equals = message.find('=', at);
    std::string& value = out[std::string(message.substr(at + 1, equals - at - 1))];
    for (at = equals + 2; message[at] != '"'; ++at) {
      if (message[at] == ']') return std::nullopt;  // not escaped
      if (message[at] == '\\') ++at;
      value += message[at];
    }
    ++at;
  }
  if (message.substr(at, 2) != "] ") return std::nullopt;
  return out;
}

struct Cef {
  std::vector<std::string> header;
  std::map<std::string, std::string> extension;
};

// The CEF specification: in the header \| and \\, in the extension \= and \\; a key is the word
// before an equals sign that is not escaped.
Cef read_cef(std::string_view text) {
  Cef out;
  std::string part;
  std::size_t at = 0;
  for (; out.header.size() < 7 && at < text.size(); ++at) {
    if (text[at] == '\\') {
      part += text[++at];
    } else if (text[at] == '|') {
      out.header.push_back(std::exchange(part, {}));
    } else {
      part += text[at];
    }
  }
  std::string key;
  for (std::string word; at < text.size(); ++at) {
    if (text[at] == '\\') {
      part += text[++at];
    } else if (text[at] == '=') {
      const std::size_t space = part.rfind(' ');
      if (!key.empty()) out.extension[key] = part.substr(0, space);
      key = space == std::string::npos ? part : part.substr(space + 1);
      part.clear();
    } else {
      part += text[at];
    }
  }
  out.extension[key] = part;
  return out;
}

}  // namespace

TEST_CASE("an item is one line in every format, whatever its leaf says") {
  const Item item = item_of(leaf_with(kForgery),
                            "keyturn.example/\xE2\x80\xA8"
                            "a b");
  for (const Format format : kAll) {
    CAPTURE(to_text(format));
    CHECK(is_one_line(line(format, item)));
    CHECK(is_one_line(syslog_message(format, item, look_at(item.leaf))));
  }
}

TEST_CASE("hostile values make no further member, parameter or key") {
  const Item hostile = item_of(leaf_with(kForgery)), plain = item_of(leaf_with("plain"));
  for (const Format format :
       {Format::kNdjson, Format::kOcsf, Format::kCloudEvents, Format::kOtlp}) {
    CAPTURE(to_text(format));
    const auto a = doc::parse_json(line(format, hostile)), b = doc::parse_json(line(format, plain));
    REQUIRE(a);
    REQUIRE(b);
    REQUIRE(a->as_object().size() == b->as_object().size());
    for (std::size_t i = 0; i < a->as_object().size(); ++i)
      CHECK(a->as_object()[i].key == b->as_object()[i].key);
  }
  const auto a = structured_data(line(Format::kSyslog, hostile));
  const auto b = structured_data(line(Format::kSyslog, plain));
  REQUIRE(a);
  REQUIRE(b);
  CHECK(a->size() == b->size());
  CHECK(a->at("index") == "7");
  CHECK(a->at("outcome") == "deny");
  CHECK(
      a->at("tool").starts_with("x<U+0022> <U+005D> <U+005C> | <U+003D> <U+000D><U+000A><110>1 "));
  CHECK(std::ranges::count(line(Format::kSyslog, hostile), '[') == 1);
  const Cef c = read_cef(line(Format::kCef, hostile)), d = read_cef(line(Format::kCef, plain));
  CHECK(c.header == std::vector<std::string>{"CEF:0", "Keyturn", "Keyturn", "1", "action.decided",
                                             "action.decided deny", "6"});
  CHECK(c.extension.size() == d.extension.size());
  CHECK(c.extension.at("outcome") == "failure");
  CHECK(c.extension.at("externalId") == "keyturn.example/prod/7");
  CHECK(c.extension.at("suser").starts_with("x\" <U+005D> \\ | = <U+000D>"));
}

TEST_CASE("a value that ends in a mark swallows nothing of what follows") {
  for (const std::string_view end : {"|", "\\", "=", "\"", "]", " ", "\\|"}) {
    CAPTURE(end);
    const Item item = item_of(leaf_with("x" + std::string(end)));
    CHECK(read_cef(line(Format::kCef, item)).extension.at("outcome") == "failure");
    CHECK(read_cef(line(Format::kCef, item)).extension.at("cn1") == "7");
    const auto data = structured_data(line(Format::kSyslog, item));
    REQUIRE(data);
    CHECK(data->at("outcome") == "deny");
  }
}

TEST_CASE("a type that would end a header does not") {
  const std::string leaf =
      doc::canonical_or_die(doc::object({{"type", "a|b\\|c [x y=\"1\"]"}, {"node", "n o d e"}}));
  CHECK(read_cef(line(Format::kCef, item_of(leaf))).header.at(4) ==
        "a|b\\|c <U+005B>x y=\"1\"<U+005D>");
  CHECK(line(Format::kSyslog, item_of(leaf))
            .starts_with("<110>1 - n?o?d?e keyturn - a|b\\|c??x?y=\"1\"? [keyturn@32473 "));
}

TEST_CASE("every item carries origin, index and leaf hash") {
  const Item item = item_of(leaf_with("plain"));
  for (const Format format : kAll) {
    CAPTURE(to_text(format));
    const std::string text = line(format, item);
    CHECK(text.contains("keyturn.example/prod"));
    CHECK(text.contains(item.leaf_hash));
    CHECK(text.contains("7"));
  }
}

TEST_CASE("the leaf comes back byte for byte, so that its hash can be made again") {
  const std::string leaf = leaf_with(kForgery);
  const Item item = item_of(leaf);
  const auto ndjson = doc::parse_json(line(Format::kNdjson, item));
  CHECK(doc::canonical_or_die(*ndjson->find("leaf")) == leaf);
  const auto event = doc::parse_json(line(Format::kCloudEvents, item));
  CHECK(doc::canonical_or_die(*event->find("data")) == leaf);
  CHECK(doc::parse_json(line(Format::kOcsf, item))->text("raw_data") == leaf);
  const auto otlp = doc::parse_json(line(Format::kOtlp, item));
  const doc::Value& logs = otlp->find("resourceLogs")->as_array().at(0);
  const doc::Value& scope = logs.find("scopeLogs")->as_array().at(0);
  const doc::Value& record = scope.find("logRecords")->as_array().at(0);
  CHECK(record.find("body")->text("stringValue") == leaf);
  CHECK(record.text("traceId") == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(record.text("timeUnixNano") == "1795262400123000000");
}

TEST_CASE("what is no leaf is exported as unreadable, not dropped") {
  for (const std::string_view bytes :
       {"", "[]", "{\"type\":\"\\ud800\"}", "{\"type\":\"\xED\xA0\x80\"}", "{\"a\":1,\"a\":2}",
        "\xFF\n"}) {
    const Item item = item_of(std::string(bytes));
    CHECK(look_at(item.leaf).type == "unreadable");
    for (const Format format : kAll) {
      CAPTURE(to_text(format));
      CHECK(is_one_line(line(format, item)));
      CHECK(line(format, item).contains("unreadable"));
    }
  }
}

TEST_CASE("denials are told from the rest") {
  const auto is = [](std::string_view json) {
    const auto body = doc::parse_json(json);
    return is_denial(body->text("type"), *body);
  };
  CHECK(is(R"({"type":"action.decided","state":"denied"})"));
  CHECK(is(R"({"type":"request.refused"})"));
  CHECK(is(R"({"type":"review.voted","vote":{"decision":"deny"}})"));
  CHECK(is(R"({"type":"review.closed","review":{"result":"denied"}})"));
  CHECK(!is(R"({"type":"action.decided","state":"pending"})"));
  CHECK(!is(
      R"({"type":"action.decided","state":"executing","policy":{"verdict":{"effect":"deny","observed":true}}})"));
  CHECK(!is(R"({"type":"review.voted","vote":{"decision":"approve"}})"));
}

TEST_CASE("several items are one body") {
  const Item item = item_of(leaf_with("plain"));
  for (const Format format : kAll) {
    CAPTURE(to_text(format));
    const std::string one = line(format, item);
    const Body body = body_of(format, {one, one});
    if (format == Format::kSyslog || format == Format::kCef || format == Format::kNdjson) {
      CHECK(body.bytes == one + "\n" + one + "\n");
      continue;
    }
    const auto tree = doc::parse_json(body.bytes);
    REQUIRE(tree);
    const doc::Value& list = format == Format::kOtlp ? *tree->find("resourceLogs") : *tree;
    CHECK(list.as_array().size() == 2);
  }
}

TEST_CASE("one person who comes into a group or leaves it is User Access Management") {
  const auto class_of = [](std::string_view group) {
    const std::string leaf = "{\"group\":" + std::string(group) +
                             ",\"stream\":\"group/dba\",\"type\":\"identity.group_changed\"}";
    return doc::parse_json(line(Format::kOcsf, item_of(leaf)))->integer("type_uid");
  };
  CHECK(class_of(R"({"added":["ada"],"name":"dba"})") == 300501);
  CHECK(class_of(R"({"name":"dba","removed":["ada"]})") == 300502);
  CHECK(class_of(R"({"added":["ada","bob"],"name":"dba"})") == 300403);
}

}  // namespace keyturn::exports
