// The filters of RFC 7644 §3.4.2.2 and the paths of §3.5.2 (PATCH): parsed, and asked of a
// resource.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "doc/value.h"
#include "scim/schema.h"

namespace keyturn::scim {

inline constexpr std::size_t kFilterBytesMax = 4096;
inline constexpr int kFilterDepthMax = 16;           // of parentheses, "not" and value paths
inline constexpr std::size_t kFilterTermsMax = 100;  // comparisons

// "urn:…:User:name.givenName": schema, name and sub-attribute, as written.
struct AttributePath {
  std::string schema, name, sub;
  bool operator==(const AttributePath&) const = default;
};

enum class Comparison { kEq, kNe, kCo, kSw, kEw, kPr, kGt, kGe, kLt, kLe };

struct Filter {
  enum class Kind { kCompare, kAnd, kOr, kNot, kValuePath } kind = Kind::kCompare;
  // kCompare: attribute, comparison, value (null for pr). kValuePath: attribute, parts[0].
  AttributePath attribute;
  Comparison comparison = Comparison::kPr;
  doc::Value value;
  std::vector<Filter> parts;  // kAnd, kOr: two or more; kNot, kValuePath: one
};

// "not" binds tighter than "and", "and" tighter than "or"; operators without regard to case.
// Code: invalidFilter, with the byte where it goes wrong.
[[nodiscard]] Result<Filter> parse_filter(std::string_view text);

// attribute, attribute.sub, attribute[filter] or attribute[filter].sub. Code: invalidPath.
struct Path {
  AttributePath attribute;
  std::optional<Filter> filter;
};
[[nodiscard]] Result<Path> parse_path(std::string_view text);

// An attribute path alone: of `attributes`, `excludedAttributes`. Code: invalidPath.
[[nodiscard]] Result<AttributePath> parse_attribute(std::string_view text);

// Whether the resource has what the filter asks for. An attribute that it does not have is equal to
// nothing. Texts of attributes that are not case-exact are compared without regard to ASCII case;
// dates (created, lastModified) by time. Refuses comparisons that have no sense (an order of
// booleans): invalidFilter.
[[nodiscard]] Result<bool> matches(const Filter& filter, const Schema& schema,
                                   const doc::Value& resource);

// The same for one element of the list `attribute`, as in members[value eq "x"].
[[nodiscard]] Result<bool> matches_element(const Filter& filter, const Attribute& attribute,
                                           const doc::Value& element);

std::size_t terms_of(const Filter& filter);  // how many comparisons it has

// The filter as text again: parse_filter() of it gives the same.
std::string to_text(const Filter& filter);

}  // namespace keyturn::scim
