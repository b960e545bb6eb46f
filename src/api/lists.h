// A page of what the read model finds, as far as the caller may read it. Private to api/.
#pragma once

#include <functional>

#include "api/impl.h"

namespace keyturn::api {

// {"items": …, "next": where the next page begins, or null}.
doc::Value page_json(doc::Array items, const std::string& next);

// {items, next}. `query`'s eyes are set here.
Task<Response> listed(Service& service, const Call& call, ListQuery query,
                      std::function<doc::Value(const gate::ActionRecord&)> shown);

}  // namespace keyturn::api
