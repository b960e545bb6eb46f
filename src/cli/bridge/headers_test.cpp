#include "cli/bridge/headers.h"

#include <doctest/doctest.h>

#include "doc/json.h"

namespace keyturn::cli::bridge {
namespace {

rpc::Message message(const std::string& json) {
  Result<rpc::Message> out = rpc::parse(json);
  REQUIRE(out);
  return *out;
}

constexpr const char* kMeta = R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"})";

rpc::Message request(const std::string& method, const std::string& params) {
  return message(R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":{)" + params +
                 "," + kMeta + "}}");
}

std::string shown(const net::Headers& headers) {
  std::string out;
  for (const net::Header& header : headers.all()) out += header.name + ": " + header.value + "; ";
  return out;
}

std::string standard(const rpc::Message& of) {
  net::Headers headers;
  add_standard_headers(of, headers);
  return shown(headers);
}

}  // namespace

TEST_CASE("a modern message's headers say what its body says; a legacy one has none") {
  CHECK(standard(request("tools/call", R"("name":"read")")) ==
        "MCP-Protocol-Version: 2026-07-28; Mcp-Method: tools/call; Mcp-Name: read; ");
  CHECK(standard(request("resources/read", R"("uri":"file:///ä")")) ==
        "MCP-Protocol-Version: 2026-07-28; Mcp-Method: resources/read; "
        "Mcp-Name: =?base64?ZmlsZTovLy/DpA==?=; ");
  CHECK(standard(request("tools/list", R"("name":"read")")) ==
        "MCP-Protocol-Version: 2026-07-28; Mcp-Method: tools/list; ");
  CHECK(standard(message(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}})"))
            .empty());
}

TEST_CASE("what cannot stand in a header is encoded") {
  CHECK(header_value("plain text") == "plain text");
  CHECK(header_value(" a") == "=?base64?IGE=?=");
  CHECK(header_value("a\nb") == "=?base64?YQpi?=");
  CHECK(header_value("") ==
        "=?base64?"
        "?=");
  CHECK(header_value("=?base64?x?=") == "=?base64?PT9iYXNlNjQ/eD89?=");
}

TEST_CASE("parameters that a tool marks are headers of its calls") {
  ParameterHeaders marks;
  Result<doc::Value> list = doc::parse_json(R"({"tools":[
    {"name":"a","inputSchema":{"type":"object","properties":{
      "region":{"type":"string","x-mcp-header":"Region"},
      "in":{"type":"object","properties":{"dry":{"type":"boolean","x-mcp-header":"Dry"}}},
      "n":{"type":"integer","x-mcp-header":"N"}}}},
    {"name":"b","inputSchema":{"properties":{"x":{"type":"string","x-mcp-header":"bad name"}}}},
    {"name":"c","inputSchema":{"properties":{"x":{"type":"object","x-mcp-header":"X"}}}}]})");
  REQUIRE(list);
  marks.learn(*list);
  const auto of = [&](const std::string& params) {
    net::Headers headers;
    marks.add(request("tools/call", params), headers);
    return shown(headers);
  };
  CHECK(of(R"("name":"a","arguments":{"region":"eu","in":{"dry":true},"n":7})") ==
        "Mcp-Param-Region: eu; Mcp-Param-Dry: true; Mcp-Param-N: 7; ");
  CHECK(of(R"("name":"a","arguments":{"region":null,"in":[1],"n":"é"})") ==
        "Mcp-Param-N: =?base64?w6k=?=; ");
  CHECK(of(R"("name":"b","arguments":{"x":"1"})").empty());
  CHECK(of(R"("name":"c","arguments":{"x":{}})").empty());
  CHECK(of(R"("name":"a")").empty());
}

}  // namespace keyturn::cli::bridge
