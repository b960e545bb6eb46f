-- What the examples need in PostgreSQL 15 or newer, once, as a superuser, all of it or nothing:
--   psql --single-transaction --set ON_ERROR_STOP=1 --file site.sql shop
-- The application is there before, in the database shop. It has two roles: shop_owner owns its tables and never logs in, shop_app is what the
-- application logs in as. Of its tables the examples know
--   customers (id, name, email, phone, birth_date, country, plan, created_at) and orders (id, customer_id, amount, created_at)   export-table
--   schema_migrations (version text primary key, applied_at timestamptz not null default now())                                  rollback-migration
-- and migrations may CREATE in the schema public:  GRANT CREATE ON SCHEMA public TO shop_owner;
DO $$
DECLARE missing text;
BEGIN
  SELECT string_agg(what, ', ') INTO missing FROM (
    SELECT 'role ' || wanted AS what FROM unnest(ARRAY['shop_owner', 'shop_app']) wanted WHERE to_regrole(wanted) IS NULL
    UNION ALL
    SELECT 'table ' || wanted FROM unnest(ARRAY['customers', 'orders', 'schema_migrations']) wanted
    WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(wanted) AND pg_get_userbyid(relowner) = 'shop_owner')) of_the_shop;
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'the application is not here, or shop_owner does not own its tables: % (see the head of this file)', missing;
  END IF;
END $$;

-- Who makes the roles that live for one action. Give it a password:  \password keyturn_maker
CREATE ROLE keyturn_maker LOGIN CREATEROLE;

-- For migrations and exports: a role of one action becomes shop_owner, or reads its tables. As a member of the owner it grants in the owner's
-- name; give it no grant option of its own on these tables besides, or PostgreSQL does not let go of the roles again.
GRANT shop_owner TO keyturn_maker WITH ADMIN OPTION;

-- For passwords: two functions that do exactly this, for the roles in a list. Whoever may call them may neither see a
-- password nor alter another role.
CREATE ROLE ops_owner NOLOGIN CREATEROLE;
GRANT pg_signal_backend, pg_read_all_stats TO ops_owner;
-- From PostgreSQL 16 on, whoever alters a role needs this besides CREATEROLE:
GRANT shop_app TO ops_owner WITH ADMIN OPTION;

CREATE SCHEMA ops AUTHORIZATION ops_owner;
REVOKE ALL ON SCHEMA ops FROM PUBLIC;
GRANT USAGE ON SCHEMA ops TO keyturn_maker WITH GRANT OPTION;
SET ROLE ops_owner;

CREATE TABLE ops.rotatable (role name PRIMARY KEY);
INSERT INTO ops.rotatable VALUES ('shop_app');

-- A verifier, as the client computes it from a password that never comes here.
CREATE FUNCTION ops.set_verifier(wanted text, verifier text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM ops.rotatable WHERE role = wanted) THEN
    RAISE EXCEPTION 'the password of % is not rotated here: it is not in ops.rotatable', wanted;
  END IF;
  IF verifier !~ '^SCRAM-SHA-256\$[0-9]{4,7}:[A-Za-z0-9+/=]{16,64}\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}$' THEN
    RAISE EXCEPTION 'that is no SCRAM-SHA-256 verifier';
  END IF;
  EXECUTE format('ALTER ROLE %I PASSWORD %L', wanted, verifier);
END $$;

-- All its sessions: how many. Whoever has the password of today begins another.
CREATE FUNCTION ops.end_sessions(wanted text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE ended bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM ops.rotatable WHERE role = wanted) THEN
    RAISE EXCEPTION 'the sessions of % are not ended here: it is not in ops.rotatable', wanted;
  END IF;
  SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) INTO ended
  FROM pg_stat_activity WHERE usename = wanted AND pid <> pg_backend_pid();
  RETURN ended;
END $$;

REVOKE ALL ON FUNCTION ops.set_verifier(text, text), ops.end_sessions(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ops.set_verifier(text, text), ops.end_sessions(text) TO keyturn_maker WITH GRANT OPTION;
RESET ROLE;
