-- What budgets count, kept apart from what may change or go: the tier that a user had when a call was counted, and what
-- was spent by records that purge has removed since.

-- migrate:up

ALTER TABLE chat_logs ADD COLUMN user_tier text CHECK (user_tier IN ('anonymous', 'free', 'premium', 'enterprise'));

-- What was spent in a budget's window is the sum over the log and these rows; they are written by the transaction that
-- removes the records. The bucket '' is all buckets together: a call with two tags falls into two of them, but counts
-- once there.
CREATE TABLE budget_carries (
	client_id uuid NOT NULL,
	budget_id uuid NOT NULL,
	bucket text NOT NULL,
	window_start timestamptz NOT NULL, -- where the window is rolling: the start of its step
	cost_cents numeric(20, 7) NOT NULL,
	requests bigint NOT NULL,
	tokens bigint NOT NULL,
	unpriced bigint NOT NULL,
	PRIMARY KEY (client_id, budget_id, bucket, window_start),
	CONSTRAINT budget_carries_budget FOREIGN KEY (client_id, budget_id) REFERENCES budgets ON DELETE CASCADE
);

CALL isolate('budget_carries');

GRANT SELECT ON budget_carries TO tally_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON budget_carries TO tally_worker;

-- migrate:down

DROP TABLE budget_carries;
ALTER TABLE chat_logs DROP COLUMN user_tier;
