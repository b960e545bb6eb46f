// The types of the names in scope (POLICY "Names in scope").
#pragma once

#include "catalog/tool.h"
#include "cel/environment.h"
#include "cel/type.h"
#include "policy/calendar.h"

namespace keyturn::policy {

// Everything but `variables`. `args` is the type of action.args.
cel::Environment base_environment(const Calendar& calendar);
cel::Type action_type(cel::Type args);
cel::Type arguments_type(const catalog::Tool& tool);  // from its parameters' schemas

// What a request says of itself: rules that get looser by it are warned about.
bool is_claim(std::string_view path);

}  // namespace keyturn::policy
