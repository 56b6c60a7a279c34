-- What later migrations build on: the isolation of tenants, updated_at, cache invalidation, append-only tables.

-- migrate:up

-- The tenants that this transaction may see: app.client_id holds one id, or several separated by commas in the write
-- path. It is NULL before a connection's first transaction and empty after one that had it; both give no tenant.
-- Each policy reads it in a sub-select, which is evaluated once a query and not once a row.
CREATE PROCEDURE isolate(target regclass)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
	EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
	EXECUTE format('CREATE POLICY client ON %s TO tally_app USING (client_id = ANY (ARRAY(
		SELECT unnest(string_to_array(current_setting(''app.client_id'', true), '',''))::uuid)))', target);
	-- Jobs serve every tenant; the owner needs the rows for data migrations and foreign keys.
	EXECUTE format('CREATE POLICY every_client ON %s TO tally_worker, tally_owner USING (true)', target);
END
$$;

CREATE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	NEW.updated_at := clock_timestamp();
	RETURN NEW;
END
$$;

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

-- Tells every tallyd which of its cached tables has changed.
CREATE FUNCTION notify_cache() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('tally_cache', TG_TABLE_NAME);
	RETURN NULL;
END
$$;

GRANT USAGE ON SCHEMA public TO tally_app, tally_worker;
-- The runner made this table before the first migration.
GRANT SELECT ON schema_migrations TO tally_app, tally_worker;

-- migrate:down

REVOKE ALL ON schema_migrations FROM tally_app, tally_worker;
REVOKE USAGE ON SCHEMA public FROM tally_app, tally_worker;
DROP FUNCTION notify_cache();
DROP FUNCTION refuse_change();
DROP FUNCTION set_updated_at();
DROP PROCEDURE isolate(regclass);
