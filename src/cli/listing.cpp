#include "cli/listing.h"

#include <ostream>

namespace keyturn::cli {

int print_list(Session& session, const std::string& path, const Row& head,
               const std::function<Row(const doc::Value&)>& row, std::string_view nothing) {
  const Remote remote(session.environment);
  doc::Array items;
  std::string after;
  do {
    const Attempt<doc::Value> page = remote.get(with_query(path, {{"after", after}}));
    if (!page) return complain(session, page.error());
    if (const doc::Value* more = page->find("items"); more != nullptr && more->is_array()) {
      for (const doc::Value& one : more->as_array()) items.push_back(one);
    }
    after = page->text("next");
  } while (!after.empty());
  if (session.json) {
    print_json(session.console, doc::object({{"items", std::move(items)}, {"next", nullptr}}));
    return code(Exit::kOk);
  }
  std::vector<Row> rows;
  rows.reserve(items.size());
  for (const doc::Value& item : items) rows.push_back(row(item));
  if (rows.empty() && !nothing.empty())
    session.console.err << nothing << '\n';
  else
    session.console.out << aligned(head, rows);
  return code(Exit::kOk);
}

}  // namespace keyturn::cli
