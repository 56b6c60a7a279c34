-- A client's days: kept for ever, while the log is not. A closed day takes corrections as adjustments only.

-- migrate:up

CREATE TABLE daily_costs (
	client_id uuid NOT NULL REFERENCES clients,
	date date NOT NULL,
	total_cost_cents numeric(20, 7) NOT NULL DEFAULT 0,
	total_requests bigint NOT NULL DEFAULT 0,
	total_tokens bigint NOT NULL DEFAULT 0,
	input_tokens bigint NOT NULL DEFAULT 0,
	output_tokens bigint NOT NULL DEFAULT 0,
	cached_input_tokens bigint NOT NULL DEFAULT 0,
	cache_write_tokens bigint NOT NULL DEFAULT 0,
	reasoning_tokens bigint NOT NULL DEFAULT 0,
	failed_requests bigint NOT NULL DEFAULT 0,
	unpriced_requests bigint NOT NULL DEFAULT 0,
	unique_users bigint NOT NULL DEFAULT 0,
	closed_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (client_id, date)
);

CALL isolate('daily_costs');
CREATE TRIGGER daily_costs_updated_at BEFORE UPDATE ON daily_costs
	FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE FUNCTION refuse_closed_day() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the day % is closed', OLD.date USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER daily_costs_closed BEFORE UPDATE OR DELETE ON daily_costs
	FOR EACH ROW WHEN (OLD.closed_at IS NOT NULL) EXECUTE FUNCTION refuse_closed_day();

GRANT SELECT ON daily_costs TO tally_app;
GRANT SELECT, INSERT, UPDATE ON daily_costs TO tally_worker;

CREATE TABLE cost_adjustments (
	client_id uuid NOT NULL REFERENCES clients,
	id uuid NOT NULL,
	date date NOT NULL,
	amount_cents numeric(20, 7) NOT NULL CHECK (amount_cents <> 0),
	reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
	api_key_id uuid,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (client_id, id)
);

-- The adjustments of a day, beside its total.
CREATE INDEX cost_adjustments_date ON cost_adjustments (client_id, date, id);

CALL isolate('cost_adjustments');
CREATE TRIGGER cost_adjustments_append_only BEFORE UPDATE OR DELETE ON cost_adjustments
	FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON cost_adjustments TO tally_app, tally_worker;

-- migrate:down

DROP TABLE cost_adjustments;
DROP TABLE daily_costs;
DROP FUNCTION refuse_closed_day();
