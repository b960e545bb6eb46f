// What goes back to a client: resources, lists, errors, and what this server can do (RFC 7644 §3,
// RFC 7643 §5 to §7).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "doc/value.h"
#include "scim/filter.h"
#include "scim/schema.h"

namespace keyturn::scim {

inline constexpr std::string_view kMediaType = "application/scim+json";
inline constexpr std::size_t kPageMax = 200;  // resources in one answer

// RFC 7644 §3.12. The refusal's code is the scimType where it is one of the RFC's.
doc::Value error(int status, const Refusal& refusal);
// 409 (uniqueness) or 400 for the RFC's codes; 0 for any other.
int status_of(std::string_view code);

// The resource as it is shown: schemas, id, meta with location and version, and what is kept.
struct Shown {
  std::string id;
  Time created, last_modified;
};
doc::Value shown(const Schema& schema, const Shown& about, const doc::Value& resource,
                 std::string_view base_url);
// The version in meta of shown(): a weak ETag over all that can change, W/"…".
std::string version_of(const doc::Value& shown);
// Whether an If-Match or If-None-Match header names that version; "*" names any.
bool names_version(std::string_view header, std::string_view version);

// `attributes` and `excludedAttributes` of a query, as they came: commas between them. At most one
// of them may be given. Code: invalidValue, invalidPath.
struct Projection {
  std::vector<AttributePath> only, without;
};
[[nodiscard]] Result<Projection> parse_projection(std::string_view attributes,
                                                  std::string_view excluded);
// id, schemas and meta stay, whatever is asked for.
doc::Value projected(const Projection& projection, const Schema& schema, doc::Value resource);
bool leaves_out(const Projection& projection, const Schema& schema, std::string_view attribute);

// One page; `start` from 1.
doc::Value list_response(doc::Array resources, std::uint64_t total, std::uint64_t start);

doc::Value service_provider_config(std::string_view base_url);
doc::Value resource_type(const Schema& schema, std::string_view base_url);
doc::Value schema_document(const Schema& schema, std::string_view base_url);

}  // namespace keyturn::scim
