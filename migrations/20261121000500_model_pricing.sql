-- What a model costs, from when to when. Rates are pico-dollars a token. Rows are append-only but for valid_to: each
-- record keeps the id of the price that was applied.

-- migrate:up

CREATE TABLE model_pricing (
	id uuid PRIMARY KEY,
	client_id uuid REFERENCES clients, -- NULL: holds for every client that has no price of its own
	provider text NOT NULL CHECK (length(provider) BETWEEN 1 AND 80),
	model text NOT NULL CHECK (length(model) BETWEEN 1 AND 160),
	valid_from timestamptz NOT NULL,
	valid_to timestamptz,              -- NULL: until the next row's valid_from
	input_rate bigint NOT NULL CHECK (input_rate BETWEEN 0 AND 1000000000000),
	output_rate bigint NOT NULL CHECK (output_rate BETWEEN 0 AND 1000000000000),
	cached_rate bigint CHECK (cached_rate BETWEEN 0 AND 1000000000000),
	cache_write_rate bigint CHECK (cache_write_rate BETWEEN 0 AND 1000000000000),
	reasoning_rate bigint CHECK (reasoning_rate BETWEEN 0 AND 1000000000000),
	batch_input_rate bigint CHECK (batch_input_rate BETWEEN 0 AND 1000000000000),
	batch_output_rate bigint CHECK (batch_output_rate BETWEEN 0 AND 1000000000000),
	tier_tokens bigint CHECK (tier_tokens > 0), -- above so many input tokens the tier_ rates hold
	tier_input_rate bigint CHECK (tier_input_rate BETWEEN 0 AND 1000000000000),
	tier_output_rate bigint CHECK (tier_output_rate BETWEEN 0 AND 1000000000000),
	tier_cached_rate bigint CHECK (tier_cached_rate BETWEEN 0 AND 1000000000000),
	tier_cache_write_rate bigint CHECK (tier_cache_write_rate BETWEEN 0 AND 1000000000000),
	source text,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CHECK (valid_to > valid_from)
);

-- The price of a model at a time; one price begins at a time.
CREATE UNIQUE INDEX model_pricing_model ON model_pricing
	(coalesce(client_id, '00000000-0000-0000-0000-000000000000'), provider, model, valid_from);

ALTER TABLE model_pricing ENABLE ROW LEVEL SECURITY;
ALTER TABLE model_pricing FORCE ROW LEVEL SECURITY;
CREATE POLICY client ON model_pricing FOR SELECT TO tally_app
	USING (client_id IS NULL OR client_id = ANY (ARRAY(
		SELECT unnest(string_to_array(current_setting('app.client_id', true), ','))::uuid)));
CREATE POLICY every_client ON model_pricing TO tally_worker, tally_owner USING (true);

CREATE TRIGGER model_pricing_no_delete BEFORE DELETE ON model_pricing
	FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER model_pricing_no_update
	BEFORE UPDATE OF id, client_id, provider, model, valid_from, input_rate, output_rate, cached_rate, cache_write_rate,
		reasoning_rate, batch_input_rate, batch_output_rate, tier_tokens, tier_input_rate, tier_output_rate,
		tier_cached_rate, tier_cache_write_rate ON model_pricing
	FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER model_pricing_notify AFTER INSERT OR UPDATE ON model_pricing
	FOR EACH STATEMENT EXECUTE FUNCTION notify_cache();

GRANT SELECT ON model_pricing TO tally_app;
GRANT SELECT, INSERT, UPDATE (valid_to) ON model_pricing TO tally_worker;

-- migrate:down

DROP TABLE model_pricing;
