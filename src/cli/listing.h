// A list of the server's, page by page, as a table.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/console.h"
#include "cli/remote.h"

namespace keyturn::cli {

// All of it: {"items": […], "next": null} with --json, else a table with a row an item. `nothing`
// is said on stderr instead of a table without rows; "" : such a table. The exit code.
int print_list(Session& session, const std::string& path, const Row& head,
               const std::function<Row(const doc::Value& item)>& row,
               std::string_view nothing = {});

}  // namespace keyturn::cli
