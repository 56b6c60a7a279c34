-- The rows that flush has written, by one statement.
CREATE TEMP TABLE days AS SELECT * FROM daily_costs;
TRUNCATE daily_costs;
\timing on
INSERT INTO daily_costs SELECT * FROM days;
