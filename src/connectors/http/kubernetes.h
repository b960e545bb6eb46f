// What Kubernetes' own means are used for (API concepts: dry run, resourceVersion, preconditions):
// a preview that the server works out, and a write that the server refuses when the object is not
// as it was shown. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/http_call.h"
#include "doc/value.h"

namespace keyturn::connectors::http {

struct ObjectState {
  std::string uid, resource_version;
  bool operator==(const ObjectState&) const = default;
};

// The same request, of which nothing is kept: dryRun=All, of a DELETE in its body, too, because a
// server that finds a body there looks at no query.
catalog::HttpMessage dry_run_of(const catalog::HttpMessage& message);

// What to GET to see what the request would touch, in the order to try them: the sub-resource, the
// object, the collection that is deleted. Empty: nothing is there yet (a create without a name).
std::vector<catalog::HttpMessage> live_of(const catalog::HttpMessage& message);

// Of an object, or of each item of a list: what has a uid itself is an object, whatever it holds.
// Code not_kubernetes: it is neither.
[[nodiscard]] Result<std::vector<ObjectState>> states_of(const doc::Value& object);
// Why the request has no dry run; "" it has. A sub-resource that is not known to have one may do
// what it does all the same: the API server gives a token (serviceaccounts/token), and passes on
// what goes to a proxy.
std::string without_dry_run(const catalog::HttpMessage& message);
// "sha256:…"; of nothing, too: that something is there by now is another state.
std::string fingerprint_of(std::vector<ObjectState> states);

// The request that the server carries out only on an object of that state: metadata.uid and
// resourceVersion in what is written, preconditions in what deletes, tests in a JSON patch. Without
// change where the API has no such means (creates).
catalog::HttpMessage with_precondition(catalog::HttpMessage message, const ObjectState& state);
bool takes_precondition(const catalog::HttpMessage& message);  // whether it changes anything

// What differs, leaf by leaf: [{"path", "before", "after"}], without what the server counts itself
// (managedFields, resourceVersion, generation). Of a Secret no values. At most `most` of them;
// `left_out` how many more there are. `before` may be null: there was nothing.
doc::Value changes(const doc::Value& before, const doc::Value& after, std::size_t most,
                   std::size_t& left_out);

// The same as text, for people: "@@ kind namespace/name @@", then "- /spec/replicas: 3" and "+ …" a
// line: no name that the server says begins another. Long leaves are cut: what must not be seen of
// them is taken out of `changes` before. "" without changes.
std::string diff_of(const doc::Value& object, const doc::Value& changes);

// {kind, namespace, name, uid, resourceVersion} of an object, or how many and which of a list.
doc::Value named(const doc::Value& object);

}  // namespace keyturn::connectors::http
