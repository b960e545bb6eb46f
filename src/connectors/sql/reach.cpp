#include "connectors/sql/reach.h"

namespace keyturn::connectors::sql {
namespace {

// $1 a name, of what this session's search_path finds under it; $2 verbs, "DELETE,UPDATE".
constexpr const char* kTable =
    "SELECT c.oid::pg_catalog.regclass::pg_catalog.text, CASE c.relkind WHEN 'r' THEN 'table' "
    "WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'f' THEN 'foreign table' WHEN 'm' "
    "THEN 'materialized view' ELSE c.relkind::pg_catalog.text END, "
    "pg_catalog.row_security_active(c.oid), EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite w WHERE "
    "w.ev_class = c.oid AND w.ev_enabled <> 'D' AND CASE w.ev_type WHEN '2' THEN 'UPDATE' WHEN '3' "
    "THEN 'INSERT' WHEN '4' THEN 'DELETE' END = ANY (pg_catalog.string_to_array($2, ','))) FROM "
    "pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)";

// Of the same, and $3 with what inherits from it, $4 TRUNCATE … CASCADE. `hit` is what is done to
// which table: ENTERS and LEAVES are what an UPDATE does to partitions between which a row moves.
// Actions of foreign keys leave out what inherits, but for partitions; RI actions of PostgreSQL 15
// and later take a move for an update.
constexpr const char* kReach =
    "WITH RECURSIVE hit(rel, verb, whole) AS ("
    "SELECT c.oid, v.verb, $3::pg_catalog.bool FROM pg_catalog.pg_class c, "
    "pg_catalog.unnest(pg_catalog.string_to_array($2, ',')) AS v(verb) "
    "WHERE c.oid = pg_catalog.to_regclass($1) "
    "UNION "
    "SELECT n.rel, n.verb, n.whole FROM hit h JOIN pg_catalog.pg_class c ON c.oid = h.rel "
    "CROSS JOIN LATERAL ("
    // Partitions, and what inherits.
    "SELECT i.inhrelid AS rel, v.verb AS verb, h.whole AS whole FROM pg_catalog.pg_inherits i "
    "CROSS JOIN (SELECT h.verb UNION ALL SELECT m.verb FROM (VALUES ('ENTERS'), ('LEAVES')) AS "
    "m(verb) WHERE h.verb = 'UPDATE' AND c.relkind = 'p') AS v(verb) WHERE i.inhparent = h.rel AND "
    "(c.relkind = 'p' OR (h.whole AND h.verb <> 'INSERT')) "
    "UNION ALL "
    // Foreign keys.
    "SELECT k.conrelid, CASE WHEN h.verb = 'TRUNCATE' THEN 'TRUNCATE' WHEN h.verb <> 'UPDATE' AND "
    "k.confdeltype = 'c' THEN 'DELETE' ELSE 'UPDATE' END, h.verb = 'TRUNCATE' FROM "
    "pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.confrelid = h.rel AND ((h.verb = "
    "'TRUNCATE' AND $4::pg_catalog.bool) OR (h.verb = 'UPDATE' AND k.confupdtype IN ('c', 'n', "
    "'d')) OR ((h.verb = 'DELETE' OR (h.verb = 'LEAVES' AND "
    "pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 150000)) AND "
    "k.confdeltype IN ('c', 'n', 'd'))) "
    "UNION ALL "
    // What a view reads.
    "SELECT b.oid, h.verb, true FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_depend d ON "
    "d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid AND d.refclassid "
    "= 'pg_catalog.pg_class'::pg_catalog.regclass JOIN pg_catalog.pg_class b ON b.oid = d.refobjid "
    "AND b.relkind IN ('r', 'p', 'v', 'f') WHERE c.relkind = 'v' AND w.ev_class = h.rel AND "
    "w.ev_type = '1' AND b.oid <> h.rel "
    "UNION ALL "
    // What a rule names: whatever it does to it.
    "SELECT b.oid, v.verb, true FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_depend d ON "
    "d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid AND d.refclassid "
    "= 'pg_catalog.pg_class'::pg_catalog.regclass JOIN pg_catalog.pg_class b ON b.oid = d.refobjid "
    "AND b.relkind IN ('r', 'p', 'v', 'f') CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE')) "
    "AS v(verb) WHERE w.ev_class = h.rel AND w.ev_enabled <> 'D' AND w.ev_type = CASE h.verb WHEN "
    "'UPDATE' THEN '2' WHEN 'INSERT' THEN '3' WHEN 'DELETE' THEN '4' END AND b.oid <> h.rel"
    ") AS n), "
    "followed(con, how, verb) AS (SELECT k.oid, CASE h.verb WHEN 'UPDATE' THEN k.confupdtype WHEN "
    "'TRUNCATE' THEN 'c' ELSE k.confdeltype END, CASE h.verb WHEN 'LEAVES' THEN 'DELETE' ELSE "
    "h.verb END FROM hit h JOIN pg_catalog.pg_constraint k ON k.contype = 'f' AND k.confrelid = "
    "h.rel WHERE (h.verb = 'TRUNCATE' AND $4::pg_catalog.bool) OR (h.verb = 'UPDATE' AND "
    "k.confupdtype IN ('c', 'n', 'd')) OR ((h.verb = 'DELETE' OR (h.verb = 'LEAVES' AND "
    "pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 150000)) AND "
    "k.confdeltype IN ('c', 'n', 'd'))), "
    // Of keys that partitions have of their table, the table's own.
    "up(con, how, verb) AS (SELECT con, how, verb FROM followed UNION SELECT k.conparentid, "
    "up.how, up.verb FROM up JOIN pg_catalog.pg_constraint k ON k.oid = up.con WHERE k.conparentid "
    "<> 0) "
    "SELECT 'trigger', t.tgname || CASE WHEN pg_catalog.bool_or(h.rel = "
    "pg_catalog.to_regclass($1)) THEN '' ELSE ' on ' || "
    "pg_catalog.min(h.rel::pg_catalog.regclass::pg_catalog.text) || CASE WHEN "
    "pg_catalog.count(DISTINCT h.rel) > 1 THEN ' and ' || (pg_catalog.count(DISTINCT h.rel) - 1) "
    "|| ' more' ELSE '' END END || ', which calls ' || "
    "t.tgfoid::pg_catalog.regprocedure::pg_catalog.text, NULL, NULL, NULL FROM hit h JOIN "
    "pg_catalog.pg_trigger t ON t.tgrelid = h.rel AND NOT t.tgisinternal AND t.tgenabled <> 'D' "
    "AND "
    "(t.tgtype & CASE h.verb WHEN 'INSERT' THEN 4 WHEN 'ENTERS' THEN 4 WHEN 'DELETE' THEN 8 WHEN "
    "'LEAVES' THEN 8 WHEN 'UPDATE' THEN 16 ELSE 32 END) <> 0 GROUP BY t.tgname, t.tgfoid "
    "UNION "
    "SELECT 'rule', w.rulename || ' of ' || h.rel::pg_catalog.regclass::pg_catalog.text || ': ' || "
    "pg_catalog.pg_get_ruledef(w.oid), NULL, NULL, NULL FROM hit h JOIN pg_catalog.pg_rewrite w ON "
    "w.ev_class = h.rel AND w.ev_enabled <> 'D' AND w.ev_type = CASE h.verb WHEN 'UPDATE' THEN '2' "
    "WHEN 'INSERT' THEN '3' WHEN 'DELETE' THEN '4' END "
    "UNION "
    "SELECT 'foreign', c.oid::pg_catalog.regclass::pg_catalog.text, NULL, NULL, NULL FROM hit h "
    "JOIN pg_catalog.pg_class c ON c.oid = h.rel AND c.relkind = 'f' "
    "UNION "
    "SELECT 'reference', k.conrelid::pg_catalog.regclass::pg_catalog.text, k.conname, up.verb, "
    "up.how::pg_catalog.text FROM up JOIN pg_catalog.pg_constraint k ON k.oid = up.con AND "
    "k.conparentid = 0 "
    "ORDER BY 1, 2, 3, 4, 5 LIMIT 2001";
constexpr std::size_t kReachMax = 2000;

bool changes_rows_that_are_there(const std::set<std::string>& verbs) {
  return verbs.contains("DELETE") || verbs.contains("UPDATE") || verbs.contains("TRUNCATE");
}

std::string not_counted(const Reach& reach, const std::set<std::string>& verbs, bool has_rule) {
  if (has_rule) return "a rule of the table does something besides, or instead";
  if (reach.kind == "view") return "rows of a view are not counted";
  if (reach.row_security && changes_rows_that_are_there(verbs))
    return "row security can let it touch other rows than this role sees";
  if (!reach.foreign.empty() && verbs.contains("TRUNCATE"))
    return "rows of a foreign table may change until it runs";
  return "";
}

}  // namespace

std::string effect_of(const Reference& reference) {
  if (reference.verb == "TRUNCATE") return "is emptied, too";
  if (reference.how == 'n') return "rows that refer to it lose the reference";
  if (reference.how == 'd') return "rows that refer to it get the column's default";
  return reference.verb == "DELETE" ? "rows that refer to it are deleted, too"
                                    : "rows that refer to it change, too, where the key changes";
}

Reach reach_of(Questions& questions, const facts::Target& target, bool cascades) {
  const std::string name = facts::quoted(target.table);
  Reach out{.name = name};
  std::string verbs;
  for (const std::string& verb : target.verbs) verbs += (verbs.empty() ? "" : ",") + verb;
  const Result<Cells> table = questions.ask(kTable, {name, verbs});
  if (!table || table->empty()) {
    if (!table) out.not_counted = out.unknown = table.error().message;
    return out;
  }
  const auto& row = table->front();
  out.found = true;
  out.name = row[0].value_or(name);
  out.kind = row[1].value_or("");
  out.row_security = row[2] == "t";
  const Result<Cells> all =
      questions.ask(kReach, {name, verbs, target.whole ? "t" : "f", cascades ? "t" : "f"});
  if (!all) {
    out.not_counted = out.unknown = all.error().message;
    return out;
  }
  for (const auto& cells : *all) {
    const std::string kind = cells[0].value_or(""), words = cells[1].value_or("");
    if (kind == "trigger") out.triggers.push_back(words);
    if (kind == "rule") out.rules.push_back(words);
    if (kind == "foreign") out.foreign.push_back(words);
    if (kind == "reference")
      out.references.push_back(
          {words, cells[2].value_or(""), cells[3].value_or(""), cells[4].value_or("c").front()});
  }
  if (all->size() > kReachMax) out.unknown = "more than can be listed";
  out.not_counted = not_counted(out, target.verbs, row[3] == "t");
  return out;
}

}  // namespace keyturn::connectors::sql
