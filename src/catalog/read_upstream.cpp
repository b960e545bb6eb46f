// What an MCP server of tools.yaml says.
#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "base/bytes.h"
#include "catalog/http_words.h"
#include "catalog/upstream_reader.h"

namespace keyturn::catalog {
namespace {

using doc::ObjectReader;

constexpr std::size_t kUpstreamNameMax = 40;
constexpr std::int64_t kResultLeast = 1024, kResultMost = 64 << 20;
constexpr Duration kTimeoutMost = std::chrono::hours(24), kHoldMost = std::chrono::hours(1);
constexpr std::array<std::string_view, 4> kGates{"resources/read", "resources/subscribe",
                                                 "prompts/get", "completion/complete"};
// What Keyturn and its HTTP client say themselves.
constexpr std::array<std::string_view, 15> kTransportHeaders{"accept",
                                                             "connection",
                                                             "content-length",
                                                             "content-type",
                                                             "expect",
                                                             "host",
                                                             "keep-alive",
                                                             "last-event-id",
                                                             "mcp-method",
                                                             "mcp-name",
                                                             "mcp-protocol-version",
                                                             "mcp-session-id",
                                                             "te",
                                                             "transfer-encoding",
                                                             "upgrade"};
// What is wrong with the URL of a server that gets credentials; "": nothing.
std::string_view wrong_with(std::string_view url) {
  const bool plain = url.starts_with("http://");
  if (!plain && !url.starts_with("https://")) return "begins with https://";
  for (const char c : url) {
    if (c <= 0x20 || c >= 0x7f || std::string_view("\"<>\\#").contains(c))
      return "is no URL: it has a fragment, white space, quotes or other characters than ASCII";
  }
  std::string_view host = url.substr(plain ? 7 : 8);
  host = host.substr(0, host.find_first_of("/?"));
  if (host.empty() || host.contains('@')) return "has a host, and no user and password";
  if (const std::size_t colon = host.rfind(':');
      colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos)
    host = host.substr(0, colon);
  const bool is_here = host == "localhost" || host == "127.0.0.1" || host == "[::1]";
  return plain && !is_here ? "needs https:// for another machine: http:// is for this one" : "";
}

template <std::size_t N>
bool is_among(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

bool is_upstream_name(std::string_view text) {
  const auto fits = [](char c) { return is_lower(c) || is_digit(c); };
  return !text.empty() && text.size() <= kUpstreamNameMax && fits(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return fits(c) || c == '-'; });
}

Upstream UpstreamReader::read(const std::string& name) {
  up_.name = name;
  tool_.name = name;
  read_kind();
  read_resource();
  up_.resource = tool_.resource;
  if (in_.value().find("resource") == nullptr) up_.resource.kind = "mcp";
  read_agents();
  read_operations();
  read_gates();
  read_pins();
  read_bounds();
  in_.finish();
  return std::move(up_);
}

// Exactly one of url, command and attached says how the server is reached; what belongs to another
// would promise what does not happen.
void UpstreamReader::read_kind() {
  read_url();
  read_headers();
  read_command();
  read_process();
  const bool attached = in_.boolean("attached").value_or(false);
  const auto has = [&](std::string_view key) { return in_.value().find(key) != nullptr; };
  const int ways = int{has("url")} + int{has("command")} + int{has("attached")};
  if (ways == 0) {
    in_.problem("missing_field",
                "upstream \"" + up_.name +
                    "\" needs url: https://…, command: [/usr/bin/…] or attached: true");
  } else if (ways > 1) {
    in_.problem("conflict", "say one of url, command and attached");
  }
  if (has("attached") && !attached)
    in_.problem("unknown_choice", "attached: true, or leave it out", "attached");
  up_.kind = has("url")       ? Upstream::Kind::kHttp
             : has("command") ? Upstream::Kind::kCommand
                              : Upstream::Kind::kAttached;
  const auto misfit = [&](std::string_view key, std::string_view of) {
    if (ways == 1 && has(key))
      in_.problem("without_effect",
                  std::string(key) + " has no effect without " + std::string(of) + "; remove it",
                  key);
  };
  if (!has("url")) {
    for (const std::string_view key : {"headers", "ca"}) misfit(key, "url");
  }
  if (!has("command")) {
    for (const std::string_view key : {"env", "cwd", "sandbox", "limits"}) misfit(key, "command");
  }
}

void UpstreamReader::read_url() {
  up_.ca_file = in_.string("ca").value_or("");
  if (!up_.ca_file.empty() && !is_absolute(up_.ca_file))
    in_.problem("not_absolute", "ca is the absolute path of a PEM file", "ca");
  const auto url = in_.string("url");
  if (!url) return;
  up_.url = *url;
  if (const std::string_view wrong = wrong_with(*url); !wrong.empty())
    in_.problem("bad_url", "the url of an MCP server " + std::string(wrong), "url");
}

void UpstreamReader::read_headers() {
  const doc::Value* headers = in_.object("headers");
  if (headers == nullptr) return;
  for (const doc::Member& member : headers->as_object())
    read_header(member, in_.pointer_to("headers") + "/" + doc::pointer_escape(member.key));
}

void UpstreamReader::read_header(const doc::Member& member, const std::string& pointer) {
  UpstreamHeader header{.name = member.key};
  const std::string name = lower_case(member.key);
  if (!is_header_name(member.key)) {
    add("invalid_name", "\"" + member.key + "\" is no name of a header", member.value, pointer);
  } else if (is_among(kTransportHeaders, name)) {
    add("reserved_header", member.key + " is said by Keyturn itself; remove it", member.value,
        pointer);
  }
  if (member.value.is_string()) {
    header.text = member.value.as_string();
    if (is_secret_header(name)) {
      add("literal_secret",
          member.key +
              " must be a reference, never the secret itself: {secret: \"env:NAME\", "
              "prefix: \"Bearer \"}",
          member.value, pointer);
    }
  } else if (member.value.is_object()) {
    doc::Value reference = member.value;  // but the prefix, which is plain
    if (const doc::Value* prefix = member.value.find("prefix")) {
      if (prefix->is_string())
        header.text = prefix->as_string();
      else
        add("wrong_type", "the prefix is text, such as \"Bearer \"", *prefix, pointer + "/prefix");
      std::erase_if(reference.as_object(),
                    [](const doc::Member& one) { return one.key == "prefix"; });
    }
    header.secret = read_secret(reference, pointer);
    if (header.secret && header.secret->as_file)
      add("without_effect", "as: file has no effect for a header; remove it", member.value,
          pointer + "/as");
  } else {
    add("wrong_type", "must be text (quote numbers) or {secret: …}", member.value, pointer);
  }
  if (!is_field_text(header.text))
    add("invalid_text", "a header is visible ASCII on one line", member.value, pointer);
  up_.headers.push_back(std::move(header));
}

void UpstreamReader::read_command() {
  const auto command = in_.strings("command");
  if (!command) return;
  up_.command = *command;
  if (command->empty()) {
    in_.problem("missing_field", "command needs at least the program: [/usr/bin/…]", "command");
    return;
  }
  if (!is_absolute(command->front()))
    add("not_absolute",
        "command[0] is \"" + command->front() +
            "\": the program must be an absolute path, such as /usr/bin/node",
        in_.value().find("command")->as_array()[0], in_.pointer_to("command") + "/0");
  for (std::size_t i = 0; i < command->size(); ++i) {
    if (!(*command)[i].contains('\0')) continue;
    add("invalid_text", "an argument holds no NUL", in_.value().find("command")->as_array()[i],
        in_.pointer_to("command") + "/" + std::to_string(i));
  }
}

void UpstreamReader::read_process() {
  tool_.kind = ToolKind::kExec;  // check_open_door(): a program that runs here
  if (const doc::Value* env = in_.object("env")) {
    for (const doc::Member& member : env->as_object()) {
      const std::string pointer = in_.pointer_to("env") + "/" + doc::pointer_escape(member.key);
      if (member.value.is_object() && member.value.find("param") != nullptr)
        add("wrong_type",
            "a server's variables come from no request: text (quote numbers) or {secret: …}",
            member.value, pointer);
      else if (member.value.is_object() && member.value.find("credential") != nullptr)
        add("wrong_type",
            "a server runs for many actions, and a credential is issued for one: text (quote "
            "numbers) or {secret: …}",
            member.value, pointer);
      else
        read_env_entry(member.key, member.value, pointer);
    }
  }
  read_cwd();
  if (in_.value().find("command") != nullptr)
    read_sandbox();
  else
    (void)in_.any("sandbox");
  read_limits();
  up_.env = std::move(tool_.env);
  up_.secret_env = std::move(tool_.secret_env);
  up_.cwd = std::move(tool_.cwd);
  up_.sandbox = std::move(tool_.sandbox);
  up_.limits = tool_.limits;
}

void UpstreamReader::read_agents() {
  const doc::Value* agents = in_.object("agents");
  if (agents == nullptr) return;
  ObjectReader each(*agents, in_.pointer_to("agents"), problems_);
  for (const doc::Member& member : agents->as_object()) {
    if (member.key != "*" && !is_identifier(member.key, true))
      each.problem("invalid_name",
                   "\"" + member.key + "\" is no name of an agent; \"*\" is every other one",
                   member.key);
    up_.agents[member.key] = each.strings(member.key).value_or(std::vector<std::string>{});
  }
  if (agents->as_object().empty())
    in_.problem("missing_field",
                "agents names nobody, so that it would be everybody: leave it out, or say "
                "{\"*\": []} for nobody",
                "agents");
}

void UpstreamReader::read_operations() {
  up_.trust_annotations = in_.boolean("trust_annotations").value_or(false);
  const doc::Value* operations = in_.object("operations");
  if (operations == nullptr) return;
  ObjectReader each(*operations, in_.pointer_to("operations"), problems_);
  for (const doc::Member& member : operations->as_object()) {
    const std::string word = each.string(member.key).value_or("execute");
    if (!is_identifier(word, true))
      each.problem("invalid_name",
                   "an operation is one word: read, write, execute, export, rollback, …",
                   member.key);
    up_.operations.emplace_back(member.key, word);
  }
}

void UpstreamReader::read_gates() {
  for (const std::string& method : in_.strings("gates").value_or(std::vector<std::string>{})) {
    if (!is_among(kGates, method)) {
      std::string known;
      for (const std::string_view one : kGates)
        known += (known.empty() ? "" : ", ") + std::string(one);
      in_.problem("unknown_choice",
                  "\"" + method + "\" cannot be gated; tools/call always is, and besides " + known,
                  "gates");
    }
    if (std::ranges::find(up_.gates, method) == up_.gates.end()) up_.gates.push_back(method);
  }
}

void UpstreamReader::read_pins() {
  const std::string pins = in_.string("pins").value_or("first_use");
  if (pins != "first_use" && pins != "review")
    in_.problem("unknown_choice",
                "pins is first_use (a tool that was never seen is accepted as it is) or review "
                "(people accept each)",
                "pins");
  up_.pinning = pins == "review" ? Upstream::Pinning::kReview : Upstream::Pinning::kFirstUse;
}

Duration UpstreamReader::bounded(std::string_view key, Duration otherwise, Duration most) {
  const auto said = in_.duration(key);
  if (!said) return otherwise;
  if (*said > Duration{} && *said <= most) return *said;
  in_.problem("out_of_range",
              std::string(key) + " is more than 0s and at most " + keyturn::to_text(most), key);
  return otherwise;
}

void UpstreamReader::read_bounds() {
  up_.timeout = bounded("timeout", up_.timeout, kTimeoutMost);
  up_.hold = bounded("hold", up_.hold, kHoldMost);
  up_.leg = bounded("leg", up_.leg, kHoldMost);
  up_.result_bytes_max =
      in_.integer("result_bytes_max", kResultLeast, kResultMost).value_or(up_.result_bytes_max);
}

}  // namespace keyturn::catalog
