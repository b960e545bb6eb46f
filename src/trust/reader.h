// What the readers of identity.yaml's sections share. Internal to trust/.
#pragma once

#include <string>
#include <string_view>

#include "trust/document.h"

namespace keyturn::trust {

// Each reads one entry; what is wrong is a problem with its place. `pointer` is the entry's.
Provider read_provider(const doc::Value& value, const std::string& name, const std::string& pointer,
                       doc::Problems& problems);
AgentIssuer read_agent_issuer(const doc::Value& value, const std::string& name,
                              const std::string& pointer, doc::Problems& problems);
ScimSection read_scim(const doc::Value& value, const std::string& name, const std::string& pointer,
                      doc::Problems& problems);
// Over the whole document, once all of it was read: providers are there, no token serves two.
void check_scim(const Document& document, const doc::Value& tree, doc::Problems& problems);

OnCallSchedule read_oncall(const doc::Value& value, const std::string& name,
                           const std::string& pointer, doc::Problems& problems);
// Over the whole document: nothing else makes anybody a member of a schedule's group, and no
// schedule rests on another.
void check_oncall(const Document& document, const doc::Value& tree, doc::Problems& problems);

// {NAME OUTSIDE: GROUP HERE}.
std::map<std::string, std::string, std::less<>> read_group_map(doc::ObjectReader& in,
                                                               std::string_view key,
                                                               doc::Problems& problems);

// {secret: env:NAME}; a literal is refused without being repeated.
std::optional<secrets::SecretReference> read_secret(doc::ObjectReader& in, std::string_view key,
                                                    doc::Problems& problems);

// The name of an entry: 1 to 32 of a-z, 0-9, "-" and "_", the first a letter.
bool is_entry_name(std::string_view name);
// 1 to 128 of letters, digits and . _ @ + -, the first a letter or digit: of groups and agents.
bool is_name_here(std::string_view name);

// Must be there, and say something.
std::string read_text(doc::ObjectReader& in, std::string_view key);

std::string read_url(doc::ObjectReader& in, std::string_view key, bool required);

}  // namespace keyturn::trust
