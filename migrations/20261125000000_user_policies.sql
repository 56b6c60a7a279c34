-- Keys that are bound to a user see and write that user's rows, and nothing of others, within what their client has:
-- app.user_id names the user, and is empty for every other transaction. The write path commits many clients' records at
-- once and has no user: there the service itself holds each record and authorization against the key it came with.

-- migrate:up

-- Rows of the user only, where there is one: those of nobody are hidden as well. The policy restricts what isolate()
-- permits. It compares as it does because the planner, who knows nothing of users, takes this for a filter that lets
-- nearly all rows through, as it does nearly always, and keeps the plans that it would make without; a test for equality
-- or NULL would pass for one that leaves a row in 200.
CREATE PROCEDURE isolate_user(target regclass, user_column name)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE POLICY bound_user ON %s AS RESTRICTIVE TO tally_app USING (num_nonnulls(nullif(
		(SELECT nullif(current_setting(''app.user_id'', true), '''')::uuid), %I)) <> 1)', target, user_column);
END
$$;

-- For tables that do not tell users apart: nothing of them, where there is a user.
CREATE PROCEDURE hide_from_users(target regclass)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE POLICY bound_user ON %s AS RESTRICTIVE TO tally_app USING (
		(SELECT coalesce(current_setting(''app.user_id'', true), '''') = ''''))', target);
END
$$;

CALL isolate_user('users', 'id');
CALL isolate_user('auth_tokens', 'user_id');
CALL isolate_user('sessions', 'user_id');
CALL isolate_user('chat_logs', 'user_id');
CALL isolate_user('authorizations', 'user_id');
CALL isolate_user('budgets', 'user_id');
-- The user is who made the change.
CALL isolate_user('audit_log', 'user_id');

-- What was used by user; all other dimensions are sums over many.
CREATE POLICY bound_user ON cost_aggregates AS RESTRICTIVE TO tally_app USING (num_nonnulls(nullif(
	(SELECT nullif(current_setting('app.user_id', true), '')) COLLATE "C",
	CASE dimension WHEN 'user' THEN key[1] END)) <> 1);

-- Totals of the client, and what is said of them.
CALL hide_from_users('daily_costs');
CALL hide_from_users('cost_adjustments');
CALL hide_from_users('budget_carries');
CALL hide_from_users('alerts');
CALL hide_from_users('webhooks');
CALL hide_from_users('webhook_deliveries');
-- A prompt is known by its text alone, whoever sent it.
CALL hide_from_users('prompt_events');
CALL hide_from_users('prompt_analysis');
CALL hide_from_users('prompt_embeddings');

-- Left open, because they say nothing of anybody and a user's requests need them: clients (name and zone), model_pricing,
-- counter_states (epoch and day), ingest_batches, rollup_clients and rollup_pending (which days and hours are summed
-- already). And idempotency_keys, which keep answers: a request finds one by its key and the hash of the request, and the
-- user is a part of that hash.

-- migrate:down

DO $$
DECLARE
	target regclass;
BEGIN
	FOR target IN SELECT polrelid FROM pg_policy WHERE polname = 'bound_user'
	LOOP
		EXECUTE format('DROP POLICY bound_user ON %s', target);
	END LOOP;
END
$$;
DROP PROCEDURE hide_from_users(regclass);
DROP PROCEDURE isolate_user(regclass, name);
