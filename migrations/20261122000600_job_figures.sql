-- What the job expire saw at its last run, over all clients: for /metrics and /readyz.

-- migrate:up

ALTER TABLE job_runs
	ADD COLUMN open_holds bigint,
	ADD COLUMN held_nanos bigint,
	ADD COLUMN oldest_hold_ms bigint, -- age of the oldest of them; 0: there is none
	ADD COLUMN spent_nanos bigint;    -- of each client's day, as daily_costs had it

-- migrate:down

ALTER TABLE job_runs
	DROP COLUMN open_holds,
	DROP COLUMN held_nanos,
	DROP COLUMN oldest_hold_ms,
	DROP COLUMN spent_nanos;
