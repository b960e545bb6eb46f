// What a User and a Group are (RFC 7643 §3.1, §4.1, §4.2), as far as Keyturn keeps them: who
// somebody is, how they are reached, whether they are active, and who is in a group. What the RFC
// names beyond that (telephone numbers, addresses, titles, …) is taken without complaint and not
// kept.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "doc/value.h"

namespace keyturn::scim {

inline constexpr std::string_view kUserUrn = "urn:ietf:params:scim:schemas:core:2.0:User";
inline constexpr std::string_view kGroupUrn = "urn:ietf:params:scim:schemas:core:2.0:Group";

inline constexpr std::size_t kTextBytesMax = 1024;  // one text of a resource
inline constexpr std::size_t kValuesMax = 50;       // of a list that is not a group's members
inline constexpr std::size_t kMembersMax = 20'000;  // of a group

enum class Type { kString, kBoolean, kDateTime, kReference, kComplex };

struct Attribute {
  std::string_view name;
  Type type = Type::kString;
  bool multi = false;
  bool read_only = false;  // a client's value for it is ignored
  bool required = false;
  bool case_exact = false;
  bool unique = false;  // within a section
  std::string_view description;
  std::vector<Attribute> sub;

  const Attribute* find(std::string_view sub_name) const;  // without regard to case
};

struct Schema {
  std::string_view urn, name, description, endpoint;
  std::vector<Attribute> attributes;       // of the schema itself
  std::vector<Attribute> common;           // id, externalId, meta, schemas (RFC 7643 §3.1)
  std::vector<std::string_view> not_kept;  // names of the RFC's that are taken and dropped

  const Attribute* find(std::string_view attribute) const;  // without regard to case
  bool drops(std::string_view attribute) const;             // one of not_kept
  // The URN of this schema, or none: the attribute may be one of ours. Any other: an extension's.
  bool is_own(std::string_view urn_or_nothing) const;
};

const Schema& user_schema();
const Schema& group_schema();

// A client's resource in the form that is kept: attributes by their own names, read-only and
// unknown ones dropped, "True" and "False" as booleans (Entra), null as absent. Codes:
// invalidSyntax (no object, an attribute twice), invalidValue (type, size).
[[nodiscard]] Result<doc::Value> accept(const Schema& schema, const doc::Value& body);

// The same for the value of one attribute; a single object stands for a list of one.
[[nodiscard]] Result<doc::Value> accept_value(const Attribute& attribute, const doc::Value& value);
// For one element of a list attribute.
[[nodiscard]] Result<doc::Value> accept_element(const Attribute& attribute,
                                                const doc::Value& value);

// Nothing missing: userName of a User, displayName of a Group. Code: invalidValue.
[[nodiscard]] Result<void> check_complete(const Schema& schema, const doc::Value& resource);

// Comparisons of names, and of values that are not case-exact (ASCII; RFC 7643 §2.1).
bool same_name(std::string_view a, std::string_view b);
std::string lower(std::string_view text);

}  // namespace keyturn::scim
