-- A day whose row was found equal to the log can be closed without summing the log again.

-- migrate:up

-- The zone in which the day was compared; NULL: not since the row changed. A record that came since is one of a batch
-- that names the day until flush has summed it again, which changes the row.
ALTER TABLE daily_costs ADD COLUMN reconciled_in text CHECK (length(reconciled_in) <= 64);

-- migrate:down

ALTER TABLE daily_costs DROP COLUMN reconciled_in;
