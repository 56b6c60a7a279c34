-- GET /v1/billing/clients: which clients are beyond the limits of their month, for operators.

-- migrate:up

CREATE POLICY operator ON budgets FOR SELECT TO tally_app
	USING ((SELECT current_setting('app.operator', true)) = 'on');

-- migrate:down

DROP POLICY operator ON budgets;
