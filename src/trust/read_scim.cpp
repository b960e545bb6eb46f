// The section `scim`.
#include "trust/reader.h"

namespace keyturn::trust {
namespace {

doc::Position place_of(const doc::Value* at) {
  return at == nullptr ? doc::Position{} : at->position();
}

}  // namespace

ScimSection read_scim(const doc::Value& value, const std::string& name, const std::string& pointer,
                      doc::Problems& problems) {
  doc::ObjectReader in(value, pointer, problems);
  ScimSection out;
  out.name = name;
  if (value.is_object() && value.find("token") == nullptr)
    in.problem("missing_field",
               "needs token: {secret: env:NAME}: whoever has that token writes people here");
  out.token = read_secret(in, "token", problems);
  out.provider = in.require_string("provider");
  if (const doc::Value* groups = in.object("groups")) {
    doc::ObjectReader reader(*groups, in.pointer_to("groups"), problems);
    out.groups = read_group_map(reader, "map", problems);
    reader.finish();
  }
  in.finish();
  return out;
}

void check_scim(const Document& document, const doc::Value& tree, doc::Problems& problems) {
  for (const auto& [name, section] : document.scim) {
    const std::string pointer = "/scim/" + name;
    if (!section.provider.empty() && !document.providers.contains(section.provider))
      problems.push_back({"unknown_provider",
                          "there is no provider \"" + section.provider +
                              "\" under providers: people that come by SCIM sign in there",
                          pointer + "/provider",
                          place_of(tree.find_path({"scim", name, "provider"}))});
    for (const auto& [other_name, other] : document.scim) {
      if (name <= other_name || !section.token || !other.token ||
          secrets::to_text(*section.token) != secrets::to_text(*other.token))
        continue;
      problems.push_back({"duplicate_token",
                          "has the token of scim." + other_name +
                              ": requests could not be told apart; give each its own",
                          pointer + "/token", place_of(tree.find_path({"scim", name, "token"}))});
    }
  }
}

}  // namespace keyturn::trust
