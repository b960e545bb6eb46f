// Roles of PostgreSQL that live for one action. The password goes to the server as a SCRAM
// verifier only; the comment of a role says whose it is, so that a crash leaves nothing behind.
#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "credentials/provider.h"
#include "postgres/connection.h"

namespace keyturn::credentials {
namespace {

using postgres::Connection;
using postgres::Deadline;

constexpr auto kPatience = std::chrono::seconds(20);
constexpr std::size_t kPasswordBytes = 32;
constexpr int kLooks = 100;  // for sessions that end, 50 ms apart
constexpr std::string_view kMark = "keyturn ";

Deadline deadline() {
  return std::chrono::steady_clock::now() + kPatience;
}

Result<Connection> connect(const PostgresRole& role) {
  Secret password;
  if (role.password) {
    auto fetched = fetch(*role.password, "the password of who makes roles");
    if (!fetched) return std::unexpected(fetched.error());
    password = std::move(*fetched);
  }
  auto connection = Connection::open(role.dsn, password, deadline());
  if (!connection)
    return refuse("cannot_connect", "cannot connect to make a role: " + connection.error().message);
  return connection;
}

// Role names of ours are [a-z0-9_]: quoting is enough for the owner's name alone.
std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string with_role(std::string text, const std::string& role) {
  constexpr std::string_view kPlace = "{{role}}";
  return text.replace(text.find(kPlace), kPlace.size(), quoted(role));
}

// "keyturn DEPLOYMENT crd_… act_… agent:ops-bot restart-web"
std::string comment_of(const Issuance& issuance) {
  return std::string(kMark) + issuance.deployment + " " + issuance.id + " " +
         issuance.binding.action.str() + " " + issuance.binding.principal + " " +
         issuance.binding.tool;
}

Result<void> run(Connection& connection, const std::string& sql, std::string_view what) {
  const auto problem = connection.command(sql, deadline());
  if (!problem) return {};
  return refuse("credential_refused", std::string(what) + ": " + *problem);
}

Result<void> create(Connection& connection, const PostgresRole& role, const Issuance& issuance,
                    const Secret& password) {
  const auto verifier = connection.verifier(password, issuance.name);
  if (!verifier) return std::unexpected(verifier.error());
  const auto secret = connection.literal(*verifier);
  const auto comment = connection.literal(comment_of(issuance));
  if (!secret || !comment) return std::unexpected(secret ? comment.error() : secret.error());
  const std::string name = quoted(issuance.name);
  const std::string make = "CREATE ROLE " + name +
                           " LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION INHERIT " +
                           "CONNECTION LIMIT " + std::to_string(role.connections) + " PASSWORD " +
                           *secret + " VALID UNTIL '" + to_rfc3339(issuance.until) + "'";
  // Who makes it must be a member: else it could neither end its sessions nor take what it made.
  const std::array<std::pair<std::string, std::string_view>, 3> steps{
      {{make, "the role cannot be made"},
       {"COMMENT ON ROLE " + name + " IS " + *comment, "the role cannot be marked"},
       {"GRANT " + name + " TO CURRENT_USER", "the role cannot be held"}}};
  for (const auto& [sql, what] : steps) {
    if (auto done = run(connection, sql, what); !done) return done;
  }
  for (std::size_t i = 0; i < role.grants.size(); ++i) {
    const std::string what = "grants[" + std::to_string(i) + "]";
    // One statement each: send_one has the server insist on that.
    const auto done = connection.rows(with_role(role.grants[i], issuance.name), {}, deadline());
    if (!done) return refuse("credential_refused", what + ": " + done.error().message);
  }
  return {};
}

// What whoever makes roles gave to role $1 in its own name, as statements that take it back. DROP
// OWNED leaves that where the maker is a member of the objects' owner as well: it revokes
// everything at once, which the owner alone could have granted, and so only what the owner granted.
// One privilege at a time is taken back in the name it was given in.
constexpr const char* kOwnGrants = R"(
SELECT format('REVOKE %s%s ON %s FROM %I', given.privilege_type, column_name, object, $1::text)
FROM (SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || oid::regclass, '', relacl
        FROM pg_class
      UNION ALL SELECT 'TABLE ' || attrelid::regclass, format(' (%I)', attname), attacl
        FROM pg_attribute WHERE NOT attisdropped
      UNION ALL SELECT 'ROUTINE ' || oid::regprocedure, '', proacl FROM pg_proc
      UNION ALL SELECT format('SCHEMA %I', nspname), '', nspacl FROM pg_namespace
      UNION ALL SELECT format('DATABASE %I', datname), '', datacl FROM pg_database
      UNION ALL SELECT 'TYPE ' || oid::regtype, '', typacl FROM pg_type
      UNION ALL SELECT format('LANGUAGE %I', lanname), '', lanacl FROM pg_language
      UNION ALL SELECT format('FOREIGN SERVER %I', srvname), '', srvacl FROM pg_foreign_server
      UNION ALL SELECT format('FOREIGN DATA WRAPPER %I', fdwname), '', fdwacl
        FROM pg_foreign_data_wrapper) AS objects (object, column_name, acl)
CROSS JOIN LATERAL aclexplode(acl) AS given
WHERE given.grantee = $1::text::regrole AND given.grantor = current_user::regrole)";

Result<void> take_back(Connection& connection, const std::string& role) {
  const auto given = connection.rows(kOwnGrants, {role}, deadline());
  if (!given)
    return refuse("not_revoked", "what it was given cannot be listed: " + given.error().message);
  for (const auto& row : *given) {
    if (auto done = run(connection, row[0].value_or(""), "a grant cannot be taken back"); !done)
      return done;
  }
  return {};
}

// Who may create something durable needs somebody whose it is afterwards. What everybody may
// (schema public of old) is no reason to issue nothing.
constexpr const char* kMayCreate = R"(
SELECT 'schema ' || quote_ident(nspname) FROM pg_namespace
WHERE has_schema_privilege($1::name, oid, 'CREATE')
  AND NOT has_schema_privilege('public', oid, 'CREATE')
UNION ALL SELECT 'database ' || quote_ident(current_database())
WHERE has_database_privilege($1::name, current_database(), 'CREATE')
  AND NOT has_database_privilege('public', current_database(), 'CREATE')
LIMIT 1)";

Result<void> check_owner(Connection& connection, const PostgresRole& role,
                         const std::string& name) {
  if (!role.owner.empty()) return {};
  const auto where = connection.rows(kMayCreate, {name}, deadline());
  if (!where)
    return refuse("credential_refused", "its rights cannot be read: " + where.error().message);
  if (where->empty()) return {};
  return refuse("credential_refused",
                "it may create objects in " + (*where)[0][0].value_or("") +
                    ", and nobody is named to own them afterwards: add `owner` to the credential");
}

// Whose that is what it made, where no owner is named: a role of no rights and no login, so that a
// view or a function of it can do nothing that its maker could not. SQL that makes it, and makes
// who asks a member; "" when the role made nothing. Who makes roles is no such owner: with its
// rights, what an agent wrote would do more than the agent might.
constexpr const char* kKeeper = R"(
SELECT format('%s GRANT %I TO CURRENT_USER; REASSIGN OWNED BY %I TO %I;',
    CASE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = keeper) THEN ''
         ELSE format('CREATE ROLE %I NOLOGIN; COMMENT ON ROLE %I IS %L;', keeper, keeper,
                     'Has what roles of Keyturn made and nobody was named to own')
    END, keeper, $1::text, keeper)
FROM (SELECT left('keyturn_made_by_' || current_user, 63) AS keeper) AS named
WHERE EXISTS (SELECT FROM pg_shdepend
              WHERE refclassid = 'pg_authid'::regclass AND refobjid = $1::text::regrole
                AND deptype = 'o'
                AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())))
)";

Result<std::string> hand_over(Connection& connection, const PostgresRole& role,
                              const std::string& name) {
  if (!role.owner.empty())
    return "REASSIGN OWNED BY " + quoted(name) + " TO " + quoted(role.owner) + ";";
  const auto sql = connection.rows(kKeeper, {name}, deadline());
  if (!sql) return refuse("not_revoked", "what it made cannot be listed: " + sql.error().message);
  return sql->empty() ? "" : (*sql)[0][0].value_or("");
}

// Nobody logs in any more, who is there is ended, what it made is its owner's, and it is gone.
Result<void> drop(Connection& connection, const PostgresRole& role, const std::string& name) {
  const auto there =
      connection.rows("SELECT 1 FROM pg_roles WHERE rolname = $1", {name}, deadline());
  if (!there) return std::unexpected(there.error());
  if (there->empty()) return {};
  const std::string who = quoted(name);
  if (auto done = run(connection, "ALTER ROLE " + who + " NOLOGIN PASSWORD NULL",
                      "its login cannot be taken");
      !done)
    return done;
  const std::string end =
      "SELECT pg_terminate_backend(pid, 50) FROM pg_stat_activity WHERE usename = $1";
  for (int look = 0;; ++look) {
    const auto ended = connection.rows(end, {name}, deadline());
    if (!ended)
      return refuse("not_revoked", "its sessions cannot be ended: " + ended.error().message);
    if (ended->empty()) break;
    if (look == kLooks) return refuse("not_revoked", "its sessions do not end");
  }
  if (auto done = take_back(connection, name); !done) return done;
  const auto handed_over = hand_over(connection, role, name);
  if (!handed_over) return std::unexpected(handed_over.error());
  return run(connection,
             "BEGIN; " + *handed_over + " DROP OWNED BY " + who + "; DROP ROLE " + who + "; COMMIT",
             "it cannot log in any more, but the role cannot be dropped");
}

}  // namespace

Given issue(const PostgresRole& role, const Issuance& issuance, Random& random) {
  auto connection = connect(role);
  if (!connection) return std::unexpected(connection.error());
  Issued out;
  out.shown = doc::object({{"role", issuance.name}});
  Secret password(to_base64url(random.bytes(kPasswordBytes)));
  Result<void> done = run(*connection, "BEGIN", "the role cannot be made");
  if (done) done = create(*connection, role, issuance, password);
  if (done) done = check_owner(*connection, role, issuance.name);
  if (done) done = run(*connection, "COMMIT", "the role cannot be made");
  if (!done) return std::unexpected(done.error());  // the connection ends, and nothing is there
  out.fields.emplace("user", Secret(issuance.name));
  out.fields.emplace("password", std::move(password));
  return out;
}

Result<void> revoke(const PostgresRole& role, const Issued& issued) {
  auto connection = connect(role);
  if (!connection) return std::unexpected(connection.error());
  return drop(*connection, role, std::string(issued.shown.text("role")));
}

Result<Swept> sweep(const PostgresRole& role, const std::string& deployment, const Judge& judge) {
  auto connection = connect(role);
  if (!connection) return std::unexpected(connection.error());
  const auto found = connection->rows(
      "SELECT r.rolname, split_part(d.description, ' ', 3), split_part(d.description, ' ', 4), "
      "r.rolvaliduntil <= now() "
      "FROM pg_roles r JOIN pg_shdescription d "
      "ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass "
      "WHERE starts_with(r.rolname, 'keyturn_') AND split_part(d.description, ' ', 1) = 'keyturn' "
      "AND split_part(d.description, ' ', 2) = $1 "
      "AND pg_has_role(r.oid, 'MEMBER')",
      {deployment}, deadline());
  if (!found) return std::unexpected(found.error());
  Swept out;
  for (const auto& row : *found) {
    const std::string id = row[1].value_or("");
    const Fate fate = judge(id, row[2].value_or(""));
    if (fate == Fate::kOurs) continue;
    if (fate == Fate::kWait && row[3] != "t") {
      out.waits = true;
      continue;
    }
    if (auto dropped = drop(*connection, role, row[0].value_or("")); dropped) {
      out.ended.push_back(id);
      continue;
    } else {
      out.problems.push_back(id + ", role " + row[0].value_or("") + ": " + dropped.error().message);
    }
    connection = connect(role);  // the one that failed may be in the middle of something
    if (!connection) return std::unexpected(connection.error());
  }
  return out;
}

}  // namespace keyturn::credentials
