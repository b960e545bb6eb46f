#include "connectors/sql/rows.h"

#include <set>

#include "connectors/output.h"
#include "doc/json.h"

namespace keyturn::connectors::sql {
namespace {

// pg_type.dat: these never change.
constexpr Oid kBool = 16, kInt8 = 20, kInt2 = 21, kInt4 = 23, kOid = 26, kFloat4 = 700,
              kFloat8 = 701, kNumeric = 1700;

bool is_number_type(Oid type) {
  return type == kInt8 || type == kInt2 || type == kInt4 || type == kOid || type == kFloat4 ||
         type == kFloat8 || type == kNumeric;
}

// A number only where every reader of the JSON sees the same one.
bool is_exact(std::string_view text) {
  const auto parsed = doc::parse_json(text);
  return parsed && parsed->is_number() && doc::canonical(*parsed).has_value();
}

}  // namespace

doc::Value json_value(std::string_view text, Oid type) {
  if (type == kBool && (text == "t" || text == "f")) return text == "t";
  if (is_number_type(type) && is_exact(text)) return doc::Number{std::string(text)};
  return text;
}

std::vector<std::string> column_names(const PGresult* result) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (int column = 0; column < ::PQnfields(result); ++column) {
    const std::string base = ::PQfname(result, column);
    std::string name = base;
    for (int n = 2; !taken.insert(name).second; ++n) name = base + "_" + std::to_string(n);
    names.push_back(std::move(name));
  }
  return names;
}

doc::Value Rows::cell(const PGresult* result, int row, int column) {
  if (::PQgetisnull(result, row, column) != 0) return nullptr;
  const std::string_view raw(::PQgetvalue(result, row, column),
                             static_cast<std::size_t>(::PQgetlength(result, row, column)));
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(bytes_left_, 0));
  const std::string_view read = raw.substr(0, most + kRedactionSlack);  // of a huge one no copy
  bool cut = read.size() < raw.size();
  const std::string text =
      presentable(read, redactor_, most, cut, cut ? Missing::kBehind : Missing::kNothing);
  bytes_left_ -= static_cast<std::int64_t>(text.size());
  full_ = full_ || cut;
  return cut ? doc::Value(text) : json_value(text, ::PQftype(result, column));
}

bool Rows::add(const PGresult* result) {
  any_ = true;
  const std::vector<std::string> names = column_names(result);
  for (int row = 0; row < ::PQntuples(result); ++row) {
    if (full_ || static_cast<std::int64_t>(rows_.size()) >= rows_max_) {
      full_ = true;
      return false;
    }
    doc::Object object;
    for (std::size_t column = 0; column < names.size(); ++column) {
      bytes_left_ -= static_cast<std::int64_t>(names[column].size());
      object.push_back({names[column], cell(result, row, static_cast<int>(column)), {}});
    }
    rows_.emplace_back(std::move(object));
    full_ = full_ || bytes_left_ <= 0;
  }
  return true;
}

}  // namespace keyturn::connectors::sql
