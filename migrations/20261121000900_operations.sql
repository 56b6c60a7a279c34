-- Who changed what, and when each job last did its work.

-- migrate:up

CREATE TABLE audit_log (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	api_key_id uuid,     -- NULL: the operator's command line
	user_id uuid,
	ip_address inet,
	request_id text,
	action text NOT NULL,
	entity text NOT NULL,
	entity_id text,
	before jsonb,        -- without secrets
	after jsonb,
	PRIMARY KEY (client_id, id)
);
CALL isolate('audit_log');
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
	FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON audit_log TO tally_app, tally_worker;

-- Not a tenant's: one row for each job.
CREATE TABLE job_runs (
	job text PRIMARY KEY,
	started_at timestamptz NOT NULL,
	succeeded_at timestamptz,  -- of the last run that succeeded
	duration_ms bigint,
	rows bigint,
	bytes bigint,
	drift_nanos bigint,        -- what reconcile found
	error text                 -- of the last run, NULL when it succeeded
);

GRANT SELECT ON job_runs TO tally_app;
GRANT SELECT, INSERT, UPDATE ON job_runs TO tally_worker;

-- migrate:down

DROP TABLE job_runs;
DROP TABLE audit_log;
