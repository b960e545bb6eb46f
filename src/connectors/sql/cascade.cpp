#include "connectors/sql/cascade.h"

#include <charconv>
#include <set>
#include <vector>

namespace keyturn::connectors::sql {
namespace {

// Each foreign key that acts on a deletion, from $1 on: what it refers to, whose it is (number,
// name), how, its columns, those that it refers to, whether partitions or inheritance are about,
// whether row security hides rows.
constexpr const char* kKeys =
    "WITH RECURSIVE gone(rel) AS (SELECT pg_catalog.to_regclass($1)::pg_catalog.oid UNION SELECT "
    "k.conrelid FROM gone g JOIN pg_catalog.pg_constraint k ON k.contype = 'f' AND k.confrelid = "
    "g.rel AND k.confdeltype = 'c') "
    "SELECT k.confrelid::pg_catalog.text, k.conrelid::pg_catalog.text, "
    "k.conrelid::pg_catalog.regclass::pg_catalog.text, k.confdeltype::pg_catalog.text, "
    "(SELECT pg_catalog.string_agg('x.' || pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.n) "
    "FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(num, n) JOIN pg_catalog.pg_attribute a "
    "ON a.attrelid = k.conrelid AND a.attnum = u.num), "
    "(SELECT pg_catalog.string_agg('p.' || pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.n) "
    "FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u(num, n) JOIN pg_catalog.pg_attribute a "
    "ON a.attrelid = k.confrelid AND a.attnum = u.num), "
    "(SELECT pg_catalog.bool_or(c.relkind <> 'r') FROM pg_catalog.pg_class c WHERE c.oid IN "
    "(k.conrelid, k.confrelid)) OR EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE i.inhrelid "
    "IN (k.conrelid, k.confrelid) OR i.inhparent IN (k.conrelid, k.confrelid)), "
    "pg_catalog.row_security_active(k.conrelid) FROM gone g JOIN pg_catalog.pg_constraint k ON "
    "k.contype = 'f' AND k.confrelid = g.rel AND k.confdeltype IN ('c', 'n', 'd') ORDER BY 1, 2, "
    "k.conname LIMIT 201";
constexpr std::size_t kKeysMax = 200;

struct Key {
  std::string from, to, table, columns, referred;  // `from` is what it refers to
  bool deletes = false;
};

// The rows of a table that the keys of one kind lead to, as a condition on x.
std::string condition(const std::vector<Key>& keys, const std::string& table, bool deletes) {
  std::string out;
  for (const Key& key : keys) {
    if (key.to != table || key.deletes != deletes) continue;
    out += (out.empty() ? "" : " OR ") + std::string("(") + key.columns + ") IN (SELECT " +
           key.referred + " FROM \"gone " + key.from + "\" p)";
  }
  return out;
}

class Query {
 public:
  explicit Query(const std::vector<Key>& keys) : keys_(keys) {}

  // `finding`: the rows of `root`. False: tables refer to each other in a circle.
  bool build(const std::string& root, const std::string& finding) {
    with_ = "WITH " + part(root, finding);
    done_.insert(root);
    for (bool more = true; more;) {
      more = false;
      for (const Key& key : keys_) {
        if (!key.deletes || done_.contains(key.to) || !is_ready(key.to)) continue;
        with_ += ", " + part(key.to, "SELECT x.* FROM ONLY " + key.table + " x WHERE " +
                                         condition(keys_, key.to, true));
        done_.insert(key.to);
        asks_.push_back({key.table, true});
        targets_.push_back("(SELECT pg_catalog.count(*) FROM " + name(key.to) + ")");
        more = true;
      }
    }
    for (const Key& key : keys_) {
      if (key.deletes && (key.to == root || !done_.contains(key.to))) return false;
    }
    std::set<std::string> changed;
    for (const Key& key : keys_) {
      if (key.deletes || !changed.insert(key.to).second) continue;
      std::string rows = "(SELECT pg_catalog.count(*) FROM ONLY " + key.table + " x WHERE (" +
                         condition(keys_, key.to, false) + ")";
      const std::string too = condition(keys_, key.to, true);
      if (!too.empty()) rows += " AND (" + too + ") IS NOT TRUE";
      asks_.push_back({key.table, false});
      targets_.push_back(rows + ")");
    }
    return true;
  }

  std::string text() const {
    std::string out = with_ + " SELECT ";
    for (std::size_t i = 0; i < targets_.size(); ++i) out += (i == 0 ? "" : ", ") + targets_[i];
    return out;
  }

  struct Ask {
    std::string table;
    bool deletes = false;
  };
  const std::vector<Ask>& asks() const { return asks_; }

 private:
  static std::string name(const std::string& table) { return "\"gone " + table + "\""; }
  static std::string part(const std::string& table, const std::string& rows) {
    return name(table) + " AS MATERIALIZED (" + rows + ")";
  }
  bool is_ready(const std::string& table) const {
    for (const Key& key : keys_) {
      if (key.deletes && key.to == table && !done_.contains(key.from)) return false;
    }
    return true;
  }

  const std::vector<Key>& keys_;
  std::string with_;
  std::vector<std::string> targets_;
  std::vector<Ask> asks_;
  std::set<std::string> done_;
};

Cascade not_counted(std::string why) {
  Cascade out;
  out.not_counted = std::move(why);
  return out;
}

}  // namespace

Cascade count_cascade(Questions& questions, const std::string& table, const std::string& finding,
                      const Values& values) {
  const Result<Cells> found = questions.ask(kKeys, {table});
  if (!found) return not_counted(found.error().message);
  if (found->empty()) return {};
  if (found->size() > kKeysMax) return not_counted("too many references");
  std::vector<Key> keys;
  for (const auto& cells : *found) {
    if (cells[6] != "f") return not_counted("there are partitions or tables that inherit");
    if (cells[7] != "f") return not_counted("row security hides rows of " + cells[2].value_or(""));
    keys.push_back({cells[0].value_or(""), cells[1].value_or(""), cells[2].value_or(""),
                    cells[4].value_or(""), cells[5].value_or(""), cells[3] == "c"});
  }
  const Result<Cells> root =
      questions.ask("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.text", {table});
  if (!root || root->empty()) return not_counted("the table is not there");
  Query query(keys);
  if (!query.build(root->front()[0].value_or(""), finding))
    return not_counted("tables refer in a circle");
  const Result<Cells> counted = questions.ask(query.text(), values);
  if (!counted) return not_counted(counted.error().message);
  Cascade out;
  for (std::size_t i = 0; i < query.asks().size(); ++i) {
    const std::string text = counted->front()[i].value_or("");
    std::int64_t rows = -1;
    if (std::from_chars(text.data(), text.data() + text.size(), rows).ec != std::errc())
      return not_counted("the server gave no count");
    const Query::Ask& ask = query.asks()[i];
    (ask.deletes ? out.deleted : out.changed)[ask.table] = rows;
  }
  return out;
}

}  // namespace keyturn::connectors::sql
