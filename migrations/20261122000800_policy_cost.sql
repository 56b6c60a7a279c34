-- The policy of a tenant table is a filter and no more: IS TRUE keeps it from becoming a condition on an index. As one,
-- the planner takes each look-up in the index for ten, because it cannot see how many tenants the transaction has, and
-- reads small tables and long ranges instead. A statement names the client it means; that is what the index is for.

-- migrate:up

CREATE OR REPLACE PROCEDURE isolate(target regclass)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
	EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
	EXECUTE format('CREATE POLICY client ON %s TO tally_app USING ((client_id = ANY (ARRAY(
		SELECT unnest(string_to_array(current_setting(''app.client_id'', true), '',''))::uuid))) IS TRUE)', target);
	-- Jobs serve every tenant; the owner needs the rows for data migrations and foreign keys.
	EXECUTE format('CREATE POLICY every_client ON %s TO tally_worker, tally_owner USING (true)', target);
END
$$;

DO $$
DECLARE
	target regclass;
BEGIN
	FOR target IN
		SELECT polrelid FROM pg_policy
		WHERE polname = 'client' AND polrelid NOT IN ('clients'::regclass, 'model_pricing'::regclass)
	LOOP
		EXECUTE format('ALTER POLICY client ON %s USING ((client_id = ANY (ARRAY(
			SELECT unnest(string_to_array(current_setting(''app.client_id'', true), '',''))::uuid))) IS TRUE)', target);
	END LOOP;
END
$$;

-- migrate:down

CREATE OR REPLACE PROCEDURE isolate(target regclass)
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

DO $$
DECLARE
	target regclass;
BEGIN
	FOR target IN
		SELECT polrelid FROM pg_policy
		WHERE polname = 'client' AND polrelid NOT IN ('clients'::regclass, 'model_pricing'::regclass)
	LOOP
		EXECUTE format('ALTER POLICY client ON %s USING (client_id = ANY (ARRAY(
			SELECT unnest(string_to_array(current_setting(''app.client_id'', true), '',''))::uuid)))', target);
	END LOOP;
END
$$;
