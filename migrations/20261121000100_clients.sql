-- Tenants. The nil id is the operator: it owns the operator's keys and audit rows, and no records.

-- migrate:up

CREATE TABLE clients (
	id uuid PRIMARY KEY,
	name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
	plan text NOT NULL DEFAULT 'free' CHECK (plan IN ('free', 'pro', 'enterprise')),
	timezone text NOT NULL DEFAULT 'UTC',
	log_retention_days integer CHECK (log_retention_days BETWEEN 1 AND 36500),
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	deactivated_at timestamptz,
	deleted_at timestamptz
);

ALTER TABLE clients ENABLE ROW LEVEL SECURITY;
ALTER TABLE clients FORCE ROW LEVEL SECURITY;
CREATE POLICY client ON clients TO tally_app
	USING (id = ANY (ARRAY(SELECT unnest(string_to_array(current_setting('app.client_id', true), ','))::uuid)));
CREATE POLICY operator ON clients TO tally_app
	USING ((SELECT current_setting('app.operator', true)) = 'on');
CREATE POLICY every_client ON clients TO tally_worker, tally_owner USING (true);

CREATE TRIGGER clients_updated_at BEFORE UPDATE ON clients FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER clients_notify AFTER INSERT OR UPDATE OR DELETE ON clients
	FOR EACH STATEMENT EXECUTE FUNCTION notify_cache();

INSERT INTO clients (id, name) VALUES ('00000000-0000-0000-0000-000000000000', 'operator');

GRANT SELECT, INSERT, UPDATE ON clients TO tally_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON clients TO tally_worker;

-- migrate:down

DROP TABLE clients;
