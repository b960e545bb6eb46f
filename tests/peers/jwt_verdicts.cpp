// What Keyturn says of tokens that others made: for each line {token, keys, issuer, audience, now,
// nonce?} of standard input a line of standard output, "good" or the refusal's code and words.
#include <iostream>
#include <string>

#include "doc/json.h"
#include "identity/jwt.h"

using namespace keyturn;

namespace {

std::string verdict(const doc::Value& line) {
  const auto keys = identity::KeySet::parse(doc::write_json(*line.find("keys")));
  if (!keys) return keys.error().code + " " + keys.error().message;
  const auto token = identity::read_jwt(line.text("token"));
  if (!token) return token.error().code + " " + token.error().message;
  identity::JwtExpected expected{.issuer = std::string(line.text("issuer")),
                                 .audience = std::string(line.text("audience"))};
  if (line.find("nonce") != nullptr) expected.nonce = line.text("nonce");
  const Time now(std::chrono::seconds(line.integer("now")));
  const auto claims = identity::verify_jwt(*token, *keys, expected, now);
  return claims ? "good" : claims.error().code + " " + claims.error().message;
}

}  // namespace

int main() {
  std::string text;
  while (std::getline(std::cin, text)) {
    const Result<doc::Value> line = doc::parse_json(text);
    std::cout << (line ? verdict(*line) : "unreadable " + line.error().message) << std::endl;
  }
  return 0;
}
