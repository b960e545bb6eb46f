// application/x-www-form-urlencoded (URL Standard §5), as Slack speaks it both ways.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keyturn::channels::slack {

using Form = std::vector<std::pair<std::string, std::string>>;

std::string to_form(const Form& fields);
// nullopt: an escape that is none, or more than 200 fields.
std::optional<Form> from_form(std::string_view body);
// The first of that name, or "".
std::string field_of(const Form& form, std::string_view name);

}  // namespace keyturn::channels::slack
